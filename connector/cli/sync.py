"""``docusign-iga sync``: a full aggregation, with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from getpass import getuser

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from connector.bootstrap import TenantServices
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.domain.ledger import JobRun
from connector.errors import PermanentError
from connector.services.aggregation import Progress as Step
from connector.services.context import Actor, new_id


@click.command()
@click.option(
    "--forget-account",
    "forgotten",
    metavar="ID",
    multiple=True,
    help="First let go of an account that was taken out of the configuration on purpose: its "
    "members, groups and profiles leave the database; DocuSign hears nothing.",
)
@click.option(
    "--forget-organization",
    is_flag=True,
    help="The accounts have moved to another organization, on purpose.",
)
@tenant_options
@handle_errors
def sync(context: CommandContext, *, forgotten: Sequence[str], forget_organization: bool) -> None:
    """Read everything from DocuSign into the mirror.

    Costs one call for every hundred users of each account, and a few for profiles and groups. Run
    it once after setting up; `serve` then repeats it by itself (jobs.schedule.sync). A run that
    was broken off goes on where it stopped, within six hours of its start.

    The database belongs to the accounts that were read into it. Where the configuration names
    other ones, nothing is read until you say with --forget-account that this is meant.

    \b
    Examples:
      docusign-iga sync --config config.yaml
      docusign-iga sync --forget-account 00000000-0000-4000-8000-0000000000a1
    """
    actor = Actor(f"user:{getuser()}", "cli", new_id())
    for account_id in forgotten:
        count = context.tenant.bindings.forget_account(account_id, actor)
        click.echo(f"Account {account_id} forgotten, with {count:,} memberships.", err=True)
    if forget_organization:
        context.tenant.bindings.forget_organization(actor)
    try:
        run = sync_with_bar(context.tenant, Console(stderr=True))
    except KeyboardInterrupt:
        raise PermanentError("Stopped. `docusign-iga sync` goes on where it stopped.") from None
    context.output(
        {"run_id": run.run_id, "state": run.state, **run.counts},
        f"{run.counts.get('users', 0):,} memberships read, "
        f"{run.counts.get('changed', 0):,} resources changed, "
        f"{run.counts.get('vanished', 0):,} memberships gone.",
    )


def sync_with_bar(tenant: TenantServices, console: Console) -> JobRun:
    """Run a full aggregation and show how far it is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: Step) -> None:
            name = step.account.name
            if name not in tasks:
                tasks[name] = bar.add_task(f"Reading {name}", total=step.total)
            bar.update(tasks[name], completed=step.done, total=max(step.total, step.done))

        return tenant.aggregation.sync(report)
