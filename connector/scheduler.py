"""The clock of the jobs: each is one line into a service.

Any number of jobs processes may run; the one that holds the lease ticks, the others wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from connector.domain.ledger import RunState
from connector.errors import ConflictingWriteError, ConnectorError, TemporaryError
from connector.logs import correlated
from connector.ports import Clock, Store
from connector.purpose import Purpose, calling_for
from connector.services.aggregation import SYNC_JOB, AggregationService
from connector.services.context import Actor, new_id
from connector.services.due import DueService
from connector.services.erasure import ErasureService
from connector.services.job_runs import JobRuns
from connector.services.job_watch import JobWatch
from connector.services.notifications import NotificationService
from connector.services.settlement import SettlementService
from connector.services.work_items import WorkItemService
from connector.settings import JobSettings, TenantSettings

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
RENEW_EVERY_S = 15
_LEASE_KEY = "scheduler"
_JITTER_S = 5
_ERASE_EVERY_S = 3600.0
"""DocuSign takes its time over erasures; nobody waits for the minute."""
_AGAIN_AFTER_S = 60.0


Acting = Callable[[str, str], AbstractContextManager[None]]


class Jobs(Protocol):
    """What the scheduler needs of a tenant."""

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""

    @property
    def work_items(self) -> WorkItemService:
        """Verifies manual tasks."""

    @property
    def due(self) -> DueService:
        """Reminds, escalates and expires."""

    @property
    def aggregation(self) -> AggregationService:
        """Fills the mirror."""

    @property
    def settlement(self) -> SettlementService:
        """Settles abandoned plans."""

    @property
    def notifications(self) -> NotificationService:
        """Delivers what people shall hear of."""

    @property
    def runs(self) -> JobRuns:
        """Keeps what became of runs."""

    @property
    def watch(self) -> JobWatch:
        """Tells of jobs that fail."""

    @property
    def erasures(self) -> ErasureService:
        """Goes on with confirmed erasures."""

    def anchor(self, actor: Actor) -> object:
        """Note where the audit chain stands."""


class JobScheduler:
    """Runs the jobs of tenants at their intervals, as long as this process holds the lease."""

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
            timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": 3600}
        )

    def add(self, tenant: Jobs) -> None:
        """Schedule the jobs of a tenant."""
        self._tenants.append(tenant.settings.name)
        for name, job in JOBS.items():
            wait = self._until_sync(tenant) if name == SYNC_JOB else None
            self._every(job.interval_s(self._settings), name, tenant, wait=wait)

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

    def _until_sync(self, tenant: Jobs) -> timedelta:
        """Return how long until a full aggregation is due: no time for a mirror that never had one,
        and no longer because the process was started anew."""
        with self._store.read(tenant.settings.name) as uow:
            last = uow.jobs.latest(SYNC_JOB)
        # A moment's grace, so that the lease is held when it fires.
        soon = timedelta(seconds=2)
        if last is None or last.finished_at is None or last.state is not RunState.DONE:
            return soon
        due_at = last.finished_at + timedelta(seconds=self._settings.sync_interval_s)
        return max(soon, due_at - self._clock.now())

    def _every(
        self,
        interval_s: float,
        name: str,
        tenant: Jobs,
        *,
        wait: timedelta | None = None,
    ) -> None:
        if interval_s <= 0:
            return
        # The scheduler's own clock is the system's, whatever ours is.
        first = {} if wait is None else {"next_run_time": datetime.now(UTC) + wait}
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=interval_s,
            jitter=min(_JITTER_S, interval_s / 10),
            id=f"{tenant.settings.name}:{name}",
            max_instances=1,
            args=(name, tenant),
            **first,
        )

    def _tick(self, name: str, tenant: Jobs) -> None:
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
                if name == "sync" and isinstance(error, TemporaryError):
                    self._again(name, tenant, error.retry_after_s)
            else:
                log.debug("job done", outcome=outcome)

    def _again(self, name: str, tenant: Jobs, wait_s: float) -> None:
        """Go on sooner than the interval says: a run that paused keeps its place for hours only."""
        wait = timedelta(seconds=min(max(wait_s, _AGAIN_AFTER_S), 3600.0) + _JITTER_S)
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


def run_job(name: str, tenant: Jobs, actor: Actor) -> object:
    """Run a job of :data:`JOBS` and return what it did.

    What became of it is kept; whether it works is told where that changes.
    """
    try:
        outcome = tenant.runs.run(name, actor, lambda: JOBS[name].work(tenant, actor))
    except ConflictingWriteError:
        raise
    except ConnectorError as error:
        tenant.watch.failed(name, error, actor)
        raise
    tenant.watch.succeeded(name, actor)
    return outcome


def _settle(tenant: Jobs, actor: Actor) -> object:
    with calling_for(Purpose.SETTLEMENT):
        return tenant.settlement.settle_all(actor)


def _verify(tenant: Jobs, actor: Actor) -> object:
    with calling_for(Purpose.VERIFICATION):
        return tenant.work_items.verify_all(actor)


def _people(tenant: Jobs, actor: Actor) -> object:
    return tenant.due.run(actor)


def _sync(tenant: Jobs, _actor: Actor) -> object:
    return tenant.aggregation.sync().counts


def _erase(tenant: Jobs, actor: Actor) -> object:
    return tenant.erasures.carry_out_all(actor)


def _notify(tenant: Jobs, _actor: Actor) -> object:
    return tenant.notifications.deliver_due()


def _anchor(tenant: Jobs, actor: Actor) -> object:
    return tenant.anchor(actor)


@dataclass(frozen=True)
class Job:
    """Something that is done again and again."""

    what: str
    """For people."""
    work: Callable[[Jobs, Actor], object]
    interval_s: Callable[[JobSettings], float]
    """Seconds between two runs; 0 for never."""


JOBS: dict[str, Job] = {
    "settle": Job(
        "carries out queued changes and finishes what a killed process left",
        _settle,
        lambda settings: settings.settle_interval_s,
    ),
    "verify": Job(
        "looks whether manual tasks were done",
        _verify,
        lambda settings: settings.verify_interval_s,
    ),
    "people": Job(
        "expires approvals, reminds, escalates",
        _people,
        lambda settings: settings.people_interval_s,
    ),
    "sync": Job("reads everything from DocuSign", _sync, lambda settings: settings.sync_interval_s),
    "erase": Job("carries out erasures", _erase, lambda _settings: _ERASE_EVERY_S),
    "notify": Job("delivers notices", _notify, lambda settings: settings.notify_interval_s),
    "anchor": Job(
        "notes where the audit chain stands", _anchor, lambda settings: settings.anchor_interval_s
    ),
}
"""The jobs of a tenant, by name."""
