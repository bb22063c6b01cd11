"""Hints that were not followed yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import case, delete, func, or_, select, update

from connector.domain.mirror.hints import MOST_ATTEMPTS, Hint
from connector.store.statements import Records, Session, chunked, insert_into
from connector.store.tables import read_hints

HINTS = Records(read_hints, Hint)
_IS_DUE = read_hints.c.attempts < MOST_ATTEMPTS


class SqlHints:
    """See :class:`connector.ports.HintRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, hints: Sequence[Hint]) -> None:
        """Note hints; one that is there already counts once more."""
        statement = insert_into(read_hints, self._connection.dialect.name)
        noted = statement.on_conflict_do_update(
            index_elements=[column.name for column in read_hints.primary_key],
            set_={
                "source": statement.excluded.source,
                "hinted_at": statement.excluded.hinted_at,
                # Counted and not compared by time: clocks jump.
                "times": read_hints.c.times + statement.excluded.times,
                "attempts": case(
                    (read_hints.c.attempts >= MOST_ATTEMPTS, MOST_ATTEMPTS - 1),
                    else_=read_hints.c.attempts,
                ),
                "run_id": None,
            },
        )
        for chunk in chunked(hints):
            rows = [HINTS.to_row(self._tenant, hint, run_id=None) for hint in chunk]
            self._connection.execute(noted, rows)

    def due(self, limit: int = 500) -> Sequence[Hint]:
        """Return hints that are not given up, those that wait longest first."""
        found = self._connection.execute(
            select(*HINTS.columns)
            .where(read_hints.c.tenant == self._tenant, _IS_DUE)
            .order_by(read_hints.c.hinted_at, read_hints.c.account_id, read_hints.c.user_id)
            .limit(limit)
        )
        return [HINTS.from_row(row) for row in found]

    def count(self) -> int:
        """Return how many there are that are not given up."""
        statement = select(func.count()).where(read_hints.c.tenant == self._tenant, _IS_DUE)
        return self._connection.scalar(statement) or 0

    def count_members(self) -> int:
        """Return how many of them are of members of an account: those that its list answers."""
        statement = select(func.count()).where(
            read_hints.c.tenant == self._tenant,
            read_hints.c.account_id != "",
            read_hints.c.user_id != "",
            _IS_DUE,
        )
        return self._connection.scalar(statement) or 0

    def followed(self, hint: Hint) -> None:
        """Drop a hint, unless it was heard of again since it was read."""
        self._connection.execute(
            delete(read_hints).where(
                read_hints.c.tenant == self._tenant,
                read_hints.c.account_id == hint.account_id,
                read_hints.c.user_id == hint.user_id,
                read_hints.c.times == hint.times,
            )
        )

    def in_vain(self, hint: Hint) -> None:
        """Note that DocuSign did not show what a hint is at. Of somebody's place in the
        organization that is given up no trace stays: their turn comes without a hint."""
        place = (
            read_hints.c.tenant == self._tenant,
            read_hints.c.account_id == hint.account_id,
            read_hints.c.user_id == hint.user_id,
        )
        more = read_hints.c.attempts + 1
        self._connection.execute(update(read_hints).where(*place).values(attempts=more))
        if not hint.account_id:
            self._connection.execute(delete(read_hints).where(*place, ~_IS_DUE))

    def cover(self, run_id: str) -> None:
        """Note that a full aggregation begins, which may read what is hinted at by now. Hints of
        somebody's place in the organization it leaves: no list and no export shows that."""
        self._connection.execute(
            update(read_hints)
            .where(read_hints.c.tenant == self._tenant, read_hints.c.account_id != "")
            .values(run_id=run_id)
        )

    def covered(self, run_id: str, *, without_members_of: Collection[str] = ()) -> None:
        """Drop what a full aggregation covered, save what was heard of again meanwhile."""
        is_read = or_(
            read_hints.c.user_id == "", read_hints.c.account_id.not_in(list(without_members_of))
        )
        self._connection.execute(
            delete(read_hints).where(
                read_hints.c.tenant == self._tenant, read_hints.c.run_id == run_id, is_read
            )
        )
