"""What became of each run of a job, and which jobs are paused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.domain.ledger import JobRun, RunState
from connector.errors import ConflictingWriteError
from connector.purpose import calling_for, current_purpose
from connector.services.context import Actor, TenantContext, new_id

_PAUSED = "paused_jobs"


class JobRuns:
    """The runs of one tenant's jobs."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def run(self, name: str, actor: Actor, work: Callable[[], object]) -> object:
        """Do the work of a job and keep what became of it; a run that found nothing to do leaves no
        trace.

        :raises connector.errors.ConnectorError: whatever the work raises.
        """
        started_at = self._context.clock.now()
        run = JobRun(new_id(), name, RunState.RUNNING, started_at, actor=actor.name)
        with calling_for(current_purpose()) as scope:
            try:
                outcome = work()
            except ConflictingWriteError:
                raise
            except Exception as error:
                self._keep(run, RunState.FAILED, {}, scope.calls, error)
                raise
        counts = _counts(outcome)
        if scope.calls or any(counts.values()):
            self._keep(run, RunState.DONE, counts, scope.calls)
        return outcome

    def history(self, name: str | None = None, limit: int = 50) -> Sequence[JobRun]:
        """Return runs, newest first, of one job or of all."""
        with self._context.read() as uow:
            return uow.jobs.list(limit, name)

    def latest(self, name: str) -> JobRun | None:
        """Return the last run of a job, or None."""
        with self._context.read() as uow:
            return uow.jobs.latest(name)

    def last_starts(self, names: Iterable[str]) -> Mapping[str, datetime]:
        """Return by job when its last run began, of those whose last run succeeded: any other goes
        on as soon as it can."""
        with self._context.read() as uow:
            latest = {name: uow.jobs.latest(name) for name in names}
        return {
            name: run.started_at
            for name, run in latest.items()
            if run is not None and run.state is RunState.DONE
        }

    def paused(self) -> Mapping[str, Mapping[str, str]]:
        """Return the paused jobs by name, each with ``by`` and ``at``."""
        with self._context.read() as uow:
            return dict(uow.facts().get(_PAUSED) or {})

    def pause(self, name: str, actor: Actor) -> None:
        """Let the clock pass a job by until it is resumed; a run under way is finished."""
        at = self._context.clock.now().isoformat()
        self._change(name, actor, "job.paused", {"by": actor.name, "at": at})

    def resume(self, name: str, actor: Actor) -> None:
        """Let the clock run a job again."""
        self._change(name, actor, "job.resumed", None)

    def _change(
        self, name: str, actor: Actor, action: str, pause: Mapping[str, str] | None
    ) -> None:
        with self._context.write() as uow:
            paused = dict(uow.facts().get(_PAUSED) or {})
            if (name in paused) == (pause is not None):
                return
            paused.pop(name, None)
            if pause is not None:
                paused[name] = pause
            uow.put_fact(_PAUSED, paused)
            self._context.audit(uow, actor, action, "", job=name)
            uow.commit()

    def _keep(
        self,
        run: JobRun,
        state: RunState,
        counts: Mapping[str, int],
        calls: int,
        error: Exception | None = None,
    ) -> None:
        ended = JobRun(
            run.run_id,
            run.job,
            state,
            run.started_at,
            counts=counts,
            finished_at=self._context.clock.now(),
            error=None if error is None else str(error),
            cause=None if error is None else type(error).__name__,
            calls=calls,
            actor=run.actor,
        )
        with self._context.write() as uow:
            uow.jobs.add(ended)
            uow.commit()


def _counts(outcome: Any) -> dict[str, int]:
    if isinstance(outcome, Mapping):
        return {str(key): value for key, value in outcome.items() if isinstance(value, int)}
    return {"done": outcome} if isinstance(outcome, int) else {}
