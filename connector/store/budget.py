"""DocuSign's limits and the calls that were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select

from connector.domain.budget import BudgetState, CallCount
from connector.store.statements import Records, Session, insert_into, put_rows
from connector.store.tables import budget_calls, budgets

STATES = Records(budgets, BudgetState)
COUNTS = Records(budget_calls, CallCount)


class SqlBudgets:
    """See :class:`connector.ports.BudgetRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def states(self) -> Mapping[str, BudgetState]:
        """Return what DocuSign last said, by budget."""
        found = self._connection.execute(
            select(*STATES.columns).where(budgets.c.tenant == self._tenant)
        )
        states = [STATES.from_row(row) for row in found]
        return {state.budget: state for state in states}

    def put_states(self, states: Sequence[BudgetState]) -> None:
        """Overwrite what DocuSign said, where this is newer; a closed budget stays closed."""
        known = self.states()
        rows = [
            STATES.to_row(self._tenant, _newer(known.get(state.budget), state)) for state in states
        ]
        put_rows(self._connection, budgets, rows)

    def add_calls(self, counts: Sequence[CallCount]) -> None:
        """Add calls to those counted before."""
        if not counts:
            return
        statement = insert_into(budget_calls, self._connection.dialect.name)
        added = statement.on_conflict_do_update(
            index_elements=[column.name for column in budget_calls.primary_key],
            set_={
                "calls": budget_calls.c.calls + statement.excluded.calls,
                "refused": budget_calls.c.refused + statement.excluded.refused,
            },
        )
        self._connection.execute(added, [COUNTS.to_row(self._tenant, item) for item in counts])

    def calls(self, since: datetime) -> Sequence[CallCount]:
        """Return the calls of the hours since then, oldest first."""
        found = self._connection.execute(
            select(*COUNTS.columns)
            .where(budget_calls.c.tenant == self._tenant, budget_calls.c.hour >= since)
            .order_by(budget_calls.c.hour, budget_calls.c.budget, budget_calls.c.purpose)
        )
        return [COUNTS.from_row(row) for row in found]

    def forget_calls(self, before: datetime) -> None:
        """Drop the counts of earlier hours."""
        self._connection.execute(
            delete(budget_calls).where(
                budget_calls.c.tenant == self._tenant, budget_calls.c.hour < before
            )
        )


def _newer(known: BudgetState | None, told: BudgetState) -> BudgetState:
    if known is None:
        return told
    newest = told if told.seen_at >= known.seen_at else known
    return replace(
        newest,
        call_limit=newest.call_limit or known.call_limit or told.call_limit,
        closed_until=_later(known.closed_until, told.closed_until),
        hurried_until=_later(known.hurried_until, told.hurried_until),
        blocked_until=_later(known.blocked_until, told.blocked_until),
    )


def _later(*moments: datetime | None) -> datetime | None:
    return max((item for item in moments if item is not None), default=None)
