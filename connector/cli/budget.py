"""``docusign-iga budget``: DocuSign's hourly calls, used and left."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
from rich.console import Group
from rich.table import Table

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.domain.writing import counted
from connector.services.budget import BudgetLine, BudgetReport


@click.command()
@tenant_options
@handle_errors
def budget(context: CommandContext) -> None:
    """Show the API calls of this hour, what is left, and what the next sync will take.

    DocuSign allows an account some thousand calls an hour, shared by all its integrations. The
    connector uses a share of them (docusign.budget.share_pct), and keeps a part of it for changes
    (docusign.budget.reserve_pct): sync pauses before that part begins. DocuSign is not called.

    \b
    Example:
      docusign-iga budget --json
    """
    report = context.tenant.budget.report()
    context.output(_to_json(report), _describe(report))


def _to_json(report: BudgetReport) -> dict[str, Any]:
    return {
        "budgets": [asdict(line) for line in report.lines],
        "today": dict(report.today),
        "refused_today": report.refused_today,
        "forecast": {**asdict(report.forecast), "total": sum(report.forecast.calls.values())},
        "waiting": report.waiting,
        "hours": [asdict(count) for count in report.hours],
    }


def _describe(report: BudgetReport) -> Group:
    table = Table("Account", "Limit", "Left", "Ours now", "For what", "Sync may use", "Until")
    for line in report.lines:
        table.add_row(
            line.name,
            f"{line.limit:,}",
            "?" if line.remaining is None else f"{line.remaining:,}",
            f"{sum(line.used.values()):,} of {line.ours:,}",
            ", ".join(f"{name} {number:,}" for name, number in sorted(line.used.items())),
            f"{line.background_left:,}",
            _until(line),
        )
    today = ", ".join(f"{name} {number:,}" for name, number in sorted(report.today.items()))
    total = sum(report.forecast.calls.values())
    pauses = report.forecast.pauses
    waits = f", with {counted(pauses, 'pause')} until the next hour" if pauses else ""
    waiting = (
        [f"Deltas have {counted(report.waiting, 'place')} still to read."] if report.waiting else []
    )
    return Group(
        table,
        f"Today (UTC): {today or 'no calls'}; {report.refused_today:,} refused by a limit.",
        f"The next full aggregation takes about {counted(total, 'call')} and "
        f"{report.forecast.time}{waits}.",
        *waiting,
    )


def _until(line: BudgetLine) -> str:
    if line.closed_until is not None:
        return f"closed until {line.closed_until:%H:%M:%S} UTC"
    return f"{line.resets_at:%H:%M} UTC"
