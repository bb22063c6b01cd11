"""Reconciliation: compares DocuSign, as the mirror has it, with what the ledger expects.

It asks DocuSign nothing, save where the policy reverts. The first run takes everything as it is
found for a baseline, so that an old organization does not begin with thousands of findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from connector.domain.drift.catalogue import find_catalogue_drift, known_entitlements
from connector.domain.drift.difference import ENTITLEMENT, GROUP, Drift
from connector.domain.drift.expected import KnownEntitlement
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.remedies import Remedy
from connector.ports import UnitOfWork
from connector.progress import report_progress
from connector.purpose import Purpose, calling_for
from connector.services.context import Actor, TenantContext
from connector.services.drift.findings import REFUSED, Findings, Recorded, Sighting
from connector.services.drift.looks import (
    Frame,
    Look,
    Underway,
    frame_of,
    look_at,
    without_baseline,
)
from connector.services.drift.policy_reverts import PolicyReverts, ToRevert
from connector.services.expectations import BASELINE
from connector.services.job_lease import give_back, holding_lease

_log = structlog.get_logger(__name__)

RECONCILE_JOB = "reconcile"
_KEY = f"comparing:{RECONCILE_JOB}"
"""The lease of a whole run, whether a job or a command began it."""
_BATCH = 500
"""People compared at once: bounds memory and the length of a transaction."""
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
    known: Mapping[str, KnownEntitlement]
    """Profiles and groups as DocuSign shows them."""
    to_revert: ToRevert
    underway: Underway
    is_whole: bool = True
    """Whether it looks at everybody."""
    counts: Counter[str] = field(default_factory=lambda: Counter(compared=0, new=0, open=0, over=0))
    kinds: Counter[str] = field(default_factory=Counter)
    """New findings that people have to look at, by class."""
    first: list[str] = field(default_factory=list)
    """Ids of the first of them: a run may find more than fit into memory."""


class ReconciliationService:
    """Finds drift in one tenant and does what the policy says."""

    def __init__(
        self, context: TenantContext, findings: Findings, policy_reverts: PolicyReverts
    ) -> None:
        self._context = context
        self._findings = findings
        self._policy_reverts = policy_reverts

    def run(self, actor: Actor, report: Report = lambda _: None) -> Mapping[str, int]:
        """Compare everything and return counts; nothing where DocuSign was not read yet.

        :raises ConflictingWriteError: another process is at it.
        :raises connector.errors.ConfigError: the database belongs to other accounts.
        """
        with (
            calling_for(Purpose.RECONCILIATION),
            holding_lease(self._context, _KEY, lambda _: None) as owner,
        ):
            try:
                with self._context.read() as uow:
                    run = self._new_run(uow, actor)
                if run is None:
                    return {}
                self._compare_everybody(run, report)
                self._compare_catalogue(run)
                run.counts.update(self._policy_reverts.carry_out(run.to_revert, actor))
                self._finish(run)
            finally:
                self._release(owner)
        _log.info("reconciled", **run.counts)
        return dict(run.counts)

    def run_for(
        self, user_ids: Collection[str], actor: Actor, *, catalogue: bool = False
    ) -> Mapping[str, int]:
        """Compare a few people who were just read, and return counts; nothing before the baseline.

        What the policy reverts waits for the next whole run, which sees how much it is. It asks
        DocuSign nothing, and may go on beside a whole run: each looks again under the lock.

        :param catalogue: compare profiles and groups as well.
        """
        if not user_ids and not catalogue:
            return {}
        with self._context.read() as uow:
            run = self._new_run(uow, actor)
        if run is None:
            return {}
        run.frame = without_baseline(run.frame)
        if not run.frame.scene.accounts:
            return {}
        run.is_whole = False
        ordered = sorted(user_ids)
        for start in range(0, len(ordered), _BATCH):
            self._compare(run, ordered[start : start + _BATCH])
        run.counts["compared"] = len(ordered)
        if catalogue:
            self._compare_catalogue(run)
        self._tell(run)
        _log.info("reconciled those who were read", **run.counts)
        return dict(run.counts)

    # the run ------------------------------------------------------------------

    def _new_run(self, uow: UnitOfWork, actor: Actor) -> _Run | None:
        underway = Underway()
        frame = frame_of(uow, self._context, self._context.clock.now(), underway)
        if frame is None:
            return None
        known = known_entitlements(frame.scene.catalogue)
        to_revert = self._policy_reverts.begin(uow, frame.scene.now)
        return _Run(frame, actor, known, to_revert, underway)

    def _release(self, owner: str) -> None:
        with self._context.write() as uow:
            give_back(uow, _KEY, owner)
            uow.commit()

    def _finish(self, run: _Run) -> None:
        """Keep what is a baseline from now on, and tell what is new."""
        with self._context.write() as uow:
            before = uow.facts().get(BASELINE)
            if before != run.frame.facts:
                uow.put_fact(BASELINE, dict(run.frame.facts))
                facts = {"users": run.counts["baseline"], **run.frame.facts}
                self._context.audit(uow, run.actor, "drift.baseline", "", **facts)
            uow.commit()
        self._tell(run)

    def _tell(self, run: _Run) -> None:
        """Give notice of what is new, once a run."""
        if not run.kinds:
            return
        with self._context.write() as uow:
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
            report_progress(min(done, total), total)

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
            self._begin_batch(uow, run)
            look = look_at(uow, concerned, run.frame)
            uow.drift.put_expected(look.newly_expected)
            run.counts["baseline"] += len(look.newly_expected)
            for user_id in sorted({*look.users, *look.expected}):
                self._record_user(uow, run, look, user_id)
            uow.commit()

    def _begin_batch(self, uow: UnitOfWork, run: _Run) -> None:
        """See which changes are under way by now."""
        busy, addresses = run.underway.look(uow)
        run.frame = replace(run.frame, busy=busy, busy_addresses=addresses)

    def _record_user(self, uow: UnitOfWork, run: _Run, look: Look, user_id: str) -> None:
        drifts = look.drifts.get(user_id, ())
        standing = look.standing.get(user_id, ())
        if drifts or standing:
            reasons = look.reasons.get(user_id, ())
            expected = look.expected.get(user_id)
            sighting = Sighting(drifts, standing, look.users.get(user_id), reasons, expected)
            self._follow_policy(uow, run, self._findings.record(uow, run.frame, sighting))

    def _follow_policy(self, uow: UnitOfWork, run: _Run, found: Recorded) -> None:
        run.counts["over"] += len(found.closed)
        run.counts["new"] += len(found.new)
        new_ids = {item.finding_id for item in found.new}
        for item in (*found.new, *found.seen):
            if item.state is FindingState.OPEN and item.remedy is Remedy.ACCEPT:
                self._findings.accept(uow, item, run.actor, "The policy accepts it.", run.known)
                run.counts["accepted"] += 1
                continue
            run.counts["open"] += item.state.is_open
            if item.state is not FindingState.OPEN:
                continue
            if item.finding_id in new_ids:
                run.kinds[str(item.kind)] += 1
                if len(run.first) < _TOLD:
                    run.first.append(item.finding_id)
            if item.remedy is Remedy.REVERT and REFUSED not in item.evidence:
                run.to_revert.add(item)

    # profiles and groups ------------------------------------------------------

    def _compare_catalogue(self, run: _Run) -> None:
        with self._context.write() as uow:
            self._begin_batch(uow, run)
            known = uow.drift.known_entitlements()
            seen = known_entitlements(uow.mirror.catalogue())
            if run.is_whole:
                uow.drift.put_known([item for key, item in seen.items() if key not in known])
            current: dict[str, list[Drift]] = {}
            for drift in find_catalogue_drift(known, seen, run.frame.scene.accounts):
                if drift.subject_id not in run.frame.busy:
                    current.setdefault(drift.subject_id, []).append(drift)
            standing: dict[str, list[Finding]] = {}
            for finding in uow.drift.standing_elsewhere([GROUP, ENTITLEMENT]):
                standing.setdefault(finding.subject_id, []).append(finding)
            for subject_id in sorted(current.keys() | standing.keys()):
                sighting = Sighting(current.get(subject_id, ()), standing.get(subject_id, ()))
                self._follow_policy(uow, run, self._findings.record(uow, run.frame, sighting))
            uow.commit()


def _digest(run: _Run) -> dict[str, object]:
    """Return what a notice says of the new findings: counts by class, and the first of them."""
    return {
        "counts": dict(sorted(run.kinds.items())),
        "findings": run.first,
        "total": run.kinds.total(),
    }
