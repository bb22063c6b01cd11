"""What SQLite's planner should think of the tables, whatever they hold at the moment.

Without a word about them it takes every equality for selective, that of the tenant too, and walks
all users of a tenant in the order that is asked for rather than look one address up. ``ANALYZE``
would describe the tables as they are when it runs, which is empty on the first day. PostgreSQL
keeps its own statistics.

Source: https://www.sqlite.org/fileformat2.html#stat1tab
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, inspect, text

_ROWS = 100_000
_ROWS_OF_A_PART = 1_000
"""Of an index over a part of a table: what is open, for the most part."""

_DISTINCT = {
    "tenant": 1,
    "kind": 2,
    "subject_kind": 2,
    "status": 2,
    "scope": 2,
    "is_admin": 2,
    "has_open_membership": 2,
    "is_organization_admin": 2,
    "account_id": 3,
    "profile_id": 10,
    "group_id": 10,
    "job": 10,
    "run_id": 10,
    "client_id": 10,
    # What is open is a small part of all that was ever recorded, and what is asked for.
    "state": 100,
}
"""How many values a column has; those of any other are nearly unique."""
_NEARLY_UNIQUE = 10_000


def tell_statistics(connection: Connection) -> None:
    """Write a row of ``sqlite_stat1`` for each index that has none; connections made from now on
    plan by them."""
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # Makes the table where there is none.
    told = {
        (row.tbl, row.idx)
        for row in connection.execute(text("SELECT tbl, idx FROM sqlite_stat1 WHERE idx NOT NULL"))
    }
    rows = [
        {"table": table, "index": index, "numbers": numbers}
        for table in inspect(connection).get_table_names()
        for index, numbers in _indexes(connection, table)
        if (table, index) not in told
    ]
    if rows:
        connection.execute(
            text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :numbers)"),
            rows,
        )
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # Reads them.


def _indexes(connection: Connection, table: str) -> Iterator[tuple[str, str]]:
    # The key of a table without row ids is an index that bears the table's name.
    listed = text(
        "SELECT indexes.name, iif(origin = 'pk' AND wr, :table, indexes.name) AS told_as, "
        '"unique" AS is_unique, partial FROM pragma_index_list(:table) AS indexes '
        "JOIN pragma_table_list(:table) AS tables ON tables.schema = 'main'"
    )
    named = text("SELECT name FROM pragma_index_info(:index) ORDER BY seqno")
    for index in connection.execute(listed, {"table": table}).all():
        columns = connection.execute(named, {"index": index.name}).scalars().all()
        rows = _ROWS_OF_A_PART if index.partial else _ROWS
        yield index.told_as, _numbers(rows, columns, is_unique=bool(index.is_unique))


def _numbers(rows: int, columns: Sequence[str], *, is_unique: bool) -> str:
    """Return rows of the index, then rows for a value of each longer prefix of its key."""
    numbers, left = [rows], rows
    for column in columns:
        left = max(1, left // _DISTINCT.get(column, _NEARLY_UNIQUE))
        numbers.append(left)
    if is_unique:
        numbers[-1] = 1
    return " ".join(map(str, numbers))
