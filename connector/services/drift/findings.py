"""Writes findings: what is new, what is still there, what is over, and what people accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connector.domain.drift.correlation import Identity, correlate
from connector.domain.drift.difference import ENTITLEMENT, GROUP, Drift, DriftKind
from connector.domain.drift.expected import Expected, KnownEntitlement, Origin
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.remedies import Place, Remedy, remedy_for
from connector.domain.drift.repair import accepted
from connector.domain.ledger.plans import PlanState
from connector.domain.ledger.resources import Provenance
from connector.domain.model import Catalogue, User
from connector.domain.policy.entitlement_rules import ROLE
from connector.domain.work_items.items import WorkItem, WorkItemState
from connector.errors import InvalidRequestError
from connector.ports import USER, UnitOfWork
from connector.services.context import Actor, TenantContext, new_id
from connector.services.drift.looks import Frame
from connector.services.drift.reversals import Reversals
from connector.services.expectations import Word, explain

REFUSED = "refused"
"""Evidence: the plan that people refused. The policy asks them no second time."""
ASKED_SINCE = "asked_since"
"""Evidence: whether a request ended the difference, and none of DocuSign's changes; the reason says
how."""
_ASKED_FOR = (
    "The policy closes such users, and requests have asked for access of this one since: see what "
    "is expected. Adopt or accept the user, or revert the finding by hand."
)
_BROUGHT = (
    "A request has given the user a profile since. What else they hold is reported by itself."
)


@dataclass(frozen=True)
class Sighting:
    """What was seen of one subject, beside what is known of it."""

    drifts: Sequence[Drift]
    standing: Sequence[Finding]
    user: User | None = None
    reasons: Sequence[Provenance] = ()
    """Why the person holds what they were given."""
    expected: Expected | None = None
    """What is expected of the person."""


@dataclass(frozen=True)
class Recorded:
    """What was written of one subject."""

    new: Sequence[Finding]
    seen: Sequence[Finding]
    """Known before, and still there."""
    closed: Sequence[Finding]


class Findings:
    """The findings of one tenant, written within the caller's transaction."""

    def __init__(self, context: TenantContext, reversals: Reversals) -> None:
        self._context = context
        self._reversals = reversals

    # seeing -------------------------------------------------------------------

    def record(self, uow: UnitOfWork, frame: Frame, sighting: Sighting) -> Recorded:
        """Write what was seen of one subject."""
        before = {item.drift_key: item for item in sighting.standing}
        now_keys = {drift.key for drift in sighting.drifts}
        known = [drift for drift in sighting.drifts if drift.key in before]
        seen = [self._again(uow, before[drift.key], drift, frame, sighting) for drift in known]
        new = [
            self._new(uow, drift, frame, sighting)
            for drift in sighting.drifts
            if drift.key not in before
        ]
        closed = [
            self._over(item, sighting, frame.scene.now)
            for key, item in before.items()
            if key not in now_keys
        ]
        uow.drift.save([*seen, *closed])
        uow.drift.add(new)
        for item in closed:
            if item.state is not FindingState.ACCEPTED:
                why = {"reason": item.reason} if ASKED_SINCE in item.evidence else {}
                self._audit(uow, JOB, f"drift.{item.state}", item, **why)
        return Recorded(new, seen, closed)

    def _new(self, uow: UnitOfWork, drift: Drift, frame: Frame, sighting: Sighting) -> Finding:
        now_seen = _seen(drift, frame)
        evidence: dict[str, Any] = {"first": now_seen, "last": now_seen}
        evidence["granted"] = _granted(sighting, drift)
        if drift.kind is DriftKind.UNMANAGED_USER and sighting.user is not None:
            evidence["owner"] = self._owner(uow, sighting.user, frame)
        remedy, problem = self._ruled(drift, frame.scene.catalogue)
        finding = Finding(
            finding_id=new_id(),
            drift_key=drift.key,
            kind=drift.kind,
            subject_kind=drift.subject_kind,
            subject_id=drift.subject_id,
            account_id=drift.account_id,
            entitlement=drift.entitlement,
            attribute=drift.attribute,
            expected=drift.expected,
            actual=drift.actual,
            state=FindingState.OPEN,
            remedy=remedy,
            first_seen_at=frame.scene.now,
            last_seen_at=frame.scene.now,
            first_run_id=frame.sync.run_id,
            last_run_id=frame.sync.run_id,
            evidence=evidence,
            suggestion=self._reversals.suggest(uow, drift),
            problem=problem,
        )
        self._audit(uow, JOB, "drift.detected", finding, remedy=str(finding.remedy))
        return finding

    def _again(
        self, uow: UnitOfWork, before: Finding, drift: Drift, frame: Frame, sighting: Sighting
    ) -> Finding:
        remedy, problem = self._ruled(drift, frame.scene.catalogue)
        after = replace(
            before,
            expected=drift.expected,
            actual=drift.actual,
            remedy=remedy,
            last_seen_at=frame.scene.now,
            last_run_id=frame.sync.run_id,
            evidence={**before.evidence, "last": _seen(drift, frame)},
            problem=problem or (None if before.problem == _ASKED_FOR else before.problem),
        )
        if drift.expected != before.expected:
            granted = {"granted": _granted(sighting, drift)}
            after = replace(after, evidence={**after.evidence, **granted})
        if (drift.actual, drift.expected) != (before.actual, before.expected):
            after = replace(after, suggestion=self._reversals.suggest(uow, drift))
        if before.state is FindingState.REVERTING and before.plan_id:
            return self._after_plan(uow, after)
        return after

    @staticmethod
    def _after_plan(uow: UnitOfWork, finding: Finding) -> Finding:
        """Return a finding whose plan came to its end and left it there as open again."""
        plan, records = uow.plans.get(finding.plan_id or "")
        if plan.state not in (PlanState.DONE, PlanState.FAILED):
            return finding
        items = [
            item
            for item in uow.work_items.search(subject_ids=[finding.subject_id])
            if _follows(uow, item, finding.plan_id or "")
        ]
        if any(item.state.is_open for item in items):
            return finding
        if refused := [item for item in items if item.state is not WorkItemState.DONE]:
            said = f": {refused[-1].comment}" if refused[-1].comment else "."
            problem = f"The {refused[-1].kind} for it ended as {refused[-1].state}{said}"
            evidence = {**finding.evidence, REFUSED: finding.plan_id}
            return replace(finding, state=FindingState.OPEN, problem=problem, evidence=evidence)
        errors = [item.error for item in records if item.error]
        problem = errors[-1] if errors else "The plan ended, and DocuSign shows it as before."
        return replace(finding, state=FindingState.OPEN, problem=problem)

    @staticmethod
    def _over(finding: Finding, sighting: Sighting, now: datetime) -> Finding:
        state = finding.state
        if state is FindingState.OPEN:
            state = FindingState.GONE
            if asked := _asked_since(finding, sighting):
                evidence = {**finding.evidence, ASKED_SINCE: True}
                finding = replace(finding, reason=asked, evidence=evidence)
        elif state is FindingState.REVERTING:
            state = FindingState.REVERTED
        return replace(finding, state=state, closed_at=now, problem=None)

    def _owner(self, uow: UnitOfWork, user: User, frame: Frame) -> Mapping[str, str] | None:
        """Return who the user may be, of those known on the same address."""
        others = [
            Identity(item.user_id, email=item.email, name=item.user_name)
            for item in uow.mirror.users_by_email([user.email_key]).get(user.email_key, ())
            if item.user_id != user.user_id
        ]
        others += [
            Identity(item.scim_id, email=item.email_key)
            for item in uow.attributes.tombstones(user.email_key)
            if item.scim_id not in {other.identity_id for other in others}
        ]
        match = correlate(user, others, frame.rules)
        return {"rule": match.rule, "user_id": match.identity.identity_id} if match else None

    # policy -------------------------------------------------------------------

    def _ruled(self, drift: Drift, catalogue: Catalogue) -> tuple[Remedy, str | None]:
        """Return what the policy does with a difference, and why not what its rules say."""
        place = self._place(drift, catalogue)
        remedy = remedy_for(drift, place, self._context.settings.drift.policy)
        is_asked_for = drift.kind is DriftKind.UNMANAGED_USER and bool(drift.expected)
        if is_asked_for and remedy is Remedy.REVERT:
            return Remedy.REPORT, _ASKED_FOR
        return remedy, None

    def _place(self, drift: Drift, catalogue: Catalogue) -> Place:
        policy = self._context.policy
        account = policy.account_names(drift.account_id, catalogue) if drift.account_id else ()
        if not drift.entitlement:
            return Place(account)
        try:
            ruling = policy.rule_on(drift.entitlement, catalogue)
        except InvalidRequestError:  # It is gone.
            name = str(drift.expected.get("name", ""))
            return Place(account, tuple(filter(None, (drift.entitlement, name))))
        names = (drift.entitlement, ruling.target.name)
        return Place(account if ruling.target.kind != ROLE else (), names, ruling.meaning.on_drift)

    # accepting ----------------------------------------------------------------

    def accept(
        self,
        uow: UnitOfWork,
        finding: Finding,
        actor: Actor,
        reason: str,
        known: Mapping[str, KnownEntitlement],
    ) -> Finding:
        """Take a difference for right: it is expected from now on.

        :param known: profiles and groups as DocuSign shows them.
        """
        now = self._context.clock.now()
        if finding.subject_kind in (GROUP, ENTITLEMENT):
            if finding.subject_id in known:
                uow.drift.put_known([known[finding.subject_id]])
            else:
                uow.drift.remove_known([finding.subject_id])
                uow.attributes.remove_provenance_of(finding.subject_id)
        elif finding.kind is DriftKind.ORPHAN_USER or not finding.kind.is_standing:
            self._accept_user(uow, finding, actor, now)
        return self.conclude(uow, finding, actor, reason)

    def conclude(self, uow: UnitOfWork, finding: Finding, actor: Actor, reason: str) -> Finding:
        """Write that a finding was accepted, once what is expected says so."""
        now = self._context.clock.now()
        lasts = finding.kind.is_standing and finding.kind is not DriftKind.ORPHAN_USER
        closed = replace(
            finding,
            state=FindingState.ACCEPTED,
            decided_by=actor.name,
            decided_at=now,
            reason=reason,
            problem=None,
            closed_at=None if lasts else now,
        )
        uow.drift.save([closed])
        self._audit(uow, actor, "drift.accepted", closed, reason=reason)
        return closed

    def _accept_user(self, uow: UnitOfWork, finding: Finding, actor: Actor, now: datetime) -> None:
        user_id = finding.subject_id
        user = uow.mirror.get_users([user_id]).get(user_id)
        before = uow.drift.expected([user_id]).get(user_id)
        after = accepted(finding.drift, before, user, now)
        uow.drift.put_expected([after])
        source = "adopted" if finding.kind is DriftKind.UNMANAGED_USER else "accepted"
        explain_change(uow, before, after, Word(actor.name, source, now))

    def _audit(
        self, uow: UnitOfWork, actor: Actor, action: str, finding: Finding, **more: object
    ) -> None:
        facts = {"finding": finding.finding_id, "class": str(finding.kind)}
        if finding.entitlement:
            facts["entitlement"] = finding.entitlement
        subject = finding.subject_id
        self._context.audit(uow, actor, action, subject, **facts, **more)


