"""``docusign-iga sync``: full and delta aggregation, and the refresh of one user."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

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
from rich.table import Table

from connector.bootstrap import TenantServices
from connector.cli.context import (
    LATER,
    CommandContext,
    cli_actor,
    handle_errors,
    os_login,
    tenant_options,
)
from connector.cli.reconcile import drift_words, reconcile_with_bar
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.tenants.records import INSTALLATION
from connector.domain.writing import counted
from connector.errors import BudgetUsedUpError, PermanentError
from connector.scheduler import SCHEDULER_KEY
from connector.services.aggregation import DELTA_JOB, SYNC_JOB
from connector.services.aggregation import Progress as Step
from connector.services.context import Actor, new_id
from connector.services.drift.reconciliation import RECONCILE_JOB
from connector.services.jobs.board import progress_of
from connector.services.jobs.declared import TAKEN_UP_AFTER, run_job, watched


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
@click.option(
    "--delta",
    is_flag=True,
    help="Read only what DocuSign reports as changed since the last run.",
)
@click.option(
    "--user",
    "wanted",
    metavar="ADDRESS_OR_ID",
    help="Read one user again: all that DocuSign has on an address, or the user with this id.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Write everybody again, also those who are unchanged: puts right what went wrong before. "
    "A full run does it by itself every few days (aggregation.thorough_every_days).",
)
@click.option(
    "--wait",
    is_flag=True,
    help="Where the calls of the hour are used up, wait for the next hour and go on, until "
    "everything is read.",
)
@tenant_options
@handle_errors
def sync(
    context: CommandContext,
    *,
    forgotten: Sequence[str],
    forget_organization: bool,
    delta: bool,
    wanted: str | None,
    thorough: bool,
    wait: bool,
) -> None:
    """Read DocuSign into the mirror: everything, what changed, or one user.

    Everything costs one call for every hundred users of each account, and a few for profiles and
    groups. Run it once after setting up; `serve` then repeats it by itself (jobs.schedule.sync). A
    run that was broken off goes on where it stopped, within six hours of its start.

    Where DocuSign's calls of the hour are used up, it says what was read and when it goes on, and
    ends with status 75: the jobs process takes it up by itself; --wait waits here.

    --delta asks DocuSign who was modified, and reads those; `serve` does it too
    (jobs.schedule.delta). What DocuSign does not report, the next full run finds.
    `docusign-iga docs aggregation` tells what is known when, and at what cost.

    The database belongs to the accounts that were read into it. Where the configuration names
    other ones, nothing is read until you say with --forget-account that this is meant.

    What was read is then compared with what is expected, as by `docusign-iga reconcile`.

    \b
    Examples:
      docusign-iga sync --config config.yaml
      docusign-iga sync --wait
      docusign-iga sync --delta
      docusign-iga sync --user ann@example.com
      docusign-iga sync --forget-account 00000000-0000-4000-8000-0000000000a1
    """
    if delta and wanted:
        raise click.UsageError("--delta and --user exclude each other.")
    if (delta or wanted) and (forgotten or forget_organization or thorough or wait):
        raise click.UsageError(
            "--forget-account, --forget-organization, --thorough and --wait are for full runs: "
            "leave out --delta and --user."
        )
    if wanted:
        _sync_user(context, wanted)
    elif delta:
        _sync_delta(context)
    else:
        _let_go(context, forgotten, forget_organization=forget_organization)
        _sync_all(context, thorough=thorough, wait=wait)


def _let_go(
    context: CommandContext, forgotten: Sequence[str], *, forget_organization: bool
) -> None:
    actor = Actor(f"user:{os_login()}", "cli", new_id())
    for account_id in forgotten:
        count = context.tenant.bindings.forget_account(account_id, actor)
        click.echo(
            f"Account {account_id} forgotten, with {counted(count, 'membership')}.", err=True
        )
    if forget_organization:
        context.tenant.bindings.forget_organization(actor)


def _whole_run(context: CommandContext, *, thorough: bool, wait: bool) -> JobRun:
    while True:
        try:
            return sync_with_bar(context.tenant, Console(stderr=True), thorough=thorough)
        except BudgetUsedUpError as error:
            if not wait:
                leave_waiting(context, error)
            click.echo(f"{error} Waiting.", err=True)
            context.application.clock.sleep(error.retry_after_s + 1)


def _sync_all(context: CommandContext, *, thorough: bool, wait: bool) -> None:
    try:
        run = _whole_run(context, thorough=thorough, wait=wait)
    except KeyboardInterrupt:
        raise PermanentError("Stopped. `docusign-iga sync` goes on where it stopped.") from None
    counts = reconcile_with_bar(context.tenant, cli_actor(), Console(stderr=True))
    context.output(
        {"run_id": run.run_id, "state": run.state, **run.counts, "drift": counts},
        f"Memberships read: {run.counts.get('users', 0):,}; "
        f"resources changed: {run.counts.get('changed', 0):,}; "
        f"memberships gone: {run.counts.get('vanished', 0):,}.\n"
        f"{_refused_words(run)}{drift_words(counts)}",
    )


def _refused_words(run: JobRun) -> str:
    if not run.counts.get("role_checks_refused"):
        return ""
    return "Who is organization administrator was not read: `docusign-iga doctor` says why.\n"


def leave_waiting(context: CommandContext, error: BudgetUsedUpError) -> NoReturn:
    """End a command whose sync waits for calls: say how far it is, when it goes on and by whom.

    :raises SystemExit: always, with the status :data:`LATER`.
    """
    run = context.tenant.runs.latest(SYNC_JOB)
    now = context.application.clock.now()
    at = (run and run.goes_on_at) or now + timedelta(seconds=error.retry_after_s)
    taken_up = _is_taken_up(context)
    data = {
        "run_id": run.run_id if run else None,
        "state": RunState.WAITING,
        "goes_on_at": at,
        "goes_on_by_itself": taken_up,
        "error": str(error),
    }
    if context.as_json:
        context.output(data, "")
    else:
        lines = [str(error), _so_far(run), _what_follows(at, taken_up=taken_up)]
        click.echo("\n".join(filter(None, lines)), err=True)
    sys.exit(LATER)


def _is_taken_up(context: CommandContext) -> bool:
    """Whether a jobs process goes on with the sync: one ticks, and the job is not paused."""
    application = context.application
    with application.store.read(INSTALLATION) as uow:
        ticks = uow.locks.count_live(SCHEDULER_KEY, application.clock.now()) > 0
    return ticks and SYNC_JOB not in context.tenant.runs.paused()


def _so_far(run: JobRun | None) -> str:
    progress = progress_of(run) if run else ""
    return f"{progress} memberships were read; nothing of that is read again." if progress else ""


def _what_follows(at: datetime, *, taken_up: bool) -> str:
    if taken_up:
        by_itself = at + TAKEN_UP_AFTER
        return (
            f"The sync waits. The jobs process goes on with it at {by_itself:%H:%M:%S} UTC: "
            "`docusign-iga jobs list` shows it. (`docusign-iga sync --wait` waits itself.)"
        )
    return (
        "The sync waits, and nobody goes on with it by itself: no jobs process runs, or the job "
        f"is paused. From {at:%H:%M:%S} UTC on, run `docusign-iga sync` again; or now "
        "`docusign-iga sync --wait`."
    )


def _sync_delta(context: CommandContext) -> None:
    context.tenant.delta.require_mirror()
    outcome: Any = run_job(DELTA_JOB, context.tenant, cli_actor())
    if outcome.get("full"):
        human = "So much has changed that everything was read: see `docusign-iga jobs history`."
    else:
        human = (
            f"{counted(outcome.get('users', 0), 'membership')} read, "
            f"{outcome.get('changed', 0):,} changed."
        )
        if gone := outcome.get("gone", 0):
            human += f" DocuSign has {gone:,} no longer; the next full sync looks into it."
        if new := outcome.get("drift_new", 0):
            human += f" {counted(new, 'new finding')}: see `docusign-iga drift list`."
    context.output(dict(outcome), human)


def _sync_user(context: CommandContext, wanted: str) -> None:
    table = Table("User", "Address", "Account", "Status", "Profile", "Groups")
    data = []
    users = context.tenant.delta.read_user(wanted)
    tenant = context.tenant
    if tenant.settings.drift.after_delta and RECONCILE_JOB not in tenant.runs.paused():
        tenant.drift.reconciliation.run_for([user.user_id for user in users], cli_actor())
    for user in users:
        for item in user.memberships.values():
            row = {
                "user_id": user.user_id,
                "email": user.email,
                "account_id": item.account_id,
                "status": str(item.status),
                "profile_id": item.profile_id,
                "groups": len(item.group_ids),
            }
            data.append(row)
            table.add_row(*("" if value is None else str(value) for value in row.values()))
    context.output(data, table if data else "DocuSign has nobody there, nor has the mirror.")


def sync_with_bar(tenant: TenantServices, console: Console, *, thorough: bool = False) -> JobRun:
    """Run a full aggregation and show how far it is."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: Step) -> None:
            name = step.account.name
            if name not in tasks:
                tasks[name] = bar.add_task(f"Reading {name}", total=step.total)
            bar.update(tasks[name], completed=step.done, total=max(step.total, step.done))

        actor = cli_actor()
        with watched(SYNC_JOB, tenant, actor):
            return tenant.aggregation.sync(report, thorough=thorough, actor=actor)
