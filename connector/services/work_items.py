"""Manual tasks: opened by plans, worked by people, closed when DocuSign confirms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from connector.domain.ledger import (
    Direction,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.domain.model import User
from connector.domain.plan import GrantRole, RevokeRole
from connector.domain.policy import VERIFY_ATTESTATION, VERIFY_ORGANIZATION_ADMIN
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.actual import OPEN_STATES, attest_role, load_actual
from connector.services.context import Actor, TenantContext, new_id
from connector.services.mirror import MirrorWriter
from mappings.model import Role

_log = structlog.get_logger(__name__)


class WorkItemService:
    """The use cases around manual tasks of one tenant."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._mirror = mirror

    # opening ------------------------------------------------------------------

    def open_for(
        self, uow: UnitOfWork, plan: PlanRecord, record: OperationRecord, actor: Actor
    ) -> OperationRecord:
        """Open the task of a role operation, superseding the opposite one; return the operation.

        At most one task is open for a user and role. Nothing is opened where DocuSign already has
        what the operation wants: then the operation is done.
        """
        step = record.operation
        if not isinstance(step, GrantRole | RevokeRole) or step.user_id is None:
            raise TypeError(f"not a role operation of a known user: {step!r}")
        direction = Direction.GRANT if isinstance(step, GrantRole) else Direction.REVOKE
        actual = load_actual(uow, step.user_id)
        for item in uow.work_items.search(
            states=OPEN_STATES, subject_ids=[step.user_id], entitlement=step.role
        ):
            if item.direction is direction:
                return self._finished(record)
            self._close(uow, item, WorkItemState.SUPERSEDED, actor, "The opposite was asked for.")
        if (step.role in actual.confirmed_roles) is (direction is Direction.GRANT):
            return self._finished(record)
        item = self._new_item(plan, record, actual.user, step.role, direction)
        uow.work_items.add(item)
        self._mirror.rerender_users(uow, [step.user_id])
        self._context.audit(
            uow,
            actor,
            "work_item.opened",
            step.user_id,
            work_item=item.work_item_id,
            entitlement=item.entitlement,
            direction=item.direction,
        )
        return replace(record, state=OperationState.WAITING)

    def _finished(self, record: OperationRecord) -> OperationRecord:
        return replace(record, state=OperationState.DONE, finished_at=self._context.clock.now())

    def _new_item(
        self,
        plan: PlanRecord,
        record: OperationRecord,
        user: User,
        role: str,
        direction: Direction,
    ) -> WorkItem:
        rule = self._rule(role)
        now = self._context.clock.now()
        days = rule.due_days or self._context.settings.provisioning.manual_task_due_days
        verb = "Grant" if direction is Direction.GRANT else "Revoke"
        preposition = "to" if direction is Direction.GRANT else "from"
        names = {"full_name": user.user_name, "email": user.email, "user_id": user.user_id}
        return WorkItem(
            work_item_id=new_id(),
            kind=WorkItemKind.MANUAL_TASK,
            subject_id=user.user_id,
            entitlement=role,
            direction=direction,
            state=WorkItemState.OPEN,
            title=f"{verb} {rule.display} {preposition} {user.user_name} <{user.email}>",
            instructions=rule.instructions.steps(direction, names),
            deep_link=rule.deep_link,
            plan_id=plan.plan_id,
            operation_id=record.operation_id,
            requester=plan.requester,
            created_at=now,
            due_at=now + timedelta(days=days),
            verification=rule.verification,
        )

    def _rule(self, role: str) -> Role:
        rule = self._context.policy.roles.get(role)
        if rule is None:
            known = ", ".join(sorted(self._context.policy.roles)) or "none"
            raise InvalidRequestError(f"There is no role {role!r}. Roles: {known}.")
        return rule

    # working ------------------------------------------------------------------

    def list(self, *, every: bool = False) -> Sequence[WorkItem]:
        """Return the open items, or all with *every*, oldest first."""
        with self._context.read() as uow:
            return uow.work_items.search(states=() if every else OPEN_STATES)

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by id or unambiguous beginning of an id.

        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            return uow.work_items.get(work_item_id)

    def complete(self, work_item_id: str, actor: Actor, comment: str = "") -> WorkItem:
        """Say that a task is done; it closes once DocuSign confirms, or at once by attestation.

        :raises InvalidRequestError: the item is closed already.
        """
        with self._context.write() as uow:
            item = _still_open(uow.work_items.get(work_item_id))
            if item.verification == VERIFY_ORGANIZATION_ADMIN:
                item = replace(
                    item, state=WorkItemState.AWAITING_VERIFICATION, comment=comment or item.comment
                )
                uow.work_items.save(item)
                self._context.audit(
                    uow,
                    actor,
                    "work_item.completed",
                    item.subject_id,
                    work_item=item.work_item_id,
                    comment=comment,
                )
            else:
                item = self._close(uow, item, WorkItemState.DONE, actor, comment)
            uow.commit()
        return self.verify(item.work_item_id, actor) if item.state.is_open else item

    def reject(self, work_item_id: str, actor: Actor, comment: str) -> WorkItem:
        """Refuse a task, with a reason; the access stays as it is.

        :raises InvalidRequestError: the item is closed already, or the reason is missing.
        """
        if not comment.strip():
            raise InvalidRequestError("A rejection needs a reason: give a comment.")
        with self._context.write() as uow:
            item = _still_open(uow.work_items.get(work_item_id))
            item = self._close(uow, item, WorkItemState.REJECTED, actor, comment)
            uow.commit()
        return item

    # verifying ----------------------------------------------------------------

    def verify(self, work_item_id: str, actor: Actor) -> WorkItem:
        """Look into DocuSign whether an open task was done, and close it if so.

        :raises TemporaryError: DocuSign cannot be asked now.
        """
        item = self.get(work_item_id)
        if not item.state.is_open or item.verification != VERIFY_ORGANIZATION_ADMIN:
            return item
        person = self._read_person(item)
        with self._context.write() as uow:
            item = uow.work_items.get(item.work_item_id)
            if item.state.is_open:
                item = self._record_check(uow, item, person, actor)
            uow.commit()
        return item

    def verify_all(self, actor: Actor) -> Mapping[str, int]:
        """Check every open task that an API can verify; return counts by outcome."""
        counts = {"checked": 0, "closed": 0, "failed": 0}
        for item in self.list():
            if item.verification != VERIFY_ORGANIZATION_ADMIN:
                continue
            counts["checked"] += 1
            try:
                after = self.verify(item.work_item_id, actor)
            except Exception:  # noqa: BLE001
                # One task that cannot be checked must not keep the others waiting.
                _log.warning("task not checked", work_item=item.work_item_id, exc_info=True)
                counts["failed"] += 1
            else:
                counts["closed"] += not after.state.is_open
        return counts

    def _read_person(self, item: WorkItem) -> User | None:
        with self._context.read() as uow:
            user = uow.mirror.get_users([item.subject_id])[item.subject_id]
        people = self._context.directory.get_people(user.email)
        return next((found for found in people if found.user_id == user.user_id), None)

    def _record_check(
        self, uow: UnitOfWork, item: WorkItem, person: User | None, actor: Actor
    ) -> WorkItem:
        """Write down what DocuSign showed, into the task and the mirror."""
        now = self._context.clock.now()
        known = uow.mirror.get_users([item.subject_id])[item.subject_id]
        seen = person.is_organization_admin if person is not None else None
        words = {True: "is an organization administrator", False: "is none", None: "not found"}
        item = replace(item, last_checked_at=now, last_check=f"DocuSign: {words[seen]}")
        done = seen is (item.direction is Direction.GRANT)
        facts = {"work_item": item.work_item_id, "entitlement": item.entitlement}
        facts |= {"result": words[seen], "direction": item.direction}
        self._context.audit(uow, actor, "work_item.checked", item.subject_id, **facts)
        if done:
            item = self._close(uow, item, WorkItemState.DONE, actor, item.comment or "")
        else:
            uow.work_items.save(item)
        if seen is not None:
            known = replace(known, is_organization_admin=seen, organization_admin_verified_at=now)
        self._mirror.put_users(uow, [known])
        return item

    def _close(
        self, uow: UnitOfWork, item: WorkItem, state: WorkItemState, actor: Actor, comment: str
    ) -> WorkItem:
        now = self._context.clock.now()
        closed = replace(
            item, state=state, closed_at=now, closed_by=actor.name, comment=comment or item.comment
        )
        uow.work_items.save(closed)
        outcome = {
            WorkItemState.DONE: OperationState.DONE,
            WorkItemState.REJECTED: OperationState.FAILED,
        }.get(state, OperationState.SKIPPED)
        self._settle_operation(uow, closed, outcome)
        self._context.audit(
            uow,
            actor,
            f"work_item.{state}",
            item.subject_id,
            work_item=item.work_item_id,
            entitlement=item.entitlement,
            direction=item.direction,
            comment=comment,
        )
        if state is WorkItemState.DONE and item.verification == VERIFY_ATTESTATION:
            attest_role(uow, item.subject_id, item.entitlement, item.direction)
        # The pending list of the person's resource changed.
        self._mirror.rerender_users(uow, [item.subject_id])
        return closed

    def _settle_operation(self, uow: UnitOfWork, item: WorkItem, outcome: OperationState) -> None:
        plan, records = uow.plans.get(item.plan_id)
        now = self._context.clock.now()
        after = [
            replace(record, state=outcome, finished_at=now)
            if record.operation_id == item.operation_id
            else record
            for record in records
        ]
        for record in after:
            if record.operation_id == item.operation_id:
                uow.plans.save_operation(record)
        if plan.state is PlanState.OPEN:
            uow.plans.save_plan(finished_plan(plan, after, self._context))


def finished_plan(
    plan: PlanRecord, records: Sequence[OperationRecord], context: TenantContext
) -> PlanRecord:
    """Return the plan as its operations make it: done once none of them is left to do."""
    unfinished = {OperationState.PLANNED, OperationState.IN_FLIGHT, OperationState.WAITING}
    if any(record.state in unfinished for record in records):
        return plan
    failed = any(record.state is OperationState.FAILED for record in records)
    state = PlanState.FAILED if failed else PlanState.DONE
    return replace(plan, state=state, finished_at=context.clock.now())


def _still_open(item: WorkItem) -> WorkItem:
    if not item.state.is_open:
        raise InvalidRequestError(
            f"Work item {item.work_item_id} is {item.state} already; nothing is left to do."
        )
    return item
