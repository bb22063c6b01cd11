"""Brings the tables to this version of the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from connector.errors import ConfigError
from connector.store.engine import Database


def upgrade(database: Database) -> None:
    """Run the missing migrations in one transaction; of several processes one does, all return,
    because writers take turns.

    :raises ConfigError: the database is newer than the program.
    """
    with database.writing() as connection, _config(connection) as config:
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        command.upgrade(config, "head")
        connection.commit()


def downgrade(database: Database, revision: str = "base") -> None:
    """Undo migrations down to a revision. What the dropped tables held is gone."""
    with database.writing() as connection, _config(connection) as config:
        command.downgrade(config, revision)
        connection.commit()


def current(database: Database) -> str | None:
    """Return the revision of the tables, None for an empty database."""
    with database.reading() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def newest() -> str:
    """Return the revision of the tables that this program needs."""
    with as_file(files("connector.store") / "migrations") as location:
        head = ScriptDirectory(str(location)).get_current_head()
    assert head is not None  # noqa: S101 - the package ships migrations
    return head


@contextmanager
def _config(connection: Connection) -> Iterator[Config]:
    with as_file(files("connector.store") / "migrations") as location:
        config = Config()
        # The configuration parser takes a percent sign for an interpolation.
        config.set_main_option("script_location", str(location).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        problem = (
            f"database.url: the database is at revision {found} of a newer version of this "
            "program: install that version or restore a backup."
        )
        raise ConfigError([problem])
