"""``docusign-iga client``: which programs may call the connector, and their tokens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click
import yaml
from rich.table import Table

from connector.cli.context import CommandContext, handle_errors, os_login, tenant_options
from connector.cli.groups import Commands
from connector.domain.authentication.api_clients import ApiClient, ApiToken, Method, Scope
from connector.errors import InvalidRequestError
from connector.exports import base_url
from connector.services.authentication.api_clients import READ_WRITE
from scim.dialects import DIALECT, DIALECTS, check_settings

_USE = {
    Method.TOKEN: "Send it as: Authorization: Bearer ...",
    Method.BASIC: "The client's name is the user, this is the password (HTTP Basic).",
    Method.OAUTH: "The client's name is the client id. Token endpoint: /oauth/token",
    Method.JWT: "Send an access token that the identity provider gave to this application.",
    Method.MTLS: "Present the certificate with this fingerprint to the proxy.",
}
"""What to tell of a new credential, for each method that clients are added with."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Return a length of time written as ``30m``, ``24h`` or ``90d``."""
    match = re.fullmatch(r"(\d{1,5})([mhd])", text.strip())
    if match is None:
        raise click.BadParameter(f"{text!r} is not a length of time such as 30m, 24h or 90d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def setting(text: str) -> tuple[str, Any]:
    """Return the name and the value in ``name=value``; true, false and numbers are such."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{text!r} is not of the form name=value.")
    return name.strip(), yaml.safe_load(value)


@click.group(cls=Commands)
def client() -> None:
    """Add, list, rotate and revoke API clients and their bearer tokens.

    \b
    Example:
      docusign-iga client add identityiq
    """


@client.command()
@click.argument("name")
@click.option(
    "--method",
    type=click.Choice([str(method) for method in _USE]),
    default=str(Method.TOKEN),
    show_default=True,
    help="How it shows who it is: see `docusign-iga docs authentication`.",
)
@click.option("--subject", metavar="ID", help="With jwt: the application's id at the provider.")
@click.option("--fingerprint", metavar="HEX", help="With mtls: the certificate's, SHA-256.")
@click.option("--read-only", is_flag=True, help="The client may read, and nothing else.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(scope) for scope in Scope]),
    multiple=True,
    help="What it may do [default: read and write].",
)
@click.option("--expires", type=duration, help="The token ends after this time, such as 90d.")
@click.option("--replaces", metavar="CLIENT", help="Take over this client's externalId values.")
@click.option("--dialect", type=click.Choice(list(DIALECTS)), help="The product that will call.")
@click.option(
    "--set",
    "settings",
    type=setting,
    multiple=True,
    metavar="NAME=VALUE",
    help="A tolerance or habit of this client, as the documentation lists them.",
)
@tenant_options
@handle_errors
def add(
    context: CommandContext,
    name: str,
    *,
    method: str,
    subject: str | None,
    fingerprint: str | None,
    read_only: bool,
    scopes: Sequence[str],
    expires: timedelta | None,
    replaces: str | None,
    dialect: str | None,
    settings: Sequence[tuple[str, Any]],
) -> None:
    """Add the client NAME and show its token or secret, once.

    \b
    Example:
      docusign-iga client add identityiq --dialect identityiq --expires 365d
      docusign-iga client add auditor --read-only
      docusign-iga client add okta --method oauth --scope read --scope write:users
      docusign-iga client add entra --method jwt --subject 6f0e2ba4-9d3a-4c0f-8a3e-0d1f6e5b7c21
    """
    if read_only and scopes:
        raise click.UsageError("Give --read-only or --scope, not both.")
    chosen = frozenset(Scope(name) for name in scopes) or READ_WRITE
    given = {DIALECT: dialect} if dialect else {}
    _, token = context.application.clients.add(
        context.known_tenant,
        name,
        method=Method(method),
        bound_to=_bound_to(Method(method), subject, fingerprint),
        scopes=frozenset({Scope.READ}) if read_only else chosen,
        expires_in=expires,
        replaces=replaces,
        settings=_checked({**given, **dict(settings)}),
        actor=_actor(),
    )
    _show_token(context, name, token, Method(method))


@client.command("set")
@click.argument("name")
@click.argument("settings", type=setting, nargs=-1, required=True, metavar="SETTING=VALUE...")
@tenant_options
@handle_errors
def set_settings(context: CommandContext, name: str, settings: Sequence[tuple[str, Any]]) -> None:
    """Change the dialect or single tolerances of the client NAME, within a few seconds.

    \b
    Example:
      docusign-iga client set okta dialect=okta
      docusign-iga client set identityiq allow_group_writes_via_user=true
    """
    changes = _checked(dict(settings))
    changed = context.application.clients.configure(
        context.known_tenant, name, changes, actor=_actor()
    )
    shown = ", ".join(f"{key}={value}" for key, value in sorted(changed.settings.items()))
    context.output({"client": name, "settings": changed.settings}, f"{name} now has {shown}.")


@client.command("list")
@tenant_options
@handle_errors
def list_clients(context: CommandContext) -> None:
    """List the clients with their tokens; the tokens themselves are not kept.

    "Last write" is when a client last asked for a change. When it last read is not kept, so that
    one that may only read shows "reads only"; of a client with OAuth its credentials tell when it
    last fetched an access token.

    \b
    Example:
      docusign-iga client list --json
    """
    now = context.application.clock.now()
    service = context.application.clients
    table = Table("Client", "Dialect", "May", "Added", "Last write", "Credentials")
    data = []
    for found, tokens in service.list(context.known_tenant):
        given = [token for token in tokens if token.method is not Method.ACCESS_TOKEN]
        used_at = max(
            (token.created_at for token in tokens if token.method is Method.ACCESS_TOKEN),
            default=None,
        )
        wrote_at = service.last_write_at(context.known_tenant, found.client_id)
        credentials = [f"{token.method}: {_state(token, now)}" for token in given]
        if used_at is not None:
            credentials.append(f"last access token {used_at:%Y-%m-%d %H:%M}")
        table.add_row(
            found.client_id,
            str(found.settings.get(DIALECT, "none")),
            "revoked" if found.revoked_at else ", ".join(sorted(found.scopes)),
            f"{found.created_at:%Y-%m-%d}",
            _last_write(found, wrote_at),
            ", ".join(credentials),
        )
        times = {"last_write_at": wrote_at, "last_access_token_at": used_at}
        data.append(_to_json(found, given, now) | times)
    empty = "There are no clients yet. Add one: docusign-iga client add NAME"
    context.output(data, table if data else empty)


@client.command()
@click.argument("name")
@click.option(
    "--grace",
    type=duration,
    default="24h",
    show_default=True,
    help="The older tokens stay valid for this long.",
)
@click.option("--expires", type=duration, help="The new token ends after this time.")
@click.option("--subject", metavar="ID", help="With jwt: the new application's id.")
@click.option("--fingerprint", metavar="HEX", help="With mtls: the new certificate's, SHA-256.")
@tenant_options
@handle_errors
def rotate(
    context: CommandContext,
    name: str,
    *,
    grace: timedelta,
    expires: timedelta | None,
    subject: str | None,
    fingerprint: str | None,
) -> None:
    """Give the client NAME a new token; the older ones end after a time of grace.

    \b
    Example:
      docusign-iga client rotate identityiq --grace 2h
      docusign-iga client rotate identityiq --grace 0m
      docusign-iga client rotate midpoint --fingerprint 3f0a... --grace 7d
    """
    clients = context.application.clients
    method = clients.method(context.known_tenant, name)
    _, token = clients.rotate(
        context.known_tenant,
        name,
        bound_to=_bound_to(method, subject, fingerprint),
        grace=grace,
        expires_in=expires,
        actor=_actor(),
    )
    _show_token(context, name, token, method)


@client.command()
@click.argument("name")
@tenant_options
@handle_errors
def revoke(context: CommandContext, name: str) -> None:
    """End the client NAME and all its tokens, within a few seconds.

    \b
    Example:
      docusign-iga client revoke auditor
    """
    context.application.clients.revoke(context.known_tenant, name, actor=_actor())
    context.output({"client": name, "revoked": True}, f"{name} and all its tokens are revoked.")


def _bound_to(method: Method, subject: str | None, fingerprint: str | None) -> str:
    """Return the one of the two that goes with the method."""
    if (subject is not None and method is not Method.JWT) or (
        fingerprint is not None and method is not Method.MTLS
    ):
        raise click.UsageError("--subject goes with the method jwt, --fingerprint with mtls.")
    return subject or fingerprint or ""


def _checked(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        check_settings(settings)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
    return settings


def _actor() -> str:
    return f"user:{os_login()}"


def _show_token(context: CommandContext, name: str, token: str, method: Method) -> None:
    if method in (Method.JWT, Method.MTLS):
        shown = {"client": name, "method": method, "bound_to": token}
        context.output(shown, f"{name} is now known by {token}.\n\n{_USE[method]}")
        return
    what = "token" if method is Method.TOKEN else "secret"
    context.output(
        {"client": name, "method": method, what: token},
        f"{what.capitalize()} of {name}, shown this once:\n\n  {token}\n\n{_USE[method]}\n"
        f"SCIM is at {base_url(context.settings.server, context.known_tenant)}",
    )


def _last_write(found: ApiClient, at: datetime | None) -> str:
    if at is not None:
        return f"{at:%Y-%m-%d %H:%M}"
    return "reads only" if found.scopes == {Scope.READ} else "never"


def _state(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at is None:
        return "valid until revoked"
    word = "valid until" if token.expires_at > now else "expired"
    return f"{word} {token.expires_at:%Y-%m-%d %H:%M}"


def _to_json(found: ApiClient, tokens: Sequence[ApiToken], now: datetime) -> dict[str, Any]:
    return {
        "client": found.client_id,
        "scopes": sorted(found.scopes),
        "settings": found.settings,
        "external_id_scope": found.external_id_scope,
        "created_at": found.created_at,
        "revoked_at": found.revoked_at,
        "tokens": [
            {
                "id": token.token_id,
                "method": token.method,
                "bound_to": token.label,
                "state": _state(token, now).split()[0],
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "revoked_at": token.revoked_at,
            }
            for token in tokens
        ],
    }
