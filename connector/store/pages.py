"""Pages of everything, in the order of an append-only key.

Where a page stands is found in the counters of :data:`~connector.store.tables.page_blocks`, so that
the last page costs what the first does. One statement brings all of a page: each row fetched, and
each statement more, costs as much as reading a resource.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    LargeBinary,
    ScalarSelect,
    Select,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from connector.ports import JoinedPage
from connector.store.columns import TEXT
from connector.store.statements import Prepared, Session
from connector.store.tables import BLOCK_SIZES, external_ids, page_blocks, resources

Row = tuple[Any, ...]

_NUMBER = BigInteger()


def _number(value: int) -> ColumnElement[int]:
    # Constants are written into the statements: a prepared one takes only the query's parameters.
    return literal_column(str(value), _NUMBER)


_ZERO, _ONE, _TWO = (_number(value) for value in range(3))
_COMMA = literal_column("','", TEXT)
_OFFSET, _COUNT = bindparam("offset", type_=_NUMBER), bindparam("count", type_=_NUMBER)
_AFTER = bindparam("after", type_=_NUMBER)

STORED = (
    resources.c.scim_id,
    resources.c.document,
    resources.c.version,
    resources.c.last_modified_at,
    resources.c.scopes,
)


def _shown(table: Any) -> tuple[Any, ...]:
    return (
        table.c.tenant == bindparam("tenant"),
        table.c.kind == bindparam("kind"),
        table.c.visible == true(),
    )


def _counted(size: int) -> tuple[Any, ...]:
    return (
        page_blocks.c.tenant == bindparam("tenant"),
        page_blocks.c.kind == bindparam("kind"),
        page_blocks.c.size == _number(size),
    )


_LARGE, _SMALL = BLOCK_SIZES
_total = select(cast(func.coalesce(func.sum(page_blocks.c.visible_count), _ZERO), _NUMBER)).where(
    *_counted(_LARGE)
)


_given = (
    external_ids.c.tenant == bindparam("tenant"),
    external_ids.c.kind == bindparam("kind"),
)
# Two steps in an index, where looking at each document's scopes took longer than its text.
_is_shared = or_(
    exists().where(*_given, external_ids.c.scope < bindparam("scope")),
    exists().where(*_given, external_ids.c.scope > bindparam("scope")),
)


def _last_before_offset(size: int, skipped: Any, *where: Any) -> CTE:
    """Return the last block of a size that begins at the offset or before it, and how many
    resources come before it.

    :param skipped: how many come before the blocks that are looked at.
    :param where: which of them are.
    """
    count = page_blocks.c.visible_count
    # Over rows, which take half as long as the range that would be meant without a word.
    before = skipped + func.sum(count).over(order_by=page_blocks.c.block, rows=(None, 0)) - count
    blocks = select(page_blocks.c.block, before.label("before")).where(*_counted(size), *where)
    each = blocks.subquery()
    last = func.max(each.c.block).label("block"), func.max(each.c.before).label("before")
    return select(*last).where(each.c.before <= _OFFSET).cte(f"place_{size}")


def _first_key() -> ScalarSelect[Any]:
    """Return the key of the resource at an offset."""
    large = _last_before_offset(_LARGE, _ZERO)
    first = select(large.c.block * _number(_LARGE // _SMALL)).scalar_subquery()
    place = _last_before_offset(
        _SMALL,
        select(large.c.before).scalar_subquery(),
        page_blocks.c.block >= first,
        page_blocks.c.block < first + _number(_LARGE // _SMALL),
    )
    skipped = resources.alias("skipped")
    begins = select(place.c.block * _number(_SMALL)).scalar_subquery()
    within = _OFFSET - func.coalesce(select(place.c.before).scalar_subquery(), _ZERO)
    # The index alone answers how far to skip; the select of the page would read what it skips.
    return (
        select(skipped.c.seq)
        .where(*_shown(skipped), skipped.c.seq >= begins)
        .order_by(skipped.c.seq)
        .limit(_ONE)
        .offset(cast(within, _NUMBER))
        .scalar_subquery()
    )


_WHERE = {
    "start": (),
    "offset": (resources.c.seq >= _first_key(),),
    "behind": (resources.c.seq > _AFTER,),
}


def _page(where: str, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .where(*_shown(resources), *_WHERE[where])
        .order_by(resources.c.seq)
        .limit(_COUNT)
        # For SQLite SQLAlchemy would bind an offset of zero.
        .offset(_ZERO)
    )


def _joined(where: str) -> dict[str, Prepared]:
    """Return the statement for each database."""
    found = _page(where, resources.c.document).subquery()
    total = _ZERO if where == "behind" else _total.scalar_subquery()
    aggregates = {
        # As a blob it reaches us without being read as text first.
        "sqlite": cast(func.group_concat(found.c.document, _COMMA), LargeBinary),
        "postgresql": func.string_agg(found.c.document, _COMMA),
    }
    return {
        dialect: Prepared(select(total, func.count(), documents, _is_shared).select_from(found))
        for dialect, documents in aggregates.items()
    }


_ROWS = {where: Prepared(_page(where, *STORED)) for where in _WHERE}
_JOINED = {where: _joined(where) for where in _WHERE}
_TOTAL = Prepared(_total)
_ENDS = Prepared(
    select(resources.c.seq)
    .where(*_shown(resources), resources.c.seq > _AFTER)
    .order_by(resources.c.seq)
    .limit(_TWO)
    .offset(_OFFSET)
)


def total(session: Session, kind: str) -> int:
    """Return the number of visible resources."""
    [(number,)] = session.fetch(_TOTAL, kind=kind)
    return int(number)


def rows_at(session: Session, kind: str, offset: int, count: int) -> Sequence[Row]:
    """Return the :data:`STORED` columns from *offset* on, times as microseconds."""
    if offset == 0:
        return session.fetch(_ROWS["start"], kind=kind, count=count)
    return session.fetch(_ROWS["offset"], kind=kind, count=count, offset=offset)


def rows_behind(session: Session, kind: str, after: int, count: int) -> Sequence[Row]:
    """Return the same behind a key."""
    return session.fetch(_ROWS["behind"], kind=kind, count=count, after=after)


def joined_at(session: Session, kind: str, scope: str, offset: int, count: int) -> JoinedPage:
    """Return the documents from *offset* on and the number of all resources.

    :param scope: whose external ids are the reader's.
    """
    parameters = {"scope": scope, "kind": kind, "count": count}
    if offset == 0:
        return _fetch_joined(session, "start", **parameters)
    return _fetch_joined(session, "offset", offset=offset, **parameters)


def joined_behind(session: Session, kind: str, scope: str, after: int, count: int) -> JoinedPage:
    """Return the documents behind a key; the number of all resources is not counted."""
    return _fetch_joined(session, "behind", scope=scope, kind=kind, count=count, after=after)


def last_key(session: Session, kind: str, after: int, count: int) -> int | None:
    """Return the key of the last resource of a page behind *after*, None where no page follows."""
    ends = session.fetch(_ENDS, kind=kind, after=after, offset=count - 1)
    return ends[0][0] if len(ends) > 1 else None


def _fetch_joined(session: Session, where: str, **parameters: Any) -> JoinedPage:
    prepared = _JOINED[where][session.connection.dialect.name]
    [(number, size, found, is_shared)] = session.fetch(prepared, **parameters)
    documents = found.encode() if isinstance(found, str) else found or b""
    return JoinedPage(number, size, documents, bool(is_shared))
