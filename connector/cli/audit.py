"""``docusign-iga audit``: what happened, and that nobody altered it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import MAXYEAR, UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from connector.anchor_file import read_anchors
from connector.cli.audit_words import about, describe, explained
from connector.cli.context import Command, CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.writing import counted, noun, visible
from connector.services.audit.export import FORMS, as_data
from connector.services.audit.questions import Administration, month_of
from connector.services.audit.records import Verification


@click.group(cls=Commands)
def audit() -> None:
    """Search, explain, export and verify the record of what happened.

    Every request for a change, plan, decision, call to DocuSign, verification, sign-in and change
    of the configuration is an event. Each is bound to the one before by its hash, so that whoever
    changes, deletes or inserts one breaks the chain.
    """


_anchors = click.option(
    "--anchors",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Compare with this file of anchors, which audit.anchor_file or `audit anchor` wrote. "
    "Else: with audit.anchor_file, if it is set.",
)


def _filters(command: Command) -> Command:
    for option in reversed(
        (
            click.option(
                "--person",
                "--user",
                "person",
                default="",
                help="Address or id of a user: what is about them or names them, such as a "
                "change of a group's members, and what led to it.",
            ),
            click.option("--entitlement", default="", help="Id or name of an entitlement."),
            click.option("--action", default="", help="Such as plan.recorded, or work_item.*"),
            click.option("--actor", default="", help="Such as client:iga, or user:*"),
            click.option("--since", type=_DAY, help="First day, UTC, such as 2026-03-01."),
            click.option("--until", type=_DAY, help="Last day, UTC."),
        )
    ):
        command = option(command)
    return command


class _Day(click.ParamType[datetime]):
    name = "day"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-01.", param, ctx)


_DAY = _Day()


@audit.command("verify")
@_anchors
@tenant_options
@handle_errors
def verify(context: CommandContext, anchors: Path | None) -> None:
    """Walk over the whole chain; name the first broken link, if there is one.

    Events that were cut off the end together with the chain's head, and a chain that was written
    anew as a whole, show for certain only against anchors that are kept elsewhere. Ends with status
    1 where the chain is broken.

    \b
    Example:
      docusign-iga audit verify
      docusign-iga audit verify --anchors /mnt/worm/anchors.jsonl
    """
    found = context.tenant.audit.verify(_known(context, anchors))
    context.output(_verification(found), _verdict(found))
    if found.broken is not None:
        sys.exit(1)


@audit.command("search")
@_filters
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The most shown."
)
@tenant_options
@handle_errors
def search(context: CommandContext, *, limit: int, **given: Any) -> None:
    """List matching events, the newest first. What is given must all hold.

    \b
    Example:
      docusign-iga audit search --person ada@example.com --action "work_item.*" --since 2026-03-01
    """
    wanted = _filter(given)
    person, entitlement = given["person"], given["entitlement"]
    service = context.tenant.audit
    events = service.search(wanted, person=person, entitlement=entitlement, limit=limit)
    table = Table("Event", "When (UTC)", "Who", "What", "About", "More")
    page = context.tenant.browser.named(events, service.user_ids(person) if person else ())
    for event in events:
        when = f"{event.at:%Y-%m-%d %H:%M:%S}"
        what = (event.actor, event.action, about(event), describe(event, page))
        table.add_row(str(event.sequence), when, *what)
    context.output([as_data(event) for event in events], table if events else "No event matches.")


@audit.command("export")
@_filters
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a line, or a table for spreadsheets.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Else: printed.")
@tenant_options
@handle_errors
def export(context: CommandContext, *, form: str, output: Path | None, **given: Any) -> None:
    """Write matching events in order, as JSON Lines or CSV.

    Each line has the event's hash; `audit verify` checks the chain that they belong to.

    \b
    Example:
      docusign-iga audit export --since 2026-01-01 --until 2026-03-31 --format csv --output q1.csv
    """
    person, entitlement = given["person"], given["entitlement"]
    service = context.tenant.audit
    events = service.walk(_filter(given), person=person, entitlement=entitlement)
    if output is None:
        _write(events, form, sys.stdout)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        count = _write(events, form, file)
    context.output({"events": count}, f"{counted(count, 'event')} written to {output}.")


@audit.command("explain")
@click.option("--user", "--person", "person", required=True, help="Address or id of the user.")
@click.option(
    "--entitlement",
    default=str(Administration.ANYTHING),
    show_default=True,
    help="Id or name of a profile, group or role.",
)
@click.option("--month", default="", help="Only this month, UTC: 2026-03.")
@_anchors
@tenant_options
@handle_errors
def explain(
    context: CommandContext,
    *,
    person: str,
    entitlement: str,
    month: str,
    anchors: Path | None,
) -> None:
    """Say who gave a person an entitlement, why, and whether it was checked.

    Without --entitlement the question is about administrator access (any-admin): every permission
    profile counts that makes an administrator of an account, and so does being administrator of the
    organization. account-admin means the profiles alone. `docusign-iga user show` lists everything
    that somebody holds. The chain is verified too, so that the answer comes with its proof.

    \b
    Examples:
      docusign-iga audit explain --user ada@example.com --month 2026-03
      docusign-iga audit explain --user ada@example.com --entitlement "DocuSign Sender (Acme)"
    """
    since, until = month_of(month)
    found = context.tenant.audit.explain(person, entitlement, since, until)
    verified = context.tenant.audit.verify(_known(context, anchors))
    stories = [
        {"direction": story.direction, "events": [as_data(event) for event in story.events]}
        for story in found.stories
    ]
    answer = {
        "users": list(found.user_ids),
        "entitlements": dict(found.entitlements.names),
        "changes": stories,
        "holds": list(found.holds),
        "attested": list(found.attested),
        "administration": found.administration,
        "is_organization_admin": found.is_organization_admin,
        "verification": _verification(verified),
    }
    period = f"in {since:%B %Y}" if since else "ever"
    events = [event for story in found.stories for event in story.events]
    text = explained(found, period, context.tenant.browser.named(events, found.user_ids))
    context.output(answer, f"{text}\n\n{_verdict(verified)}")


@audit.command("anchor")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@tenant_options
@handle_errors
def anchor(context: CommandContext, path: Path) -> None:
    """Append where the chain ends now to the file PATH, for `audit verify --anchors`.

    Keep the file where whoever can write to the database cannot. audit.anchor_file does the same
    on schedule. Where the chain is not the one that the last anchor in the file knows, nothing is
    appended: the command says what is broken and fails.

    \b
    Example:
      docusign-iga audit anchor /mnt/worm/anchors.jsonl
    """
    from connector.anchor_file import AnchorFile  # noqa: PLC0415 - only here

    head = context.tenant.audit.anchor_at(AnchorFile(path))
    context.output({"sequence": head.sequence, "hash": head.hash}, f"Event {head.sequence} noted.")


def _known(context: CommandContext, given: Path | None) -> Mapping[int, str]:
    """Return the tenant's anchors in the file that was given, else in the one that is configured;
    say so where that has none."""
    configured = context.tenant.settings.audit.anchor_file
    path = given or (Path(configured) if configured else None)
    if path is None:
        return {}
    # The job writes the configured one for the first time an hour after the first start.
    is_there = path == given or path.exists()
    found = read_anchors(path, context.known_tenant) if is_there else {}
    if not found:
        what = f"has no anchor of the tenant {context.known_tenant}" if is_there else "is missing"
        click.echo(
            visible(
                f"Warning: the anchor file {path} {what}. The job `anchor` appends one every hour "
                "in which something happened: if it was there before, somebody took it away; give "
                "a copy with --anchors."
            ),
            err=True,
        )
    return found


def _filter(given: Mapping[str, Any]) -> AuditFilter:
    until = given["until"]
    if until is not None:
        # The last day counts; behind the last of the calendar there is nothing to leave out.
        is_last = until.year == MAXYEAR
        until = None if is_last else until + timedelta(days=1)
    return AuditFilter(
        actor=given["actor"], action=given["action"], since=given["since"], until=until
    )


def _write(events: Iterable[AuditEvent], form: str, file: Any) -> int:
    count = 0

    def counted() -> Iterator[AuditEvent]:
        nonlocal count
        for event in events:
            count += 1
            yield event

    file.writelines(FORMS[form][1](counted()))
    return count


def _verification(found: Verification) -> dict[str, Any]:
    broken = found.broken
    return {
        "intact": broken is None,
        "events": found.count,
        "head": {"sequence": found.head.sequence, "hash": found.head.hash},
        "anchors": found.anchors,
        "broken": {"sequence": broken.sequence, "reason": broken.reason} if broken else None,
    }


def _verdict(found: Verification) -> str:
    if found.broken is not None:
        return f"BROKEN at event {found.broken.sequence}: {found.broken.reason}."
    compared = (
        "no anchors were compared (--anchors, audit.anchor_file), without which a missing end, or "
        "a chain written anew, may not show"
    )
    if found.anchors:
        compared = f"{counted(found.anchors, 'anchor')} {noun(found.anchors, 'agrees', 'agree')}"
    return (
        f"The chain holds: {counted(found.count, 'event')}, none altered; {compared}. It ends at "
        f"event {found.head.sequence}, {found.head.hash}."
    )
