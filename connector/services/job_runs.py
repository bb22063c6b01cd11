"""The runs of jobs: one at a time, each kept with what became of it, and which jobs are paused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.ledger import JobRun, RunState
from connector.errors import BudgetUsedUpError, TemporaryError
from connector.ports import UnitOfWork
from connector.progress import reporting_to
from connector.purpose import Scope, calling_for, current_purpose
from connector.services.aggregation.runs import SYNC_JOB
from connector.services.context import Actor, Seen, TenantContext, new_id
from connector.services.job_lease import give_back, holding_lease, lease_key
from connector.services.locks import SYNC_KEY
from connector.settings import RetentionSettings

_PAUSED = "paused_jobs"
_SHOW_EVERY_S = 1.0
"""The progress of a run is written so often: people watch it, the database has other work."""
_ENDED_LEASES = timedelta(days=1)
_LONGEST_SESSION = timedelta(days=7)
"""Must agree with the limit of ``console.session_max_s``."""
BROKEN_OFF = "broken off: its process ended"


class JobRuns:
    """The runs of one tenant's jobs."""

    def __init__(self, context: TenantContext, retention: RetentionSettings) -> None:
        self._context = context
        self._retention = retention

    def run(
        self, name: str, actor: Actor, work: Callable[[], object], part: int | None = None
    ) -> object:
        """Do the work of a job, alone, and keep what became of it.

        :param part: of a job that several do together; each part is a run of its own.
        :raises ConflictingWriteError: another run of the job goes on.
        :raises connector.errors.ConnectorError: whatever the work raises.
        """
        lease = lease_key(name, part)
        with holding_lease(
            self._context, lease, lambda uow: self._note_broken_off(uow, name)
        ) as owner:
            run = _Run(self._context, name, actor)
            with calling_for(current_purpose()) as run.scope, reporting_to(run.show):
                try:
                    outcome = work()
                except Exception as error:
                    self._end(run.failed(error), lease, owner)
                    raise
            self._end(run.succeeded(outcome), lease, owner)
        return outcome

    def history(
        self,
        name: str | None = None,
        limit: int = 50,
        *,
        with_idle: bool = False,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[JobRun]:
        """Return runs, newest first, of one job or of all; of those that found nothing to do only
        on request; those that follow the start and id of *after*."""
        with self._context.read() as uow:
            return uow.jobs.list(limit, name, with_idle=with_idle, after=after)

    def latest(self, name: str) -> JobRun | None:
        """Return the last run of a job, or None."""
        with self._context.read() as uow:
            return uow.jobs.latest(name, self._context.clock.now())

    def goes_on(self, name: str) -> bool:
        """Whether a run of a job is under way, by its lease: a killed run left its record too."""
        key = SYNC_KEY if name == SYNC_JOB else lease_key(name, "")
        with self._context.read() as uow:
            return uow.locks.count_live(key, self._context.clock.now()) > 0

    def last_starts(self, names: Iterable[str]) -> Mapping[str, datetime]:
        """Return by job when its last run began, of those whose last run succeeded: any other goes
        on as soon as it can."""
        now = self._context.clock.now()
        with self._context.read() as uow:
            latest = {name: uow.jobs.latest(name, now) for name in names}
        return {
            name: run.started_at
            for name, run in latest.items()
            if run is not None and run.state is RunState.DONE
        }

    def paused(self) -> Mapping[str, Mapping[str, str]]:
        """Return the paused jobs by name, each with ``by`` and ``at``."""
        with self._context.read() as uow:
            return dict(uow.facts().get(_PAUSED) or {})

    def pause(self, name: str, actor: Actor, *, seen: Seen | None = None) -> None:
        """Let the clock pass a job by until it is resumed; a run under way is finished."""
        at = self._context.clock.now().isoformat()
        self._change(name, actor, "job.paused", {"by": actor.name, "at": at}, seen)

    def resume(self, name: str, actor: Actor, *, seen: Seen | None = None) -> None:
        """Let the clock run a job again."""
        self._change(name, actor, "job.resumed", None, seen)

    def clean_up(self) -> Mapping[str, int]:
        """Delete runs, leases and sessions that have served their time; return counts by kind.

        What the ledger holds besides (plans, tasks, approvals, audit) is kept.
        """
        now, keep = self._context.clock.now(), self._retention
        idle_before = now - timedelta(days=keep.idle_runs_days)
        with self._context.write() as uow:
            counts = {
                "runs": uow.jobs.forget(now - timedelta(days=keep.runs_days)),
                "idle_runs": uow.jobs.forget(idle_before, only_idle=True),
                "leases": uow.locks.forget_ended(now - _ENDED_LEASES),
            }
            uow.console.remove_old_sessions(unseen_since=now - _LONGEST_SESSION, now=now)
            uow.commit()
        return counts

    def _change(
        self,
        name: str,
        actor: Actor,
        action: str,
        pause: Mapping[str, str] | None,
        seen: Seen | None,
    ) -> None:
        with self._context.write(seen) as uow:
            paused = dict(uow.facts().get(_PAUSED) or {})
            if (name in paused) == (pause is not None):
                return
            paused.pop(name, None)
            if pause is not None:
                paused[name] = pause
            uow.put_fact(_PAUSED, paused)
            self._context.audit(uow, actor, action, "", job=name)
            uow.commit()

    def _note_broken_off(self, uow: UnitOfWork, name: str) -> None:
        """Whoever holds the only lease knows that an unfinished run has no process any more."""
        now = self._context.clock.now()
        last = uow.jobs.latest(name, now)
        if last is None or last.state is not RunState.RUNNING:
            return
        if uow.locks.count_live(lease_key(name, ""), now) == 1:
            uow.jobs.save(replace(last, state=RunState.FAILED, finished_at=now, error=BROKEN_OFF))

    def _end(self, run: JobRun, lease: str, owner: str) -> None:
        with self._context.write() as uow:
            uow.jobs.save(run)
            give_back(uow, lease, owner)
            uow.commit()


class _Run:
    """A run while it goes on. Most find nothing to do and are written once, at their end."""

    def __init__(self, context: TenantContext, name: str, actor: Actor) -> None:
        self._context = context
        self._record = JobRun(
            new_id(),
            name,
            RunState.RUNNING,
            context.clock.now(),
            actor=actor.name,
            correlation_id=actor.correlation_id,
        )
        self._shown_at: float | None = None
        self.scope = Scope()

    def show(self, done: int, total: int) -> None:
        """Write how far it is, every now and then."""
        self._record = replace(self._record, done=done, total=total, calls=self.scope.calls)
        now = time.monotonic()
        if self._shown_at is not None and now - self._shown_at < _SHOW_EVERY_S:
            return
        self._shown_at = now
        # A database that is away stops no work that does not need it just now.
        with suppress(TemporaryError), self._context.write() as uow:
            uow.jobs.save(self._record)
            uow.commit()

    def succeeded(self, outcome: object) -> JobRun:
        """Return the record of its end."""
        counts = _counts(outcome)
        is_idle = not self.scope.calls and not any(counts.values())
        return self._ended(RunState.DONE, counts=counts, is_idle=is_idle)

    def failed(self, error: Exception) -> JobRun:
        """Return the record of its failure, or of its waiting for DocuSign's next hour."""
        waits = isinstance(error, BudgetUsedUpError)
        state = RunState.WAITING if waits else RunState.FAILED
        return self._ended(state, error=str(error), cause=type(error).__name__)

    def _ended(self, state: RunState, **more: Any) -> JobRun:
        now = self._context.clock.now()
        return replace(self._record, state=state, finished_at=now, calls=self.scope.calls, **more)


def _counts(outcome: Any) -> dict[str, int]:
    if isinstance(outcome, Mapping):
        return {str(key): value for key, value in outcome.items() if isinstance(value, int)}
    return {"done": outcome} if isinstance(outcome, int) else {}
