"""Reconciliation: compares DocuSign, as the mirror has it, with what the ledger expects.

It asks DocuSign nothing, save where the policy reverts. The first run takes everything as it is
found for a baseline, so that an old organization does not begin with thousands of findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from connector.domain.comparison import find_catalogue_drift, known_entitlements
from connector.domain.drift import (
    ENTITLEMENT,
    GROUP,
    USER,
    DriftKind,
    Finding,
    FindingState,
    Remedy,
    raise_if_unsafe,
)
from connector.domain.ledger import OperationState, PlanState
from connector.domain.repair import GROUP as GROUP_OF_USER
from connector.errors import (
    ConflictingWriteError,
    ConnectorError,
    GuardError,
    InvalidRequestError,
    TemporaryError,
)
from connector.ports import UnitOfWork
from connector.purpose import Purpose, calling_for
from connector.services.context import Actor, TenantContext, new_id
from connector.services.drift_looks import (
    BASELINE,
    Frame,
    Look,
    frame_of,
    in_progress,
    look_at,
)
from connector.services.findings import REFUSED, Findings, Recorded, Sighting, subjects
from connector.services.reversals import Reversals
from connector.services.turns import AheadError

_log = structlog.get_logger(__name__)

RECONCILE_JOB = "reconcile"
_KEY = f"job:{RECONCILE_JOB}"
_BATCH = 500
"""People compared at once: bounds memory and the length of a transaction."""
_LEASE = timedelta(seconds=120)
_TOLD = 20
"""Findings that a notice names; the others are counted."""


@dataclass(frozen=True)
class Progress:
    """How far a reconciliation is, for a progress bar."""

    done: int
    total: int


Report = Callable[[Progress], None]


@dataclass
class _Run:
    """A reconciliation while it goes."""

    frame: Frame
    actor: Actor
    owner: str
    counts: Counter[str] = field(default_factory=lambda: Counter(compared=0, new=0, open=0, over=0))
    new: list[Finding] = field(default_factory=list)
    to_revert: list[Finding] = field(default_factory=list)


class ReconciliationService:
    """Finds drift in one tenant and does what the policy says."""

    def __init__(self, context: TenantContext, findings: Findings, reversals: Reversals) -> None:
        self._context = context
        self._findings = findings
        self._reversals = reversals

    def run(self, actor: Actor, report: Report = lambda _: None) -> Mapping[str, int]:
        """Compare everything and return counts; nothing where DocuSign was not read yet.

        :raises ConflictingWriteError: another process is at it.
        """
        with calling_for(Purpose.RECONCILIATION):
            run = self._begin(actor)
            if run is None:
                return {}
            try:
                self._compare_everybody(run, report)
                self._compare_catalogue(run)
                self._revert(run)
                self._finish(run)
            finally:
                self._release(run.owner)
        _log.info("reconciled", **run.counts)
        return dict(run.counts)

    # the run ------------------------------------------------------------------

    def _begin(self, actor: Actor) -> _Run | None:
        owner = f"{self._context.owner}:{new_id()}"
        with self._context.write() as uow:
            frame = frame_of(uow, self._context, self._context.clock.now())
            if frame is None:
                return None
            self._renew(uow, owner)
            uow.commit()
        return _Run(frame, actor, owner)

    def _renew(self, uow: UnitOfWork, owner: str) -> None:
        now = self._context.clock.now()
        if not uow.locks.acquire([_KEY], owner, now + _LEASE, now):
            raise ConflictingWriteError(
                "Another reconciliation of this tenant is running, or was killed less than two "
                "minutes ago. Wait until it ends.",
                retry_after_s=60,
            )

    def _release(self, owner: str) -> None:
        with self._context.write() as uow:
            uow.locks.release([_KEY], owner)
            uow.commit()

    def _finish(self, run: _Run) -> None:
        """Keep what is a baseline from now on, and tell what is new."""
        with self._context.write() as uow:
            before = uow.facts().get(BASELINE)
            if before != run.frame.facts:
                uow.put_fact(BASELINE, dict(run.frame.facts))
                facts = {"users": run.counts["baseline"], **run.frame.facts}
                self._context.audit(uow, run.actor, "drift.baseline", "", **facts)
            if run.new:
                self._context.audit(uow, run.actor, "drift.found", "", **_digest(run))
            uow.commit()

    # people -------------------------------------------------------------------

    def _compare_everybody(self, run: _Run, report: Report) -> None:
        with self._context.read() as uow:
            total = uow.totals.mirror().get("users", 0)
        done = 0
        for ids in self._everybody():
            self._compare(run, ids)
            done += len(ids)
            run.counts["compared"] += len(ids)
            report(Progress(min(done, total), total))

    def _everybody(self) -> Iterator[Sequence[str]]:
        walks: tuple[Callable[[UnitOfWork, str], Sequence[str]], ...] = (
            lambda uow, after: uow.mirror.iter_user_ids(after, _BATCH),
            lambda uow, after: uow.drift.expected_but_unknown(after, _BATCH),
        )
        for walk in walks:
            after = ""
            while True:
                with self._context.read() as uow:
                    ids = walk(uow, after)
                if not ids:
                    break
                yield ids
                after = ids[-1]

    def _compare(self, run: _Run, user_ids: Iterable[str]) -> None:
        """Look without holding up writers, and again under the lock at those who differ."""
        with self._context.read() as uow:
            concerned = look_at(uow, user_ids, run.frame).concerned
        if not concerned:
            return
        with self._context.write() as uow:
            self._renew(uow, run.owner)
            busy, addresses = in_progress(uow)
            run.frame = replace(run.frame, busy=busy, busy_addresses=addresses)
            look = look_at(uow, concerned, run.frame)
            uow.drift.put_expected(look.newly_expected)
            run.counts["baseline"] += len(look.newly_expected)
            for user_id in sorted({*look.users, *look.expected}):
                self._record_user(uow, run, look, user_id)
            uow.commit()

    def _record_user(self, uow: UnitOfWork, run: _Run, look: Look, user_id: str) -> None:
        drifts = look.drifts.get(user_id, ())
        standing = look.standing.get(user_id, ())
        if drifts or standing:
            reasons = look.reasons.get(user_id, ())
            sighting = Sighting(drifts, standing, look.users.get(user_id), reasons)
            self._follow_policy(uow, run, self._findings.record(uow, run.frame, sighting))

    def _follow_policy(self, uow: UnitOfWork, run: _Run, found: Recorded) -> None:
        run.counts["over"] += len(found.closed)
        run.counts["new"] += len(found.new)
        new_ids = {item.finding_id for item in found.new}
        for item in (*found.new, *found.seen):
            run.counts["open"] += item.state.is_open
            if item.state is not FindingState.OPEN:
                continue
            if item.remedy is Remedy.ACCEPT:
                seen = known_entitlements(run.frame.scene.catalogue)
                self._findings.accept(uow, item, run.actor, "The policy accepts it.", seen)
                run.counts["accepted"] += 1
                continue
            if item.finding_id in new_ids:
                run.new.append(item)
            if item.remedy is Remedy.REVERT and REFUSED not in item.evidence:
                run.to_revert.append(item)

    # profiles and groups ------------------------------------------------------

    def _compare_catalogue(self, run: _Run) -> None:
        with self._context.write() as uow:
            self._renew(uow, run.owner)
            busy, _ = in_progress(uow)
            run.frame = replace(run.frame, busy=busy)
            known = uow.drift.known_entitlements()
            seen = known_entitlements(uow.mirror.catalogue())
            uow.drift.put_known([item for key, item in seen.items() if key not in known])
            current = [
                drift
                for drift in find_catalogue_drift(known, seen, run.frame.scene.accounts)
                if drift.subject_id not in run.frame.busy
            ]
            standing = uow.drift.standing_elsewhere([GROUP, ENTITLEMENT])
            for subject_id in sorted(
                {i.subject_id for i in current} | {i.subject_id for i in standing}
            ):
                sighting = Sighting(
                    [item for item in current if item.subject_id == subject_id],
                    [item for item in standing if item.subject_id == subject_id],
                )
                self._follow_policy(uow, run, self._findings.record(uow, run.frame, sighting))
            uow.commit()

    # reverting ----------------------------------------------------------------

    def _revert(self, run: _Run) -> None:
        """Put right what the policy says shall be, unless it is so much that a person has to see
        it first."""
        if not run.to_revert:
            return
        try:
            self._refuse_many(run)
        except GuardError as error:
            self._hold_back(run, error)
            return
        for finding in run.to_revert:
            try:
                self.put_right(finding, run.actor, "The policy reverts it.")
            except (ConflictingWriteError, AheadError) as error:
                # Another change of the same user: nobody else has to wait for it.
                self.note_problem(finding, str(error))
                run.counts["postponed"] += 1
            except TemporaryError as error:
                # The budget's reserve, or DocuSign: the rest waits for the next run.
                self.note_problem(finding, str(error))
                run.counts["postponed"] += 1
                return
            except ConnectorError as error:
                self.note_problem(finding, str(error))
                run.counts["refused"] += 1
            else:
                run.counts["reverting"] += 1

    def _refuse_many(self, run: _Run) -> None:
        with self._context.read() as uow:
            count = uow.mirror.count_users()
        raise_if_unsafe(len(subjects(run.to_revert)), count, self._context.settings.guards)

    def _hold_back(self, run: _Run, error: GuardError) -> None:
        run.counts["held_back"] = len(run.to_revert)
        with self._context.write() as uow:
            held = [replace(item, problem=str(error)) for item in run.to_revert]
            uow.drift.save(held)
            facts = {"reason": str(error), "findings": len(held)}
            self._context.audit(uow, run.actor, "drift.held_back", "", **facts)
            uow.commit()

    def put_right(self, finding: Finding, actor: Actor, reason: str) -> Finding:
        """Revert a finding and return it as it then stands.

        :raises InvalidRequestError: no API can; the message says who can.
        :raises ConnectorError: a guard refuses, DocuSign does, or it cannot be reached.
        """
        now = self._context.clock.now()
        try:
            outcome = self._reversals.carry_out(finding, actor)
        except ConnectorError:
            self._keep_unfinished(finding, actor, reason, now)
            raise
        if outcome.record is None:
            raise InvalidRequestError(
                "Nothing is to be done: DocuSign shows by now what is expected, or the same change "
                "waits for somebody already. The next reconciliation tells."
            )
        with self._context.write() as uow:
            after = self._note_plan(uow, finding, outcome.record.plan_id, actor, reason, now)
            uow.commit()
        return after

    def _note_plan(  # noqa: PLR0917 -- what a decision consists of
        self,
        uow: UnitOfWork,
        finding: Finding,
        plan_id: str,
        actor: Actor,
        reason: str,
        now: datetime,
    ) -> Finding:
        plan, records = uow.plans.get(plan_id)
        # What people have to approve or do is no part of a plan's being done.
        is_done = plan.state is PlanState.DONE and all(
            item.state is OperationState.DONE for item in records
        )
        has_task = finding.kind is DriftKind.UNEXPECTED_ADMIN
        is_over = is_done and bool(records) and not has_task
        state = FindingState.REVERTED if is_over else FindingState.REVERTING
        after = replace(
            uow.drift.get(finding.finding_id),
            state=state,
            decided_by=actor.name,
            decided_at=now,
            reason=reason,
            plan_id=plan_id,
            problem=None,
            closed_at=None if state.is_open else now,
        )
        uow.drift.save([after])
        facts = {"finding": after.finding_id, "class": str(after.kind), "reason": reason}
        facts["plan"] = plan_id
        self._context.audit(uow, actor, f"drift.{state}", after.subject_id, **facts)
        return after

    def _keep_unfinished(
        self, finding: Finding, actor: Actor, reason: str, since: datetime
    ) -> None:
        """Note the plan that a revert left in doubt: settled later, it was ours."""
        is_group = finding.attribute == GROUP_OF_USER or finding.subject_kind == GROUP
        subject_id = finding.entitlement if finding.subject_kind == USER else finding.subject_id
        subject = (GROUP, subject_id) if is_group else (USER, finding.subject_id)
        with self._context.write() as uow:
            for plan in uow.plans.open_for_subject(*subject):
                if plan.requester == actor.name and plan.created_at >= since:
                    self._note_plan(uow, finding, plan.plan_id, actor, reason, since)
                    uow.commit()
                    return

    def note_problem(self, finding: Finding, problem: str) -> None:
        """Keep why a finding could not be reverted."""
        with self._context.write() as uow:
            current = uow.drift.get(finding.finding_id)
            uow.drift.save([replace(current, problem=problem)])
            uow.commit()


def _digest(run: _Run) -> dict[str, object]:
    """Return what a notice says of the new findings: counts by class, and the first of them."""
    kinds = Counter(str(item.kind) for item in run.new)
    return {
        "counts": dict(sorted(kinds.items())),
        "findings": [item.finding_id for item in run.new[:_TOLD]],
        "total": len(run.new),
    }
