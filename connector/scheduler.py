"""The clock of the jobs.

Any number of jobs processes may run; the one that holds the lease ticks, the others wait. What a
tick starts runs in this process, or goes to the queue of the workers.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.tenants.records import INSTALLATION
from connector.errors import ConnectorError
from connector.ports import Clock, Store
from connector.services.jobs.declared import JOBS, TAKEN_UP_AFTER, Job, JobTenant, schedule_of
from connector.services.jobs.schedules import next_run_at, trigger_of
from connector.settings import JobSettings

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
RENEW_EVERY_S = 15
SCHEDULER_KEY = "scheduler"
"""The lease of whoever ticks, among those of no tenant."""
_LATER_S = 5
_LOOK_EVERY_S = 60.0
"""For runs that wait for calls, whoever began them."""
_SPREAD_S = 0.1
"""For each tenant: over so many seconds what is due at once begins."""
_JUMP_S = 30.0
"""The clock of the machine was set by more than this: what was planned by the old one is planned
anew. Less only makes a run early or late."""

Start = Callable[[str, str], float | None]
"""Starts a job of a tenant (tenant, job); returns the seconds after which to start it again, sooner
than its schedule says, or None."""

Waiting = Callable[[datetime], Mapping[tuple[str, str], JobRun]]
"""Returns the last runs that wait for calls at a time, by tenant and job."""


def _nothing() -> None:
    """Do nothing."""


class JobScheduler:
    """Starts the jobs of tenants at their times, as long as this process holds the lease."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        owner: str,
        settings: JobSettings,
        *,
        tenants: Callable[[], Iterable[JobTenant]],
        start: Start,
        waiting: Waiting,
        leading: Callable[[], None] = _nothing,
    ) -> None:
        """:param tenants: those that are served now; asked again and again.
        :param waiting: returns the last runs that wait for calls now, of all tenants.
        :param leading: done every few seconds by whoever holds the lease.
        """
        self._store = store
        self._clock = clock
        self._owner = owner
        self._settings = settings
        self._tenants = tenants
        self._start = start
        self._waiting = waiting
        self._leading = leading
        self._leads = threading.Event()
        self._known: dict[str, JobTenant] = {}
        self._is_stale = False
        """Whether what was scheduled no longer holds, of all tenants."""
        self._taken_up: dict[str, datetime] = {}
        """Until when the runs wait that are scheduled to go on, by the id of what was scheduled."""
        self._looked_at = -_LOOK_EVERY_S
        # A job that is late because the process slept runs once, not once for each missed time.
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1}
        )

    def run(self, stop: threading.Event) -> None:
        """Tick until *stop* is set; what runs then ends first."""
        self.follow()
        self._scheduler.start()
        try:
            while not stop.is_set():
                self._renew()
                self._take_up_now_and_then()
                before, started = datetime.now(UTC), time.monotonic()
                stop.wait(RENEW_EVERY_S)
                self._after(datetime.now(UTC) - before, time.monotonic() - started)
        finally:
            self._scheduler.shutdown(wait=True)
            self._give_up()

    def follow(self) -> None:
        """Schedule the jobs of tenants that came or changed; drop those of tenants that left."""
        served = {tenant.settings.name: tenant for tenant in self._tenants()}
        for name in self._known.keys() - served.keys():
            self._drop(name)
        for name, tenant in served.items():
            if self._is_stale or self._known.get(name) is not tenant:
                if name in self._known:
                    self._drop(name)
                self._add(name, tenant, spread_s=_SPREAD_S * (len(served) - 1))
        self._known, self._is_stale = served, False

    def _after(self, told: timedelta, passed_s: float) -> None:
        """Keep up with tenants, and with a machine whose clock was set."""
        if abs(told.total_seconds() - passed_s) > _JUMP_S:
            _log.warning("the machine's clock was set", by_s=told.total_seconds() - passed_s)
            self._is_stale = True
        self._follow_later()

    def _follow_later(self) -> None:
        """Follow the tenants, now or, where the database is away, the next time."""
        try:
            self.follow()
        except ConnectorError as error:
            _log.warning("the tenants' schedules cannot be read", error=str(error))

    def _add(self, name: str, tenant: JobTenant, spread_s: float) -> None:
        last_starts = tenant.runs.last_starts(JOBS)
        for job in JOBS.values():
            self._schedule(name, job, tenant, last_starts.get(job.name), spread_s)

    def _drop(self, name: str) -> None:
        for job in JOBS:
            self._taken_up.pop(f"{name}:{job}:again", None)
            for job_id in (f"{name}:{job}", f"{name}:{job}:again"):
                with suppress(JobLookupError):
                    self._scheduler.remove_job(job_id)

    def _schedule(
        self, name: str, job: Job, tenant: JobTenant, last: datetime | None, spread_s: float
    ) -> None:
        """Let a job run at its times, what was missed while no process ran included; what is due
        for many tenants at once is spread."""
        schedule, timezone = schedule_of(job, self._settings, tenant.settings)
        try:
            trigger = trigger_of(schedule, timezone)
        except (ValueError, KeyError, OSError) as error:
            # One tenant's schedule, read from the database, does not take the others with it.
            _log.error("a schedule is passed over", tenant=name, job=job.name, error=str(error))
            return
        if trigger is None:
            return
        now = self._clock.now()
        first = next_run_at(schedule, timezone, last, now)
        # The scheduler's own clock is the system's, whatever ours is.
        at = None if first is None else datetime.now(UTC) + (first - now)
        if at is not None and schedule.every_s:
            later = random.uniform(0, min(spread_s, schedule.every_s))  # noqa: S311
            at += timedelta(seconds=later)
        self._scheduler.add_job(
            self._tick,
            trigger,
            id=f"{name}:{job.name}",
            args=(name, job.name),
            misfire_grace_time=max(1, int(schedule.misfire_grace_s)),
            next_run_time=at,
            replace_existing=True,
        )

    def _tick(self, tenant: str, job: str) -> bool:
        """Start a job, if this process holds the lease; return whether it was started."""
        if not self._leads.is_set():
            return False
        try:
            wait_s = self._start(tenant, job)
        except ConnectorError as error:
            _log.warning("job cannot be started", tenant=tenant, job=job, error=str(error))
            return False
        if wait_s is not None:
            self._go_on_in(tenant, job, wait_s + _LATER_S)
        return True

    def _go_on_in(self, tenant: str, job: str, wait_s: float) -> None:
        self._scheduler.add_job(
            self._tick_again,
            "date",
            run_date=datetime.now(UTC) + timedelta(seconds=wait_s),
            id=f"{tenant}:{job}:again",
            misfire_grace_time=None,
            replace_existing=True,
            args=(tenant, job),
        )

    def _tick_again(self, tenant: str, job: str) -> None:
        """Go on with a run that had to pause, unless somebody has done so or is at it; what cannot
        be started is taken up anew."""
        known = self._known.get(tenant)
        is_paused = False
        with suppress(ConnectorError):
            last = known.runs.latest(job) if known else None
            if last is not None and last.state in (RunState.RUNNING, RunState.DONE):
                return
            is_paused = known is not None and job in known.runs.paused()
        if is_paused or not self._tick(tenant, job):
            self._taken_up.pop(f"{tenant}:{job}:again", None)

    def _take_up_now_and_then(self) -> None:
        if self._leads.is_set() and time.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            self.take_up()

    def take_up(self) -> None:
        """Schedule what waits for calls to go on once they are allowed again, sooner than its
        schedule says, whoever began it: another process, or a person by a command. What belongs to
        a paused job waits until it is resumed."""
        now = self._clock.now()
        try:
            waiting = self._waiting(now)
        except ConnectorError as error:
            _log.warning("what waits cannot be read", error=str(error))
            return
        for (name, job), run in waiting.items():
            tenant, at = self._known.get(name), run.goes_on_at
            if tenant is not None and at is not None and job in JOBS and JOBS[job].resumes:
                self._take_up(tenant, job, at, now)

    def _take_up(self, tenant: JobTenant, job: str, at: datetime, now: datetime) -> None:
        name = tenant.settings.name
        job_id = f"{name}:{job}:again"
        if self._taken_up.get(job_id) == at or self._scheduler.get_job(job_id):
            return
        try:
            if job in tenant.runs.paused():
                return
        except ConnectorError as error:
            _log.warning("what waits cannot be read", tenant=name, error=str(error))
            return
        self._taken_up[job_id] = at
        wait_s = (at + TAKEN_UP_AFTER - now).total_seconds()
        self._go_on_in(name, job, max(0.0, wait_s))

    def _renew(self) -> None:
        """Take or keep the lease; without it this process only waits."""
        now = self._clock.now()
        try:
            with self._store.write(INSTALLATION) as uow:
                leads = uow.locks.acquire([SCHEDULER_KEY], self._owner, now + LEASE, now)
                uow.commit()
        except ConnectorError as error:
            _log.warning("the scheduler's lease cannot be renewed", error=str(error))
            leads = False
        if leads and not self._leads.is_set():
            # Whoever led before has run jobs since these were scheduled.
            self._is_stale = True
            self._follow_later()
        if leads != self._leads.is_set():
            _log.info("scheduler", leads=leads)
        (self._leads.set if leads else self._leads.clear)()
        if leads:
            self._leading()

    def _give_up(self) -> None:
        """Let another process tick at once; one that cannot be told waits for the lease's end."""
        try:
            with self._store.write(INSTALLATION) as uow:
                uow.locks.release([SCHEDULER_KEY], self._owner)
                uow.commit()
        except ConnectorError as error:
            _log.warning("the scheduler's lease cannot be given back", error=str(error))
