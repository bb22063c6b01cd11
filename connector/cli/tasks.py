"""``docusign-iga tasks``: what waits for a person."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from connector.cli.acting_as import as_option
from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.cli.item_search import search_options
from connector.domain.policy.entitlement_rules import (
    VERIFY_ATTESTATION,
    VERIFY_DOCUSIGN,
    VERIFY_ORGANIZATION_ADMIN,
    VERIFY_WORD,
)
from connector.domain.work_items.items import WorkItem, WorkItemFilter, WorkItemKind
from connector.domain.writing import LEAST_WORDS
from connector.services.context import Principal
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES
from connector.services.inbox.work_items import TaskView
from connector.services.plain_data import evidence_data, work_item_data


@click.group(cls=Commands)
def tasks() -> None:
    """List, show and work off manual tasks.

    A task is opened when somebody asks for what DocuSign lets only people do, above all the
    organization-admin role, or what the policy leaves to people. Do what its steps say, then
    complete it: the connector looks into DocuSign and closes it once DocuSign confirms. What no API
    shows is attested by a second person instead; there both name with --as the local account that
    they act as (console user add), because the operating system knows no addresses to compare.
    """


@tasks.command("list")
@click.option("--all", "every", is_flag=True, help="Closed tasks too.")
@tenant_options
@search_options
@handle_errors
def list_tasks(context: CommandContext, every: bool, wanted: WorkItemFilter) -> None:
    """List open tasks, oldest first, or find some. What is given must all hold.

    \b
    Examples:
      docusign-iga tasks list --all
      docusign-iga tasks list --person "ada lovelace" --entitlement administrator
    """
    items = context.tenant.work_items.list(
        every=every, kind=WorkItemKind.MANUAL_TASK, wanted=wanted
    )
    table = Table("Task", "What", "State", "Asked by", "Due")
    for item in items:
        due = f"{item.due_at:%Y-%m-%d}" if item.due_at else ""
        table.add_row(item.work_item_id[:8], item.title, _words(item), item.requester, due)
    empty = "No task is open." if not every else "There are no tasks yet."
    empty = empty if wanted == WorkItemFilter() else "No task fits."
    context.output([work_item_data(item) for item in items], table if items else empty)


@tasks.command("show")
@click.argument("task")
@tenant_options
@handle_errors
def show_task(context: CommandContext, task: str) -> None:
    """Show a task with its steps. TASK is its id or the beginning of it.

    \b
    Example:
      docusign-iga tasks show 3f2a
    """
    view = context.tenant.work_items.view(task)
    context.output({**work_item_data(view.item), "reason": view.reason}, _describe(view))


@tasks.command("complete")
@click.argument("task")
@click.option("--comment", default="", help="What was done, for the record.")
@tenant_options
@as_option
@handle_errors
def complete_task(
    context: CommandContext, by: Callable[[], Principal], task: str, comment: str
) -> None:
    """Say that a task is done; the connector checks it in DocuSign.

    Until DocuSign confirms, the task stays awaiting verification and the role is not shown.

    \b
    Example:
      docusign-iga tasks complete 3f2a --comment "Granted in DocuSign Admin"
    """
    item = context.tenant.tasks.complete(task, by(), comment)
    context.output(work_item_data(item), _outcome(item))


@tasks.command("claim")
@click.argument("task")
@tenant_options
@as_option
@handle_errors
def claim_task(context: CommandContext, by: Callable[[], Principal], task: str) -> None:
    """Take a task, so that others see who works on it.

    \b
    Example:
      docusign-iga tasks claim 3f2a
    """
    item = context.tenant.tasks.claim(task, by())
    context.output(work_item_data(item), f"{item.assignee} works on it.")


@tasks.command("release")
@click.argument("task")
@click.option("--comment", default="", help="Why, for the record.")
@tenant_options
@as_option
@handle_errors
def release_task(
    context: CommandContext, by: Callable[[], Principal], task: str, comment: str
) -> None:
    """Give a task back to everybody.

    \b
    Example:
      docusign-iga tasks release 3f2a --comment "Waiting for the answer of Legal"
    """
    item = context.tenant.tasks.release(task, by(), comment)
    context.output(work_item_data(item), "Nobody works on it now.")


@tasks.command("hand-over")
@click.argument("task")
@click.option("--to", required=True, help="Login of who works on it from now on.")
@click.option("--comment", default="", help="Why, for the record.")
@tenant_options
@as_option
@handle_errors
def hand_over_task(
    context: CommandContext, by: Callable[[], Principal], task: str, to: str, comment: str
) -> None:
    """Give a task to somebody else.

    \b
    Example:
      docusign-iga tasks hand-over 3f2a --to ben --comment "On leave from tomorrow"
    """
    item = context.tenant.tasks.hand_over(task, by(), to, comment)
    context.output(work_item_data(item), f"{item.assignee} works on it.")


@tasks.command("comment")
@click.argument("task")
@click.argument("text")
@tenant_options
@as_option
@handle_errors
def comment_task(
    context: CommandContext, by: Callable[[], Principal], task: str, text: str
) -> None:
    """Say something about a task or an approval, for the record.

    \b
    Example:
      docusign-iga tasks comment 3f2a "Ada accepts the invitation tomorrow"
    """
    item = context.tenant.work_items.comment(task, by(), text)
    context.output(work_item_data(item), "Noted.")


@tasks.command("attach")
@click.argument("task")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@tenant_options
@as_option
@handle_errors
def attach_to_task(
    context: CommandContext, by: Callable[[], Principal], task: str, file: Path
) -> None:
    """Attach FILE as evidence: a screenshot or a letter, of 5 MB at most.

    \b
    Example:
      docusign-iga tasks attach 3f2a screenshot.png
    """
    with file.open("rb") as stream:
        # One byte more than is allowed shows that it is too large, however large it is.
        content = stream.read(MAX_EVIDENCE_BYTES + 1)
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    evidence = context.tenant.tasks.attach(task, by(), file.name, media_type, content)
    context.output(
        evidence_data(evidence),
        f"Attached {evidence.name} (SHA-256 {evidence.sha256}).",
    )


@tasks.command("attest")
@click.argument("task")
@click.option(
    "--comment",
    default="",
    help=f"What you saw, with {LEAST_WORDS}; needed where no file is attached.",
)
@tenant_options
@as_option
@handle_errors
def attest_task(
    context: CommandContext, by: Callable[[], Principal], task: str, comment: str
) -> None:
    """Confirm as a second person that a task which no API shows was done. Both the first and the
    second name the local account that they act as.

    \b
    Example:
      docusign-iga tasks attest 3f2a --as ann --comment "Seen in the list of CLM administrators"
    """
    item = context.tenant.tasks.attest(task, by(), comment)
    context.output(work_item_data(item), _outcome(item))


@tasks.command("reject")
@click.argument("task")
@click.option(
    "--comment", required=True, help=f"Why, for the requester and the record: {LEAST_WORDS}."
)
@tenant_options
@as_option
@handle_errors
def reject_task(
    context: CommandContext, by: Callable[[], Principal], task: str, comment: str
) -> None:
    """Refuse a task; the access stays as it is.

    \b
    Example:
      docusign-iga tasks reject 3f2a --comment "Not a member of the IT team"
    """
    item = context.tenant.tasks.reject(task, by(), comment)
    context.output(work_item_data(item), _outcome(item))


@tasks.command("verify")
@click.argument("task", required=False)
@tenant_options
@handle_errors
def verify_tasks(context: CommandContext, task: str | None) -> None:
    """Look into DocuSign now whether TASK, or every open task, was done.

    \b
    Example:
      docusign-iga tasks verify
    """
    verification = context.tenant.verification
    if task is not None:
        item = verification.verify(task, cli_actor())
        context.output(work_item_data(item), _outcome(item))
        return
    counts = verification.verify_all(cli_actor())
    context.output(
        dict(counts),
        f"{counts['checked']} checked: {counts['closed']} confirmed by DocuSign and closed, "
        f"{counts['checked'] - counts['closed'] - counts['failed']} still open, "
        f"{counts['failed']} could not be asked about.",
    )


_CHECKS = {
    VERIFY_ORGANIZATION_ADMIN: "by looking into DocuSign",
    VERIFY_DOCUSIGN: "by looking into DocuSign",
    VERIFY_ATTESTATION: "by a second person, who attests it",
    VERIFY_WORD: "not: whoever completes it closes it",
}


def _words(item: WorkItem) -> str:
    return str(item.state).replace("_", " ")


def _outcome(item: WorkItem) -> str:
    if item.state.is_open:
        if item.verification == VERIFY_ATTESTATION:
            return (
                "Noted. No API of DocuSign shows it: a second person attests it with "
                "`docusign-iga tasks attest`."
            )
        seen = f" ({item.last_check})" if item.last_check else ""
        return (
            f"Noted. DocuSign does not confirm it yet{seen}; the task is {_words(item)} and closes "
            "by itself once it does."
        )
    return f"The task is {_words(item)}."


def _describe(view: TaskView) -> str:
    item = view.item
    lines = [item.title, "", *(f"  {n}. {step}" for n, step in enumerate(item.instructions, 1))]
    facts: Mapping[str, Any] = {
        "Where": item.deep_link,
        "State": _words(item),
        "Risk": item.risk,
        "Owner": item.owner,
        "Works on it": item.assignee,
        "Asked by": item.requester,
        "Because": view.reason,
        "Opened": f"{item.created_at:%Y-%m-%d %H:%M} UTC",
        "Due": f"{item.due_at:%Y-%m-%d %H:%M} UTC" if item.due_at else "",
        "Checked": _CHECKS.get(item.verification, ""),
        "Last check": item.last_check,
        "Comment": f"{item.comment} ({view.said_by})" if view.said_by else item.comment,
        "Closed by": item.closed_by,
        "Task id": item.work_item_id,
    }
    lines += ["", *(f"  {name:<12}{value}" for name, value in facts.items() if value), ""]
    for file in view.evidence:
        lines.append(f"  File {file.name} ({file.size:,} bytes) by {file.added_by}")
    for event in view.history:
        said = f": {event.comment}" if event.comment else ""
        lines.append(f"  {event.at:%Y-%m-%d %H:%M} {event.act} by {event.actor}{said}")
    return "\n".join(lines)
