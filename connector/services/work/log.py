"""What happens to every work item: its history, its end, and what that means for its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord, PlanState
from connector.domain.ledger.resources import Provenance
from connector.domain.plan import GrantRole
from connector.domain.policy.entitlement_rules import VERIFY_ATTESTATION
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.work_items.items import Direction, WorkItem, WorkItemKind, WorkItemState
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.expectations import REVIEW, follow_steps, settle_review
from connector.services.mirror.actual import attest_role
from connector.services.mirror.writer import MirrorWriter
from connector.services.queued_requests import without_request

_UNFINISHED = (OperationState.PLANNED, OperationState.IN_FLIGHT, OperationState.WAITING)


class WorkItemLog:
    """Writes down what happens to the work items of one tenant, within the caller's transaction."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._mirror = mirror

    def open(self, uow: UnitOfWork, item: WorkItem, actor: Actor, reason: str = "") -> None:
        """Add an item, shown in the person's resource from now on.

        :param reason: why it was asked for, in the requester's words.
        """
        uow.work_items.add(item)
        self.note(
            uow,
            item,
            actor,
            Act.OPENED,
            reason,
            kind=item.kind,
            entitlement=item.entitlement,
            direction=item.direction,
            plan=item.plan_id,
        )
        self._mirror.rerender_users(uow, [item.subject_id])

    def note(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        actor: Actor,
        act: Act,
        comment: str = "",
        **data: object,
    ) -> None:
        """Add a line to the history and to the audit, there as ``work_item.<act>``."""
        self.remember(uow, item, actor, act, comment, **data)
        self.audit(uow, item, actor, str(act), comment, **data)

    def remember(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        actor: Actor,
        act: Act,
        comment: str = "",
        **data: object,
    ) -> None:
        """Add a line to the history alone."""
        now = self._context.clock.now()
        uow.work_items.add_event(
            WorkItemEvent(item.work_item_id, now, actor.name, act, comment, data)
        )

    def audit(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        actor: Actor,
        action: str,
        comment: str = "",
        **data: object,
    ) -> None:
        """Add an event to the audit alone."""
        self._context.audit(
            uow,
            actor,
            f"work_item.{action}",
            item.subject_id,
            **{"work_item": item.work_item_id, "comment": comment, **data},
        )

    def close(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        state: WorkItemState,
        actor: Actor,
        comment: str,
        **data: object,
    ) -> WorkItem:
        """End an item and what its plan still waited with; return it as it then stands.

        :param data: what the audit says of it besides.
        """
        now = self._context.clock.now()
        closed = replace(
            item, state=state, closed_at=now, closed_by=actor.name, comment=comment or item.comment
        )
        uow.work_items.save(closed)
        self._settle(uow, closed)
        uow.work_items.add_event(
            WorkItemEvent(item.work_item_id, now, actor.name, Act.CLOSED, comment, {"state": state})
        )
        self.audit(
            uow,
            item,
            actor,
            str(state),
            comment,
            kind=item.kind,
            entitlement=item.entitlement,
            direction=item.direction,
            **data,
        )
        is_task = item.kind is WorkItemKind.MANUAL_TASK
        if is_task and item.is_access:
            self._note_provenance(uow, closed, actor)
            settle_review(uow, closed, actor, now)
        if state is WorkItemState.DONE and is_task and item.verification == VERIFY_ATTESTATION:
            attest_role(uow, item.subject_id, item.entitlement, item.direction)
            self._mirror.touch_role(uow, item.entitlement)
        # The pending list of the person's resource changed.
        self._mirror.rerender_users(uow, [item.subject_id])
        return closed

    def _note_provenance(self, uow: UnitOfWork, item: WorkItem, actor: Actor) -> None:
        """Write down why the person holds it now: what people gave or accepted has no call."""
        plan, records = uow.plans.get(item.plan_id)
        is_done = item.state is WorkItemState.DONE
        now = self._context.clock.now()
        if is_done:
            steps = [one.operation for one in records if one.operation_id == item.operation_id]
            follow_steps(uow, steps, now)
        if is_done and item.direction is Direction.REVOKE:
            uow.attributes.remove_provenance(item.subject_id, item.entitlement)
            return
        is_accepted = item.state is WorkItemState.REJECTED and plan.context.get(REVIEW)
        if not is_done and not is_accepted:
            return
        if is_accepted:
            follow_steps(uow, [GrantRole(item.subject_id, item.entitlement)], now)
        uow.attributes.put_provenance(
            Provenance(
                item.subject_id,
                item.entitlement,
                plan.plan_id,
                actor.name if is_accepted else plan.requester,
                "accepted" if is_accepted else plan.source,
                now,
            )
        )

    def _settle(self, uow: UnitOfWork, item: WorkItem) -> None:
        """Let the operations that the item stood for end as it did."""
        is_approval = item.kind is WorkItemKind.APPROVAL
        if is_approval and item.state is WorkItemState.DONE:
            return  # The plan has its own end.
        outcome = {
            WorkItemState.DONE: OperationState.DONE,
            WorkItemState.DENIED: OperationState.FAILED,
            WorkItemState.REJECTED: OperationState.FAILED,
        }.get(item.state, OperationState.SKIPPED)
        plan, records = uow.plans.get(item.plan_id)
        now = self._context.clock.now()
        after = [
            replace(record, state=outcome, finished_at=now, lease_until=None)
            if record.state in _UNFINISHED
            and (is_approval or record.operation_id == item.operation_id)
            else record
            for record in records
        ]
        for before, record in zip(records, after, strict=True):
            if record != before:
                uow.plans.save_operation(record)
        if plan.state in (PlanState.OPEN, PlanState.QUEUED):
            uow.plans.save_plan(finished_plan(plan, after, self._context))


def finished_plan(
    plan: PlanRecord, records: Sequence[OperationRecord], context: TenantContext
) -> PlanRecord:
    """Return the plan as its operations make it: done once none of them is left to do."""
    if any(record.state in _UNFINISHED for record in records):
        return plan
    failed = any(record.state is OperationState.FAILED for record in records)
    state = PlanState.FAILED if failed else PlanState.DONE
    rest = without_request(plan.context)
    return replace(plan, state=state, finished_at=context.clock.now(), context=rest)
