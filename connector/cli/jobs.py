"""``docusign-iga jobs list|run|pause|resume|history``."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.sync import sync_with_bar
from connector.domain.ledger import JobRun, RunState
from connector.services.aggregation import SYNC_JOB
from connector.services.jobs import JOBS, run_job, schedule_of
from connector.services.schedules import described

_job = click.argument("name", metavar="JOB", type=click.Choice(list(JOBS)))


@click.command("list")
@tenant_options
@handle_errors
def list_jobs(context: CommandContext) -> None:
    """List the jobs: how often, what the last run did, how far a running sync is.

    \b
    Example:
      docusign-iga jobs list
    """
    runs, paused = context.tenant.runs, context.tenant.runs.paused()
    table = Table("Job", "What it does", "Every", "Last run", "What became of it")
    data = []
    for name, job in JOBS.items():
        schedule, _ = schedule_of(job, context.settings.jobs, context.tenant.settings)
        every, last = described(schedule), runs.latest(name)
        if name in paused:
            every = f"paused by {paused[name]['by']}"
        started = f"{last.started_at:%Y-%m-%d %H:%M:%S}" if last else ""
        table.add_row(name, job.what, every, started, _outcome(last) if last else "")
        known = {
            "job": name,
            "every_s": schedule.every_s,
            "cron": schedule.cron,
            "paused": paused.get(name),
        }
        data.append({**known, "last": _to_json(last) if last else None})
    context.output(data, table)


@click.command("run")
@_job
@tenant_options
@handle_errors
def run(context: CommandContext, name: str) -> None:
    """Run a job now, here, whether it is paused or not. A sync shows how far it is.

    \b
    Example:
      docusign-iga jobs run verify
    """
    tenant, actor = context.tenant, cli_actor()
    if name == SYNC_JOB:
        outcome: Any = sync_with_bar(tenant, Console(stderr=True)).counts
    else:
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
@tenant_options
@handle_errors
def history(context: CommandContext, job: str | None, limit: int) -> None:
    """Show what the last runs did, newest first: counts, calls to DocuSign, time, error.

    A run that found nothing to do is not kept.

    \b
    Example:
      docusign-iga jobs history --job sync --limit 5
    """
    runs = context.tenant.runs.history(job, limit)
    table = Table("Job", "Began", "Took", "Calls", "What became of it")
    for item in runs:
        took = "" if item.duration_s is None else f"{item.duration_s:,.1f} s"
        began = f"{item.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(item.job, began, took, f"{item.calls:,}", _outcome(item))
    context.output([_to_json(item) for item in runs], table if runs else "No job has run yet.")


def _outcome(run: JobRun) -> str:
    if run.state is RunState.RUNNING:
        return f"running: {_words(run.counts)} so far"
    return run.error or _words(run.counts)


def _words(outcome: Any) -> str:
    if isinstance(outcome, dict):
        told = [f"{key} {value:,}" for key, value in outcome.items() if isinstance(value, int)]
        return ", ".join(told) or "nothing to do"
    return str(outcome) if outcome else "nothing to do"


def _to_json(run: JobRun) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "job": run.job,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_s": run.duration_s,
        "calls": run.calls,
        "counts": dict(run.counts),
        "error": run.error,
        "actor": run.actor or f"job:{run.job}",
    }
