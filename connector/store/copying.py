"""Moves everything from one database to another: every table of every tenant, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, delete, func, insert, select, text
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.domain.audit.chain import Break, ChainCheck
from connector.domain.audit.events import AuditHead
from connector.domain.ledger.restoring import IDENTITY
from connector.errors import PermanentError
from connector.store import migrate
from connector.store.engine import PROGRAM, Database
from connector.store.scim_sources import STANDARD_SCHEMAS
from connector.store.search import SearchRules
from connector.store.tables import audit_heads, facts, metadata, resources
from connector.store.unit_of_work import SqlUnitOfWork

_BATCH = 1000
"""Rows in memory at a time."""
_RULES = SearchRules(STANDARD_SCHEMAS)

Report = Callable[[str, int, int], None]
"""Takes the table at hand, the rows that are copied, and of how many; all tables together."""


@dataclass(frozen=True)
class Copied:
    """What was moved, and verified."""

    rows: Mapping[str, int]
    """By table."""
    heads: Mapping[str, AuditHead]
    """Where the audit chain of each tenant stands."""
    broken: Mapping[str, Break]
    """Where it breaks, of tenants whose chain was broken before."""


def copy_database(source: Database, target: Database, report: Report) -> Copied:
    """Copy everything, verify it and commit: the target has all of it or nothing.

    Read is one consistent view. Counts of rows, and the audit chain of each tenant, link by link,
    are compared before anything is kept.

    :raises PermanentError: the source is not at this version's revision, the target is not empty,
        or what arrived is not what was sent.
    """
    _require_current(source)
    with source.reading() as reading, target.writing() as writing:
        tables = metadata.sorted_tables
        _require_empty(writing, tables)
        counts = {table.name: _count(reading, table) for table in tables}
        total, done = sum(counts.values()), 0
        for table in tables:
            for copied in _copy_table(reading, writing, table):
                done += copied
                report(table.name, done, total)
        _copy_sequence(reading, writing)
        arrived = {table.name: _count(writing, table) for table in tables}
        if arrived != counts:
            wrong = [name for name, count in counts.items() if arrived[name] != count]
            raise PermanentError(f"Not every row arrived: {', '.join(wrong)}. Nothing was kept.")
        heads, broken = _verified(reading, writing)
        # The ledger has moved; it was not restored from a backup.
        writing.execute(delete(facts).where(facts.c.key == IDENTITY))
        writing.commit()
    return Copied(counts, heads, broken)


def _require_current(source: Database) -> None:
    found, needed = migrate.current(source), migrate.newest()
    if found != needed:
        raise PermanentError(
            f"The database is at revision {found or 'none'}, and this program needs {needed}. Run "
            "`docusign-iga db upgrade` first."
        )


def _require_empty(target: Connection, tables: Iterable[Table]) -> None:
    for table in tables:
        if target.execute(select(1).select_from(table).limit(1)).first() is not None:
            raise PermanentError(
                f"The target is not empty: its table {table.name} has rows. Nothing was changed. "
                "Name an empty database."
            )


def _count(connection: Connection, table: Table) -> int:
    number: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return number


def _copy_table(source: Connection, target: Connection, table: Table) -> Iterable[int]:
    """Copy the rows of a table and yield how many each batch had."""
    plain = _plain(table)
    rows = source.execute(select(plain), execution_options={"yield_per": _BATCH})
    for batch in rows.mappings().partitions(_BATCH):
        target.execute(insert(plain), [dict(row) for row in batch])
        yield len(batch)


def _plain(table: Table) -> Table:
    """Return a table whose values pass as they are stored: nothing is read into an object and
    written anew."""
    columns: list[Column[Any]] = [
        Column(column.name, _stored_type(column.type)) for column in table.columns
    ]
    return Table(table.name, MetaData(), *columns)


def _stored_type(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _copy_sequence(source: Connection, target: Connection) -> None:
    """Let new resources get keys above every key that was ever given, deleted rows included."""
    last = max(_last_key(source), _highest(source))
    if not last:
        return
    if target.dialect.name == "postgresql":
        target.execute(
            text("SELECT setval(pg_get_serial_sequence('resources', 'seq'), :last)"), {"last": last}
        )
        return
    target.execute(text("DELETE FROM sqlite_sequence WHERE name = 'resources'"))
    target.execute(
        text("INSERT INTO sqlite_sequence (name, seq) VALUES ('resources', :last)"), {"last": last}
    )


def _last_key(source: Connection) -> int:
    if source.dialect.name == "postgresql":
        name = source.execute(text("SELECT pg_get_serial_sequence('resources', 'seq')")).scalar()
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"  # noqa: S608
    else:
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'resources'"
    return int(source.execute(text(query)).scalar() or 0)


def _highest(source: Connection) -> int:
    return int(source.execute(select(func.max(resources.c.seq))).scalar() or 0)


def _verified(
    source: Connection, target: Connection
) -> tuple[Mapping[str, AuditHead], Mapping[str, Break]]:
    """Walk over the chains that arrived; return where each stands, and where it breaks if it broke
    there before."""
    tenants: Sequence[str] = source.scalars(
        select(audit_heads.c.tenant).order_by(audit_heads.c.tenant)
    ).all()
    heads, breaks = {}, {}
    for tenant in tenants:
        heads[tenant] = SqlUnitOfWork(tenant, source, _RULES).audit.head()
        broken = _broken(target, tenant, heads[tenant])
        if broken is None:
            continue
        if broken != _broken(source, tenant, heads[tenant]):
            raise PermanentError(
                f"The audit chain of tenant {tenant} did not arrive whole: it breaks at event "
                f"{broken.sequence}, {broken.reason}. Nothing was kept."
            )
        breaks[tenant] = broken
    return heads, breaks


def _broken(connection: Connection, tenant: str, head: AuditHead) -> Break | None:
    check = ChainCheck()
    for event in SqlUnitOfWork(tenant, connection, _RULES).audit.walk():
        check.take(event)
    return check.finish(head)


def others_connected(database: Database) -> int:
    """Return how many connections other processes of the program have to a PostgreSQL database.

    To be asked before this process opens more than one; 0 on SQLite, where a lock file tells.
    """
    with database.reading() as connection:
        if connection.dialect.name != "postgresql":
            return 0
        found = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND application_name LIKE :ours"
            ),
            {"ours": f"{PROGRAM}%"},
        )
        return int(found.scalar_one())
