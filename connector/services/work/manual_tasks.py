"""Opens manual tasks: what no API can do, or what the policy leaves to a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from connector.domain.ledger.plans import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.model import ORGANIZATION_ADMIN, User
from connector.domain.plan import (
    AddGroupMembers,
    GrantRole,
    HandOverEnvelopes,
    Operation,
    Plan,
    RevokeRole,
    TakeCustody,
)
from connector.domain.policy.entitlement_rules import ROLE, VERIFY_WORD, Ruling, given
from connector.domain.work_items.items import (
    CUSTODY,
    OPEN_STATES,
    Direction,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.errors import InvalidRequestError
from connector.ports import USER, UnitOfWork
from connector.services.context import Actor, TenantContext, new_id
from connector.services.expectations import REVIEW
from connector.services.locks import user_key
from connector.services.mirror.actual import load_actual
from connector.services.plan_records import asker_of, new_record
from connector.services.work.docusign_admin import admin_in_words, starting_link
from connector.services.work.log import WorkItemLog
from connector.services.work.open_grants import replaced_by
from connector.services.work.reasons import as_asked, reason_of
from connector.services.work.refused_changes import task_about

_GENERIC_STEPS = (
    "Sign in to {docusign_admin} as an administrator of the account.",
    "Open Users and look for {full_name} <{email}>.",
    "Give them {entitlement} and save.",
    "The task closes by itself once DocuSign shows it.",
)


REPLACED = "Another profile of the account was asked for."
"""Why a grant ends: a membership holds one profile."""


class Ask(NamedTuple):
    """One entitlement for one person."""

    user_id: str
    entitlement: str


class ManualTasks:
    """Opens the manual tasks of one tenant, within the caller's transaction."""

    def __init__(self, context: TenantContext, log: WorkItemLog) -> None:
        self._context = context
        self._log = log

    def open_for(
        self, uow: UnitOfWork, plan: PlanRecord, record: OperationRecord, actor: Actor
    ) -> OperationRecord:
        """Open the task of an operation, superseding the opposite one; return the operation.

        At most one task is open for a user and entitlement. Nothing is opened where DocuSign
        already has what the operation wants: then the operation is done.
        """
        step = record.operation
        (user_id, entitlement), *others = asked(step)
        for other in others:
            # A task is for one person; of an operation with many, each gets a plan of their own.
            self.open_beside(uow, plan, other, step, actor)
        takes = isinstance(step, RevokeRole | TakeCustody)
        direction = Direction.REVOKE if takes else Direction.GRANT
        actual = load_actual(uow, user_id)
        for item in uow.work_items.search(
            states=OPEN_STATES, subject_ids=[user_id], entitlement=entitlement
        ):
            if item.plan_id == plan.plan_id and item.kind is WorkItemKind.APPROVAL:
                continue  # It is what was just approved.
            if item.direction is direction:
                return self._finished(record)
            self._log.close(
                uow, item, WorkItemState.SUPERSEDED, actor, "The opposite was asked for."
            )
        for item in replaced_by(uow, user_id, entitlement):
            self._log.close(uow, item, WorkItemState.SUPERSEDED, actor, REPLACED)
        is_role = isinstance(step, GrantRole | RevokeRole)
        if is_role and (entitlement in actual.confirmed_roles) is (direction is Direction.GRANT):
            return self._finished(record)
        if isinstance(step, TakeCustody):
            item = self._custody_item(uow, plan, record, step, actual.user)
        else:
            ruling = self._context.policy.rule_on(entitlement, uow.mirror.catalogue())
            item = self._new_item(plan, record.operation_id, actual.user, ruling, direction)
        self._log.open(uow, item, actor, reason_of(plan))
        return replace(record, state=OperationState.WAITING)

    def open_beside(
        self,
        uow: UnitOfWork,
        plan: PlanRecord,
        ask: Ask,
        step: Operation,
        actor: Actor,
        *,
        reason: str = "",
    ) -> None:
        """Open a task with a plan of its own, on behalf of the requester of *plan*."""
        user_id, entitlement = ask
        if isinstance(step, AddGroupMembers):
            step = replace(step, user_ids=(user_id,))
        kept = {"after": plan.plan_id, "reason": reason, **as_asked(plan)}
        beside, record = self._plan_of_one(uow, user_id, step, asker_of(plan), kept)
        record = self.open_for(uow, beside, record, actor)
        uow.plans.save_operation(record)
        if record.state is OperationState.DONE:
            now = self._context.clock.now()
            uow.plans.save_plan(replace(beside, state=PlanState.DONE, finished_at=now))
        elif reason:
            (item,) = uow.work_items.search(
                states=OPEN_STATES,
                subject_ids=[user_id],
                entitlement=entitlement,
                kind=WorkItemKind.MANUAL_TASK,
            )
            uow.work_items.save(replace(item, comment=reason))

    def open_for_refused(
        self, uow: UnitOfWork, plan: PlanRecord, reason: str, actor: Actor
    ) -> None:
        """Open a task about a change that was accepted for later and is refused now: whoever asked
        for it may never look again.

        :param plan: as it was while it waited, with its request.
        """
        item = task_about(uow, self._context, plan, reason)
        self._log.open(uow, item, actor, reason_of(plan))

    def _plan_of_one(
        self,
        uow: UnitOfWork,
        user_id: str,
        step: Operation,
        requester: Actor,
        context: Mapping[str, Any],
    ) -> tuple[PlanRecord, OperationRecord]:
        """Record a plan of one operation, which people carry out."""
        plan = new_record(
            uow,
            self._context,
            Plan((step,)),
            (USER, user_id),
            requester,
            kept=context,
            locks=[user_key(user_id)],
        )
        record = OperationRecord(
            new_id(), plan.plan_id, 0, step, Fulfilment.MANUAL, OperationState.PLANNED
        )
        uow.plans.add(plan, [record])
        return plan, record

    def _custody_item(
        self,
        uow: UnitOfWork,
        plan: PlanRecord,
        record: OperationRecord,
        step: TakeCustody,
        user: User,
    ) -> WorkItem:
        _, records = uow.plans.get(plan.plan_id)
        troubles = [
            item.error
            for item in records
            if isinstance(item.operation, HandOverEnvelopes)
            and (item.operation.account_id, item.operation.user_id)
            == (step.account_id, step.user_id)
            and item.error
        ]
        found = uow.mirror.catalogue().accounts.get(step.account_id)
        account = found.name if found else step.account_id
        now = self._context.clock.now()
        days = self._context.settings.provisioning.manual_task_due_days
        return WorkItem(
            work_item_id=new_id(),
            kind=WorkItemKind.MANUAL_TASK,
            subject_id=user.user_id,
            entitlement=f"{CUSTODY}{step.account_id}",
            direction=Direction.REVOKE,
            state=WorkItemState.OPEN,
            title=f"Transfer what {user.user_name} <{user.email}> owns in {account}",
            instructions=_custody_steps(user, account, step.to, troubles),
            deep_link=None,
            plan_id=plan.plan_id,
            operation_id=record.operation_id,
            requester=plan.requester,
            created_at=now,
            due_at=now + timedelta(days=days),
            verification=VERIFY_WORD,
            rule="the leaver policy",
        )

    def review_native_admin(self, uow: UnitOfWork, user: User, actor: Actor) -> PlanRecord:
        """Open a task about somebody who became organization admin in DocuSign itself, and return
        its plan; that of the task that is open already, where there is one.

        :raises InvalidRequestError: the mapping has no such role, so that nobody can be asked.
        """
        user_id, role = user.user_id, ORGANIZATION_ADMIN
        if role not in self._context.policy.roles:
            raise InvalidRequestError(
                f"The mapping has no role {role}: nobody can be asked to take it away."
            )
        for item in uow.work_items.search(
            states=OPEN_STATES, subject_ids=[user_id], entitlement=role
        ):
            return uow.plans.get(item.plan_id)[0]
        plan, record = self._plan_of_one(
            uow, user_id, RevokeRole(user_id, role), actor, {REVIEW: True}
        )
        uow.plans.save_operation(replace(record, state=OperationState.WAITING))
        ruling = self._context.policy.rule_on(role, uow.mirror.catalogue())
        item = self._new_item(plan, record.operation_id, user, ruling, Direction.REVOKE)
        name = f"{user.user_name} <{user.email}>"
        item = replace(
            item,
            title=f"Review {name}, who became {ruling.target.name} in DocuSign itself",
            instructions=(
                f"Find out who made {name} {ruling.target.name} in DocuSign, and why.",
                "If it shall stay, reject this task with the reason: it is accepted then.",
                "If it shall not stay, take it away:",
                *item.instructions,
            ),
        )
        self._context.audit(
            uow,
            actor,
            "organization_admin.unexpected",
            user_id,
            work_item=item.work_item_id,
            entitlement=role,
        )
        self._log.open(uow, item, actor)
        return plan

    def _finished(self, record: OperationRecord) -> OperationRecord:
        return replace(record, state=OperationState.DONE, finished_at=self._context.clock.now())

    def _new_item(
        self,
        plan: PlanRecord,
        operation_id: str,
        user: User,
        ruling: Ruling,
        direction: Direction,
    ) -> WorkItem:
        meaning, target = ruling.meaning, ruling.target
        now = self._context.clock.now()
        days = meaning.due_days or self._context.settings.provisioning.manual_task_due_days
        is_grant = direction is Direction.GRANT
        verb, preposition = ("Grant", "to") if is_grant else ("Revoke", "from")
        return WorkItem(
            work_item_id=new_id(),
            kind=WorkItemKind.MANUAL_TASK,
            subject_id=user.user_id,
            entitlement=target.scim_id,
            direction=direction,
            state=WorkItemState.OPEN,
            title=f"{verb} {target.title} {preposition} {user.user_name} <{user.email}>",
            instructions=_steps(self._context, user, ruling, direction),
            deep_link=starting_link(self._context, ruling),
            plan_id=plan.plan_id,
            operation_id=operation_id,
            requester=plan.requester,
            created_at=now,
            due_at=now + timedelta(days=days),
            verification=meaning.verification,
            risk=meaning.risk,
            owner=meaning.owner,
            rule=ruling.rule,
        )


