"""Small helpers around SQLAlchemy Core that every repository uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Insert,
    Table,
    Text,
    any_,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 500
"""Values in one IN list, well below every database's limit of parameters."""


class Session(NamedTuple):
    """One transaction of one tenant, as repositories see it."""

    tenant: str
    connection: Connection

    def fetch(self, prepared: Prepared, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a prepared statement, times as microseconds."""
        connection = self.connection
        driver: Any = connection.connection.driver_connection
        rows: list[tuple[Any, ...]] = driver.execute(
            prepared.sql(connection), {"tenant": self.tenant, **parameters}
        ).fetchall()
        return rows


class Prepared:
    """A statement for the hottest paths: compiled once, executed by the driver itself.

    SQLAlchemy's execution costs several times what SQLite needs to find a row. Parameters and
    results pass unconverted, so they are text, numbers and truth values.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._sql: dict[str, str] = {}

    def sql(self, connection: Connection) -> str:
        """Return the text for the connection's database, with named parameters."""
        name = connection.dialect.name
        if name not in self._sql:
            self._sql[name] = str(self._statement.compile(dialect=connection.dialect))
        return self._sql[name]


class Records(Generic[R]):
    """Moves frozen dataclasses in and out of the table whose columns bear their fields' names."""

    def __init__(self, table: Table, record: type[R]) -> None:
        self._record = record
        names = {column.name for column in table.columns}
        self._names = [item.name for item in fields(record) if item.name in names]  # type: ignore[arg-type]
        self.columns = [table.c[name] for name in self._names]

    def to_row(self, tenant: str, record: R, **more: Any) -> dict[str, Any]:
        """Return the row of a record; *more* adds or overrides columns."""
        return {"tenant": tenant, **{name: getattr(record, name) for name in self._names}, **more}

    def from_row(self, row: Sequence[Any], **more: Any) -> R:
        """Return the record of a row that was selected by :attr:`columns`."""
        return self._record(**{**dict(zip(self._names, row, strict=False)), **more})


@cache
def upsert(table: Table, dialect: str, keep: tuple[str, ...] = ()) -> Insert:
    """Return ``INSERT … ON CONFLICT DO UPDATE`` over the primary key.

    :param keep: columns that an existing row keeps.
    """
    statement = insert_into(table, dialect)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys and column.name not in keep
        },
    )


@cache
def insert_missing(table: Table, dialect: str) -> Insert:
    """Return ``INSERT … ON CONFLICT DO NOTHING``."""
    return insert_into(table, dialect).on_conflict_do_nothing()


def insert_into(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return the insert of the database at hand: both know ``ON CONFLICT``."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def put_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    keep: tuple[str, ...] = (),
) -> None:
    """Insert or overwrite rows in one batch."""
    if rows:
        connection.execute(upsert(table, connection.dialect.name, keep), rows)


def put_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those rows that are not there yet, in one batch."""
    if rows:
        connection.execute(insert_missing(table, connection.dialect.name), rows)


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one batch."""
    if rows:
        connection.execute(insert(table), rows)


def chunked(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Walk *values* in lists of at most *size*."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def among(column: ColumnElement[str], values: Collection[str], dialect: str) -> ColumnElement[bool]:
    """Return whether a text is one of these values, however many: a database takes only so many
    parameters, so many values are sent as one."""
    if len(values) <= CHUNK:
        return column.in_(values)
    if dialect == "sqlite":
        each = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(literal(list(values), ARRAY(Text)))


def after_prefix(prefix: str) -> str:
    """Return the smallest text that follows every text with this prefix, in code point order.

    ``x >= prefix AND x < after_prefix(prefix)`` is a prefix test that an index answers.
    """
    last = ord(prefix[-1]) + 1
    if last == SURROGATES_START:
        last = SURROGATES_END
    if last > LAST_CODE_POINT:
        return prefix + chr(LAST_CODE_POINT)
    return prefix[:-1] + chr(last)


SURROGATES_START, SURROGATES_END, LAST_CODE_POINT = 0xD800, 0xE000, 0x10FFFF
