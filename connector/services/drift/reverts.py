"""Puts findings right on somebody's word, and writes down what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from connector.domain.drift.difference import GROUP, USER, DriftKind
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.repair import GROUP as GROUP_OF_USER
from connector.domain.ledger.plans import OperationState, PlanState
from connector.domain.plan import Operation, operation_from_dict
from connector.domain.policy.entitlement_rules import given
from connector.errors import ConnectorError, InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import Actor, Principal, TenantContext
from connector.services.denials import quiet_until
from connector.services.drift.reversals import Reversals
from connector.services.work.asking_again import denials_against


def suggested_steps(finding: Finding) -> Sequence[Operation]:
    """Return the operations of a suggested plan, those that this version understands."""
    steps = []
    for data in finding.suggestion:
        try:
            steps.append(operation_from_dict(data))
        except (KeyError, TypeError):
            continue
    return steps


class Reverts:
    """Reverts findings of one tenant, for the policy and for people."""

    def __init__(self, context: TenantContext, reversals: Reversals) -> None:
        self._context = context
        self._reversals = reversals

    def put_right(self, finding: Finding, actor: Actor, reason: str) -> Finding:
        """Revert a finding and return it as it then stands.

        :raises InvalidRequestError: no API can; the message says who can.
        :raises ConnectorError: a guard refuses, DocuSign does, or it cannot be reached.
        """
        now = self._context.clock.now()
        # What the policy says is the same each time: only a person's reason is news to anybody.
        asked = reason if isinstance(actor, Principal) else ""
        try:
            outcome = self._reversals.carry_out(finding, actor, asked)
        except ConnectorError:
            self._keep_unfinished(finding, actor, reason, now)
            raise
        if outcome.record is None:
            raise InvalidRequestError(self._why_nothing(finding, asked))
        with self._context.write() as uow:
            after = self._note_plan(uow, finding, outcome.record.plan_id, actor, reason, now)
            uow.commit()
        return after

    def _why_nothing(self, finding: Finding, reason: str) -> str:
        wanted = {name for step in suggested_steps(finding) for name in given(step)}
        with self._context.read() as uow:
            against = partial(denials_against, uow, self._context, [finding.subject_id])
            ends = [
                until
                for name in wanted
                for item in against(name, reason).values()
                if (until := quiet_until(self._context, item))
            ]
        if ends:
            return (
                "Nothing is done: an approval of this was denied, and that holds until "
                f"{max(ends):%Y-%m-%d %H:%M} UTC (approvals.quiet_days_after_denial) for whoever "
                "says nothing new. Accept the finding, revert it after that, or give a reason that "
                "those who denied it have not read."
            )
        return (
            "Nothing is to be done: DocuSign shows by now what is expected, a request has asked "
            "for it since, or the same change waits for somebody already. The next reconciliation "
            "tells."
        )

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
