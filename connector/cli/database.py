"""``docusign-iga db``: the tables, moving and keeping them."""

from __future__ import annotations

import click

from connector.bootstrap import migrate
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.cli.moving import backup, copy
from connector.store import open_database


@click.group(cls=Commands)
def db() -> None:
    """Look after the database.

    \b
    Example:
      docusign-iga db upgrade
    """


@db.command()
@tenant_options
@handle_errors
def upgrade(context: CommandContext) -> None:
    """Bring the tables to this version of the program.

    `serve` does this by itself. Do it beforehand where several machines are restarted in turn; it
    may run while others do the same.

    \b
    Example:
      docusign-iga db upgrade --config config.yaml
    """
    store = open_database(context.settings.database)
    context.resources.callback(store.close)
    before = store.schema_version()
    queue = migrate(store, context.settings.database)
    after = store.schema_version()
    done = f"Upgraded from {before or 'nothing'} to {after}." if before != after else "Up to date."
    if queue:
        done += f" The job queue was brought up to date ({', '.join(queue)})."
    context.output({"before": before, "after": after, "queue": list(queue)}, done)


db.add_command(copy)
db.add_command(backup)
