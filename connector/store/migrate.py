"""Brings the tables to this version of the program.

Alembic and every migration are imported where something is missing alone: each command looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

from connector.errors import ConfigError
from connector.store.engine import Database
from connector.store.statistics import tell_statistics

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION = table("alembic_version", column("version_num"))


def upgrade(database: Database) -> None:
    """Run the missing migrations in one transaction; of several processes one does, all return,
    because writers take turns.

    :raises ConfigError: the database is newer than the program.
    """
    if current(database) == newest():
        return
    from alembic import command  # noqa: PLC0415 - see the module

    with database.writing() as connection, _config(connection) as config:
        _refuse_newer(connection)
        command.upgrade(config, "head")
        if connection.dialect.name == "sqlite":
            tell_statistics(connection)
        connection.commit()


def downgrade(database: Database, revision: str = "base") -> None:
    """Undo migrations down to a revision. What the dropped tables held is gone."""
    from alembic import command  # noqa: PLC0415 - see the module

    with database.writing() as connection, _config(connection) as config:
        command.downgrade(config, revision)
        connection.commit()


def current(database: Database) -> str | None:
    """Return the revision of the tables, None for an empty database."""
    with database.reading() as connection:
        return _revision(connection)


@cache
def newest() -> str:
    """Return the revision of the tables that this program needs."""
    return max(_revisions())


@cache
def _revisions() -> frozenset[str]:
    """Return what the names of the migrations begin with, which are their revisions in order."""
    versions = files("connector.store") / "migrations" / "versions"
    return frozenset(
        item.name.partition("_")[0] for item in versions.iterdir() if item.name.endswith(".py")
    )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.scalar(select(_VERSION.c.version_num))


@contextmanager
def _config(connection: Connection) -> Iterator[Config]:
    from alembic.config import Config  # noqa: PLC0415 - see the module

    with as_file(files("connector.store") / "migrations") as location:
        config = Config()
        # The configuration parser takes a percent sign for an interpolation.
        config.set_main_option("script_location", str(location).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config


def _refuse_newer(connection: Connection) -> None:
    found = _revision(connection)
    if found is not None and found not in _revisions():
        problem = (
            f"database.url: the database is at revision {found} of a newer version of this "
            "program: install that version or restore a backup."
        )
        raise ConfigError([problem])