def _steps(
    context: TenantContext, user: User, ruling: Ruling, direction: Direction
) -> tuple[str, ...]:
    instructions = ruling.meaning.instructions
    if ruling.target.kind != ROLE and not instructions.grant:
        instructions = replace(instructions, grant=_GENERIC_STEPS)
    names = {
        "full_name": user.user_name,
        "email": user.email,
        "user_id": user.user_id,
        "entitlement": ruling.target.title,
        "docusign_admin": admin_in_words(context),
    }
    return instructions.steps(direction, names)


def _custody_steps(user: User, account: str, to: str, troubles: Sequence[str]) -> tuple[str, ...]:
    heir = to or "somebody (nobody is named: ask the owner of the account)"
    return (
        *(
            f"The transfer rule for what is in flight could not be made: {text}"
            for text in troubles
        ),
        f"Sign in to DocuSign as an administrator of {account} and open Settings.",
        f"Look for Transfer Custody, choose {user.user_name} <{user.email}>, who is closed by now.",
        f"Transfer the envelopes, and then the templates, to {heir}.",
        "Complete this task and say what was transferred; DocuSign shows it to no API.",
    )


def asked(step: Operation) -> Iterator[Ask]:
    """Return the user and the entitlement of each grant or revocation in an operation that waits
    for people.

    :raises TypeError: it is none, or its user is not known yet.
    """
    entitlements = [step.role] if isinstance(step, RevokeRole) else list(given(step)[:1])
    if isinstance(step, TakeCustody):
        entitlements = [f"{CUSTODY}{step.account_id}"]
    users = step.user_ids if isinstance(step, AddGroupMembers) else [getattr(step, "user_id", None)]
    if not entitlements or not all(users):
        raise TypeError(f"not an operation of a known user that people carry out: {step!r}")
    for user_id in users:
        yield Ask(str(user_id), entitlements[0])
