"""``docusign-iga approvals``: what waits for a decision."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table

from connector.cli.acting_as import as_option
from connector.cli.context import CommandContext, cli_person, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.cli.item_search import search_options
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItem, WorkItemFilter
from connector.domain.writing import LEAST_WORDS
from connector.services.context import Principal
from connector.services.inbox.approvals import ApprovalView
from connector.services.plain_data import delegation_data, event_data, work_item_data

_MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%MZ"])


@click.group(cls=Commands)
def approvals() -> None:
    """List, show and decide what the policy wants approved.

    A change that needs an approval waits; nothing of it is in DocuSign. Once enough approvers
    agree, the connector carries it out. Who decides, the policy says; `docusign-iga policy explain`
    tells.

    Nobody decides on what they asked for or on their own access. The operating system knows no
    addresses, so `approve` and `deny` name with --as the local account that you act as (console
    user add); people of the identity provider decide in the console.
    """


@approvals.command("list")
@click.option("--all", "every", is_flag=True, help="Decided ones too.")
@click.option("--mine", is_flag=True, help="Only those that wait for you, who is named with --as.")
@tenant_options
@search_options
@as_option
@handle_errors
def list_approvals(
    context: CommandContext,
    by: Callable[[], Principal],
    wanted: WorkItemFilter,
    every: bool,
    mine: bool,
) -> None:
    """List open approvals, oldest first, or find some. What is given must all hold.

    \b
    Examples:
      docusign-iga approvals list --person ada@example.com
      docusign-iga approvals list --mine --as ann
    """
    service = context.tenant.approvals
    if mine:
        items = service.inbox(_known(by(), context.tenant_name), wanted)
    else:
        items = service.list(every=every, wanted=wanted)
    few = service.without_deciders(items)
    table = Table("Approval", "What", "Risk", "State", "Asked by", "Expires")
    for item in items:
        table.add_row(
            item.work_item_id[:8],
            item.title,
            item.risk,
            f"{_words(item)}, too few can decide" if item.work_item_id in few else _words(item),
            item.requester,
            _day(item.expires_at),
        )
    empty = "Nothing waits for an approval." if not every else "There are no approvals yet."
    empty = empty if wanted == WorkItemFilter() else "No approval fits."
    listed = [{**work_item_data(item), "too_few": few.get(item.work_item_id, "")} for item in items]
    context.output(listed, table if items else empty)


@approvals.command("show")
@click.argument("approval")
@tenant_options
@as_option
@handle_errors
def show_approval(context: CommandContext, by: Callable[[], Principal], approval: str) -> None:
    """Show an approval with its plan and its history. APPROVAL is its id or the beginning of it.

    \b
    Examples:
      docusign-iga approvals show 3f2a
      docusign-iga approvals show 3f2a --as ann
    """
    _show(context, context.tenant.approvals.get(approval, by()))


@approvals.command("approve")
@click.argument("approval")
@click.option("--comment", default="", help="Why, for the record.")
@click.option("--checksum", help="Of the plan that you saw; refused if it is another one by now.")
@tenant_options
@as_option
@handle_errors
def approve(
    context: CommandContext,
    by: Callable[[], Principal],
    approval: str,
    comment: str,
    checksum: str | None,
) -> None:
    """Agree. With the last approval that is needed the change is carried out.

    At a terminal the approval is shown first and you are asked. Elsewhere, as in scripts, nobody is
    asked: what it is about at that moment is decided on. Give the --checksum of `approvals show
    --json` there, so that what is decided on is what was seen: it is refused if it is another one
    by then.

    \b
    Example:
      docusign-iga approvals approve 3f2a --as ann --comment "New team lead"
    """
    _decide(context, Verdict.APPROVE, approval, by(), comment=comment, checksum=checksum)


@approvals.command("deny")
@click.argument("approval")
@click.option(
    "--comment",
    required=True,
    help=f"Why, for the requester (in SCIM) and the record: {LEAST_WORDS}.",
)
@click.option("--checksum", help="Of the plan that you saw; refused if it is another one by now.")
@tenant_options
@as_option
@handle_errors
def deny(
    context: CommandContext,
    by: Callable[[], Principal],
    approval: str,
    comment: str,
    checksum: str | None,
) -> None:
    """Refuse. One denial ends the request; the access stays as it is.

    At a terminal the approval is shown first and you are asked; scripts can give the --checksum of
    what they saw, as with `approvals approve`.

    \b
    Example:
      docusign-iga approvals deny 3f2a --as ann --comment "Not in the team any more"
    """
    _decide(context, Verdict.DENY, approval, by(), comment=comment, checksum=checksum)


@approvals.command("withdraw")
@click.argument("approval")
@click.option("--comment", default="", help="Why, for the record.")
@tenant_options
@handle_errors
def withdraw(context: CommandContext, approval: str, comment: str) -> None:
    """Take a request back, on behalf of whoever asked for it.

    \b
    Example:
      docusign-iga approvals withdraw 3f2a
    """
    view = context.tenant.approvals.withdraw(approval, cli_person(), comment)
    context.output(_view_to_json(view), _outcome(view))


@approvals.command("delegate")
@click.option("--from", "absent", required=True, help="E-mail address of who is away.")
@click.option("--to", required=True, help="Who decides meanwhile: login or e-mail address.")
@click.option("--start", required=True, type=_MOMENT, help="From, UTC: 2026-08-01.")
@click.option("--end", required=True, type=_MOMENT, help="Until, UTC: 2026-08-15T12:00Z.")
@click.option("--reason", default="", help="For the record.")
@tenant_options
@handle_errors
def delegate(
    context: CommandContext, *, absent: str, to: str, start: datetime, end: datetime, reason: str
) -> None:
    """Let somebody decide for another who is away. Nobody decides so on their own access.

    What the absent person may decide by their login or as a member of a group goes along only if
    they delegate themselves, in the console.

    \b
    Example:
      docusign-iga approvals delegate --from ann@example.com --to bob@example.com \\
        --start 2026-08-01 --end 2026-08-15
    """
    made = context.tenant.delegations.begin(
        cli_person(),
        to,
        start.replace(tzinfo=UTC),
        end.replace(tzinfo=UTC),
        reason=reason,
        absent=absent,
    )
    context.output(
        delegation_data(made, context.application.clock.now()),
        f"{made.delegate} decides for {made.delegator} meanwhile.",
    )


@approvals.command("delegations")
@tenant_options
@handle_errors
def delegations(context: CommandContext) -> None:
    """List who decides for whom, newest first.

    \b
    Example:
      docusign-iga approvals delegations
    """
    found = context.tenant.delegations.list()
    now = context.application.clock.now()
    table = Table("Delegation", "Away", "Decides", "From", "Until", "Ended")
    for item in found:
        table.add_row(
            item.delegation_id,
            item.delegator,
            item.delegate,
            _day(item.starts_at),
            _day(item.ends_at),
            _day(item.revoked_at),
        )
    context.output(
        [delegation_data(item, now) for item in found], table if found else "There are none."
    )


@approvals.command("end-delegation")
@click.argument("delegation")
@tenant_options
@handle_errors
def end_delegation(context: CommandContext, delegation: str) -> None:
    """End a delegation now. DELEGATION is its id.

    \b
    Example:
      docusign-iga approvals end-delegation 7c1e0f52-9d0c-4a54-8f0e-3a1f6b2c9d10
    """
    ended = context.tenant.delegations.end(delegation, cli_person())
    context.output(
        delegation_data(ended, context.application.clock.now()),
        f"{ended.delegate} no longer decides for {ended.delegator}.",
    )


def _known(person: Principal, tenant: str) -> Principal:
    person.require_address(tenant)
    return person


def is_at_a_terminal() -> bool:
    """Return whether somebody can be asked."""
    return sys.stdin.isatty()


def _decide(
    context: CommandContext,
    verdict: Verdict,
    approval: str,
    person: Principal,
    *,
    comment: str,
    checksum: str | None,
) -> None:
    seen = checksum or _shown(context, approval, person, f"{verdict.capitalize()} this?")
    view = context.tenant.approvals.decide(
        approval, verdict, person, comment=comment, checksum=seen
    )
    context.output(_view_to_json(view), _outcome(view))


def _shown(context: CommandContext, approval: str, person: Principal, question: str) -> str | None:
    """Show what is decided on and ask; return its checksum, None where there is no terminal."""
    if not is_at_a_terminal():
        return None
    view = context.tenant.approvals.get(approval, person)
    click.echo(_description(view) + "\n", err=True)
    click.confirm(question, abort=True, err=True)
    return view.item.checksum


def _show(context: CommandContext, view: ApprovalView) -> None:
    context.output(_view_to_json(view), _description(view))


def _description(view: ApprovalView) -> str:
    item = view.item
    lines = [item.title, ""]
    lines += [f"  {n}. {step}" for n, step in enumerate(view.plan.summary.split("; "), 1)]
    facts: Mapping[str, Any] = {
        "State": _words(item),
        "Risk": item.risk,
        "Owner": item.owner,
        "Rule": item.rule,
        "Asked by": item.requester,
        "Because": view.reason,
        "Denied": _denied_before(view.denied_before),
        "Opened": _minute(item.created_at),
        "Expires": _minute(item.expires_at),
        "Approvers": view.approvers,
        "Agreed": _agreed(view),
        "Mind": view.too_few,
        "Comment": item.comment,
        "You": view.refusal or "may decide",
        "Checksum": item.checksum,
        "Id": item.work_item_id,
    }
    lines += ["", *(f"  {name:<11}{value}" for name, value in facts.items() if value), ""]
    for event in view.history:
        said = f": {event.comment}" if event.comment else ""
        lines.append(f"  {event.at:%Y-%m-%d %H:%M} {event.act} by {event.actor}{said}")
    return "\n".join(lines)


def _agreed(view: ApprovalView) -> str:
    who = f": {', '.join(view.approved_by)}" if view.approved_by else ""
    return f"{len(view.approved_by)} of {view.needed}{who}"


def _denied_before(item: WorkItem | None) -> str:
    if item is None:
        return ""
    return f"before, {_day(item.closed_at)} by {item.closed_by}: {item.comment or 'no reason'}"


def _outcome(view: ApprovalView) -> str:
    state = _words(view.item)
    if state == "open":
        return f"Noted: {len(view.approved_by)} of {view.needed} have agreed."
    if state == "approved":
        return "Approved. DocuSign could not be told yet; the connector goes on by itself."
    if state == "done":
        return "Approved and carried out."
    return f"The approval is {state}. {view.item.comment or ''}".rstrip()


def _words(item: WorkItem) -> str:
    return str(item.state).replace("_", " ")


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def _view_to_json(view: ApprovalView) -> dict[str, Any]:
    return {
        **work_item_data(view.item),
        "plan": view.plan.summary,
        "plan_state": view.plan.state,
        "reason": view.reason,
        "denied_before": work_item_data(view.denied_before) if view.denied_before else None,
        "approvers": view.approvers,
        "approved_by": list(view.approved_by),
        "needed": view.needed,
        "too_few": view.too_few,
        "refusal": view.refusal,
        "history": [event_data(event) for event in view.history],
    }
