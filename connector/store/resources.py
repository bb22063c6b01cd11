"""Rendered resources: the hot read path and the writes that keep its counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)

from connector.domain.model import fold
from connector.ports import (
    USER,
    GroupMember,
    JoinedPage,
    ResourceQuery,
    ResourceRow,
    StoredPage,
    StoredResource,
)
from connector.store import group_view, scim_filter, scim_sort
from connector.store.columns import from_microseconds
from connector.store.joined_page import JoinedRead
from connector.store.scim_sources import Context, Schemas
from connector.store.scim_values import refuse_unstorable
from connector.store.statements import (
    Prepared,
    Records,
    Session,
    chunked,
    insert_into,
)
from connector.store.tables import BLOCK_SIZE, external_ids, page_blocks, resources
from scim.filters import Comparison, Filter, Operator

FEW = 1000
"""Fewer recent changes than this are found by time and sorted; more are met on the way."""

ROWS = Records(resources, ResourceRow)

_owned = (resources.c.tenant == bindparam("tenant"), resources.c.kind == bindparam("kind"))
_shown = (*_owned, resources.c.visible == true())
_stored = (
    resources.c.scim_id,
    resources.c.document,
    resources.c.version,
    resources.c.last_modified_at,
)
_of_reader = and_(
    external_ids.c.tenant == resources.c.tenant,
    external_ids.c.kind == resources.c.kind,
    external_ids.c.scope == bindparam("scope"),
    external_ids.c.scim_id == resources.c.scim_id,
)
_NUMBER = resources.c.seq.type
_skipped = resources.alias("skipped")
# The index alone answers how far to skip; a page's own select would read what it skips.
_from_offset = resources.c.seq >= (
    select(_skipped.c.seq)
    .where(
        _skipped.c.tenant == bindparam("tenant"),
        _skipped.c.kind == bindparam("kind"),
        _skipped.c.visible == true(),
        _skipped.c.seq >= bindparam("first"),
    )
    .order_by(_skipped.c.seq)
    .limit(literal_column("1", _NUMBER))
    .offset(bindparam("offset", type_=_NUMBER))
    .scalar_subquery()
)


class _Read:
    """A prepared select of stored resources, with and without the reader's external ids."""

    def __init__(self, *conditions: Any, page: bool = False) -> None:
        plain = select(*_stored).where(*conditions)
        joined = (
            select(*_stored, external_ids.c.external_id)
            .select_from(resources.outerjoin(external_ids, _of_reader))
            .where(*conditions)
        )
        self._plain = Prepared(_ordered(plain) if page else plain)
        self._joined = Prepared(_ordered(joined) if page else joined)

    def fetch(self, session: Session, scope: str, **parameters: Any) -> list[StoredResource]:
        """Return the resources; ``external_id`` is None without a scope."""
        if scope:
            rows = session.fetch(self._joined, scope=scope, **parameters)
        else:
            rows = session.fetch(self._plain, **parameters)
        return [
            StoredResource(row[0], row[1], row[2], from_microseconds(row[3]), *row[4:])
            for row in rows
        ]


def _ordered(statement: Select[Any]) -> Select[Any]:
    return (
        statement.order_by(resources.c.seq)
        .limit(bindparam("count", type_=_NUMBER))
        # For SQLite SQLAlchemy would bind an offset of zero.
        .offset(literal_column("0", _NUMBER))
    )


_BY_ID = _Read(*_shown, resources.c.scim_id == bindparam("scim_id"))
_BY_NAME = _Read(*_shown, resources.c.name_key == bindparam("name_key"))
_BY_EXTERNAL_ID = _Read(*_shown, _of_reader, external_ids.c.external_id == bindparam("value"))
_PAGE = _Read(*_shown, _from_offset, page=True)
_JOINED = JoinedRead(
    _ordered(
        select(resources.c.document, external_ids.c.external_id)
        .select_from(resources.outerjoin(external_ids, _of_reader))
        .where(*_shown, _from_offset)
    )
)
_ENDS = Prepared(
    select(resources.c.seq)
    .where(*_shown, resources.c.seq >= bindparam("first"))
    .order_by(resources.c.seq)
    .limit(literal_column("2", _NUMBER))
    .offset(bindparam("offset", type_=_NUMBER))
)
"""The last key of a page by cursor, and one more where another page follows."""
_LATEST = Prepared(select(func.max(resources.c.last_modified_at)).where(*_owned))
_BLOCKS = Prepared(
    select(page_blocks.c.block, page_blocks.c.visible_count)
    .where(
        page_blocks.c.tenant == bindparam("tenant"),
        page_blocks.c.kind == bindparam("kind"),
    )
    .order_by(page_blocks.c.block)
)


