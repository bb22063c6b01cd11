"""Which plans stand in front of which: a queue for each resource."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, and_, delete, func, or_, select

from connector.domain.ledger import OperationState, PlanRecord, PlanState
from connector.store.statements import Records, Session, add_rows, chunked
from connector.store.tables import operations, plan_turns, plans

_PLANS = Records(plans, PlanRecord)
_UNFINISHED = (OperationState.PLANNED, OperationState.IN_FLIGHT)


class SqlTurns:
    """See :class:`connector.ports.TurnRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def take(self, plan_id: str, resources: Collection[str]) -> None:
        """Let a plan stand in a queue for each of these, behind all that stand there; one that
        stands somewhere already keeps its place."""
        turn = self._turn(plan_id)
        if turn is None:
            last = select(func.max(plan_turns.c.turn)).where(plan_turns.c.tenant == self._tenant)
            turn = (self._connection.scalar(last) or 0) + 1
        else:
            self.leave(plan_id)
        add_rows(
            self._connection,
            plan_turns,
            [
                {"tenant": self._tenant, "plan_id": plan_id, "resource": name, "turn": turn}
                for name in sorted(set(resources))
            ],
        )

    def leave(self, plan_id: str) -> None:
        """Take a plan out of every queue."""
        leave_turns(self._connection, self._tenant, plan_id)

    def ahead(
        self,
        resources: Collection[str] | None,
        now: datetime,
        *,
        unlocked: Collection[str] = (),
        before: str | None = None,
    ) -> Sequence[PlanRecord]:
        """Return the plans that stand in the queues of these resources, or in any, the first in
        front: queued ones, and those that were begun.

        :param unlocked: resources that are locked by nobody. In their queues, and where any
            resource is meant, a plan that somebody works on is left out.
        :param before: a plan; only those in front of it.
        """
        rows = self._rows(resources)
        turns = {row.plan_id: row.turn for row in rows}
        if before is not None:
            own = self._turn(before) or 0
            turns = {plan_id: turn for plan_id, turn in turns.items() if turn < own}
        locked = set()
        if resources is not None:
            locked = {row.plan_id for row in rows if row.resource not in unlocked}
        found = [plan for some in chunked(turns) for plan in self._standing(some, locked, now)]
        return sorted(found, key=lambda plan: turns[plan.plan_id])

    def _turn(self, plan_id: str) -> int | None:
        mine = and_(plan_turns.c.tenant == self._tenant, plan_turns.c.plan_id == plan_id)
        turn: int | None = self._connection.scalar(select(func.min(plan_turns.c.turn)).where(mine))
        return turn

    def _rows(self, resources: Collection[str] | None) -> Sequence[Row[str, str, int]]:
        query = select(plan_turns.c.plan_id, plan_turns.c.resource, plan_turns.c.turn).where(
            plan_turns.c.tenant == self._tenant
        )
        if resources is None:
            return self._connection.execute(query).all()
        return [
            row
            for some in chunked(resources)
            for row in self._connection.execute(query.where(plan_turns.c.resource.in_(some)))
        ]

    def _standing(
        self, plan_ids: Collection[str], locked: Collection[str], now: datetime
    ) -> Sequence[PlanRecord]:
        unfinished = and_(
            operations.c.tenant == plans.c.tenant,
            operations.c.plan_id == plans.c.plan_id,
            operations.c.state.in_(_UNFINISHED),
        )
        is_left = and_(
            plans.c.state == PlanState.OPEN,
            select(1).where(unfinished).exists(),
            or_(
                plans.c.plan_id.in_([item for item in plan_ids if item in locked]),
                ~select(1).where(unfinished, operations.c.lease_until > now).exists(),
            ),
        )
        found = self._connection.execute(
            select(*_PLANS.columns).where(
                plans.c.tenant == self._tenant,
                plans.c.plan_id.in_(plan_ids),
                or_(plans.c.state == PlanState.QUEUED, is_left),
            )
        )
        return [_PLANS.from_row(row) for row in found]


def leave_turns(connection: Connection, tenant: str, plan_id: str) -> None:
    """Take a plan out of every queue."""
    mine = and_(plan_turns.c.tenant == tenant, plan_turns.c.plan_id == plan_id)
    connection.execute(delete(plan_turns).where(mine))
