"""Approvals and manual tasks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Row, insert, select
from sqlalchemy.exc import IntegrityError

from connector.domain.ledger import Direction, WorkItem, WorkItemState
from connector.errors import NotFoundError, UniquenessError
from connector.store.statements import Records, Session, after_prefix, put_rows
from connector.store.tables import work_items

WORK_ITEMS = Records(work_items, WorkItem)


class SqlWorkItems:
    """See :class:`connector.ports.WorkItemRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, item: WorkItem) -> None:
        """Insert an item. At most one open item a subject, entitlement and kind can exist.

        :raises UniquenessError: there is an open one already.
        """
        try:
            # The savepoint keeps the transaction usable on PostgreSQL.
            with self._connection.begin_nested():
                self._connection.execute(insert(work_items), WORK_ITEMS.to_row(self._tenant, item))
        except IntegrityError as error:
            raise UniquenessError(
                f"There is already an open {item.kind} for {item.subject_id} and {item.entitlement}"
            ) from error

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by its id, or by a prefix of the id that only it has.

        :raises NotFoundError: no such item, or several with that prefix.
        """
        found = self._starting_with(work_item_id) if work_item_id else []
        if not found:
            raise NotFoundError(f"There is no work item {work_item_id!r}.")
        if len(found) > 1 and found[0].work_item_id != work_item_id:
            raise NotFoundError(f"Several work items start with {work_item_id!r}: write more of it")
        return _record(found[0])

    def _starting_with(self, prefix: str) -> Sequence[Row[tuple[object, ...]]]:
        statement = (
            select(*WORK_ITEMS.columns)
            .where(
                work_items.c.tenant == self._tenant,
                work_items.c.work_item_id >= prefix,
                work_items.c.work_item_id < after_prefix(prefix),
            )
            .order_by(work_items.c.work_item_id)
            .limit(2)
        )
        return self._connection.execute(statement).all()

    def save(self, item: WorkItem) -> None:
        """Overwrite an item."""
        put_rows(self._connection, work_items, [WORK_ITEMS.to_row(self._tenant, item)])

    def search(
        self,
        *,
        states: Iterable[WorkItemState] = (),
        subject_ids: Iterable[str] = (),
        entitlement: str | None = None,
        direction: Direction | None = None,
    ) -> Sequence[WorkItem]:
        """Return matching items, oldest first; no states means all."""
        conditions: list[ColumnElement[bool]] = [work_items.c.tenant == self._tenant]
        if wanted_states := list(states):
            conditions.append(work_items.c.state.in_(wanted_states))
        if wanted_ids := list(subject_ids):
            conditions.append(work_items.c.subject_id.in_(wanted_ids))
        if entitlement is not None:
            conditions.append(work_items.c.entitlement == entitlement)
        if direction is not None:
            conditions.append(work_items.c.direction == direction)
        found = self._connection.execute(
            select(*WORK_ITEMS.columns)
            .where(*conditions)
            .order_by(work_items.c.created_at, work_items.c.work_item_id)
        )
        return [_record(row) for row in found]


def _record(row: Row[tuple[object, ...]]) -> WorkItem:
    return WORK_ITEMS.from_row(row, instructions=tuple(row.instructions))
