"""Which plans stand in front of which: a queue for each resource."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, or_, select, update

from connector.domain.ledger.plans import OperationState, PlanRecord, PlanState, WaitingChange
from connector.store.statements import Records, Session, add_rows, chunked
from connector.store.tables import operations, plan_turns, plans

_PLANS = Records(plans, PlanRecord)
_LEFT = and_(
    operations.c.tenant == plans.c.tenant,
    operations.c.plan_id == plans.c.plan_id,
    operations.c.state.in_((OperationState.PLANNED, OperationState.IN_FLIGHT)),
)
"""The operations of a plan that are yet to be done, or to be handed to people."""
_STANDS = or_(
    plans.c.state == PlanState.QUEUED,
    and_(plans.c.state == PlanState.OPEN, select(1).where(_LEFT).exists()),
)
"""Whether a plan with a place still waits for something else than people."""


class SqlTurns:
    """See :class:`connector.ports.TurnRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def take(self, plan_id: str, resources: Collection[str], now: datetime) -> None:
        """Let a plan stand in a queue for each of these, behind all that stand there; one that
        stands somewhere already keeps its place."""
        place = self._place(plan_id)
        if place is None:
            last = select(func.max(plan_turns.c.turn)).where(plan_turns.c.tenant == self._tenant)
            turn = (self._connection.scalar(last) or 0) + 1
            place = {"turn": turn, "since": now, "told_at": None}
        else:
            self.leave(plan_id)
        row = {"tenant": self._tenant, "plan_id": plan_id, **place}
        rows = [{**row, "resource": name} for name in sorted(set(resources))]
        add_rows(self._connection, plan_turns, rows)

    def _place(self, plan_id: str) -> dict[str, Any] | None:
        """Return where a plan stands: the same in each of its queues."""
        columns = (plan_turns.c.turn, plan_turns.c.since, plan_turns.c.told_at)
        mine = and_(plan_turns.c.tenant == self._tenant, plan_turns.c.plan_id == plan_id)
        found = self._connection.execute(select(*columns).where(mine).limit(1)).first()
        return None if found is None else dict(found._mapping)

    def leave(self, plan_id: str) -> None:
        """Take a plan out of every queue."""
        leave_turns(self._connection, self._tenant, plan_id)

    def ahead(
        self,
        resources: Collection[str] | None,
        now: datetime,
        *,
        locked: Collection[str] | None = None,
        before: str | None = None,
    ) -> Sequence[PlanRecord]:
        """Return the plans that stand in the queues of these resources, or in any, the first in
        front: queued ones, and those that were begun.

        :param locked: resources whose locks the caller has, or waits for: nobody else works on a
            plan in their queues. In other queues a plan that somebody works on is left out. None:
            each that is named.
        :param before: a plan; only those in front of it.
        """
        rows = self._rows(resources)
        turns = {row.plan_id: row.turn for row in rows}
        if before is not None:
            place = self._place(before)
            own = place["turn"] if place else 0
            turns = {plan_id: turn for plan_id, turn in turns.items() if turn < own}
        mine = {*((resources or ()) if locked is None else locked)}
        ours = {row.plan_id for row in rows if row.resource in mine}
        found = [plan for some in chunked(turns) for plan in self._standing(some, ours, now)]
        return sorted(found, key=lambda plan: turns[plan.plan_id])

    def waiting(
        self, before: datetime, *, untold: bool = False, limit: int | None = None
    ) -> Sequence[WaitingChange]:
        """Return the changes that stand in a queue since then or longer, the oldest first.

        :param untold: only those of which nobody was told yet.
        """
        places = _places(self._tenant).where(
            plan_turns.c.since <= before,
            *([plan_turns.c.told_at.is_(None)] if untold else ()),
        )
        place = places.subquery()
        found = self._connection.execute(
            select(*_PLANS.columns, place.c.since)
            .join(place, place.c.plan_id == plans.c.plan_id)
            .where(plans.c.tenant == self._tenant, _STANDS)
            .order_by(place.c.since, plans.c.plan_id)
            .limit(limit)
        )
        return [WaitingChange(_PLANS.from_row(row), row.since) for row in found]

    def count_waiting(self, before: datetime) -> int:
        """Return how many changes stand in a queue since then or longer."""
        place = _places(self._tenant).where(plan_turns.c.since <= before).subquery()
        statement = (
            select(func.count())
            .select_from(plans)
            .join(place, place.c.plan_id == plans.c.plan_id)
            .where(plans.c.tenant == self._tenant, _STANDS)
        )
        return self._connection.scalar(statement) or 0

    def mark_told(self, plan_ids: Collection[str], now: datetime) -> None:
        """Keep that somebody was told of these; it is forgotten when they leave their queues."""
        for some in chunked(plan_ids):
            mine = and_(plan_turns.c.tenant == self._tenant, plan_turns.c.plan_id.in_(some))
            self._connection.execute(update(plan_turns).where(mine).values(told_at=now))

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
        self, plan_ids: Collection[str], ours: Collection[str], now: datetime
    ) -> Sequence[PlanRecord]:
        is_worked_on = and_(
            plans.c.state == PlanState.OPEN,
            plans.c.plan_id.not_in([item for item in plan_ids if item in ours]),
            select(1).where(_LEFT, operations.c.lease_until > now).exists(),
        )
        found = self._connection.execute(
            select(*_PLANS.columns).where(
                plans.c.tenant == self._tenant,
                plans.c.plan_id.in_(plan_ids),
                _STANDS,
                ~is_worked_on,
            )
        )
        return [_PLANS.from_row(row) for row in found]


def _places(tenant: str) -> Select[str, datetime]:
    """Return which plans have a place, and since when: the same in each of their queues."""
    columns = (plan_turns.c.plan_id, plan_turns.c.since)
    return select(*columns).where(plan_turns.c.tenant == tenant).distinct()


def waits_since(tenant: str) -> Select[datetime | None]:
    """Return the statement for since when the plan waits that has waited longest."""
    place = _places(tenant).subquery()
    standing = select(func.min(place.c.since)).join(plans, place.c.plan_id == plans.c.plan_id)
    return standing.where(plans.c.tenant == tenant, _STANDS)


def leave_turns(connection: Connection, tenant: str, plan_id: str) -> None:
    """Take a plan out of every queue."""
    mine = and_(plan_turns.c.tenant == tenant, plan_turns.c.plan_id == plan_id)
    connection.execute(delete(plan_turns).where(mine))
