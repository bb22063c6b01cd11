"""Rendered resources: the hot read path and the writes that keep its counters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, true, update

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
from connector.store import group_view, pages, scim_filter
from connector.store.columns import from_microseconds
from connector.store.scim_values import refuse_unstorable
from connector.store.search import FilteredSearch, SearchRules
from connector.store.statements import Prepared, Records, Session, chunked, insert_into
from connector.store.tables import BLOCK_SIZES, external_ids, page_blocks, resources
from scim.filters import Comparison, Filter, Operator

ROWS = Records(resources, ResourceRow)

_owned = (resources.c.tenant == bindparam("tenant"), resources.c.kind == bindparam("kind"))
_shown = (*_owned, resources.c.visible == true())
_has_external_id = (
    external_ids.c.tenant == bindparam("tenant"),
    external_ids.c.kind == bindparam("kind"),
    external_ids.c.scope == bindparam("scope"),
    external_ids.c.external_id == bindparam("value"),
    external_ids.c.scim_id == resources.c.scim_id,
)
_BY_ID = Prepared(select(*pages.STORED).where(*_shown, resources.c.scim_id == bindparam("scim_id")))
_BY_NAME = Prepared(
    select(*pages.STORED).where(*_shown, resources.c.name_key == bindparam("name_key"))
)
_BY_EXTERNAL_ID = Prepared(select(*pages.STORED).where(*_shown, *_has_external_id))
_LATEST = Prepared(select(func.max(resources.c.last_modified_at)).where(*_owned))


class SqlResources:
    """See :class:`connector.ports.ResourceRepository`."""

    __slots__ = ("_connection", "_rules", "_session", "_tenant")

    def __init__(self, session: Session, rules: SearchRules) -> None:
        self._session = session
        self._tenant = session.tenant
        self._connection = session.connection
        self._rules = rules

    # reading ------------------------------------------------------------------

    def find(self, kind: str, scim_id: str) -> StoredResource | None:
        """Return one resource by id."""
        if "\x00" in scim_id:
            return None  # PostgreSQL has no such text.
        found = self._fetch(_BY_ID, kind=kind, scim_id=scim_id)
        return found[0] if found else None

    def find_by_name(self, kind: str, name_key: str) -> StoredResource | None:
        """Return the visible resource with this folded name."""
        found = self._fetch(_BY_NAME, kind=kind, name_key=name_key)
        return found[0] if found else None

    def _fetch(self, prepared: Prepared, **parameters: str) -> list[StoredResource]:
        return [_stored_of(row) for row in self._session.fetch(prepared, **parameters)]

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

        :raises connector.errors.InvalidFilterError: an unknown attribute, or a comparison that
            cannot be.
        :raises connector.errors.InvalidOrderError: an unknown attribute to sort by.
        """
        is_plain = not query.holding and query.deleted is False
        if query.filter is None and query.sort_by is None and is_plain:
            return self._plain_page(query)
        alone = query.filter if is_plain else None
        found = self._single(query, alone) if alone is not None else None
        if found is not None and not query.after and len(found) <= query.count:
            start = query.start_index - 1
            return StoredPage(len(found), found[start : start + query.count])
        return FilteredSearch(self._session, self._rules, query).page()

    def _single(self, query: ResourceQuery, filter_: Filter) -> list[StoredResource] | None:
        """Answer the filters that clients send most by one index, or return None."""
        if not isinstance(filter_, Comparison) or filter_.operator is not Operator.EQ:
            return None
        if not isinstance(filter_.value, str) or query.sort_by is not None:
            return None
        scope, kind, value = query.external_id_scope, query.kind, filter_.value
        refuse_unstorable(value)
        match scim_filter.plain_name(filter_.path, self._rules.schemas[kind].schema):
            case "id":
                return self._fetch(_BY_ID, kind=kind, scim_id=value)
            case "externalid" if scope:
                return self._fetch(_BY_EXTERNAL_ID, kind=kind, scope=scope, value=value)
            case "username" if kind == USER:
                return self._fetch(_BY_NAME, kind=kind, name_key=fold(value))
        return None

    def _plain_page(self, query: ResourceQuery) -> StoredPage:
        kind, count = query.kind, query.count
        if query.after is None:
            total = pages.total(self._session, kind)
            rows = pages.rows_at(self._session, kind, query.start_index - 1, max(0, count))
            return StoredPage(total, [_stored_of(row) for row in rows])
        total = 0 if query.after else pages.total(self._session, kind)
        if count <= 0:
            return StoredPage(total, [])
        rows = pages.rows_behind(self._session, kind, query.after, count)
        end = pages.last_key(self._session, kind, query.after, count)
        return StoredPage(total, [_stored_of(row) for row in rows], end)

    def joined_page(self, kind: str, scope: str, start_index: int, count: int) -> JoinedPage:
        """Return a page of everything, made by the database in one go."""
        return pages.joined_at(self._session, kind, scope, start_index - 1, max(0, count))

    def joined_behind(self, kind: str, scope: str, after: int, count: int) -> JoinedPage:
        """Return a page of everything by cursor."""
        total = 0 if after else pages.total(self._session, kind)
        if count <= 0:
            return JoinedPage(total, 0, b"")
        joined = pages.joined_behind(self._session, kind, scope, after, count)
        end = pages.last_key(self._session, kind, after, count)
        return joined._replace(total=total, next_after=end)

    # writing ------------------------------------------------------------------

    def put(self, rows: Sequence[ResourceRow]) -> None:
        """Insert or overwrite rows."""
        for chunk in chunked(rows):
            for kind in sorted({row.kind for row in chunk}):
                self._put(kind, {row.scim_id: row for row in chunk if row.kind == kind})

    def _put(self, kind: str, rows: Mapping[str, ResourceRow]) -> None:
        known = self._known(kind, list(rows))
        visible: dict[int, int] = {}
        changed = []
        for scim_id, (seq, was_visible) in known.items():
            visible[seq] = rows[scim_id].visible - was_visible
            changed.append({**self._values(rows[scim_id]), "at_seq": seq})
        if changed:
            self._connection.execute(_OVERWRITE, changed)
        new = [self._values(row) for scim_id, row in rows.items() if scim_id not in known]
        visible |= {seq: int(rows[scim_id].visible) for scim_id, seq in self._insert(new)}
        self._count(kind, visible)

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
            self._count(kind, {seq: -was_visible for seq, was_visible in found.values()})

    def _count(self, kind: str, changes: Mapping[int, int]) -> None:
        """Add to the counters of the blocks in which these keys are."""
        blocks: Counter[tuple[int, int]] = Counter()
        for seq, change in changes.items():
            blocks.update({(size, seq // size): change for size in BLOCK_SIZES})
        of = {"tenant": self._tenant, "kind": kind}
        rows = [
            {**of, "size": size, "block": block, "visible_count": change}
            for (size, block), change in sorted(blocks.items())
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


def _stored_of(row: Sequence[Any]) -> StoredResource:
    """Return the resource of a row that the driver fetched."""
    return StoredResource(row[0], row[1], row[2], from_microseconds(row[3]), row[4])


_OVERWRITE = (
    update(resources)
    .where(resources.c.seq == bindparam("at_seq"))
    .values({name: bindparam(name) for name in [c.name for c in ROWS.columns] if name != "kind"})
)
