"""The clock of the jobs.

Any number of jobs processes may run; the one that holds the lease ticks, the others wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from connector.errors import ConflictingWriteError, ConnectorError, TemporaryError
from connector.logs import correlated
from connector.ports import Clock, Store
from connector.services.aggregation import SYNC_JOB
from connector.services.context import Actor, new_id
from connector.services.jobs import JOBS, Job, JobTenant, run_job, schedule_of
from connector.services.schedules import next_run_at, trigger_of
from connector.settings import JobSettings

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
RENEW_EVERY_S = 15
_LEASE_KEY = "scheduler"
_LATER_S = 5
_AGAIN_AFTER_S = 60.0


Acting = Callable[[str, str], AbstractContextManager[None]]


class JobScheduler:
    """Runs the jobs of tenants at their times, as long as this process holds the lease."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        owner: str,
        settings: JobSettings,
        acting: Acting = lambda _tenant, _actor: nullcontext(),
    ) -> None:
        """:param acting: tells the audit who acts for which tenant."""
        self._acting = acting
        self._store = store
        self._clock = clock
        self._owner = owner
        self._settings = settings
        self._leads = threading.Event()
        self._tenants: list[str] = []
        # A job that is late because the process slept runs once, not once for each missed time.
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1}
        )

    def add(self, tenant: JobTenant) -> None:
        """Schedule the jobs of a tenant."""
        self._tenants.append(tenant.settings.name)
        last_starts = tenant.runs.last_starts(JOBS)
        for job in JOBS.values():
            self._schedule(job, tenant, last_starts.get(job.name))

    def run(self, stop: threading.Event) -> None:
        """Tick until *stop* is set; a job that runs then is finished first."""
        self._scheduler.start()
        try:
            while not stop.is_set():
                self._renew()
                stop.wait(RENEW_EVERY_S)
        finally:
            self._scheduler.shutdown(wait=True)
            self._give_up()

    def _schedule(self, job: Job, tenant: JobTenant, last: datetime | None) -> None:
        """Let a job run at its times, what was missed while no process ran included."""
        schedule, timezone = schedule_of(job, self._settings, tenant.settings)
        trigger = trigger_of(schedule, timezone)
        if trigger is None:
            return
        now = self._clock.now()
        first = next_run_at(schedule, timezone, last, now)
        # The scheduler's own clock is the system's, whatever ours is.
        at = None if first is None else datetime.now(UTC) + (first - now)
        self._scheduler.add_job(
            self._tick,
            trigger,
            id=f"{tenant.settings.name}:{job.name}",
            args=(job.name, tenant),
            misfire_grace_time=max(1, int(schedule.misfire_grace_s)),
            next_run_time=at,
        )

    def _tick(self, name: str, tenant: JobTenant) -> None:
        if not self._leads.is_set():
            return
        actor = Actor(f"job:{name}", "job", new_id())
        log = _log.bind(job=name, tenant=tenant.settings.name)
        with correlated(actor.correlation_id):
            try:
                if name in tenant.runs.paused():
                    return
                with self._acting(tenant.settings.name, actor.name):
                    outcome = run_job(name, tenant, actor)
            except ConflictingWriteError:
                log.info("job is running elsewhere")
            except ConnectorError as error:
                log.warning("job failed", error=str(error))
                if name == SYNC_JOB and isinstance(error, TemporaryError):
                    self._again(name, tenant, error.retry_after_s)
            else:
                log.debug("job done", outcome=outcome)

    def _again(self, name: str, tenant: JobTenant, wait_s: float) -> None:
        """Go on sooner than the schedule says: a run that paused keeps its place for hours only."""
        wait = timedelta(seconds=min(max(wait_s, _AGAIN_AFTER_S), 3600.0) + _LATER_S)
        self._scheduler.add_job(
            self._tick,
            "date",
            run_date=datetime.now(UTC) + wait,
            id=f"{tenant.settings.name}:{name}:again",
            replace_existing=True,
            args=(name, tenant),
        )

    @property
    def _lease_tenant(self) -> str:
        """Whose lease stands for all: the same one for every process, in whatever order their
        configuration files name the tenants."""
        return min(self._tenants)

    def _renew(self) -> None:
        """Take or keep the lease; without it this process only waits."""
        now = self._clock.now()
        try:
            with self._store.write(self._lease_tenant) as uow:
                leads = uow.locks.acquire([_LEASE_KEY], self._owner, now + LEASE, now)
                uow.commit()
        except ConnectorError as error:
            _log.warning("the scheduler's lease cannot be renewed", error=str(error))
            leads = False
        if leads != self._leads.is_set():
            _log.info("scheduler", leads=leads)
        (self._leads.set if leads else self._leads.clear)()

    def _give_up(self) -> None:
        with self._store.write(self._lease_tenant) as uow:
            uow.locks.release([_LEASE_KEY], self._owner)
            uow.commit()
