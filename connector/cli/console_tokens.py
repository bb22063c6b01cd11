"""``docusign-iga console token``: with what programs use the REST API on behalf of a person."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.authentication.console import ConsoleRole
from connector.services.authentication.personal_tokens import DEFAULT_DAYS
from connector.services.plain_data import token_data


@click.group(cls=Commands)
def token() -> None:
    """Create, list and revoke personal tokens for the REST API (/api/v1).

    A token acts as a local account, with its roles or fewer, under the same rules: nobody decides
    on what they asked for. Give each program an account and a token of its own, so that the audit
    names it.
    """


@token.command("add")
@click.argument("login")
@click.option("--name", required=True, help="What it is for, such as 'nightly report'.")
@click.option(
    "--role",
    "roles",
    type=click.Choice([str(role) for role in ConsoleRole]),
    multiple=True,
    help="What it may do, of what LOGIN may; can be given several times [default: all of it].",
)
@click.option("--days", default=DEFAULT_DAYS, show_default=True, help="Days until it ends.")
@tenant_options
@handle_errors
def add_token(
    context: CommandContext, login: str, name: str, roles: Sequence[str], days: int
) -> None:
    """Create a token for the account LOGIN and print it once.

    \b
    Example:
      docusign-iga console user add reporter --role viewer --generate
      docusign-iga console token add reporter --name "nightly report" --days 365
    """
    found, text = context.application.personal_tokens.add(
        context.known_tenant, login, name, cli_actor(), roles=map(ConsoleRole, roles), days=days
    )
    words = (
        f"The token {found.token_id} of {found.login} ends on {found.expires_at:%Y-%m-%d}.\n\n"
        f"  {text}\n\nIt is not shown again. Send it as: Authorization: Bearer ..."
    )
    context.output(token_data(found) | {"token": text}, words)


@token.command("list")
@click.argument("login", required=False)
@tenant_options
@handle_errors
def list_tokens(context: CommandContext, login: str | None) -> None:
    """List the tokens of LOGIN, or of everybody, newest first.

    \b
    Example:
      docusign-iga console token list
    """
    tokens = context.application.personal_tokens.list(context.known_tenant, login)
    now = context.application.clock.now()
    table = Table("Token", "Account", "What for", "Roles", "Ends", "Last used", "State")
    for item in tokens:
        state = "revoked" if item.revoked_at else "valid" if item.is_valid(now) else "expired"
        used = f"{item.last_used_at:%Y-%m-%d}" if item.last_used_at else "never"
        table.add_row(
            item.token_id,
            item.login,
            item.name,
            ", ".join(sorted(item.roles)),
            f"{item.expires_at:%Y-%m-%d}",
            used,
            state,
        )
    empty = "There are no tokens. Create one: docusign-iga console token add LOGIN --name WHAT"
    context.output([token_data(item) for item in tokens], table if tokens else empty)


@token.command("revoke")
@click.argument("token_id")
@tenant_options
@handle_errors
def revoke_token(context: CommandContext, token_id: str) -> None:
    """End the token TOKEN_ID at once, in every process.

    \b
    Example:
      docusign-iga console token revoke 3f2a90bb12cd
    """
    found = context.application.personal_tokens.revoke(context.known_tenant, token_id, cli_actor())
    context.output(token_data(found), f"The token {found.token_id} of {found.login} is revoked.")
