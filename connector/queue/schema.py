"""Procrastinate's tables and functions, brought to the version that is installed.

A fresh database gets its whole schema, an older one the scripts that it lacks; which those are is
kept in a table of ours, because Procrastinate itself keeps no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from procrastinate.schema import SchemaManager

from connector.errors import ConfigError, TemporaryError
from connector.queue.address import conninfo
from connector.settings import DatabaseSettings

_TURN = 4_731_903
"""Our advisory lock while the queue's tables are changed; any constant will do."""
_RECORD = "job_queue_scripts"


def install(settings: DatabaseSettings) -> Sequence[str]:
    """Bring the queue's tables up to date and return the scripts that were run; of several
    processes one does, all return.

    :raises ConfigError: the tables are another program's, or those of a newer version.
    :raises TemporaryError: the database cannot be reached.
    """
    scripts = {path.name: path for path in Path(SchemaManager.get_migrations_path()).glob("*.sql")}
    try:
        with psycopg.connect(conninfo(settings), autocommit=True, connect_timeout=10) as connection:
            if _applied(connection) == set(scripts):
                return ()
            connection.execute("SELECT pg_advisory_lock(%s)", [_TURN])
            return _bring_up(connection, scripts)
    except psycopg.OperationalError as error:
        raise TemporaryError("The database cannot be used just now.") from error


def _bring_up(connection: psycopg.Connection, scripts: dict[str, Path]) -> Sequence[str]:
    applied = _applied(connection)
    if applied is None:
        with connection.transaction():
            _create(connection, sorted(scripts))
        return ("schema.sql",)
    if unknown := applied - set(scripts):
        problem = (
            f"database.url: the job queue was set up by a newer version of this program "
            f"({max(unknown)}): install that version or restore a backup."
        )
        raise ConfigError([problem])
    missing = sorted(set(scripts) - applied)
    for name in missing:
        # One by one: a new value of an enumeration can be used only after its transaction.
        with connection.transaction():
            connection.execute(_trusted(scripts[name].read_text(encoding="utf-8")))
            _record(connection, [name])
    return missing


def _applied(connection: psycopg.Connection) -> set[str] | None:
    """Return the scripts that were run, None for a database without the queue."""
    if _exists(connection, _RECORD):
        return {name for (name,) in connection.execute(f"SELECT name FROM {_RECORD}")}  # noqa: S608
    return None


def _create(connection: psycopg.Connection, names: Sequence[str]) -> None:
    if _exists(connection, "procrastinate_jobs"):
        problem = (
            "database.url: another program keeps its Procrastinate queue in this schema. Give the "
            "connector a database of its own."
        )
        raise ConfigError([problem])
    connection.execute(SchemaManager.get_schema())
    connection.execute(
        f"CREATE TABLE {_RECORD} "
        "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    _record(connection, names)


def _record(connection: psycopg.Connection, names: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_RECORD} (name) VALUES (%s)",  # noqa: S608
            [(name,) for name in names],
        )


def _exists(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
    return bool(row and row[0])


def _trusted(script: str) -> LiteralString:
    """Return a script that came with the installed package."""
    return cast(LiteralString, script)  # type: ignore[redundant-cast]
