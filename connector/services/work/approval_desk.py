"""Opens approvals, keeps them true to what is, and ends them with their plans.

What an approval decides on is a plan of its own: how one entitlement comes to one person, planned
by itself. It waits in the ledger; approved, it is the connector's until it is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta

from connector.domain.ledger.plans import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.model import group_scim_id
from connector.domain.plan import AddGroupMembers, Operation, Plan, RevokeRole, TakeCustody
from connector.domain.planning import Addresses, plan_grant
from connector.domain.policy.entitlement_rules import ROLE, Ruling
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import (
    OPEN_STATES,
    ApprovalTerms,
    Direction,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.errors import InvalidRequestError, NotFoundError
from connector.ports import USER, UnitOfWork
from connector.services.context import Actor, TenantContext, new_id
from connector.services.locks import group_key, user_key
from connector.services.mirror.actual import load_actual
from connector.services.mirror.neighbours import naming_predecessors
from connector.services.naming import names_for
from connector.services.plan_records import asker_of, new_record
from connector.services.targeted_aggregation.refresh import RefreshService
from connector.services.work.asking_again import denials_against
from connector.services.work.docusign_admin import starting_link
from connector.services.work.log import WorkItemLog
from connector.services.work.manual_tasks import REPLACED, Ask, ManualTasks, asked
from connector.services.work.open_grants import (
    contradicted_by,
    is_begun,
    open_grants,
    replaced_by,
    roles_of_leavers,
)
from connector.services.work.reasons import REQUESTER_EMAIL, as_asked, reason_of

APPROVAL = "approval"
"""In a plan's context: the work item that decides on it."""


