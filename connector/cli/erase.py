"""``docusign-iga erase``: the right to be forgotten."""

from __future__ import annotations

from collections.abc import Callable

import click
from rich.table import Table

from connector.cli.acting_as import as_option
from connector.cli.context import CommandContext, cli_person, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.writing import LEAST_WORDS
from connector.services.context import Principal
from connector.services.erasure import require_done
from connector.services.people import Addresses
from connector.services.plain_data import erasure_data, erasure_preview


@click.group(cls=Commands)
def erase() -> None:
    """Erase a person for good, in DocuSign and in the connector's own records.

    IRREVERSIBLE. DocuSign deletes the person's data in every governed account (Admin API, data
    redaction), 24 hours after the last membership was closed at the earliest. The connector forgets
    name, addresses and what they were, and keeps that a person of that id was given and lost
    access; the audit chain still holds. Two people are needed: one asks, another confirms, each
    as the local account that --as names; people of the identity provider do so in the console.
    """


@erase.command("request")
@click.argument("person")
@click.option(
    "--reason",
    required=True,
    help=f"Such as the number of the person's letter: {LEAST_WORDS}.",
)
@tenant_options
@as_option
@handle_errors
def request(context: CommandContext, by: Callable[[], Principal], person: str, reason: str) -> None:
    """Ask for PERSON, an address or a user id, to be erased. Nothing is erased yet.

    \b
    Example:
      docusign-iga erase request ada@example.com --as ann --reason "letter 2026-117"
    """
    item = context.tenant.erasures.request(person, reason, by())
    addresses = context.tenant.erasures.addresses(item.erasure_id)
    context.output(
        erasure_preview(item, addresses),
        f"Noted as {item.erasure_id[:8]}. {goes_by(addresses)}\n"
        "Another person has to confirm it:\n"
        f"  docusign-iga erase confirm {item.erasure_id[:8]} --as LOGIN",
    )


@erase.command("confirm")
@click.argument("erasure")
@click.option("--yes", is_flag=True, help="Do not ask.")
@tenant_options
@as_option
@handle_errors
def confirm(context: CommandContext, by: Callable[[], Principal], erasure: str, yes: bool) -> None:
    """Confirm an erasure that another person asked for, and carry it out. IRREVERSIBLE.

    \b
    Example:
      docusign-iga erase confirm 3f2a --as bob
    """
    service = context.tenant.erasures
    if not yes:
        click.confirm(
            f"{goes_by(service.addresses(erasure))}\n"
            "This deletes the person's data in DocuSign and here. Nothing brings it back. Go on?",
            abort=True,
            err=True,
        )
    item = require_done(service.confirm(erasure, by()))
    context.output(
        erasure_preview(item, service.addresses(item.erasure_id)), "Erased, in DocuSign and here."
    )


@erase.command("withdraw")
@click.argument("erasure")
@tenant_options
@handle_errors
def withdraw(context: CommandContext, erasure: str) -> None:
    """Take a request back that nobody has confirmed.

    \b
    Example:
      docusign-iga erase withdraw 3f2a
    """
    item = context.tenant.erasures.withdraw(erasure, cli_person())
    context.output(erasure_data(item), "Withdrawn.")


@erase.command("list")
@tenant_options
@handle_errors
def list_erasures(context: CommandContext) -> None:
    """List every erasure, oldest first.

    \b
    Example:
      docusign-iga erase list
    """
    found = context.tenant.erasures.list()
    table = Table("Erasure", "User", "State", "Asked by", "Confirmed by", "Why not")
    for item in found:
        people = (item.requested_by, item.confirmed_by or "")
        table.add_row(item.erasure_id[:8], item.subject_id, item.state, *people, item.error or "")
    context.output([erasure_data(item) for item in found], table if found else "There are none.")


def goes_by(addresses: Addresses) -> str:
    """Return in a sentence or two by which addresses a person's data is looked for."""
    own = ", ".join(sorted(addresses.own))
    by = f"the user id and {own}" if own else "the user id alone"
    told = f"What is erased is looked for by {by}."
    if not addresses.own | addresses.recycled:
        return f"{told} No address is known any more."
    if not addresses.recycled:
        return told
    return (
        f"{told} Not by {', '.join(sorted(addresses.recycled))}: somebody else has, or has had, "
        "that address too, and what names it may be about them."
    )