JOB = Actor("job:reconcile", "job", "")
"""On whose behalf the policy acts; the correlation id is the run's."""


def explain_change(uow: UnitOfWork, before: Expected | None, after: Expected, word: Word) -> None:
    """Write down on whose word access is held now, and forget the word for what is lost."""
    held = before.entitlements() if before else frozenset()
    explain(uow, after.user_id, after.entitlements() - held, word)
    for entitlement in held - after.entitlements():
        uow.attributes.remove_provenance(after.user_id, entitlement)


def _follows(uow: UnitOfWork, item: WorkItem, plan_id: str) -> bool:
    """Return whether an approval or a task came of a plan."""
    return item.plan_id == plan_id or uow.plans.get(item.plan_id)[0].context.get("after") == plan_id


def _asked_since(finding: Finding, sighting: Sighting) -> str | None:
    """Return that a request ended a finding, where it did; None where DocuSign changed."""
    known = sighting.expected
    if known is None:
        return None
    if finding.kind is DriftKind.UNMANAGED_USER:
        return _BROUGHT if known.origin is Origin.PROVISIONED else None
    if finding.kind is not DriftKind.NATIVE_GRANT:
        return None
    if finding.entitlement not in known.entitlements():
        return None
    reasons = (item for item in sighting.reasons if item.entitlement == finding.entitlement)
    word = next(reasons, None)
    return f"{word.granted_by if word else 'A request'} has asked for it since."


def _granted(sighting: Sighting, drift: Drift) -> list[dict[str, Any]]:
    return [_reason(item) for item in sighting.reasons if _concerns(item, drift)]


def _seen(drift: Drift, frame: Frame) -> dict[str, Any]:
    return {
        "sync": frame.sync.run_id,
        "read_at": frame.sync.started_at.isoformat(),
        "compared_at": frame.scene.now.isoformat(),
        "shows": dict(drift.actual),
    }


def _reason(item: Provenance) -> dict[str, Any]:
    return {
        "entitlement": item.entitlement,
        "plan": item.plan_id,
        "by": item.granted_by,
        "source": item.source,
        "at": item.granted_at.isoformat(),
    }


def _concerns(item: Provenance, drift: Drift) -> bool:
    """Whether a grant says something about a difference: the same account, or all of them."""
    if drift.subject_kind != USER or not drift.account_id:
        return item.entitlement == drift.entitlement or not drift.entitlement
    if drift.attribute in ("profile", "membership"):
        return item.entitlement.startswith(f"{drift.account_id}.")
    return item.entitlement == drift.entitlement
