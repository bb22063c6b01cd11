"""The steps that every change takes: guarded, recorded, carried out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from connector.domain.arrangement import arrange
from connector.domain.ledger import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.plan import Plan
from connector.errors import TemporaryError
from connector.ports import UnitOfWork
from connector.services.approval_desk import APPROVAL, ApprovalDesk
from connector.services.context import Actor, TenantContext, new_id
from connector.services.fulfilment import FulfilmentService
from connector.services.leavers import Leavers
from connector.services.locks import LEASE
from connector.services.naming import names_for
from connector.services.reasons import reason_of, require_reason
from connector.services.safety import refuse_if_unsafe
from connector.services.subjects import Subjects


@dataclass(frozen=True)
class Subject:
    """What a plan is about."""

    kind: str
    scim_id: str | None
    """None while it is being created."""
    locks: Sequence[str]
    """The write locks that whoever carries the plan out has to hold."""
    takes_back: tuple[Sequence[str], Sequence[str]] = ((), ())
    """Users and entitlements whose open grants the requester no longer wants."""


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
    extra: Mapping[str, Any],
) -> PlanRecord:
    """Write plan, operations and audit event.

    The first automatic operation is written as in flight, which saves a commit: whoever records
    a plan carries it out at once, unless the actor does not wait for it.
    """
    now = context.clock.now()
    record = PlanRecord(
        plan_id=new_id(),
        subject_kind=subject.kind,
        subject_id=subject.scim_id,
        requester=actor.name,
        source=actor.source,
        correlation_id=actor.correlation_id,
        state=PlanState.OPEN if actor.waits else PlanState.QUEUED,
        checksum=plan.checksum,
        created_at=now,
        summary="; ".join(plan.describe(names_for(uow, context, plan))),
        context={**extra, "locks": list(subject.locks)},
    )
    operations = _operation_records(context, record.plan_id, plan, route(uow, context, plan), actor)
    uow.plans.add(record, operations)
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
    ) -> None:
        self._context = context
        self._desk = desk
        self._leavers = leavers
        self._fulfilment = fulfilment
        self._subjects = subjects

    @property
    def wait_s(self) -> float:
        """The longest time that a request may take."""
        return self._context.settings.provisioning.wait_s

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
        """
        plan = self._leavers.with_custody(uow, plan)
        plan = arrange(plan, self._context.policy, self._context.book(uow.mirror.catalogue()))
        refuse_if_unsafe(uow, self._context, plan)
        plan = self._desk.without_pending(uow, plan)
        fulfilments = route(uow, self._context, plan)
        if actor.source == "scim":
            # What the connector does by itself has its own reasons.
            catalogue = uow.mirror.catalogue()
            require_reason(self._context.policy, catalogue, plan, fulfilments, extra)
        if dry_run:
            return Outcome(plan, fulfilments, subject_id=subject.scim_id)
        self._desk.supersede_by(uow, _automatic(plan, fulfilments), actor)
        self._desk.take_back(uow, *subject.takes_back, actor)
        record = record_plan(uow, self._context, plan, subject, actor, extra=extra)
        if not plan:
            self._subjects.conclude(uow, record)
            now = self._context.clock.now()
            record = replace(record, state=PlanState.DONE, finished_at=now)
            uow.plans.save_plan(record)
        if not actor.waits:
            self._subjects.show_queue(uow, record)
        uow.commit()
        return Outcome(plan, fulfilments, record if plan else None, subject.scim_id)

    def settle_earlier(
        self, subject_kind: str, subject_id: str, actor: Actor, *, dry_run: bool
    ) -> None:
        """Finish what an earlier change of this resource left in doubt or queued: settled later, it
        would override the one that comes now, and taking back what is queued looks like nothing to
        do where only the mirror is asked. The caller holds the resource's write lock.

        :raises TemporaryError: DocuSign cannot be asked, so the earlier change still waits.
        """
        if dry_run:
            return
        earlier = self._open(subject_kind, subject_id)
        self._settle(earlier, actor)
        for plan in self._open(subject_kind, subject_id) if earlier else ():
            # The desk knows what was approved: asked for again, it is not planned twice.
            if plan.state is PlanState.QUEUED and APPROVAL not in plan.context:
                raise _waits(plan)

    def _open(self, subject_kind: str, subject_id: str) -> Sequence[PlanRecord]:
        with self._context.read() as uow:
            return uow.plans.open_for_subject(subject_kind, subject_id)

    def settle_creations(
        self, subject_kind: str, keys: Collection[str], actor: Actor, *, dry_run: bool
    ) -> None:
        """Finish the creations that were left in doubt under one of these locks, all of which the
        caller holds: settled later, they would bring back what is closed or deleted meanwhile.

        :raises TemporaryError: as :meth:`settle_earlier`.
        """
        if not dry_run and actor.waits:
            self._settle(self._creations(subject_kind, keys), actor)

    def creation_keys(self, subject_kind: str, keys: Iterable[str]) -> Sequence[str]:
        """Return those of the locks under which a creation has not come to its first result."""
        asked = set(keys)
        plans = self._creations(subject_kind, asked)
        return sorted(asked & {key for plan in plans for key in plan.context.get("locks", ())})

    def _creations(self, subject_kind: str, keys: Collection[str]) -> Sequence[PlanRecord]:
        with self._context.read() as uow:
            plans = uow.plans.unfinished_creations(subject_kind)
        return [plan for plan in plans if not set(keys).isdisjoint(plan.context.get("locks", ()))]

    def _settle(self, earlier: Iterable[PlanRecord], actor: Actor) -> None:
        for plan in earlier:
            try:
                self._fulfilment.settle(plan.plan_id, actor)
            except TemporaryError as error:
                raise _waits(plan, error.retry_after_s) from error

    def carry_out(self, outcome: Outcome, actor: Actor) -> Outcome:
        """Do what was recorded, within the request's time.

        :raises connector.errors.ConnectorError: see :meth:`FulfilmentService.carry_out`.
        """
        if outcome.record is None or not actor.waits:
            return outcome
        deadline = self._context.clock.now() + timedelta(seconds=self.wait_s)
        record = self._fulfilment.carry_out(outcome.record.plan_id, actor, deadline)
        return replace(outcome, record=record, subject_id=record.subject_id)


def _waits(plan: PlanRecord, retry_after_s: float = 30.0) -> TemporaryError:
    return TemporaryError(
        f"An earlier change still waits for DocuSign ({plan.summary}). What this one has to do "
        "depends on it, so nothing of it was recorded; it is temporarily unavailable. Send it "
        "again.",
        retry_after_s=retry_after_s,
    )


def _automatic(plan: Plan, fulfilments: Sequence[Fulfilment]) -> Plan:
    pairs = zip(plan, fulfilments, strict=True)
    return Plan(tuple(step for step, who in pairs if who is Fulfilment.AUTOMATIC))
