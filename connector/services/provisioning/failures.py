"""What becomes of a plan of which an operation failed: left in doubt, queued, or undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord, PlanState
from connector.domain.mirror.merge import merge_member
from connector.errors import ConnectorError, TemporaryError, UnknownOutcomeError
from connector.patience import waiting_longer
from connector.services.context import Actor, TenantContext
from connector.services.expectations import Word, state_brought
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.confirmed_facts import SecondUserError
from connector.services.provisioning.subjects import Subjects, record_provenance
from connector.services.provisioning.undoing import UNDO_WITHIN, Undoer
from connector.services.queued_requests import without_request
from connector.services.work.approval_desk import APPROVAL, ApprovalDesk
from connector.services.work.manual_tasks import ManualTasks

UNFINISHED = (OperationState.PLANNED, OperationState.IN_FLIGHT)


class Failures:
    """Decides how the plans of one tenant end, or wait, after an error."""

    def __init__(
        self,
        context: TenantContext,
        undoer: Undoer,
        desk: ApprovalDesk,
        subjects: Subjects,
        tasks: ManualTasks,
        *,
        mirror: MirrorWriter,
    ) -> None:
        self._context = context
        self._mirror = mirror
        self._undoer = undoer
        self._desk = desk
        self._subjects = subjects
        self._tasks = tasks

    def give_up(
        self,
        plan_id: str,
        record: OperationRecord,
        error: ConnectorError,
        actor: Actor,
        *,
        resumed: bool,
    ) -> PlanRecord:
        """Return the plan where it is queued now.

        :param resumed: nobody waits for the answer.
        :raises TemporaryError: DocuSign did not answer; what was done is undone, or settled later.
        :raises ConnectorError: *error*, saying what was undone.
        """
        if isinstance(error, SecondUserError):
            self._keep_second_user(plan_id, error, actor)
        if isinstance(error, UnknownOutcomeError):
            if self._queues(plan_id):
                return self._queue(plan_id, record, error, actor)
            self._leave_to_settlement(plan_id, record, error)
            raise TemporaryError(str(error), retry_after_s=30) from error
        if isinstance(error, TemporaryError) and self._queues(plan_id):
            return self._queue(plan_id, record, error, actor)
        if isinstance(error, TemporaryError) and resumed:
            # Nobody waits for an answer any more: a plan that was broken off goes forward.
            self._leave_to_settlement(plan_id, record, error)
            raise error
        with waiting_longer(UNDO_WITHIN.total_seconds()):
            undoing = self._undoer.undo(plan_id, record, error, actor)
        message = undoing.message(str(error))
        if undoing.waiting:
            self._leave_to_settlement(plan_id, record, error)
        else:
            self._fail(plan_id, record, error, message, actor)
        if isinstance(error, TemporaryError):
            raise TemporaryError(message, retry_after_s=error.retry_after_s) from error
        error.args = (message,)
        raise error

    def _keep_second_user(self, plan_id: str, error: SecondUserError, actor: Actor) -> None:
        """Write down whose change made a new user of a known person, before anything is undone:
        found later, they would count as created in DocuSign itself."""
        now, user = self._context.clock.now(), error.seen
        with self._context.write() as uow:
            plan, _ = uow.plans.get(plan_id)
            known = uow.mirror.get_users([user.user_id]).get(user.user_id)
            fetched_at = now if known is None else None
            self._mirror.put_users(uow, [merge_member(known, user)], fetched_at=fetched_at)
            word = Word(plan.requester, plan.source, now, plan_id)
            state_brought(uow, user, error.step, word)
            self._context.audit(
                uow, actor, "user.doubled", user.user_id, plan=plan_id, user_id=error.known_as
            )
            uow.commit()

    def _queues(self, plan_id: str) -> bool:
        with self._context.read() as uow:
            plan, _ = uow.plans.get(plan_id)
        chosen = self._context.settings.provisioning.on_unavailable == "queue"
        return chosen or plan.state is PlanState.QUEUED

    def _queue(
        self, plan_id: str, record: OperationRecord, error: ConnectorError, actor: Actor
    ) -> PlanRecord:
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan_id)
            # What may have taken effect stays in flight: it is read back before it is repeated.
            in_doubt = isinstance(error, UnknownOutcomeError)
            state = OperationState.IN_FLIGHT if in_doubt else OperationState.PLANNED
            for item in records:
                if item.operation_id == record.operation_id:
                    stopped = replace(item, state=state, error=str(error), lease_until=None)
                    uow.plans.save_operation(stopped)
                elif item.state in UNFINISHED:
                    uow.plans.save_operation(replace(item, lease_until=None))
            is_news = plan.state is not PlanState.QUEUED
            plan = replace(plan, state=PlanState.QUEUED)
            uow.plans.save_plan(plan)
            self._subjects.show_queue(uow, plan)
            if is_news:
                self._context.audit(
                    uow,
                    actor,
                    "plan.queued",
                    plan.subject_id or "",
                    plan=plan_id,
                    reason=str(error),
                )
            uow.commit()
        return plan

    def _leave_to_settlement(
        self, plan_id: str, record: OperationRecord, error: ConnectorError
    ) -> None:
        now = self._context.clock.now()
        with self._context.write() as uow:
            _, records = uow.plans.get(plan_id)
            for item in records:
                if item.operation_id == record.operation_id:
                    uow.plans.save_operation(replace(item, error=str(error), lease_until=now))
                elif item.state in UNFINISHED:
                    uow.plans.save_operation(replace(item, lease_until=now))
            uow.commit()

    def _fail(
        self,
        plan_id: str,
        record: OperationRecord,
        error: ConnectorError,
        message: str,
        actor: Actor,
    ) -> None:
        now = self._context.clock.now()
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan_id)
            waited = plan
            for item in records:
                uow.plans.save_operation(_after_failure(item, record, error, now))
            rest = without_request(plan.context)
            plan = replace(plan, state=PlanState.FAILED, finished_at=now, context=rest)
            uow.plans.save_plan(plan)
            self._subjects.withdraw(uow, plan)
            self._subjects.show_queue(uow, plan)
            # What was undone left no trace; what could not be undone is somebody's access now.
            record_provenance(uow, plan, records)
            self._context.audit(
                uow, actor, "plan.failed", plan.subject_id or "", plan=plan_id, reason=str(error)
            )
            if APPROVAL in plan.context:
                self._desk.failed(uow, plan, str(error), actor)
            elif waited.state is PlanState.QUEUED:
                self._tasks.open_for_refused(uow, waited, message, actor)
            uow.commit()


def _after_failure(
    item: OperationRecord, failed: OperationRecord, error: ConnectorError, now: datetime
) -> OperationRecord:
    if item.operation_id == failed.operation_id:
        return replace(
            item,
            state=OperationState.FAILED,
            error=str(error),
            trace_token=getattr(error, "trace_token", None),
            finished_at=now,
            lease_until=None,
        )
    if item.state in UNFINISHED:
        return replace(item, state=OperationState.SKIPPED, finished_at=now, lease_until=None)
    return item
