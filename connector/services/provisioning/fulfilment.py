"""Carries recorded plans out and settles what a crash left behind.

Each operation is committed as in flight before DocuSign hears of it, and as done together with the
mirror's new content. So at any instant the ledger says what may have happened, and a process that
dies loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connector.domain.ledger.plans import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.plan import (
    HandOverEnvelopes,
    Plan,
    ReopenMembership,
    UpdatePerson,
    with_subject_id,
)
from connector.domain.planning import Addresses
from connector.domain.policy.guards import touched_users
from connector.errors import (
    ConnectorError,
    InvitationPendingError,
    PermanentError,
    TemporaryError,
    UnknownOutcomeError,
)
from connector.patience import within
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.locks import WriteLocks, within_lease
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.attempts import Attempts
from connector.services.provisioning.confirmed_facts import Performed
from connector.services.provisioning.failures import UNFINISHED, Failures
from connector.services.provisioning.leases import is_long_for_a_lease, prolong, renew
from connector.services.provisioning.safety import refuse_if_unsafe
from connector.services.provisioning.subjects import Subjects, keep_attributes, record_provenance
from connector.services.provisioning.undoing import Undoer, is_undoing, refuse_if_undoing
from connector.services.queued_requests import queue_what_follows
from connector.services.work.approval_desk import APPROVAL, ApprovalDesk
from connector.services.work.log import finished_plan
from connector.services.work.manual_tasks import ManualTasks

_log = structlog.get_logger(__name__)


class FulfilmentService:
    """Carries out the plans of one tenant. Callers hold the write lock of the plan's subject."""

    def __init__(
        self,
        context: TenantContext,
        attempts: Attempts,
        undoer: Undoer,
        tasks: ManualTasks,
        desk: ApprovalDesk,
        *,
        subjects: Subjects,
        mirror: MirrorWriter,
        locks: WriteLocks,
    ) -> None:
        self._context = context
        self._locks = locks
        self._attempts = attempts
        self._failures = Failures(context, undoer, desk, subjects, tasks, mirror=mirror)
        self._tasks = tasks
        self._desk = desk
        self._subjects = subjects

    def carry_out(
        self, plan_id: str, actor: Actor, deadline: datetime, *, resumed: bool = False
    ) -> PlanRecord:
        """Do what is left of a plan and return it as it then stands.

        :param resumed: the plan was begun by somebody else: an operation found in flight is looked
            up in DocuSign before it is repeated.

        :raises TemporaryError: DocuSign could not be reached until the deadline; what had been done
            was undone, or the plan is queued where the tenant chose so.
        :raises PermanentError: DocuSign refused; what had been done was undone, and the message
            says what could not be.
        """
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        if APPROVAL in plan.context:
            if self._waits_for_decision(plan, actor):
                return plan
            with self._context.read() as uow:
                # Looked through again, its steps say who came to the address meanwhile.
                plan, records = uow.plans.get(plan_id)
        guarded = not resumed
        for record in records:
            if record.state in UNFINISHED:
                try:
                    refuse_if_undoing(plan)
                    if not guarded and record.state is OperationState.PLANNED:
                        self._guard_again(records)
                        guarded = True
                    is_extra = _follows_opening(record, records)
                    plan = self._do(
                        plan, record, actor, deadline, resumed=resumed, is_extra=is_extra
                    )
                except ConnectorError as error:
                    return self._failures.give_up(plan_id, record, error, actor, resumed=resumed)
        return plan

    def settle(self, plan_id: str, actor: Actor) -> PlanRecord:
        """Finish an abandoned or queued plan; one that DocuSign refuses is undone.

        :raises TemporaryError: DocuSign is still out of reach, for the plan or for its undoing, or
            another change of administrators is under way; the plan waits for the next look.
        """
        wait_s = within(self._context.settings.provisioning.wait_s)
        with self._context.read() as uow:
            _, records = uow.plans.get(plan_id)
        users = {user_id for item in records for user_id in touched_users(item.operation)}
        with self._locks.hold_administrators(users, wait_s):
            deadline = self._context.clock.now() + timedelta(seconds=wait_s)
            try:
                return self.carry_out(plan_id, actor, deadline, resumed=True)
            except PermanentError as error:
                return self._after_refusal(plan_id, error)

    def confirm(self, plan_id: str, actor: Actor) -> None:
        """Note what DocuSign shows of a plan's operations in flight: nothing is repeated, undone or
        begun.

        :raises TemporaryError: DocuSign cannot be asked now.
        """
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        if is_undoing(plan):
            return
        with within_lease():
            self._confirm(plan, records, actor)

    def _confirm(self, plan: PlanRecord, records: Sequence[OperationRecord], actor: Actor) -> None:
        plan_id = plan.plan_id
        for record in records:
            if record.state is not OperationState.IN_FLIGHT:
                continue
            step = with_subject_id(record.operation, plan.subject_id)
            try:
                performed = self._attempts.look_up(step, since=plan.created_at)
            except UnknownOutcomeError as error:
                raise TemporaryError(str(error)) from error
            except PermanentError as error:
                _log.warning("an operation cannot be looked up", plan=plan_id, error=str(error))
                continue
            if performed is not None:
                plan = self._commit(plan, replace(record, operation=step), performed, actor)

    def hand_to_people(self, uow: UnitOfWork, plan: PlanRecord, reason: str, actor: Actor) -> None:
        """Open the task about an accepted change that ends refused, before anything of it is done.

        :param plan: as it was while it waited.
        """
        self._tasks.open_for_refused(uow, plan, reason, actor)

    def _after_refusal(self, plan_id: str, error: PermanentError) -> PlanRecord:
        """Return a failed plan; one that is still to be undone is none yet.

        :raises TemporaryError: DocuSign does not answer; the undoing waits.
        """
        with self._context.read() as uow:
            plan, _ = uow.plans.get(plan_id)
        if plan.state is not PlanState.FAILED:
            raise TemporaryError(str(error)) from error
        _log.warning("plan failed", plan=plan_id, error=str(error))
        return plan

    def _waits_for_decision(self, plan: PlanRecord, actor: Actor) -> bool:
        """Return whether what a plan was approved for is no longer so: it is planned again."""
        if plan.state is not PlanState.QUEUED:
            return False
        # Since the locks were taken those of administrators may have been waited for.
        with within_lease(self._context.settings.provisioning.wait_s):
            return not self._desk.still_fits(plan.plan_id, actor)

    def _guard_again(self, records: Sequence[OperationRecord]) -> None:
        """Let the operations through that DocuSign has not heard of: since the plan was recorded
        the world may have changed.

        :raises connector.errors.GuardError: a rule refuses them now.
        """
        planned = [item.operation for item in records if item.state is OperationState.PLANNED]
        with self._context.read() as uow:
            refuse_if_unsafe(uow, self._context, Plan(tuple(planned)))

    # one operation ------------------------------------------------------------

    def _do(
        self,
        plan: PlanRecord,
        record: OperationRecord,
        actor: Actor,
        deadline: datetime,
        *,
        resumed: bool,
        is_extra: bool,
    ) -> PlanRecord:
        """Do one operation.

        :param is_extra: where it has to wait for an invitation to be accepted, the rest of the plan
            holds without it.
        """
        record = replace(record, operation=with_subject_id(record.operation, plan.subject_id))
        if record.fulfilment is not Fulfilment.AUTOMATIC:
            renew(self._context, plan, record.operation)
            with within_lease():
                return self._leave_to_people(plan, record, actor)
        if isinstance(record.operation, HandOverEnvelopes):
            return self._hand_over(plan, record, actor, resumed=resumed)
        is_looked_up = resumed and record.state is OperationState.IN_FLIGHT
        record = self._taken_up(plan, record)
        try:
            with within_lease():
                since = plan.created_at
                found = (
                    self._attempts.look_up(record.operation, since=since) if is_looked_up else None
                )
                performed = found or self._attempts.make(record.operation, deadline)
        except InvitationPendingError as error:
            if not is_extra:
                raise
            return self._go_on_without(plan, record, error, actor)
        return self._commit(plan, record, performed, actor)

    def _hand_over(
        self, plan: PlanRecord, record: OperationRecord, actor: Actor, *, resumed: bool
    ) -> PlanRecord:
        """Try once, and go on without it: what becomes of envelopes must not delay a closing."""
        is_looked_up = resumed and record.state is OperationState.IN_FLIGHT
        record = self._taken_up(plan, record)
        try:
            with within_lease():
                found = self._attempts.look_up(record.operation) if is_looked_up else None
                performed = found or self._attempts.once(record.operation)
        except ConnectorError as error:
            return self._go_on_without(plan, record, error, actor)
        return self._commit(plan, record, performed, actor)

    def _go_on_without(
        self, plan: PlanRecord, record: OperationRecord, error: ConnectorError, actor: Actor
    ) -> PlanRecord:
        now = self._context.clock.now()
        skipped = replace(
            record,
            state=OperationState.SKIPPED,
            error=str(error),
            trace_token=getattr(error, "trace_token", None),
            finished_at=now,
            lease_until=None,
        )
        with self._context.write() as uow:
            uow.plans.save_operation(skipped)
            self._context.audit(
                uow,
                actor,
                "operation.skipped",
                plan.subject_id or "",
                plan=plan.plan_id,
                operation=record.operation.to_dict(),
                reason=str(error),
            )
            plan = self._save_progress(uow, plan, actor)
            uow.commit()
        return plan

    def _taken_up(self, plan: PlanRecord, record: OperationRecord) -> OperationRecord:
        """Return an operation of which DocuSign may hear now, in flight with a lease that lasts."""
        is_in_flight = record.state is OperationState.IN_FLIGHT
        if is_in_flight and not is_long_for_a_lease():
            return record
        return self._mark_in_flight(plan, record)

    def _mark_in_flight(self, plan: PlanRecord, record: OperationRecord) -> OperationRecord:
        """Commit that DocuSign is about to hear of an operation, and renew what the caller holds:
        a plan of many operations takes longer than a lease lasts."""
        is_new = record.state is not OperationState.IN_FLIGHT
        with self._context.write() as uow:
            record = replace(
                record,
                state=OperationState.IN_FLIGHT,
                attempts=record.attempts + is_new,
                owner=self._context.owner,
                lease_until=prolong(uow, self._context, plan, record.operation),
            )
            uow.plans.save_operation(record)
            uow.commit()
        return record

    def _commit(
        self, plan: PlanRecord, record: OperationRecord, performed: Performed, actor: Actor
    ) -> PlanRecord:
        """Record a confirmed operation and its facts in one transaction."""
        with self._context.write() as uow:
            subject_id = plan.subject_id or performed.subject_id
            if plan.subject_id is None and subject_id is not None:
                # A new person: what the request said of them belongs to their first appearance.
                keep_attributes(uow, subject_id, plan.context, kind=plan.subject_kind)
            performed.apply(uow)
            done = replace(
                record,
                operation=performed.operation,
                state=OperationState.DONE,
                finished_at=self._context.clock.now(),
                error=None,
                lease_until=None,
            )
            uow.plans.save_operation(done)
            # Before what follows from it, such as the end of an approval.
            self._context.audit(
                uow,
                actor,
                "operation.done",
                subject_id or "",
                plan=plan.plan_id,
                operation=done.operation.to_dict(),
            )
            plan = self._save_progress(uow, replace(plan, subject_id=subject_id), actor)
            uow.commit()
        return plan

    def _leave_to_people(
        self, plan: PlanRecord, record: OperationRecord, actor: Actor
    ) -> PlanRecord:
        asks_first = record.fulfilment is Fulfilment.APPROVAL
        addresses = self._desk.addresses() if asks_first else Addresses()
        with self._context.write() as uow:
            if asks_first:
                record = self._desk.open_for(uow, plan, record, actor, addresses)
            else:
                record = self._tasks.open_for(uow, plan, record, actor)
            uow.plans.save_operation(record)
            plan = self._save_progress(uow, plan, actor)
            uow.commit()
        return plan

    def _save_progress(self, uow: UnitOfWork, plan: PlanRecord, actor: Actor) -> PlanRecord:
        _, records = uow.plans.get(plan.plan_id)
        left = any(_is_left_for_docusign(item) for item in records)
        unfinished = any(item.state in UNFINISHED for item in records)
        if not left:
            self._subjects.conclude(uow, plan)
            record_provenance(uow, plan, records)
        if not unfinished:
            # A task that is yet to be opened stands in the way: who deletes its person closes it.
            uow.turns.leave(plan.plan_id)
        was_queued = plan.state is PlanState.QUEUED
        if was_queued and not left:
            # From here on it waits for people, if at all.
            plan = replace(plan, state=PlanState.OPEN)
            queue_what_follows(uow, self._context, plan)
        plan = finished_plan(plan, records, self._context)
        uow.plans.save_plan(plan)
        if was_queued and not left:
            self._subjects.show_queue(uow, plan)
        if APPROVAL in plan.context and not unfinished:
            self._desk.carried_out(uow, plan, actor)
        return plan


def _follows_opening(record: OperationRecord, records: Sequence[OperationRecord]) -> bool:
    """Return whether an operation changes the names of somebody whom the same plan enables. Until
    they have accepted the invitation DocuSign may ignore that, and they shall get in all the same:
    the answer shows them as they are called."""
    step = record.operation
    return isinstance(step, UpdatePerson) and any(
        isinstance(item.operation, ReopenMembership)
        and item.operation.account_id == step.account_id
        for item in records
    )


def _is_left_for_docusign(item: OperationRecord) -> bool:
    return item.fulfilment is Fulfilment.AUTOMATIC and item.state in UNFINISHED