class SqlResources:
    """See :class:`connector.ports.ResourceRepository`."""

    __slots__ = ("_connection", "_schemas", "_session", "_tenant")

    def __init__(self, session: Session, schemas: Schemas) -> None:
        self._session = session
        self._tenant = session.tenant
        self._connection = session.connection
        self._schemas = schemas

    # reading ------------------------------------------------------------------

    def find(self, kind: str, scim_id: str, external_id_scope: str = "") -> StoredResource | None:
        """Return one resource by id."""
        if "\x00" in scim_id:
            return None  # PostgreSQL has no such text.
        found = _BY_ID.fetch(self._session, external_id_scope, kind=kind, scim_id=scim_id)
        return found[0] if found else None

    def find_by_name(self, kind: str, name_key: str) -> StoredResource | None:
        """Return the visible resource with this folded name."""
        found = _BY_NAME.fetch(self._session, "", kind=kind, name_key=name_key)
        return found[0] if found else None

    def latest_change(self, kind: str) -> datetime | None:
        """Return the latest ``last_modified_at`` of a kind, visible or not."""
        [(latest,)] = self._session.fetch(_LATEST, kind=kind)
        return None if latest is None else from_microseconds(latest)

    def find_hidden(self, kind: str, scim_id: str) -> ResourceRow | None:
        """Return a row whether visible or not."""
        return self.rows(kind, [scim_id]).get(scim_id)

    def rows(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ResourceRow]:
        """Return the rows, visible or not, by id; unknown ids are left out."""
        found = (
            ROWS.from_row(row)
            for chunk in chunked(scim_ids)
            for row in self._connection.execute(
                select(*ROWS.columns).where(*self._named(kind, chunk))
            )
        )
        return {row.scim_id: row for row in found}

    def _named(self, kind: str, scim_ids: Sequence[str]) -> Sequence[Any]:
        return (
            resources.c.tenant == self._tenant,
            resources.c.kind == kind,
            resources.c.scim_id.in_(scim_ids),
        )

    def members(
        self, group_scim_id: str, *, among: Iterable[str] | None = None, limit: int | None = None
    ) -> Sequence[GroupMember]:
        """Return the visible members of a Group of any origin (DocuSign group, profile, role)."""
        return group_view.members(self._session, group_scim_id, among=among, limit=limit)

    # searching ----------------------------------------------------------------

    def search(self, query: ResourceQuery) -> StoredPage:
        """Return a page.

        :raises scim.errors.InvalidFilter: an unknown attribute or an impossible comparison.
        :raises scim.errors.InvalidPath: an unknown attribute to sort by.
        """
        if query.filter is None and query.sort_by is None:
            return self._plain_page(query)
        found = self._single(query, query.filter) if query.filter is not None else None
        if found is not None and not query.after and len(found) <= query.count:
            start = query.start_index - 1
            return StoredPage(len(found), found[start : start + query.count])
        return self._filtered_page(query)

    def _single(self, query: ResourceQuery, filter_: Filter) -> list[StoredResource] | None:
        """Answer the filters that clients send most by one index, or return None."""
        if not isinstance(filter_, Comparison) or filter_.operator is not Operator.EQ:
            return None
        if not isinstance(filter_.value, str) or query.sort_by is not None:
            return None
        scope, kind, value = query.external_id_scope, query.kind, filter_.value
        refuse_unstorable(value)
        match scim_filter.plain_name(filter_.path, self._schemas[kind].schema):
            case "id":
                return _BY_ID.fetch(self._session, scope, kind=kind, scim_id=value)
            case "externalid" if scope:
                return _BY_EXTERNAL_ID.fetch(self._session, scope, kind=kind, value=value)
            case "username" if kind == USER:
                return _BY_NAME.fetch(self._session, scope, kind=kind, name_key=fold(value))
        return None

    def _plain_page(self, query: ResourceQuery) -> StoredPage:
        total, place, after = self._place(query)
        if place is None:
            return StoredPage(total, [])
        found = _PAGE.fetch(self._session, query.external_id_scope, **place)
        return StoredPage(total, found, after)

    def joined_page(self, query: ResourceQuery) -> JoinedPage:
        """Return a page of a query without filter and order, made by the database in one go."""
        total, place, after = self._place(query)
        if place is None:
            return JoinedPage(total, 0, b"")
        found = _JOINED.fetch(self._session, scope=query.external_id_scope, **place)
        return JoinedPage(total, *found, after)

    def _place(self, query: ResourceQuery) -> tuple[int, dict[str, Any] | None, int | None]:
        """Return the number of all resources, where in their order the page stands, and where the
        next one begins for a reader with a cursor."""
        if query.after:
            return 0, *self._place_behind(query.kind, query.after, query.count)
        blocks = self._session.fetch(_BLOCKS, kind=query.kind)
        total = sum(count for _, count in blocks)
        offset = query.start_index - 1
        if offset >= total or query.count <= 0:
            return total, None, None
        if query.after == 0:
            return total, *self._place_behind(query.kind, 0, query.count)
        block, skipped = _block_at(offset, blocks)
        first = block * BLOCK_SIZE
        skip = offset - skipped
        place = {"kind": query.kind, "first": first, "count": query.count, "offset": skip}
        return total, place, None

    def _place_behind(
        self, kind: str, after: int, count: int
    ) -> tuple[dict[str, Any] | None, int | None]:
        if count <= 0:
            return None, None
        place = {"kind": kind, "first": after + 1, "offset": 0}
        ends = self._session.fetch(_ENDS, **{**place, "offset": count - 1})
        return {**place, "count": count}, ends[0][0] if len(ends) > 1 else None

    def _filtered_page(self, query: ResourceQuery) -> StoredPage:
        context = Context(
            self._tenant,
            query.kind,
            self._schemas[query.kind],
            self._connection.dialect.name,
            query.external_id_scope,
        )
        conditions = [
            resources.c.tenant == self._tenant,
            resources.c.kind == query.kind,
            resources.c.visible == true(),
        ]
        if query.filter is not None:
            conditions.append(scim_filter.compile_filter(query.filter, context))
        if query.after is not None:
            return self._filtered_behind(query, conditions, query.after)
        order = scim_sort.order_by(query, context)
        if query.filter is not None and query.sort_by is None:
            recent = scim_filter.compile_recent(query.filter, context)
            if recent and self._are_few([*conditions[:2], *recent]):
                # An expression, so that the planner does not walk everything in this order.
                order = [resources.c.seq + 0]
        found = self._slice(query, conditions, order)
        skipped = query.start_index - 1
        if len(found) < query.count and (found or not skipped):
            return StoredPage(skipped + len(found), found)
        return StoredPage(self._count_all(conditions), found)

    def _filtered_behind(
        self, query: ResourceQuery, conditions: Sequence[Any], after: int
    ) -> StoredPage:
        if query.count <= 0:
            return StoredPage(0 if after else self._count_all(conditions), [])
        statement = (
            select(*_stored, external_ids.c.external_id, resources.c.seq)
            .select_from(resources.outerjoin(external_ids, _of_reader))
            .where(*conditions, resources.c.seq > after)
            .order_by(resources.c.seq)
            .limit(query.count + 1)
        )
        rows = self._connection.execute(statement, {"scope": query.external_id_scope}).all()
        found = [StoredResource(*row[:-1]) for row in rows[: query.count]]
        if len(rows) <= query.count:
            return StoredPage(0 if after else len(found), found)
        total = 0 if after else self._count_all(conditions)
        return StoredPage(total, found, rows[query.count - 1].seq)

    def _count_all(self, conditions: Sequence[Any]) -> int:
        statement = select(func.count()).select_from(resources).where(*conditions)
        return self._connection.scalar(statement) or 0

    def _are_few(self, conditions: Sequence[Any]) -> bool:
        some = select(resources.c.seq).where(*conditions).limit(FEW).subquery()
        return (self._connection.scalar(select(func.count()).select_from(some)) or 0) < FEW

    def _slice(
        self, query: ResourceQuery, conditions: Sequence[Any], order: Sequence[Any]
    ) -> list[StoredResource]:
        if query.count <= 0:
            return []
        statement = (
            select(*_stored, external_ids.c.external_id)
            .select_from(resources.outerjoin(external_ids, _of_reader))
            .where(*conditions)
            .order_by(*order)
            .limit(query.count)
            .offset(query.start_index - 1)
        )
        found = self._connection.execute(statement, {"scope": query.external_id_scope})
        return [StoredResource(*row) for row in found]

    # writing ------------------------------------------------------------------

    def put(self, rows: Sequence[ResourceRow]) -> None:
        """Insert or overwrite rows."""
        for chunk in chunked(rows):
            for kind in sorted({row.kind for row in chunk}):
                self._put(kind, {row.scim_id: row for row in chunk if row.kind == kind})

    def _put(self, kind: str, rows: Mapping[str, ResourceRow]) -> None:
        known = self._known(kind, list(rows))
        blocks: Counter[int] = Counter()
        changed = []
        for scim_id, (seq, was_visible) in known.items():
            blocks[seq // BLOCK_SIZE] += rows[scim_id].visible - was_visible
            changed.append({**self._values(rows[scim_id]), "at_seq": seq})
        if changed:
            self._connection.execute(_OVERWRITE, changed)
        new = [self._values(row) for scim_id, row in rows.items() if scim_id not in known]
        for scim_id, seq in self._insert(new):
            blocks[seq // BLOCK_SIZE] += rows[scim_id].visible
        self._count(kind, blocks)

    def _known(self, kind: str, scim_ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
        found = self._connection.execute(
            select(resources.c.scim_id, resources.c.seq, resources.c.visible).where(
                *self._named(kind, scim_ids)
            )
        )
        return {row.scim_id: (row.seq, row.visible) for row in found}

    def _values(self, row: ResourceRow) -> dict[str, Any]:
        # Documents show milliseconds; a filter must not see more than a client does.
        return ROWS.to_row(
            self._tenant,
            row,
            created_at=row.created_at.replace(
                microsecond=row.created_at.microsecond // 1000 * 1000
            ),
            last_modified_at=row.last_modified_at.replace(
                microsecond=row.last_modified_at.microsecond // 1000 * 1000
            ),
        )

    def _insert(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        if not rows:
            return []
        statement = insert(resources).returning(resources.c.scim_id, resources.c.seq)
        return self._connection.execute(statement, rows).all()

    def remove(self, kind: str, scim_ids: Iterable[str]) -> None:
        """Delete rows for good (a group or profile that DocuSign no longer has)."""
        for chunk in chunked(scim_ids):
            found = self._known(kind, chunk)
            self._connection.execute(delete(resources).where(*self._named(kind, list(found))))
            blocks: Counter[int] = Counter()
            for seq, was_visible in found.values():
                blocks[seq // BLOCK_SIZE] -= was_visible
            self._count(kind, blocks)

    def _count(self, kind: str, changes: Mapping[int, int]) -> None:
        rows = [
            {"tenant": self._tenant, "kind": kind, "block": block, "visible_count": change}
            for block, change in sorted(changes.items())
            if change
        ]
        if not rows:
            return
        statement = insert_into(page_blocks, self._connection.dialect.name)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=list(page_blocks.primary_key),
                set_={
                    "visible_count": page_blocks.c.visible_count + statement.excluded.visible_count
                },
            ),
            rows,
        )


def _block_at(offset: int, blocks: Iterable[tuple[Any, ...]]) -> tuple[int, int]:
    """Return the block that holds the resource at *offset*, and how many stand before it."""
    before = 0
    for block, count in blocks:
        if before + count > offset:
            return block, before
        before += count
    raise IndexError(offset)


_OVERWRITE = (
    update(resources)
    .where(resources.c.seq == bindparam("at_seq"))
    .values({name: bindparam(name) for name in [c.name for c in ROWS.columns] if name != "kind"})
)
