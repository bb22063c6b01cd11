"""The steps that every change takes: guarded, recorded, carried out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.ledger.plans import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.plan import Plan
from connector.domain.policy.arrangement import arrange
from connector.errors import ConflictingWriteError, TemporaryError
from connector.patience import take_place, waiting, within
from connector.ports import UnitOfWork
from connector.services.context import Actor, Principal, TenantContext, new_id
from connector.services.locks import LEASE, WriteLocks, within_lease
from connector.services.mirror.neighbours import with_predecessors
from connector.services.plan_records import new_record
from connector.services.provisioning.fulfilment import FulfilmentService
from connector.services.provisioning.safety import refuse_if_unsafe
from connector.services.provisioning.subjects import Subjects
from connector.services.provisioning.turns import BearOnIt, Check, Turns
from connector.services.queued_requests import (
    QUEUED_REQUEST,
    Subject,
    is_unplanned,
    queue_what_follows,
    without_request,
)
from connector.services.work.approval_desk import ApprovalDesk
from connector.services.work.leavers import Leavers
from connector.services.work.reasons import REQUESTER_EMAIL, reason_in, reason_of, require_reason
from connector.settings import ProvisioningSettings
from connector.tracing import span

_LEAST_WAIT_S = 5.0
"""DocuSign gets so long in any case. It is the least that the file can say; whoever wires the
services without one may let other writers be waited for less."""


@dataclass(frozen=True)
class Outcome:
    """What became of a request."""

    plan: Plan
    fulfilments: Sequence[Fulfilment] = ()
    """One for each operation."""
    record: PlanRecord | None = None
    """None where nothing was to be done, or for a dry run."""
    subject_id: str | None = None
    warnings: Sequence[str] = field(default_factory=tuple)


def route(uow: UnitOfWork, context: TenantContext, plan: Plan) -> tuple[Fulfilment, ...]:
    """Return who carries out each operation of a plan."""
    catalogue = uow.mirror.catalogue()
    return tuple(context.policy.route(step, catalogue) for step in plan)


def routed(context: TenantContext, plan: Plan) -> tuple[Fulfilment, ...]:
    """As :func:`route`, in a view of its own."""
    with context.read() as uow:
        return route(uow, context, plan)


def record_plan(
    uow: UnitOfWork,
    context: TenantContext,
    plan: Plan,
    subject: Subject,
    actor: Actor,
    *,
    fulfilments: Sequence[Fulfilment],
    extra: Mapping[str, Any],
) -> PlanRecord:
    """Write plan, operations and audit event.

    The first automatic operation is written as in flight, which saves a commit: whoever records
    a plan carries it out at once, unless the actor does not wait for it.

    :param fulfilments: who carries out each operation.
    """
    waited = _waited(uow, actor)
    may_wait = context.settings.provisioning.on_unavailable == "queue" or not actor.waits
    # Asked for again it is not quite the client's, who repeats what it sent.
    request = waited.context[QUEUED_REQUEST] if waited else actor.request if may_wait else None
    kept = {} if request is None else {QUEUED_REQUEST: request}
    record = new_record(
        uow,
        context,
        plan,
        (subject.kind, subject.scim_id),
        actor,
        kept={**extra, **kept, **_asker(actor)},
        locks=subject.locks,
        state=PlanState.OPEN if actor.waits and actor.turn is None else PlanState.QUEUED,
    )
    if waited:
        record = replace(record, plan_id=waited.plan_id, created_at=waited.created_at)
    operations = _operation_records(context, record.plan_id, plan, fulfilments, actor)
    if waited:
        uow.plans.refill(record, operations)
    else:
        uow.plans.add(record, operations)
    if plan:
        uow.turns.take(record.plan_id, subject.resources, context.clock.now())
    reason = reason_of(record)
    context.audit(
        uow,
        actor,
        "plan.recorded",
        subject.scim_id or "",
        plan=record.plan_id,
        operations=[step.to_dict() for step in plan],
        **({"reason": reason} if reason else {}),
    )
    return record


def _asker(actor: Actor) -> dict[str, str]:
    email = actor.email if isinstance(actor, Principal) else ""
    return {REQUESTER_EMAIL: email} if email else {}


def _waited(uow: UnitOfWork, actor: Actor) -> PlanRecord | None:
    """Return the queued request whose turn it is.

    :raises ConflictingWriteError: somebody else has carried it out meanwhile.
    """
    if actor.turn is None:
        return None
    waited, records = uow.plans.get(actor.turn)
    if not is_unplanned(waited, records):
        raise ConflictingWriteError("Another process carries this change out.")
    return waited


def _operation_records(
    context: TenantContext,
    plan_id: str,
    plan: Plan,
    fulfilments: Sequence[Fulfilment],
    actor: Actor,
) -> list[OperationRecord]:
    # The lease on every operation keeps settlement away while this process is at work.
    lease_until = context.clock.now() + LEASE if actor.waits else None
    records: list[OperationRecord] = []
    for position, (step, fulfilment) in enumerate(zip(plan, fulfilments, strict=True)):
        is_first = actor.waits and position == 0 and fulfilment is Fulfilment.AUTOMATIC
        records.append(
            OperationRecord(
                operation_id=new_id(),
                plan_id=plan_id,
                position=position,
                operation=step,
                fulfilment=fulfilment,
                state=OperationState.IN_FLIGHT if is_first else OperationState.PLANNED,
                attempts=int(is_first),
                owner=context.owner if actor.waits else None,
                lease_until=lease_until,
            )
        )
    return records


class ChangePipeline:
    """Takes the plans of one tenant from the planner to DocuSign."""

    def __init__(
        self,
        context: TenantContext,
        fulfilment: FulfilmentService,
        subjects: Subjects,
        desk: ApprovalDesk,
        leavers: Leavers,
        *,
        turns: Turns,
        locks: WriteLocks,
    ) -> None:
        self._context = context
        self._turns = turns
        self._locks = locks
        self._desk = desk
        self._leavers = leavers
        self._fulfilment = fulfilment
        self._subjects = subjects

    @property
    def _wait_s(self) -> float:
        return within(self._context.settings.provisioning.wait_s)

    def record(
        self,
        uow: UnitOfWork,
        plan: Plan,
        subject: Subject,
        actor: Actor,
        *,
        extra: Mapping[str, Any],
        dry_run: bool,
    ) -> Outcome:
        """Check and commit a plan; for a dry run only check it.

        A plan without operations is concluded at once and needs no carrying out.

        :raises connector.errors.GuardError: a rule refuses the plan.
        :raises connector.errors.InvalidRequestError: the policy wants to know why.
        :raises connector.errors.ForbiddenError: a person without an address asks for an approval.
        """
        plan = self._leavers.with_custody(uow, plan)
        plan = arrange(plan, self._context.policy, self._context.book(uow.mirror.catalogue()))
        refuse_if_unsafe(uow, self._context, plan)
        plan = self._desk.without_pending(uow, plan, reason_in(extra))
        plan = with_predecessors(uow, plan)
        fulfilments = route(uow, self._context, plan)
        if actor.source == "scim":
            # What the connector does by itself has its own reasons.
            catalogue = uow.mirror.catalogue()
            require_reason(self._context.policy, catalogue, plan, fulfilments, extra)
        if Fulfilment.APPROVAL in fulfilments and isinstance(actor, Principal):
            # Who asks does not decide, whatever their login is then.
            actor.require_address(uow.tenant)
        if dry_run:
            return Outcome(plan, fulfilments, subject_id=subject.scim_id)
        self._desk.supersede_by(uow, _automatic(plan, fulfilments), actor)
        self._desk.take_back(uow, *subject.takes_back, actor)
        record = record_plan(
            uow, self._context, plan, subject, actor, fulfilments=fulfilments, extra=extra
        )
        if not plan:
            self._subjects.conclude(uow, record)
            now = self._context.clock.now()
            if actor.turn is not None:
                queue_what_follows(uow, self._context, record)
            context = without_request(record.context)
            record = replace(record, state=PlanState.DONE, finished_at=now, context=context)
            uow.plans.save_plan(record)
        if not actor.waits or actor.turn is not None:
            self._subjects.show_queue(uow, record)
        uow.commit()
        return Outcome(plan, fulfilments, record if plan else None, subject.scim_id)

    def in_turn(
        self,
        subject: Subject,
        behind: Collection[str] | None,
        record: Callable[[ExitStack], Outcome],
        actor: Actor,
        *,
        check: Check,
        dry_run: bool,
        extra: Mapping[str, Any] | None = None,
        bear_on_it: BearOnIt | None = None,
    ) -> Outcome:
        """Record a change and carry it out, within the request's time; or queue it, where it may
        wait and DocuSign cannot be asked, an earlier change waits for it, or another writer keeps
        the resource for longer. The caller holds no locks yet.

        What earlier changes left in doubt or queued is finished first: settled later, it would
        override the one that comes now, and taking back what is queued looks like nothing to do
        where only the mirror is asked.

        :param behind: the resources whose earlier changes come first; None for all.
        :param record: called with the locks of the subject held; locks that it puts on the stack
            are held until the change is carried out.
        :param check: refuses what cannot be, before it is queued.
        :param extra: what tells a queued creation from another one.
        :param bear_on_it: as of :meth:`Turns.require`.
        :raises TemporaryError: it cannot be done now, and may not wait.
        """
        may_wait = not dry_run and self._turns.may_wait(actor)
        with (
            span("plan", **{"connector.subject": subject.scim_id}) as current,
            ExitStack() as held,
            answered_in_time(actor, self._context.settings.provisioning),
        ):
            deadline = self._context.clock.now() + timedelta(seconds=self._wait_s)
            try:
                if not dry_run:
                    self._turns.clear_way(subject, behind, actor, deadline)
                held.enter_context(self._locks.hold(subject.locks, self._left_s(deadline)))
                if not dry_run:
                    self._turns.require(subject, behind, actor, bear_on_it)
                with within_lease():
                    outcome = record(held)
            except TemporaryError as error:
                if not may_wait:
                    raise
                plan = self._turns.queue(subject, actor, error, check, extra or {})
                return Outcome(Plan(), record=plan, subject_id=plan.subject_id)
            current.set_attribute("connector.operations", len(outcome.plan))
            if outcome.record is not None:
                current.set_attribute("connector.plan", outcome.record.plan_id)
            return self._carry_out(outcome, actor, deadline)

    def _left_s(self, deadline: datetime) -> float:
        return max(0.0, (deadline - self._context.clock.now()).total_seconds())

    def _carry_out(self, outcome: Outcome, actor: Actor, deadline: datetime) -> Outcome:
        if outcome.record is None or not actor.waits:
            return outcome
        record = self._fulfilment.carry_out(outcome.record.plan_id, actor, deadline)
        return replace(outcome, record=record, subject_id=record.subject_id)


def answered_in_time(actor: Actor, settings: ProvisioningSettings) -> AbstractContextManager[None]:
    """Let what the block waits for take no longer than whoever asked waits for the answer;
    what the jobs ask for may take its time, but for :func:`within_lease`.

    :raises TemporaryError: as many threads of this process wait for DocuSign as may.
    """
    if actor.turn is not None or actor.source == "job":
        return nullcontext()
    take_place()
    return waiting(max(settings.wait_s, _LEAST_WAIT_S))


def _automatic(plan: Plan, fulfilments: Sequence[Fulfilment]) -> Plan:
    pairs = zip(plan, fulfilments, strict=True)
    return Plan(tuple(step for step, who in pairs if who is Fulfilment.AUTOMATIC))
