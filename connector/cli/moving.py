"""``docusign-iga db copy`` and ``db backup``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.engine import make_url

from connector.bootstrap import migrate
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.leases import only_server
from connector.clock import SystemClock
from connector.config.checks import database_problems
from connector.domain.tenants.records import INSTALLATION
from connector.domain.writing import counted
from connector.errors import ConfigError, PermanentError
from connector.scheduler import SCHEDULER_KEY
from connector.settings import DatabaseSettings
from connector.store import SqlStore, open_database
from connector.store.backup import backup_sqlite
from connector.store.copying import Copied, copy_database, others_connected


@click.command()
@click.option(
    "--to",
    "target_url",
    metavar="URL",
    required=True,
    help="An empty database: sqlite:///path or postgresql+psycopg://user@host/name. A password "
    "that is not in it comes from PGPASSWORD or ~/.pgpass.",
)
@tenant_options
@handle_errors
def copy(context: CommandContext, *, target_url: str) -> None:
    """Move everything to another database: SQLite to PostgreSQL, or back.

    Stop `serve` and the workers first. Every table of every tenant is copied in one transaction,
    then counted, and the audit chains are verified; the target has all of it or nothing, and the
    source stays as it is. Afterwards set database.url to the new one and start `serve`.

    \b
    Examples:
      docusign-iga db copy --to postgresql+psycopg://iga@db.example.com/iga
      docusign-iga db copy --to sqlite:////var/lib/docusign-iga/connector.db
    """
    source = context.settings.database
    target = replace(source, url=target_url, password=None)
    _require_other(source, target)
    with ExitStack() as stack:
        for settings in (source, target):
            stack.enter_context(only_server(replace(context.settings, database=settings), wait_s=0))
        copied = _copy(source, target, Console(stderr=True))
    for tenant, broken in copied.broken.items():
        click.echo(
            f"Warning: the audit chain of tenant {tenant} was broken at event {broken.sequence} "
            "before, and is there too.",
            err=True,
        )
    rows = sum(copied.rows.values())
    tables = sum(bool(count) for count in copied.rows.values())
    context.output(
        {"rows": dict(copied.rows), "audit": {k: v.sequence for k, v in copied.heads.items()}},
        f"{counted(rows, 'row')} of {counted(tables, 'table')} copied and counted, each tenant's "
        f"audit chain verified ({len(copied.heads)}). Now set database.url to "
        f"{make_url(target_url).render_as_string(hide_password=True)} and start `serve`.",
    )


def _require_other(source: DatabaseSettings, target: DatabaseSettings) -> None:
    problems = [text for _, text in database_problems({"url": target.url})]
    if problems:
        raise ConfigError([f"--to: {text}" for text in problems])
    if make_url(source.url).set(password=None) == make_url(target.url).set(password=None):
        raise PermanentError("--to names the database of the configuration. Name another one.")


def _copy(source: DatabaseSettings, target: DatabaseSettings, console: Console) -> Copied:
    reading, writing = open_database(source), open_database(target)
    try:
        for name, store in (("database", reading), ("target", writing)):
            if number := others_connected(store.database):
                raise PermanentError(
                    f"The {name} is in use: {number} connections of `serve`, workers or other "
                    "commands. End them first; what they change meanwhile would be lost."
                )
        _require_no_clock(reading)
        migrate(writing, target)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("Copying", total=None)
            return copy_database(
                reading.database,
                writing.database,
                lambda table, done, total: bar.update(
                    task, description=f"Copying {table}", completed=done, total=total
                ),
            )
    finally:
        reading.close()
        writing.close()


def _require_no_clock(store: SqlStore) -> None:
    """A jobs process that runs on its own holds no lock file, and the scheduler's lease."""
    with store.read(INSTALLATION) as uow:
        if uow.locks.count_live(SCHEDULER_KEY, SystemClock().now()):
            raise PermanentError(
                "A jobs process uses the database, or was killed less than a minute ago. End it "
                "first; what it changes meanwhile would be lost."
            )


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@tenant_options
@handle_errors
def backup(context: CommandContext, *, target: Path) -> None:
    """Write a consistent copy of the SQLite database to FILE, while it is used.

    The copy is checked before FILE appears; a directory that is missing is made. A file that is
    there is never overwritten: give each backup a name of its own. To restore it:
    stop `serve`, move the database and the files -wal and -shm beside it away, put FILE in its
    place, run `docusign-iga audit verify`, and start `serve`. In the restored database the policy
    reverts no drift until you say `docusign-iga db restored --go-on`. For PostgreSQL use pg_dump.

    \b
    Example:
      docusign-iga db backup /backup/connector-$(date +%F).db
    """
    settings = context.settings.database
    if settings.is_postgresql:
        raise PermanentError(
            "This is PostgreSQL: back it up with pg_dump --format=custom, or with what your "
            "database is backed up by. `docusign-iga docs operations` has the commands, under "
            "Backup."
        )
    path = Path(make_url(settings.url).database or "")
    if not path.exists():
        raise PermanentError(f"There is no database {path} yet.")
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Copying", total=None)
        size = backup_sqlite(
            path, target, lambda done, total: bar.update(task, completed=done, total=total)
        )
    context.output({"file": str(target), "bytes": size}, f"{size:,} bytes written to {target}.")
