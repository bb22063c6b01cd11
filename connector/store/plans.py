"""Plans and their operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from connector.domain.audit.chain import PERSON
from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord, PlanState
from connector.domain.plan import Operation, operation_from_dict
from connector.errors import NotFoundError
from connector.store.statements import (
    CHUNK,
    Records,
    Session,
    add_rows,
    after_prefix,
    chunked,
    put_rows,
)
from connector.store.tables import operations, plans
from connector.store.turns import leave_turns

PLANS = Records(plans, PlanRecord)
OPERATIONS = Records(operations, OperationRecord)

UNFINISHED_PLANS = (PlanState.OPEN, PlanState.QUEUED)
UNFINISHED_OPERATIONS = (OperationState.PLANNED, OperationState.IN_FLIGHT)


class SqlPlans:
    """See :class:`connector.ports.PlanRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, plan: PlanRecord, operations_: Sequence[OperationRecord]) -> None:
        """Record a plan."""
        add_rows(self._connection, plans, [PLANS.to_row(self._tenant, plan)])
        add_rows(self._connection, operations, [self._row(item) for item in operations_])

    def _row(self, record: OperationRecord) -> Mapping[str, Any]:
        return OPERATIONS.to_row(self._tenant, record, operation=record.operation.to_dict())

    def get(self, plan_id: str) -> tuple[PlanRecord, Sequence[OperationRecord]]:
        """Return a plan with its operations in order.

        :raises NotFoundError: no such plan.
        """
        found = self._connection.execute(
            select(*PLANS.columns).where(plans.c.tenant == self._tenant, plans.c.plan_id == plan_id)
        ).first()
        if found is None:
            raise NotFoundError(f"There is no plan {plan_id}.")
        return PLANS.from_row(found), self.operations_of([plan_id]).get(plan_id, [])

    def operations_of(self, plan_ids: Iterable[str]) -> Mapping[str, Sequence[OperationRecord]]:
        """Return the operations of plans in their order, by plan id."""
        found: dict[str, list[OperationRecord]] = {}
        for chunk in chunked(plan_ids):
            rows = self._connection.execute(
                select(*OPERATIONS.columns)
                .where(operations.c.tenant == self._tenant, operations.c.plan_id.in_(chunk))
                .order_by(operations.c.plan_id, operations.c.position)
            )
            for row in rows:
                operation = operation_from_dict(row.operation)
                record = OPERATIONS.from_row(row, operation=operation)
                found.setdefault(record.plan_id, []).append(record)
        return found

    def save_plan(self, plan: PlanRecord) -> None:
        """Overwrite a plan; one that ended stands in nobody's way any more."""
        put_rows(self._connection, plans, [PLANS.to_row(self._tenant, plan)])
        if plan.state not in UNFINISHED_PLANS:
            leave_turns(self._connection, self._tenant, plan.plan_id)

    def refill(self, plan: PlanRecord, operations_: Sequence[OperationRecord]) -> None:
        """Overwrite a plan and all of its operations."""
        mine = and_(operations.c.tenant == self._tenant, operations.c.plan_id == plan.plan_id)
        self._connection.execute(delete(operations).where(mine))
        self.save_plan(plan)
        add_rows(self._connection, operations, [self._row(item) for item in operations_])

    def save_operation(self, operation: OperationRecord) -> None:
        """Overwrite an operation."""
        put_rows(self._connection, operations, [self._row(operation)])

    def abandoned(
        self,
        now: datetime,
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        in_flight: bool = False,
    ) -> Sequence[str]:
        """Return ids of open and queued plans that nobody works on, oldest first: at least one
        operation is planned or in flight, and none has a live lease. A queued request that was not
        planned yet has no operation at all."""
        of_plan = and_(
            operations.c.tenant == plans.c.tenant, operations.c.plan_id == plans.c.plan_id
        )
        states = (OperationState.IN_FLIGHT,) if in_flight else UNFINISHED_OPERATIONS
        is_left: ColumnElement[bool] = (
            select(1).where(of_plan, operations.c.state.in_(states)).exists()
        )
        if not in_flight:
            unplanned = and_(plans.c.state == PlanState.QUEUED, ~select(1).where(of_plan).exists())
            is_left = or_(is_left, unplanned)
        alive = and_(operations.c.state == OperationState.IN_FLIGHT, operations.c.lease_until > now)
        statement = select(plans.c.plan_id).where(
            plans.c.tenant == self._tenant,
            plans.c.state.in_(UNFINISHED_PLANS),
            is_left,
            ~select(1).where(of_plan, alive).exists(),
        )
        if after is not None:
            statement = statement.where(plans.c.created_at > after)
        if until is not None:
            statement = statement.where(plans.c.created_at <= until)
        ordered = statement.order_by(plans.c.created_at, plans.c.plan_id)
        return self._connection.scalars(ordered).all()

    def lease_owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of leases that start so."""
        held = self._leases(owner_prefix)
        return self._connection.scalars(select(operations.c.owner).where(held).distinct()).all()

    def release_leases(self, owner_prefix: str) -> None:
        """End the leases of every owner that starts so: its processes are known to be gone."""
        held = self._leases(owner_prefix)
        self._connection.execute(update(operations).where(held).values(lease_until=None))

    def _leases(self, owner_prefix: str) -> ColumnElement[bool]:
        return and_(
            operations.c.tenant == self._tenant,
            operations.c.owner >= owner_prefix,
            operations.c.owner < after_prefix(owner_prefix),
            operations.c.lease_until.is_not(None),
        )

    def open_for_subject(self, subject_kind: str, subject_id: str) -> Sequence[PlanRecord]:
        """Return open and queued plans of a resource, oldest first."""
        found = self._connection.execute(
            select(*PLANS.columns)
            .where(
                plans.c.tenant == self._tenant,
                plans.c.subject_kind == subject_kind,
                plans.c.subject_id == subject_id,
                plans.c.state.in_(UNFINISHED_PLANS),
            )
            .order_by(plans.c.created_at, plans.c.plan_id)
        )
        return [PLANS.from_row(row) for row in found]

    def open_of_people(self) -> Sequence[PlanRecord]:
        """Return open and queued plans that people asked for, oldest first."""
        found = self._connection.execute(
            select(*PLANS.columns)
            .where(
                plans.c.tenant == self._tenant,
                plans.c.state.in_(UNFINISHED_PLANS),
                plans.c.requester.startswith(PERSON, autoescape=True),
            )
            .order_by(plans.c.created_at, plans.c.plan_id)
        )
        return [PLANS.from_row(row) for row in found]

    def in_progress_marks(self) -> Mapping[str, str]:
        """Return the open and queued plans of which DocuSign has something to hear yet, with a mark
        that is another one once the plan does something else."""
        of_plan = and_(
            operations.c.tenant == plans.c.tenant, operations.c.plan_id == plans.c.plan_id
        )
        unfinished = operations.c.state.in_(UNFINISHED_OPERATIONS)
        has_steps = select(1).where(of_plan).exists()
        found = self._connection.execute(
            select(plans.c.plan_id, plans.c.state, plans.c.checksum, has_steps).where(
                plans.c.tenant == self._tenant,
                plans.c.state.in_(UNFINISHED_PLANS),
                or_(
                    select(1).where(of_plan, unfinished).exists(),
                    and_(plans.c.state == PlanState.QUEUED, ~has_steps),
                ),
            )
        )
        return {plan_id: " ".join(map(str, rest)) for plan_id, *rest in found}

    def in_progress(
        self, plan_ids: Iterable[str]
    ) -> Iterator[tuple[PlanRecord, Sequence[Operation]]]:
        """Walk these plans with all that they do."""
        for some in chunked(plan_ids):
            found = self._connection.execute(
                select(*PLANS.columns).where(
                    plans.c.tenant == self._tenant, plans.c.plan_id.in_(some)
                )
            )
            records = [PLANS.from_row(row) for row in found]
            steps = self._steps([plan.plan_id for plan in records])
            for plan in records:
                yield plan, steps.get(plan.plan_id, ())

    def since(self, moment: datetime) -> Iterator[tuple[PlanRecord, Sequence[Operation]]]:
        """Walk the plans recorded since then with what they do, oldest first."""
        last = (moment, "")
        while True:
            found = self._connection.execute(
                select(*PLANS.columns)
                .where(
                    plans.c.tenant == self._tenant,
                    or_(
                        plans.c.created_at > last[0],
                        and_(plans.c.created_at == last[0], plans.c.plan_id > last[1]),
                    ),
                )
                .order_by(plans.c.created_at, plans.c.plan_id)
                .limit(CHUNK)
            ).all()
            if not found:
                return
            records = [PLANS.from_row(row) for row in found]
            steps = self._steps([plan.plan_id for plan in records])
            for plan in records:
                yield plan, steps.get(plan.plan_id, ())
            last = (records[-1].created_at, records[-1].plan_id)

    def _steps(self, plan_ids: Sequence[str]) -> Mapping[str, Sequence[Operation]]:
        found = self._connection.execute(
            select(operations.c.plan_id, operations.c.operation)
            .where(operations.c.tenant == self._tenant, operations.c.plan_id.in_(plan_ids))
            .order_by(operations.c.plan_id, operations.c.position)
        )
        steps: dict[str, list[Operation]] = {}
        for row in found:
            steps.setdefault(row.plan_id, []).append(operation_from_dict(row.operation))
        return steps

    def queued(self, subject_kind: str, subject_ids: Iterable[str]) -> Sequence[PlanRecord]:
        """Return the queued plans of many resources, for each the oldest first."""
        return [
            PLANS.from_row(row)
            for some in chunked(subject_ids)
            for row in self._connection.execute(
                select(*PLANS.columns)
                .where(
                    plans.c.tenant == self._tenant,
                    plans.c.subject_kind == subject_kind,
                    plans.c.subject_id.in_(some),
                    plans.c.state == PlanState.QUEUED,
                )
                .order_by(plans.c.created_at, plans.c.plan_id)
            )
        ]
