"""``docusign-iga db``: the tables, moving and keeping them."""

from __future__ import annotations

import click

from connector.bootstrap import migrate
from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.cli.moving import backup, copy
from connector.services.restored import declare_restored, go_on_after_restoring
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


@db.command()
@click.option(
    "--go-on",
    is_flag=True,
    help="Let --tenant deal with drift as its policy says, and carry out what was queued or begun.",
)
@tenant_options
@handle_errors
def restored(context: CommandContext, *, go_on: bool) -> None:
    """Say that the database was restored from a backup, or that it is well again.

    What was asked for since the backup is unknown to the database and looks like drift: a policy
    that reverts would close new joiners. So nothing is reverted by itself until you have looked at
    the open findings, accepted what is right, and said --go-on. What was queued or begun when the
    backup was made waits for that too, and so does every new change of the same person or group: it
    is answered 503.

    A file from `docusign-iga db backup` says it by itself, and so does a dump that was restored
    into another PostgreSQL database. Say it, before `serve` starts, where a disk, a virtual machine
    or a point in time was restored: it counts for every tenant.

    \b
    Examples:
      docusign-iga db restored
      docusign-iga drift list
      docusign-iga drift accept 3f2a --as olga --reason "Asked for after the backup"
      docusign-iga db restored --go-on
    """
    if go_on:
        held = go_on_after_restoring(context.tenant.context, cli_actor())
        told = (
            "Nothing is held back any more: drift is dealt with as the policy says (see "
            "`docusign-iga drift list`), and what was queued or begun is carried out."
            if held
            else "Nothing was held back."
        )
        context.output({"tenant": context.tenant.settings.name, "held_back": False}, told)
        return
    names = []
    for tenant in context.application.tenants():
        declare_restored(tenant.context, cli_actor())
        names.append(tenant.settings.name)
    told = f"The policy reverts nothing by itself ({', '.join(names)}). Look at the findings, then "
    told += "say `docusign-iga db restored --go-on`."
    context.output({"tenants": names, "held_back": True}, told)


db.add_command(copy)
db.add_command(backup)
