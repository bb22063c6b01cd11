"""One run of an aggregation: its record, its place, its counts and its lease."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from connector.domain.ledger.job_runs import GOES_ON_AT, JobRun, RunState
from connector.domain.model import Account
from connector.errors import BudgetUsedUpError, ConflictingWriteError, ConnectorError
from connector.logs import correlation_id
from connector.ports import UnitOfWork
from connector.purpose import Scope
from connector.services.aggregation.unchanged import Unchanged
from connector.services.bindings import require_bound
from connector.services.context import Actor, TenantContext, new_id
from connector.services.locks import LEASE, SYNC_KEY

_log = structlog.get_logger(__name__)

SYNC_JOB = "sync"
_RESUME_WITHIN = timedelta(hours=6)
"""A run that began longer ago is begun anew: its first accounts were read before the next regular
run was due (every six hours where the schedule says nothing else), and would be missed by the
resumed one."""

_RESUME_WAITING_WITHIN = timedelta(hours=48)
"""A run that waits for calls may go on for longer: begun anew again and again, one of many users
would never end."""
_THOROUGH = "thorough"
"""In the cursor of every run; a run without it is of a version before."""
_LISTS = "lists"
"""In the cursor: whether the run reads lists even where an export would cost fewer calls."""
_EXPORTED = "exported"
"""In the cursor: the accounts that were read by an export. It shows neither sign-ins nor all that
a membership has, so nobody in them was read."""
_WORKED = "worked_s"
"""In the cursor: the seconds that the run went, without those that it waited or lay broken off."""
_OF_EVERY_RUN = frozenset({_THOROUGH, _LISTS, _WORKED, GOES_ON_AT})
_AHEAD = 200
"""The most runs among which those are looked for that a clock which was ahead began."""


@dataclass(frozen=True)
class Progress:
    """How far a run is, for a progress bar."""

    account: Account
    done: int
    total: int


Report = Callable[[Progress], None]


@dataclass
class Run:
    """The state of a run while it goes."""

    record: JobRun
    owner: str
    """Of the lease: two syncs in one process exclude each other too."""
    counts: dict[str, int] = field(default_factory=dict)
    regrouped: set[tuple[str, str]] = field(default_factory=set)
    is_thorough: bool = False
    """Whether it passes nobody over."""
    passes_over: bool = False
    """Whether users of the account at hand are passed over where they are unchanged."""
    left_out: int = 0
    """Users of the account at hand who were met, and count as not seen."""
    scope: Scope = field(default_factory=Scope)
    since: datetime | None = None
    """When it was begun, or gone on with."""
    done_before: int = 0
    """Memberships of accounts that are done."""
    still: Mapping[str, int] = field(default_factory=dict)
    """Memberships, as the mirror has them, of accounts that are still to come, by id."""
    calls_before: int = 0
    """Calls that the run made before it was broken off."""

    @property
    def calls(self) -> int:
        return self.calls_before + self.scope.calls

    def place(self, account: Account, name: str, *, default: Any = None) -> Any:
        """Return what the cursor has of the account at hand."""
        cursor = self.record.cursor
        return cursor.get(name, default) if cursor.get("account") == account.account_id else default

    def add(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    @property
    def takes_lists(self) -> bool:
        """Whether an export would not show what the run is to read."""
        return self.is_thorough or bool(self.record.cursor.get(_LISTS))

    @property
    def exported(self) -> Sequence[str]:
        """The accounts that were held against an export, and not read."""
        return tuple(self.record.cursor.get(_EXPORTED, ()))

    def at(self, done: int, total: int) -> None:
        """Note how far the walk over all accounts is; written with the next page.

        Of an account that was never read nobody knows how many it has: as many as this one.
        """
        here = max(done, total)
        rest = sum(number or here for number in self.still.values())
        before = self.done_before
        self.record = replace(self.record, done=before + done, total=before + here + rest)


def worked_s(record: JobRun) -> float | None:
    """Return how many seconds a run went, without its pauses; None where nobody knows."""
    worked = record.cursor.get(_WORKED)
    return record.duration_s if worked is None else float(worked)


def has_read_users(record: JobRun) -> bool:
    """Return whether a run read the users of every account, and held none against an export."""
    return not record.cursor.get(_EXPORTED)


class Runs:
    """Begins, keeps and ends the runs of one tenant."""

    def __init__(self, context: TenantContext, unchanged: Unchanged) -> None:
        self._context = context
        self._unchanged = unchanged

    def begin(
        self, *, thorough: bool = False, lists: bool = False, actor: Actor | None = None
    ) -> Run:
        """Return a new run, or the last one where it may go on.

        :param thorough: pass nobody over, whether it is time for that or not.
        :param lists: read lists, whatever costs fewer calls.
        :param actor: who asked for it; None: the clock. A run that the clock goes on with stays
            that of whoever asked.
        :raises ConflictingWriteError: another process is at it.
        :raises connector.errors.ConfigError: the database belongs to other accounts.
        """
        owner = f"{self._context.owner}:{new_id()}"
        by = actor.name if actor is not None and actor.source != "job" else ""
        with self._context.write() as uow:
            self.renew(uow, owner)
            require_bound(uow, self._context.settings)
            last = uow.jobs.latest(SYNC_JOB, self._now())
            if last is not None and self._can_go_on(last):
                record = replace(
                    last,
                    state=RunState.RUNNING,
                    error=None,
                    cause=None,
                    finished_at=None,
                    actor=by or last.actor,
                )
                uow.jobs.save(record)
            else:
                if last is not None:
                    uow.mirror.forget_run(last.run_id)
                begins = thorough or self._unchanged.begins_thoroughly(uow)
                record = JobRun(
                    new_id(),
                    SYNC_JOB,
                    RunState.RUNNING,
                    self._now(),
                    {_THOROUGH: begins, _LISTS: lists},
                    correlation_id=correlation_id(),
                    actor=by,
                )
                uow.jobs.add(record)
                uow.hints.cover(record.run_id)
            self._end_those_ahead(uow, record)
            uow.commit()
        thorough = record.cursor[_THOROUGH]
        return Run(record, owner, dict(record.counts), is_thorough=thorough, since=self._now())

    def _end_those_ahead(self, uow: UnitOfWork, chosen: JobRun) -> None:
        """See to it that no unfinished run that a clock which was ahead wrote is gone on with once
        its time has come: what it saw is old by then."""
        for other in uow.jobs.list(_AHEAD, SYNC_JOB, with_idle=True):
            if other.run_id == chosen.run_id or other.started_at < chosen.started_at:
                return
            if other.state is RunState.DONE or not other.cursor.keys() - _OF_EVERY_RUN:
                continue
            uow.mirror.forget_run(other.run_id)
            kept = {key: value for key, value in other.cursor.items() if key in _OF_EVERY_RUN}
            uow.jobs.save(
                replace(
                    other,
                    state=RunState.FAILED,
                    cursor=kept,
                    finished_at=other.finished_at or self._now(),
                    error=other.error or "The clock was ahead when it began; another run began.",
                )
            )

    def _can_go_on(self, last: JobRun) -> bool:
        waits = last.state is RunState.WAITING
        within = _RESUME_WAITING_WITHIN if waits else _RESUME_WITHIN
        is_young = self._now() - last.started_at <= within
        got_somewhere = bool(last.cursor.keys() - _OF_EVERY_RUN)
        is_ours = _THOROUGH in last.cursor
        return last.state is not RunState.DONE and got_somewhere and is_young and is_ours

    def finish(
        self, run: Run, state: RunState, error: str | None = None, cause: str | None = None
    ) -> JobRun:
        """Write what became of a run and return its record."""
        record = replace(
            run.record,
            state=state,
            cursor={**run.record.cursor, _WORKED: self._worked(run)},
            counts=run.counts,
            calls=run.calls,
            finished_at=self._now(),
            error=error,
            cause=cause,
        )
        with self._context.write() as uow:
            if state is RunState.DONE:
                uow.mirror.forget_run(record.run_id)
                uow.hints.covered(record.run_id, without_members_of=run.exported)
                if run.is_thorough:
                    self._unchanged.ran_thoroughly(uow, record.started_at)
                if has_read_users(run.record):
                    uow.mirror.stamp_users(record.started_at)
            uow.jobs.save(record)
            uow.locks.release([SYNC_KEY], run.owner)
            facts = {"run": record.run_id, "counts": run.counts, "error": error}
            self._context.audit(uow, _actor(record), f"sync.{state}", "", **facts)
            uow.commit()
        _log.info("sync ended", state=state, **run.counts)
        return record

    def break_off(self, run: Run, state: RunState, text: str, cause: BaseException) -> None:
        """Write why a run ended before its time. Where the database is away too, the run looks as
        if its process had been killed, and is gone on with in the same way."""
        if isinstance(cause, BudgetUsedUpError):
            at = self._now() + timedelta(seconds=cause.retry_after_s)
            cursor = {**run.record.cursor, GOES_ON_AT: at.isoformat()}
            run.record = replace(run.record, cursor=cursor)
        try:
            self.finish(run, state, text, type(cause).__name__)
        except ConnectorError as error:
            _log.warning("a broken-off sync could not be noted", error=str(error), cause=text)

    def save(self, uow: UnitOfWork, run: Run, **cursor: object) -> None:
        """Move the cursor within the transaction of the page it stands for."""
        run.record = replace(
            run.record,
            cursor={**run.record.cursor, _WORKED: self._worked(run), **cursor},
            counts=dict(run.counts),
            calls=run.calls,
        )
        uow.jobs.save(run.record)
        self.renew(uow, run.owner)

    def _worked(self, run: Run) -> float:
        """Return the seconds that a run went so far, and let them count from now on."""
        now = self._now()
        before = float(run.record.cursor.get(_WORKED, 0.0))
        worked = (now - (run.since or now)).total_seconds()
        run.since = now
        return before + max(0.0, worked)

    def renew(self, uow: UnitOfWork, owner: str) -> None:
        """Keep the lease.

        :raises ConflictingWriteError: somebody else has it.
        """
        now = self._now()
        if not uow.locks.acquire([SYNC_KEY], owner, now + LEASE, now):
            raise ConflictingWriteError(
                "Another sync of this tenant is running, or was killed less than two minutes ago; "
                "`serve` and `jobs` begin some by themselves. `docusign-iga jobs list` shows how "
                "far it is. Wait for its end; one that was killed is gone on with by the next.",
                retry_after_s=60,
            )

    def _now(self) -> datetime:
        return self._context.clock.now()


def _actor(record: JobRun) -> Actor:
    return Actor(record.actor or f"job:{SYNC_JOB}", "job", correlation_id())
