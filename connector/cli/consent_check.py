"""``docusign-iga consent check``: can these users be impersonated?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.domain.model import User
from connector.domain.writing import counted
from connector.errors import InvalidRequestError
from connector.services.consent.checks import ConsentChecks, ConsentLine, ConsentReport
from connector.services.plain_data import user_consent_data

_COVERED = {True: "yes", False: "no", None: "unknown"}


@click.command()
@click.argument("people", nargs=-1, metavar="[USER]...")
@click.option("--group", help="Everybody active in this group, by its id or name.")
@click.option("--all", "everyone", is_flag=True, help="Every active user.")
@click.option(
    "--max-age-hours",
    type=click.FloatRange(min=0),
    default=24.0,
    show_default=True,
    help="Believe answers that are no older; 0 asks for everybody again.",
)
@click.option("--lacking", is_flag=True, help="List only those whom nobody can act for.")
@click.option("--invite", is_flag=True, help="Send those who lack consent a link.")
@tenant_options
@handle_errors
def check(
    context: CommandContext,
    *,
    people: tuple[str, ...],
    group: str | None,
    everyone: bool,
    max_age_hours: float,
    lacking: bool,
    invite: bool,
) -> None:
    """Try whether users can be impersonated: whether programs can act in DocuSign in their name.

    A token is requested for each, and thrown away. Answers are kept for a day. No more users are
    asked for in a minute than docusign.budget.consent_checks_per_minute says. "Covered" tells
    whether an administrator's consent covers the address (claimed domain); others have to agree
    themselves. --invite sends a link through the notification channels that name
    invitation.consent, and prints it where there is none.

    The exit status is 0 where everybody can be impersonated, 1 where somebody cannot, 2 where not
    everybody was reached: run it again later, it goes on.

    \b
    Examples:
      docusign-iga consent check ada@example.com
      docusign-iga consent check --group "HR Senders" --invite
      docusign-iga consent check --all --lacking --json
    """
    checks = context.tenant.consent_checks
    users = _users(checks, people, group, everyone=everyone)
    asked = counted(len(users), "user")
    with Console(stderr=True).status(f"Asking for {asked} ...") as status:
        found = checks.check(
            users,
            max_age=timedelta(hours=max_age_hours),
            report=lambda done: status.update(f"Asked for {done:,} of {asked}"),
        )
    lines = found.lacking if lacking else found.lines
    invited = list(checks.invite(found.lacking, cli_actor())) if invite else []
    context.output(_as_data(found, lines, invited), _table(lines))
    if not context.as_json:
        _say_the_rest(found, invited)
    sys.exit(2 if found.left else int(bool(found.lacking)))


def _users(
    checks: ConsentChecks, people: Sequence[str], group: str | None, *, everyone: bool
) -> Sequence[User]:
    if sum((bool(people), group is not None, everyone)) != 1:
        raise InvalidRequestError("Name users, or give --group or --all: one of the three.")
    if everyone:
        return checks.everyone()
    return checks.members(group) if group is not None else checks.people(people)


def _table(lines: Sequence[ConsentLine]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("USER", "CONSENT", "CAUSE", "COVERED", "CHECKED"):
        table.add_column(title, overflow="fold")
    for line in lines:
        record = line.record
        table.add_row(
            line.email,
            str(record.state),
            record.cause,
            _COVERED[record.in_claimed_domain],
            f"{record.checked_at:%Y-%m-%d %H:%M} UTC",
        )
    return table


def _say_the_rest(found: ConsentReport, invited: Sequence[tuple[str, str, bool]]) -> None:
    good = len(found.lines) - len(found.lacking)
    click.echo(f"\n{good} of {len(found.lines)} can be impersonated.", err=True)
    for email, link, is_sent in invited:
        words = "is invited." if is_sent else f"has to be sent this link by hand:\n  {link}"
        click.echo(f"{email} {words}", err=True)
    if found.left:
        click.echo(
            f"Not reached: {counted(found.left, 'user')}. {found.reason} Run it again in "
            f"{counted(round(found.paused_for_s), 'second')}; it goes on.",
            err=True,
        )


def _as_data(
    found: ConsentReport,
    lines: Sequence[ConsentLine],
    invited: Sequence[tuple[str, str, bool]],
) -> dict[str, Any]:
    links = {email: None if is_sent else link for email, link, is_sent in invited}
    return {
        "checked": len(found.lines),
        "lacking": len(found.lacking),
        "left": found.left,
        "retry_after_s": found.paused_for_s or None,
        "users": [
            {
                **user_consent_data(line),
                "invited": line.email in links,
                "link": links.get(line.email),
            }
            for line in lines
        ],
    }
