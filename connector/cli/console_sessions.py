"""``docusign-iga console session``: who is signed in to the console, and ending it."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.authentication.console import ConsoleSession
from connector.domain.writing import counted


@click.group(cls=Commands)
def session() -> None:
    """See who is signed in to the console, and end it.

    Whoever is locked at the identity provider is still signed in here until their session ends:
    end it. Do the same where an erasure waits for somebody's session.
    """


@session.command("list")
@tenant_options
@handle_errors
def list_sessions(context: CommandContext) -> None:
    """List who is signed in, whoever used the console last first.

    \b
    Example:
      docusign-iga console session list
    """
    sessions = context.application.console_sessions.list(context.known_tenant)
    table = Table("Login", "E-mail", "By", "Roles", "Since", "Last used", "Ends at the latest")
    for one in sessions:
        table.add_row(
            one.login,
            one.email,
            one.method.in_words,
            ", ".join(sorted(one.roles)),
            f"{one.created_at:%Y-%m-%d %H:%M}",
            f"{one.last_seen_at:%Y-%m-%d %H:%M}",
            f"{one.ends_at:%Y-%m-%d %H:%M}",
        )
    context.output(
        [_to_json(one) for one in sessions], table if sessions else "Nobody is signed in."
    )


@session.command("end")
@click.argument("login")
@tenant_options
@handle_errors
def end_sessions(context: CommandContext, login: str) -> None:
    """End every session of LOGIN, a login or an e-mail address, at once.

    Where it is the login of one person and the address of another, both are signed out, and told.
    Personal tokens of the API go on (docusign-iga console token revoke).

    They can sign in again where they may: lock them at the identity provider, or disable their
    local account (docusign-iga console user disable), which ends its sessions too.

    \b
    Example:
      docusign-iga console session end ann@example.com
    """
    sessions = context.application.console_sessions
    ended = sessions.end(context.known_tenant, login, cli_actor())
    told = "\n".join(f"{counted(count, 'session')} of {who} ended." for who, count in ended.items())
    context.output(
        {"login": login, "ended_sessions": sum(ended.values()), "by_login": dict(ended)}, told
    )


def _to_json(one: ConsoleSession) -> dict[str, Any]:
    return {
        "login": one.login,
        "email": one.email,
        "method": str(one.method),
        "roles": sorted(one.roles),
        "created_at": one.created_at,
        "last_seen_at": one.last_seen_at,
        "ends_at": one.ends_at,
    }
