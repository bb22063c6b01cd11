"""``--as LOGIN``: acting as a local account, where it matters who somebody is."""

from __future__ import annotations

import functools
import sys
from typing import Any

import click

from connector.cli.context import Command, CommandContext, cli_person, os_login
from connector.errors import InvalidRequestError
from connector.logs import correlation_id
from connector.services.context import Principal, new_id, person


def as_option(command: Command) -> Command:
    """Give a command ``--as`` and ``--password-stdin``, and ``by``, which returns the person who
    acts: the account named, once its password was checked, else the operating system's user, who
    has no address and so does not decide."""

    @click.option(
        "--as",
        "act_as",
        metavar="LOGIN",
        help="The local account (console user) that you act as; its password is asked for.",
    )
    @click.option(
        "--password-stdin",
        is_flag=True,
        help="Read that password from standard input, for scripts.",
    )
    @functools.wraps(command)
    def wrapper(
        context: CommandContext, act_as: str | None, password_stdin: bool, **arguments: Any
    ) -> Any:
        by = functools.partial(_person, context, act_as, from_stdin=password_stdin)
        return command(context, by=by, **arguments)

    return wrapper


def _person(context: CommandContext, act_as: str | None, *, from_stdin: bool) -> Principal:
    if act_as is None:
        return cli_person()
    application, tenant = context.application, context.known_tenant
    if not application.settings.console.local_accounts:
        raise InvalidRequestError(
            "There are no local accounts to act as (console.local_accounts is off): do this in the "
            "console, or over the REST API."
        )
    request = correlation_id() or new_id()
    account = application.console_sign_in.at_a_shell(
        tenant, act_as, _password(act_as, from_stdin=from_stdin), os_login(), request
    )
    return person(
        account.login,
        source="cli",
        correlation_id=request,
        email=account.email,
        roles=account.roles,
        is_local=True,
    )


def _password(login: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidRequestError(
            f"There is no terminal to ask for the password of {login}. Use --password-stdin."
        )
    text: str = click.prompt(f"Password of {login}", hide_input=True, err=True)
    return text
