"""``docusign-iga drift``: what was changed in DocuSign itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
from rich.table import Table

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.drift_decide import accept, filters, revert, wanted_of
from connector.cli.groups import Commands
from connector.domain.drift.findings import OPEN_FINDINGS, FindingFilter
from connector.domain.drift.words import NOTHING, Told
from connector.domain.writing import counted
from connector.services.drift.desk import FindingView
from connector.services.drift.report import to_csv, to_html
from connector.services.plain_data import finding_data


@click.group(cls=Commands)
def drift() -> None:
    """List, show, accept and revert what was changed in DocuSign itself.

    A finding is one difference between DocuSign and what the ledger expects. Accept it, and it is
    expected from then on; revert it, and a change like any other puts it right: planned, guarded,
    approved where the policy says so. What the policy does by itself is in tenants.*.drift.policy.
    """


@drift.command("list")
@filters
@click.option("--all", "every", is_flag=True, help="Those that are over too.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1), help="The newest so many."
)
@tenant_options
@handle_errors
def list_findings(context: CommandContext, *, every: bool, limit: int, **options: Any) -> None:
    """List findings, the newest first.

    \b
    Examples:
      docusign-iga drift list --class native_grant
      docusign-iga drift list --all --user ann@acme.com
    """
    wanted = _filter_of(context, options, every=every)
    found = context.tenant.drift.desk.list(wanted, limit=limit)
    table = Table("Finding", "Class", "What", "State", "Since")
    for view in found:
        item = view.finding
        since = f"{item.first_seen_at:%Y-%m-%d %H:%M}"
        table.add_row(item.finding_id[:8], _words(item.kind), view.title, _words(item.state), since)
    empty = _nothing(every=every, filtered=any(options.values()))
    context.output([finding_data(view) for view in found], table if found else empty)
    if len(found) == limit:
        number = context.tenant.drift.desk.count(wanted)
        if more := max(0, number - limit):
            click.echo(f"{more:,} more not shown; --limit {number} shows all.", err=True)


def _nothing(*, every: bool, filtered: bool) -> str:
    if filtered:
        return f"No {'' if every else 'open '}finding fits."
    return "Nothing was found." if every else "DocuSign is as expected: no finding is open."


def _filter_of(context: CommandContext, options: dict[str, Any], *, every: bool) -> FindingFilter:
    decisions = context.tenant.drift.decisions
    states = () if every else OPEN_FINDINGS
    return replace(decisions.filter_of(wanted_of(**options)), states=states)


@drift.command("show")
@click.argument("finding")
@tenant_options
@handle_errors
def show_finding(context: CommandContext, finding: str) -> None:
    """Show a finding with its evidence and what would put it right. FINDING is its id or the
    beginning of it.

    \b
    Example:
      docusign-iga drift show 3f2a
    """
    view = context.tenant.drift.desk.get(finding)
    context.output(finding_data(view), _describe(view))


drift.add_command(accept)
drift.add_command(revert)


@drift.command("report")
@filters
@click.option("--all", "every", is_flag=True, help="Those that are over too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "json", "html"]),
    default="csv",
    show_default=True,
    help="html is one page to mail.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write; without, standard output.",
)
@tenant_options
@handle_errors
def report(
    context: CommandContext, *, every: bool, form: str, out: Path | None, **options: Any
) -> None:
    """Write all findings as a table (CSV), as JSON, or as one page of HTML.

    \b
    Examples:
      docusign-iga drift report --out drift.csv
      docusign-iga drift report --format html --out drift.html
    """
    wanted = _filter_of(context, options, every=every)
    views = context.tenant.drift.desk.list(wanted, limit=None)
    if form == "json" or context.as_json:
        style = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
        text = orjson.dumps(
            [finding_data(view) for view in views], default=str, option=style
        ).decode()
    elif form == "csv":
        text = to_csv(views)
    else:
        tenant = "" if context.tenant_name == "default" else f"/{context.tenant_name}"
        link = f"{context.settings.server.url}{tenant}/console/drift"
        text = to_html(views, context.tenant_name, context.application.clock.now(), link)
    if out is None:
        click.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8", newline="")
    click.echo(f"{counted(len(views), 'finding')} written to {out}.", err=True)


def _words(value: object) -> str:
    return str(value).replace("_", " ")


def _describe(view: FindingView) -> str:
    item = view.finding
    lines = [view.title, ""]
    facts: dict[str, Any] = {
        "Class": _words(item.kind),
        "State": _words(item.state),
        "Policy": item.remedy,
        "First seen": f"{item.first_seen_at:%Y-%m-%d %H:%M} UTC (sync {item.first_run_id[:8]})",
        "Last seen": f"{item.last_seen_at:%Y-%m-%d %H:%M} UTC (sync {item.last_run_id[:8]})",
        "Problem": item.problem,
        "Decided by": item.decided_by,
        "Reason": item.reason,
        "Plan": item.plan_id,
        "Finding id": item.finding_id,
    }
    shows = "DocuSign shows" if item.state.is_open else "DocuSign showed"
    if not item.kind.is_standing:
        lines += _side("Expected", view.expected)
    lines += [*_side(shows, view.actual), ""]
    lines += [f"  {name:<12}{value}" for name, value in facts.items() if value]
    if view.granted:
        lines += ["", "On whose word it is expected:"]
        lines += [
            f"  {one.name}: {one.by} ({one.source}), {one.at[:16].replace('T', ' ')} UTC"
            + (f", plan {one.plan}" if one.plan else "")
            for one in view.granted
        ]
    if owner := item.evidence.get("owner"):
        known = view.owner
        who = f"{known.user_name} <{known.email}>" if known else f"user {owner['user_id']}"
        lines += ["", f"May be {who} (same {_words(owner['rule'])})."]
    if view.steps and item.state.is_open:
        lines += ["", "What would put it right:", *(f"  {step}" for step in view.steps)]
    elif item.state.is_open:
        lines += [
            "",
            "No change of the connector puts it right: see `docusign-iga docs reconciliation`.",
        ]
    return "\n".join(lines)


def _side(name: str, side: Sequence[Told]) -> Iterator[str]:
    """Return what is expected or shown, a line a field or an account."""
    yield f"{name}:"
    for told in side:
        if len(told.lines) == 1:
            yield f"  {told.name}: {told.lines[0]}"
        else:
            yield f"  {told.name}:"
            yield from (f"    {line}" for line in told.lines or [NOTHING])
    if not side:
        yield f"  {NOTHING}"
