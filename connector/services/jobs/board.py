"""What people see of the jobs: when each runs, what became of its last run, how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.services.context import TenantContext
from connector.services.jobs.declared import JOBS, TAKEN_UP_AFTER, Job, schedule_of
from connector.services.jobs.runs import JobRuns
from connector.services.jobs.schedules import SOON, described, next_run_at
from connector.settings import JobSettings, ScheduleSettings


@dataclass(frozen=True)
class JobView:
    """A job of a tenant, for people."""

    job: Job
    schedule: ScheduleSettings
    timezone: str
    pause: Mapping[str, str] | None
    """Who paused it (``by``) and when (``at``); None: nobody."""
    last: JobRun | None
    next_at: datetime | None
    """When it runs next, without jitter; None: paused, on request only, or running now."""
    is_due: bool = False
    """Whether it begins in a moment, once whoever starts it comes to it."""

    @property
    def when(self) -> str:
        """When it runs, in a few words."""
        return described(self.schedule)

    @property
    def is_running(self) -> bool:
        """Whether a run goes on."""
        return self.last is not None and self.last.state is RunState.RUNNING


def job_board(context: TenantContext, runs: JobRuns, settings: JobSettings) -> Sequence[JobView]:
    """Return every job of a tenant."""
    paused = runs.paused()
    return [_view(context, job, runs, settings, paused.get(job.name)) for job in JOBS.values()]


def _view(
    context: TenantContext,
    job: Job,
    runs: JobRuns,
    settings: JobSettings,
    pause: Mapping[str, str] | None,
) -> JobView:
    schedule, timezone = schedule_of(job, settings, context.settings)
    last = runs.latest(job.name)
    is_running = last is not None and last.state is RunState.RUNNING
    next_at, now = None, context.clock.now()
    if pause is None and not is_running:
        started_at = last.started_at if last else None
        next_at = next_run_at(schedule, timezone, started_at, now)
        if last is not None and last.goes_on_at is not None:
            goes_on_at = max(last.goes_on_at + TAKEN_UP_AFTER, now + SOON)
            next_at = min(filter(None, (next_at, goes_on_at)))
    is_due = next_at is not None and next_at <= now + SOON
    return JobView(job, schedule, timezone, pause, last, next_at, is_due)


def progress_of(run: JobRun) -> str:
    """Return how far a run is, in words."""
    if run.done is None or not run.total:
        return ""
    return f"{run.done:,} of {run.total:,} ({100 * run.done // run.total} %)"
