"""The jobs of a tenant. To add one, add a :class:`Job` to ``_DECLARED``; schedule, commands,
console, history, metrics and workers take it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from connector.errors import BudgetUsedUpError, ConflictingWriteError, ConnectorError, StoppedError
from connector.logs import correlation_id
from connector.purpose import Purpose, calling_for
from connector.services.aggregation import (
    DELTA_JOB,
    SYNC_JOB,
    AggregationService,
    DeltaService,
    Read,
)
from connector.services.consent.connection_check import ConnectionCheck
from connector.services.context import Actor
from connector.services.drift.reconciliation import RECONCILE_JOB
from connector.services.drift.services import DriftServices
from connector.services.erasure import ErasureService
from connector.services.inbox.due import DueService
from connector.services.inbox.task_verification import TaskVerification
from connector.services.jobs.runs import JobRuns
from connector.services.jobs.watch import JobWatch
from connector.services.notifications.delivery import NotificationService
from connector.services.provisioning.settlement import SETTLING_PARTS, SettlementService
from connector.settings import JobSettings, ScheduleSettings, TenantSettings
from connector.tracing import span

_log = structlog.get_logger(__name__)


class JobTenant(Protocol):
    """What the jobs need of a tenant."""

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""

    @property
    def verification(self) -> TaskVerification:
        """Verifies manual tasks."""

    @property
    def due(self) -> DueService:
        """Reminds, escalates and expires."""

    @property
    def aggregation(self) -> AggregationService:
        """Fills the mirror."""

    @property
    def delta(self) -> DeltaService:
        """Reads what DocuSign hints at."""

    @property
    def drift(self) -> DriftServices:
        """Compares DocuSign with what is expected."""

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

    @property
    def connection(self) -> ConnectionCheck:
        """Looks at the connection to DocuSign."""

    def anchor(self, actor: Actor) -> object:
        """Note where the audit chain stands."""


TAKEN_UP_AFTER = timedelta(seconds=60)
"""So long after DocuSign allows calls again the clock goes on with a run that waits for them: a
command that waits itself (``sync --wait``) comes first."""


@dataclass(frozen=True)
class Shared:
    """A job that may be done in parts, each by another worker."""

    parts: int
    is_much: Callable[[JobTenant], bool]
    """Whether sharing is worth it: cheap, it is asked before every run."""
    work: Callable[[JobTenant, Actor, int], object]
    """Does one part, from 0."""


@dataclass(frozen=True)
class Job:
    """Something that is done again and again for each tenant."""

    name: str
    """Lower-case letters, digits and hyphens: it stands in settings, commands and metrics."""
    what: str
    """For people: what it does, in the third person."""
    default: ScheduleSettings
    """When it runs where the settings do not say."""
    work: Callable[[JobTenant, Actor], object]
    """Does one run and returns counts by name (or a number, or None). It is run by one process at a
    time for each tenant, may be killed at any instant, and is then run again."""
    purpose: Purpose | None = None
    """What its calls to DocuSign are counted as; None: the work itself says."""
    records_itself: bool = False
    """Whether the work keeps its own :class:`connector.domain.ledger.job_runs.JobRun`."""
    resumes: bool = False
    """Whether a run that had to pause keeps its place only for hours, so that it goes on sooner
    than the schedule says."""
    priority: int = 0
    """Where several wait for workers, higher ones begin first: what somebody waits for before what
    takes long."""
    shared: Shared | None = None
    """How several workers do it together, where there are several (PostgreSQL)."""


def every(seconds: float) -> ScheduleSettings:
    """Return the schedule of a job that runs again and again after so many seconds."""
    return ScheduleSettings(every_s=seconds)


_DECLARED = (
    Job(
        "settle",
        "carries out queued changes and finishes what a killed process left",
        every(15),
        lambda tenant, actor: tenant.settlement.settle_all(actor),
        purpose=Purpose.SETTLEMENT,
        priority=10,
        shared=Shared(
            SETTLING_PARTS,
            lambda tenant: tenant.settlement.is_much(),
            lambda tenant, actor, part: tenant.settlement.settle_all(actor, part=part),
        ),
    ),
    Job(
        "verify",
        "looks whether manual tasks were done",
        every(300),
        lambda tenant, actor: tenant.verification.verify_all(actor),
        purpose=Purpose.VERIFICATION,
    ),
    Job(
        "people",
        "expires approvals, reminds, escalates, tells of changes that wait for long",
        every(300),
        lambda tenant, actor: tenant.due.run(actor),
    ),
    Job(
        SYNC_JOB,
        "reads everything from DocuSign",
        every(6 * 3600),
        lambda tenant, actor: tenant.aggregation.sync(actor=actor).counts,
        records_itself=True,
        resumes=True,
        priority=-10,
    ),
    Job(
        DELTA_JOB,
        "reads what DocuSign reports as changed",
        every(900),
        lambda tenant, _actor: _delta(tenant),
    ),
    # After each sync as well (run_job), and after each delta for those whom it read.
    Job(
        RECONCILE_JOB,
        "compares DocuSign with what is expected, reports and reverts drift",
        every(3600),
        lambda tenant, actor: tenant.drift.reconciliation.run(actor),
    ),
    # DocuSign takes its time over erasures; nobody waits for the minute.
    Job(
        "erase",
        "carries out erasures",
        every(3600),
        lambda tenant, actor: tenant.erasures.carry_out_all(actor),
    ),
    Job(
        "notify",
        "delivers notices",
        every(15),
        lambda tenant, _actor: tenant.notifications.deliver_due(),
    ),
    Job(
        "anchor",
        "notes where the audit chain stands",
        every(3600),
        lambda tenant, actor: tenant.anchor(actor),
    ),
    Job(
        "consent",
        "looks whether DocuSign still lets the connector in, and asks again for some users",
        every(900),
        lambda tenant, _actor: tenant.connection.run(),
        purpose=Purpose.VERIFICATION,
    ),
    Job(
        "retention",
        "deletes old runs, leases and sessions",
        every(24 * 3600),
        lambda tenant, _actor: tenant.runs.clean_up(),
    ),
)

JOBS: Mapping[str, Job] = {job.name: job for job in _DECLARED}
"""The jobs of a tenant, by name."""


def run_job(name: str, tenant: JobTenant, actor: Actor, part: int | None = None) -> object:
    """Run a job of :data:`JOBS` now and return what it did.

    What became of it is kept; whether it works is told where that changes.

    :param part: only this part of a shared job.
    :raises ConflictingWriteError: it runs elsewhere.
    :raises ConnectorError: it failed.
    """
    job = JOBS[name]

    def work() -> object:
        facts = {"connector.job": name, "connector.tenant": tenant.settings.name}
        with span(f"job {name}", **facts), _counted_as(job.purpose):
            if part is not None and job.shared is not None:
                return job.shared.work(tenant, actor, part)
            return job.work(tenant, actor)

    with watched(name, tenant, actor):
        outcome = work() if job.records_itself else tenant.runs.run(name, actor, work, part)
    if _read_everything(name, outcome):
        _reconcile_after_sync(tenant)
    return outcome


@contextmanager
def watched(name: str, tenant: JobTenant, actor: Actor) -> Iterator[None]:
    """Tell people where a job begins to fail in the block, and where it works again."""
    try:
        yield
    except (ConflictingWriteError, StoppedError, BudgetUsedUpError):
        raise
    except ConnectorError as error:
        tenant.watch.failed(name, error, actor)
        raise
    tenant.watch.succeeded(name, actor)


def _read_everything(name: str, outcome: object) -> bool:
    """Whether it was a full aggregation: a delta becomes one where much has changed."""
    return name == SYNC_JOB or (isinstance(outcome, Mapping) and bool(outcome.get("full")))


def _delta(tenant: JobTenant) -> Mapping[str, int]:
    """Read what changed and compare whom it read, also where it failed later. Of one that became a
    full run everybody is compared, as after a sync."""
    read = Read()
    try:
        counts = tenant.delta.run(read, in_full=SYNC_JOB not in tenant.runs.paused())
    except ConnectorError:
        if read.everybody:
            _reconcile_after_sync(tenant)
        else:
            _compare(tenant, read)
        raise
    # One that read everybody is followed by a whole run, once it has ended (run_job).
    return counts if read.everybody else {**counts, **_compare(tenant, read)}


def _compare(tenant: JobTenant, read: Read) -> Mapping[str, int]:
    """Compare what a delta read, and return its counts; that this fails is told, and is no failure
    of the delta."""
    if not tenant.settings.drift.after_delta or RECONCILE_JOB in tenant.runs.paused():
        return {}
    actor = Actor(f"job:{RECONCILE_JOB}", "job", correlation_id())
    try:
        counts = tenant.drift.reconciliation.run_for(read.user_ids, actor, catalogue=read.catalogue)
    except ConnectorError as error:
        _log.warning("not reconciled after the delta", error=str(error))
        return {}
    return {f"drift_{name}": count for name, count in counts.items()}


def _reconcile_after_sync(tenant: JobTenant) -> None:
    """Compare what was just read; that this fails is told, and is no failure of the sync."""
    if RECONCILE_JOB in tenant.runs.paused():
        return
    try:
        run_job(RECONCILE_JOB, tenant, Actor(f"job:{RECONCILE_JOB}", "job", correlation_id()))
    except ConnectorError as error:
        _log.warning("not reconciled after the sync", error=str(error))


def _counted_as(purpose: Purpose | None) -> AbstractContextManager[object]:
    return nullcontext() if purpose is None else calling_for(purpose)


def schedule_of(
    job: Job, settings: JobSettings, tenant: TenantSettings
) -> tuple[ScheduleSettings, str]:
    """Return when a job runs for a tenant, and in which time zone."""
    overrides = (tenant.jobs.schedule, settings.schedule)
    chosen = next((item[job.name] for item in overrides if job.name in item), job.default)
    return chosen, tenant.jobs.timezone or settings.timezone
