"""``docusign-iga reconcile``: compares DocuSign with what is expected, with a progress bar."""

from __future__ import annotations

from collections.abc import Mapping

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from connector.bootstrap import TenantServices
from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.domain.writing import counted
from connector.services.context import Actor
from connector.services.drift.reconciliation import RECONCILE_JOB
from connector.services.drift.reconciliation import Progress as Step

_MORE = (
    ("baseline", "taken as they are, for a baseline"),
    ("accepted", "accepted by the policy"),
    ("reverting", "reverted by the policy"),
    ("refused", "not reverted: `docusign-iga drift show` tells why"),
    ("postponed", "left for the next run: DocuSign or its limit stood in the way"),
    ("held_back", "not reverted: a person has to look first"),
)


@click.command()
@tenant_options
@handle_errors
def reconcile(context: CommandContext) -> None:
    """Compare DocuSign, as it was last read, with what is expected, now.

    It follows each sync by itself and runs every hour; it calls DocuSign only where the policy
    reverts. The first run takes everything as it is found for a baseline, and reports only who does
    not sign in, waits or belongs to nobody.

    \b
    Examples:
      docusign-iga reconcile
      docusign-iga sync && docusign-iga drift list
    """
    counts = reconcile_with_bar(context.tenant, cli_actor(), Console(stderr=True))
    context.output(dict(counts), drift_words(counts))


def reconcile_with_bar(tenant: TenantServices, actor: Actor, console: Console) -> Mapping[str, int]:
    """Run a reconciliation, show how far it is, and return its counts."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    counts: dict[str, int] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Comparing", total=None)

        def report(step: Step) -> None:
            bar.update(task, completed=step.done, total=step.total)

        def work() -> Mapping[str, int]:
            counts.update(tenant.drift.reconciliation.run(actor, report))
            return counts

        tenant.runs.run(RECONCILE_JOB, actor, work)
    return counts


def drift_words(counts: Mapping[str, int]) -> str:
    """Return what a reconciliation did, in a sentence or two."""
    if not counts:
        return "Nothing was read from DocuSign yet: run `docusign-iga sync` first."
    compared, new, still, over = (counts.get(it, 0) for it in ("compared", "new", "open", "over"))
    parts = [f"{counted(compared, 'user')} compared."]
    parts.append(f"Findings: {new:,} new, {still:,} open, {over:,} closed.")
    parts += [f"{counts[name]:,} {words}." for name, words in _MORE if counts.get(name)]
    if counts.get("open"):
        parts.append("`docusign-iga drift list` shows them.")
    return " ".join(parts)