class ApprovalDesk:
    """Keeps the approvals of one tenant, within the caller's transaction unless said otherwise."""

    def __init__(
        self,
        context: TenantContext,
        log: WorkItemLog,
        tasks: ManualTasks,
        refresh: RefreshService,
    ) -> None:
        self._context = context
        self._log = log
        self._tasks = tasks
        self._refresh = refresh

    def addresses(self) -> Addresses:
        """Return what planning needs to know of DocuSign; asked before a transaction begins."""
        return Addresses(self._refresh.claimed_domains())

    # opening ------------------------------------------------------------------

    def without_pending(self, uow: UnitOfWork, plan: Plan, reason: str) -> Plan:
        """Return the plan without what has been asked for already, or was denied a short while ago:
        asking again changes nothing.

        :param reason: why it is asked for; one that is new since the denial opens it again.
        """
        catalogue = uow.mirror.catalogue()
        steps: list[Operation] = []
        for step in plan:
            if isinstance(step, RevokeRole | TakeCustody):
                steps.append(step)
                continue
            if self._context.policy.route(step, catalogue) is Fulfilment.AUTOMATIC:
                steps.append(step)
            elif isinstance(step, AddGroupMembers):
                entitlement = group_scim_id(step.account_id, step.group_id)
                waiting = open_grants(uow, step.user_ids, entitlement=entitlement)
                pending = {item.subject_id for item in waiting}
                pending |= self._denied(uow, step.user_ids, entitlement, reason)
                left = tuple(user_id for user_id in step.user_ids if user_id not in pending)
                steps += [replace(step, user_ids=left)] if left else []
            elif not self._is_pending(uow, step, reason):
                steps.append(step)
        return Plan(tuple(steps))

    def _is_pending(self, uow: UnitOfWork, step: Operation, reason: str) -> bool:
        if not getattr(step, "user_id", None):
            return False
        return all(
            bool(open_grants(uow, [user_id], entitlement=entitlement))
            or bool(self._denied(uow, [user_id], entitlement, reason))
            for user_id, entitlement in asked(step)
        )

    def _denied(
        self, uow: UnitOfWork, user_ids: Sequence[str], entitlement: str, reason: str
    ) -> AbstractSet[str]:
        """Return the users of whom this was denied."""
        return denials_against(uow, self._context, user_ids, entitlement, reason).keys()

    def open_for(
        self,
        uow: UnitOfWork,
        plan: PlanRecord,
        record: OperationRecord,
        actor: Actor,
        addresses: Addresses,
    ) -> OperationRecord:
        """Open the approvals that an operation needs; return the operation, left to them."""
        for ask in asked(record.operation):
            self._open(uow, plan, ask, actor, addresses)
        now = self._context.clock.now()
        return replace(record, state=OperationState.REFERRED, finished_at=now, lease_until=None)

    def _open(
        self,
        uow: UnitOfWork,
        parent: PlanRecord,
        ask: Ask,
        actor: Actor,
        addresses: Addresses,
    ) -> None:
        user_id, entitlement = ask
        if open_grants(uow, [user_id], entitlement=entitlement):
            return
        if self._denied(uow, [user_id], entitlement, reason_of(parent)):
            return
        for item in replaced_by(uow, user_id, entitlement):
            self.supersede(uow, item, actor, REPLACED)
        for item in uow.work_items.search(
            states=OPEN_STATES,
            subject_ids=[user_id],
            entitlement=entitlement,
            direction=Direction.REVOKE,
        ):
            self.supersede(uow, item, actor, "The opposite was asked for.")
        wanted = self._plan(uow, user_id, entitlement, addresses)
        if not wanted:
            return
        ruling = self._context.policy.rule_on(entitlement, uow.mirror.catalogue())
        item = self._new_item(uow, parent, user_id, ruling)
        plan = self._record(uow, parent, item, wanted)
        self._log.open(uow, _deciding_on(item, plan), actor, reason_of(parent))

    def _plan(self, uow: UnitOfWork, user_id: str, entitlement: str, addresses: Addresses) -> Plan:
        actual = load_actual(uow, user_id)
        book = self._context.book(uow.mirror.catalogue())
        return plan_grant(entitlement, actual, self._context.policy, book, addresses)

    def _new_item(
        self, uow: UnitOfWork, parent: PlanRecord, user_id: str, ruling: Ruling
    ) -> WorkItem:
        meaning = ruling.meaning
        user = uow.mirror.get_users([user_id])[user_id]
        now = self._context.clock.now()
        return WorkItem(
            work_item_id=new_id(),
            kind=WorkItemKind.APPROVAL,
            subject_id=user_id,
            entitlement=ruling.target.scim_id,
            direction=Direction.GRANT,
            state=WorkItemState.OPEN,
            title=f"Grant {ruling.target.title} to {user.user_name} <{user.email}>",
            instructions=(),
            deep_link=starting_link(self._context, ruling),
            plan_id="",
            operation_id="",
            requester=parent.requester,
            created_at=now,
            due_at=None,
            verification="",
            risk=meaning.risk,
            owner=meaning.owner,
            rule=ruling.rule,
            terms=ApprovalTerms(
                meaning.approvers,
                meaning.approvals_needed,
                meaning.on_expiry,
                meaning.escalate_to,
                meaning.approver_says_why,
                str(parent.context.get(REQUESTER_EMAIL, "")),
            ),
            expires_at=now + self.time_to_decide(ruling),
        )

    def time_to_decide(self, ruling: Ruling) -> timedelta:
        """Return how long an approval waits for its decision."""
        days = ruling.meaning.expires_days or self._context.settings.approvals.expire_days
        return timedelta(days=days)

    def _record(
        self, uow: UnitOfWork, parent: PlanRecord, item: WorkItem, wanted: Plan
    ) -> tuple[PlanRecord, OperationRecord]:
        """Record the plan that is decided on; nothing of it happens before."""
        groups = [
            group_key(group_scim_id(step.account_id, step.group_id))
            for step in wanted
            if isinstance(step, AddGroupMembers)
        ]
        plan = new_record(
            uow,
            self._context,
            wanted,
            (USER, item.subject_id),
            asker_of(parent),
            kept={APPROVAL: item.work_item_id, "after": parent.plan_id, **as_asked(parent)},
            locks=[user_key(item.subject_id), *groups],
        )
        records = [
            OperationRecord(
                new_id(),
                plan.plan_id,
                position,
                step,
                Fulfilment.APPROVAL,
                OperationState.WAITING,
            )
            for position, step in enumerate(wanted)
        ]
        uow.plans.add(plan, records)
        return plan, records[0]

    # superseding --------------------------------------------------------------

    def supersede(self, uow: UnitOfWork, item: WorkItem, actor: Actor, why: str) -> None:
        """End an item because something else was asked for; not one that is being carried out."""
        if is_begun(uow, item):
            return
        self._log.close(uow, item, WorkItemState.SUPERSEDED, actor, why)

    def supersede_by(self, uow: UnitOfWork, plan: Plan, actor: Actor) -> None:
        """End the grants that a plan contradicts: what it closes, takes, or gives instead."""
        for step in plan:
            if overtaken := contradicted_by(uow, step):
                words = step.describe(names_for(uow, self._context, [step]))
                for item in overtaken:
                    self.supersede(uow, item, actor, f"Overtaken: {words}.")
        for item in roles_of_leavers(uow, plan):
            self.supersede(uow, item, actor, "Overtaken: the user is disabled.")

    def take_back(
        self, uow: UnitOfWork, user_ids: Iterable[str], entitlements: Iterable[str], actor: Actor
    ) -> None:
        """End grants that the requester no longer wants, approvals and tasks alike."""
        ids = list(user_ids)
        for entitlement in entitlements if ids else ():
            for item in open_grants(uow, ids, entitlement=entitlement):
                self.supersede(uow, item, actor, "The opposite was asked for.")

    # carrying out -------------------------------------------------------------

    def release(self, uow: UnitOfWork, item: WorkItem, approved_by: Sequence[str]) -> WorkItem:
        """Let the plan of an approval go: from now on the connector owns it."""
        plan, records = uow.plans.get(item.plan_id)
        ruling = self._context.policy.rule_on(item.entitlement, uow.mirror.catalogue())
        is_manual = ruling.target.kind == ROLE or ruling.meaning.after_approval == "manual"
        fulfilment = Fulfilment.MANUAL if is_manual else Fulfilment.AUTOMATIC
        for record in records:
            uow.plans.save_operation(
                replace(record, state=OperationState.PLANNED, fulfilment=fulfilment)
            )
        context = {**plan.context, "approved_by": list(approved_by)}
        uow.plans.save_plan(replace(plan, state=PlanState.QUEUED, context=context))
        now = self._context.clock.now()
        uow.turns.take(plan.plan_id, plan.context.get("locks", ()), now)
        item = replace(item, state=WorkItemState.APPROVED)
        uow.work_items.save(item)
        return item

    def still_fits(self, plan_id: str, actor: Actor) -> bool:
        """Return whether an approved plan is what would be planned now; else it is planned again
        and waits for a new decision, or ends. In transactions of its own.

        :raises TemporaryError: DocuSign cannot be asked.
        """
        with self._context.read() as uow:
            plan, _ = uow.plans.get(plan_id)
        self._refresh.refresh_if_stale(plan.subject_id or "")
        addresses = self.addresses()
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan_id)
            begun = any(record.state is not OperationState.PLANNED for record in records)
            if begun or plan.state is not PlanState.QUEUED:
                return True
            item = uow.work_items.get(str(plan.context[APPROVAL]))
            fits = self.renew(uow, item, actor, addresses)
            for record in records if fits else ():
                # Whoever came to the address since it was planned did not come with this step.
                step = naming_predecessors(uow, record.operation)
                if step is not record.operation:
                    uow.plans.save_operation(replace(record, operation=step))
            uow.commit()
        return fits

    def renew(self, uow: UnitOfWork, item: WorkItem, actor: Actor, addresses: Addresses) -> bool:
        """Return whether an item still decides on what would be planned now; else plan it again."""
        try:
            wanted = self._plan(uow, item.subject_id, item.entitlement, addresses)
        except (InvalidRequestError, NotFoundError) as error:
            why = f"It cannot be given any more: {error}"
            self._log.close(uow, item, WorkItemState.SUPERSEDED, actor, why)
            return False
        if not wanted:
            why = "DocuSign has it already."
            self._log.close(uow, item, WorkItemState.SUPERSEDED, actor, why)
            return False
        if wanted.checksum == item.checksum:
            return True
        self._replan(uow, item, wanted, actor)
        return False

    def _replan(self, uow: UnitOfWork, item: WorkItem, wanted: Plan, actor: Actor) -> None:
        before, records = uow.plans.get(item.plan_id)
        now = self._context.clock.now()
        for record in records:
            uow.plans.save_operation(replace(record, state=OperationState.SKIPPED, finished_at=now))
        uow.plans.save_plan(replace(before, state=PlanState.DONE, finished_at=now))
        ruling = self._context.policy.rule_on(item.entitlement, uow.mirror.catalogue())
        plan = self._record(uow, before, item, wanted)
        item = replace(
            _deciding_on(item, plan),
            state=WorkItemState.OPEN,
            expires_at=now + self.time_to_decide(ruling),
        )
        uow.work_items.save(item)
        comment = f"Before: {before.summary}. Now: {plan[0].summary}."
        self._log.note(uow, item, actor, Act.REPLANNED, comment, checksum=item.checksum)

    def carried_out(self, uow: UnitOfWork, plan: PlanRecord, actor: Actor) -> None:
        """End the approval whose plan needs nothing of it any more."""
        item = uow.work_items.get(str(plan.context[APPROVAL]))
        if item.state is WorkItemState.APPROVED and item.plan_id == plan.plan_id:
            self._log.close(uow, item, WorkItemState.DONE, actor, "")

    def failed(self, uow: UnitOfWork, plan: PlanRecord, reason: str, actor: Actor) -> None:
        """Open a manual task for an approved plan that DocuSign or a rule refuses."""
        item = uow.work_items.get(str(plan.context[APPROVAL]))
        if item.state is not WorkItemState.APPROVED:
            return
        why = f"Approved, but it could not be carried out: {reason} A person has to."
        self._log.close(uow, item, WorkItemState.SUPERSEDED, actor, why)
        _, records = uow.plans.get(plan.plan_id)
        for record in records:
            step = record.operation
            for ask in _asked(step):
                if ask.entitlement == item.entitlement:
                    self._tasks.open_beside(uow, plan, ask, step, actor, reason=why)


def _deciding_on(item: WorkItem, plan: tuple[PlanRecord, OperationRecord]) -> WorkItem:
    record, first = plan
    return replace(
        item,
        plan_id=record.plan_id,
        operation_id=first.operation_id,
        checksum=record.checksum,
    )


def _asked(step: Operation) -> Iterator[Ask]:
    try:
        yield from asked(step)
    except TypeError:
        return  # It gives nothing: the closing after a passage.
