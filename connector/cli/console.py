"""``docusign-iga console``: who may sign in to the console with a password of its own."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from typing import Any

import click
from rich.table import Table

from connector.cli.console_sessions import session
from connector.cli.console_tokens import token
from connector.cli.context import CommandContext, handle_errors, os_login, tenant_options
from connector.cli.groups import Commands
from connector.domain.authentication.console import ConsoleAccount, ConsoleRole
from connector.domain.writing import counted
from connector.errors import InvalidRequestError
from connector.services.context import Actor, new_id

_roles_option = click.option(
    "--role",
    "roles",
    type=click.Choice([str(role) for role in ConsoleRole]),
    multiple=True,
    required=True,
    help="What they may do; can be given several times.",
)
_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, for scripts."
)
_generate_option = click.option(
    "--generate", is_flag=True, help="Make up a password and print it once."
)


@click.group(cls=Commands)
def console() -> None:
    """Manage the console for people, at /console (other tenants: /{tenant}/console)."""


console.add_command(token)
console.add_command(session)


@console.group(cls=Commands)
def user() -> None:
    """Add, list and lock local accounts of the console.

    Where people sign in through an identity provider (console.oidc in the configuration), no local
    accounts are needed: groups there have roles here.

    \b
    Roles:
      viewer          reads everything, exports the audit
      approver        decides approvals
      operator        works manual tasks
      administrator   all of it, and sees the settings
    """


@user.command("add")
@click.argument("login")
@_roles_option
@click.option("--name", default="", help="The name that is shown [default: the login].")
@click.option(
    "--email",
    default="",
    help="Where notifications go; by it DocuSign knows people, so that nobody decides on their own "
    "access. Every role but viewer needs it [default: a LOGIN that is an address].",
)
@_stdin_option
@_generate_option
@tenant_options
@handle_errors
def add_user(  # noqa: PLR0917 -- click passes by name
    context: CommandContext,
    login: str,
    roles: Sequence[str],
    name: str,
    email: str,
    password_stdin: bool,
    generate: bool,
) -> None:
    """Create the account LOGIN. The password is asked for.

    \b
    Examples:
      docusign-iga console user add ann --role approver --email ann@example.com
      docusign-iga console user add ops@example.com --role operator --role approver --generate
    """
    tenant = context.known_tenant
    password = _password(password_stdin, generate)
    account = context.application.console_accounts.add(
        tenant, login, password, map(ConsoleRole, roles), _actor(), display_name=name, email=email
    )
    shown = {"password": password} if generate else {}
    words = f"{account.login} may sign in as {_roles(account)}."
    context.output(_to_json(account) | shown, _with_password(words, shown))


@user.command("list")
@tenant_options
@handle_errors
def list_users(context: CommandContext) -> None:
    """List the local accounts.

    \b
    Example:
      docusign-iga console user list
    """
    accounts = context.application.console_accounts.list(context.known_tenant)
    table = Table("Login", "Name", "E-mail", "Roles", "State", "Password set")
    for account in accounts:
        state = "disabled" if account.disabled_at else "may sign in"
        table.add_row(
            account.login,
            account.display_name,
            account.email,
            _roles(account),
            state,
            f"{account.password_changed_at:%Y-%m-%d}",
        )
    empty = (
        "There are no local accounts. Add one: docusign-iga console user add LOGIN --role viewer"
    )
    context.output([_to_json(account) for account in accounts], table if accounts else empty)


@user.command("role")
@click.argument("login")
@_roles_option
@tenant_options
@handle_errors
def set_roles(context: CommandContext, login: str, roles: Sequence[str]) -> None:
    """Replace the roles of LOGIN; they hold from the next click on.

    \b
    Example:
      docusign-iga console user role ann --role approver --role operator
    """
    account = context.application.console_accounts.set_roles(
        context.known_tenant, login, map(ConsoleRole, roles), _actor()
    )
    context.output(_to_json(account), f"{account.login} is now {_roles(account)}.")


@user.command("email")
@click.argument("login")
@click.argument("address")
@click.option(
    "--was-wrong",
    is_flag=True,
    help="The address until now was never theirs, and is forgotten.",
)
@tenant_options
@handle_errors
def set_email(context: CommandContext, login: str, address: str, was_wrong: bool) -> None:
    """Give LOGIN the e-mail ADDRESS; it holds from the next click on.

    The address until now stays known as theirs, so that nobody decides on their own access while
    DocuSign keeps it. If it was a mistake, say so.

    \b
    Examples:
      docusign-iga console user email ann ann@example.com
      docusign-iga console user email ann ann@example.com --was-wrong
    """
    account = context.application.console_accounts.set_email(
        context.known_tenant, login, address, _actor(), was_wrong=was_wrong
    )
    context.output(_to_json(account), f"{account.login} is {account.email or 'without one'} now.")


@user.command("password")
@click.argument("login")
@_stdin_option
@_generate_option
@tenant_options
@handle_errors
def set_password(context: CommandContext, login: str, password_stdin: bool, generate: bool) -> None:
    """Set a new password for LOGIN and end their sessions.

    \b
    Example:
      docusign-iga console user password ann
    """
    tenant = context.known_tenant
    password = _password(password_stdin, generate)
    ended = context.application.console_accounts.set_password(tenant, login, password, _actor())
    shown = {"password": password} if generate else {}
    words = f"The password is set; {counted(ended, 'session')} ended."
    context.output({"login": login, "ended_sessions": ended} | shown, _with_password(words, shown))


@user.command("disable")
@click.argument("login")
@tenant_options
@handle_errors
def disable_user(context: CommandContext, login: str) -> None:
    """Lock LOGIN out at once. What they did stays in the audit.

    \b
    Example:
      docusign-iga console user disable ann
    """
    ended = context.application.console_accounts.disable(context.known_tenant, login, _actor())
    context.output(
        {"login": login, "ended_sessions": ended},
        f"{login} can no longer sign in; {counted(ended, 'session')} ended.",
    )


@user.command("enable")
@click.argument("login")
@tenant_options
@handle_errors
def enable_user(context: CommandContext, login: str) -> None:
    """Let LOGIN sign in again.

    \b
    Example:
      docusign-iga console user enable ann
    """
    context.application.console_accounts.enable(context.known_tenant, login, _actor())
    context.output({"login": login}, f"{login} can sign in again.")


def _password(from_stdin: bool, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(15)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidRequestError(
            "There is no terminal to ask for a password. Use --password-stdin or --generate."
        )
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


def _with_password(words: str, shown: dict[str, str]) -> str:
    if not shown:
        return words
    return f"{words}\n\n  {shown['password']}\n\nThis is the password. It is not shown again."


def _actor() -> Actor:
    return Actor(f"user:{os_login()}", "cli", new_id())


def _roles(account: ConsoleAccount) -> str:
    return ", ".join(sorted(account.roles))


def _to_json(account: ConsoleAccount) -> dict[str, Any]:
    return {
        "login": account.login,
        "name": account.display_name,
        "email": account.email,
        "roles": sorted(account.roles),
        "created_at": account.created_at,
        "disabled_at": account.disabled_at,
    }
