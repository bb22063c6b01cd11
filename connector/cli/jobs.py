"""``docusign-iga jobs list|run|pause|resume|history``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.sync import leave_waiting, sync_with_bar
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.errors import BudgetUsedUpError
from connector.progress import reporting_to
from connector.services.aggregation import SYNC_JOB
from connector.services.jobs.board import JobView, job_board, progress_of
from connector.services.jobs.declared import JOBS, run_job
from connector.services.plain_data import run_data

_job = click.argument("name", metavar="JOB", type=click.Choice(list(JOBS)))
_WATCH_EVERY_S = 1.0


@click.command("list")
@click.option("--watch", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@tenant_options
@handle_errors
def list_jobs(context: CommandContext, *, watch: bool) -> None:
    """List the jobs: when each runs, what the last run did, how far a running one is.

    \b
    Examples:
      docusign-iga jobs list
      docusign-iga jobs list --watch
    """
    if watch and not context.as_json:
        _watch(context)
        return
    views = _board(context)
    context.output([_view_json(view) for view in views], _table(views))


def _board(context: CommandContext) -> Sequence[JobView]:
    tenant = context.tenant
    return job_board(tenant.context, tenant.runs, context.settings.jobs)


def _watch(context: CommandContext) -> None:
    with Live(_table(_board(context)), console=Console(markup=False), screen=False) as live:
        try:
            while True:
                time.sleep(_WATCH_EVERY_S)
                live.update(_table(_board(context)))
        except KeyboardInterrupt:
            return


def _table(views: Sequence[JobView]) -> Table:
    table = Table("Job", "What it does", "When", "Next run", "Last run", "What became of it")
    for view in views:
        when = f"paused by {view.pause['by']}" if view.pause else view.when
        due = f"{view.next_at:%Y-%m-%d %H:%M:%S}" if view.next_at else ""
        started = f"{view.last.started_at:%Y-%m-%d %H:%M:%S}" if view.last else ""
        outcome = _outcome(view.last) if view.last else ""
        table.add_row(view.job.name, view.job.what, when, due, started, outcome)
    return table


def _view_json(view: JobView) -> dict[str, Any]:
    return {
        "job": view.job.name,
        "every_s": view.schedule.every_s,
        "cron": view.schedule.cron,
        "timezone": view.timezone,
        "next_run_at": view.next_at,
        "paused": view.pause,
        "last": run_data(view.last) if view.last else None,
    }


@click.command("run")
@_job
@tenant_options
@handle_errors
def run(context: CommandContext, name: str) -> None:
    """Run a job now, here, whether it is paused or not, and show how far it is.

    One run at a time: where the jobs process is at it, this says so.

    \b
    Example:
      docusign-iga jobs run verify
    """
    tenant, actor = context.tenant, cli_actor()
    console = Console(stderr=True)
    if name == SYNC_JOB:
        try:
            outcome: Any = sync_with_bar(tenant, console).counts
        except BudgetUsedUpError as error:
            leave_waiting(context, error)
    else:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
        more = (MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(
            *columns, *more, console=console, transient=True, disable=not console.is_terminal
        ) as bar:
            task = bar.add_task(f"Running {name}", total=None)
            with reporting_to(
                lambda done, total: bar.update(task, completed=done, total=max(done, total))
            ):
                outcome = run_job(name, tenant, actor)
    data = outcome if isinstance(outcome, dict | int) else str(outcome)
    context.output({"job": name, "outcome": data}, f"{name}: {_words(outcome)}.")


@click.command("pause")
@_job
@tenant_options
@handle_errors
def pause(context: CommandContext, name: str) -> None:
    """Let the clock pass a job by until `jobs resume`. A run under way is finished.

    Paused settlement leaves queued and abandoned changes where they are: resume it soon.

    \b
    Example:
      docusign-iga jobs pause sync
    """
    context.tenant.runs.pause(name, cli_actor())
    context.output({"job": name, "paused": True}, f"{name} is paused.")


@click.command("resume")
@_job
@tenant_options
@handle_errors
def resume(context: CommandContext, name: str) -> None:
    """Let the clock run a paused job again.

    \b
    Example:
      docusign-iga jobs resume sync
    """
    context.tenant.runs.resume(name, cli_actor())
    context.output({"job": name, "paused": False}, f"{name} runs again at its time.")


@click.command("history")
@click.option("--job", type=click.Choice(list(JOBS)), help="Only runs of this job.")
@click.option("--limit", default=20, show_default=True, help="The most runs to show.")
@click.option("--all", "with_idle", is_flag=True, help="Runs that found nothing to do, too.")
@tenant_options
@handle_errors
def history(context: CommandContext, job: str | None, limit: int, *, with_idle: bool) -> None:
    """Show what the last runs did, newest first: counts, calls to DocuSign, time, error.

    Every run is kept; those that found nothing to do are shown with --all.

    \b
    Examples:
      docusign-iga jobs history --job sync --limit 5
      docusign-iga jobs history --job settle --all
    """
    runs = context.tenant.runs.history(job, limit, with_idle=with_idle)
    table = Table("Job", "Began", "State", "Took", "Calls", "Started by", "What became of it")
    for item in runs:
        took = "" if item.duration_s is None else f"{item.duration_s:,.1f} s"
        began = f"{item.started_at:%Y-%m-%d %H:%M:%S}"
        by = item.started_by
        table.add_row(item.job, began, str(item.state), took, f"{item.calls:,}", by, _outcome(item))
    nothing = "No job has done anything yet; --all shows the runs that found nothing to do."
    context.output([run_data(item) for item in runs], table if runs else nothing)


def _outcome(run: JobRun) -> str:
    if run.state is RunState.RUNNING:
        return f"running: {progress_of(run) or _words(run.counts)} so far"
    return run.error or _words(run.counts)


def _words(outcome: Any) -> str:
    if isinstance(outcome, dict):
        told = [f"{key} {value:,}" for key, value in outcome.items() if isinstance(value, int)]
        return ", ".join(told) or "nothing to do"
    return str(outcome) if outcome else "nothing to do"
