"""The runs of jobs: one at a time, each kept with what became of it, and which jobs are paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.errors import BudgetUsedUpError, ConnectorError
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
                    with run.shown():
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
        on request; those that follow the start and id of *after*. One whose process was killed has
        failed, though it left its record as running."""
        with self._context.read() as uow:
            found = uow.jobs.list(limit, name, with_idle=with_idle, after=after)
            return [self._as_it_is(uow, run) for run in found]

    def latest(self, name: str) -> JobRun | None:
        """Return the last run of a job, or None. One whose process was killed has failed, though
        it left its record as running."""
        with self._context.read() as uow:
            run = uow.jobs.latest(name, self._context.clock.now())
            return None if run is None else self._as_it_is(uow, run)

    def goes_on(self, name: str) -> bool:
        """Whether a run of a job is under way, by its lease: a killed run left its record too."""
        with self._context.read() as uow:
            return self._is_held(uow, name)

    def _is_held(self, uow: UnitOfWork, name: str) -> bool:
        key = SYNC_KEY if name == SYNC_JOB else lease_key(name, "")
        return uow.locks.count_live(key, self._context.clock.now()) > 0

    def _as_it_is(self, uow: UnitOfWork, run: JobRun) -> JobRun:
        if run.state is not RunState.RUNNING or self._is_held(uow, run.job):
            return run
        return replace(run, state=RunState.FAILED, error=BROKEN_OFF)

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
    """A run while it goes on. Most find nothing to do and are written once, at their end; one that
    lasts is written once it does, so that people see it and a killed process leaves a trace."""

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
        self._guard = threading.Lock()
        """Whoever shows the run from another thread must not write it behind its end."""
        self._is_over = False
        self.scope = Scope()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Write the run once it has lasted, if nothing has told how far it is by then."""
        timer = threading.Timer(_SHOW_EVERY_S, self._show_first)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._guard:
                self._is_over = True

    def _show_first(self) -> None:
        with self._guard:
            if self._shown_at is None and not self._is_over:
                self._write()

    def show(self, done: int, total: int) -> None:
        """Write how far it is, every now and then."""
        with self._guard:
            self._record = replace(self._record, done=done, total=total)
            now = time.monotonic()
            if self._shown_at is None or now - self._shown_at >= _SHOW_EVERY_S:
                self._write()

    def _write(self) -> None:
        self._shown_at = time.monotonic()
        record = replace(self._record, calls=self.scope.calls)
        # A database that is away stops no work that does not need it just now.
        with suppress(ConnectorError), self._context.write() as uow:
            uow.jobs.save(record)
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
