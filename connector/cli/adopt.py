"""``docusign-iga adopt``: takes over users who existed before governance."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from connector.cli.acting_as import as_option
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.domain.writing import counted
from connector.errors import InvalidRequestError
from connector.services.context import Principal
from connector.services.drift.adoption import Adoption, Selection, identities_of

_SHOWN = 50


@click.command()
@click.option("--all", "everybody", is_flag=True, help="Everybody with an open membership.")
@click.option("--email", default="", metavar="PATTERN", help="By address, with * and ?.")
@click.option("--account", default="", metavar="ID", help="Members of this account.")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV whose header names some of user_id, external_id, employee_number, email, name.",
)
@click.option("--client", default="", metavar="NAME", help="Whose external ids the file has.")
@click.option("--apply", "apply", is_flag=True, help="Do it; without, only show who it would be.")
@tenant_options
@as_option
@handle_errors
def adopt(
    context: CommandContext,
    *,
    by: Callable[[], Principal],
    everybody: bool,
    email: str,
    account: str,
    file: Path | None,
    client: str,
    apply: bool,
) -> None:
    """Take over users who existed before the connector: somebody answers for them from then on.

    Without --apply nothing is changed: the users are shown. What they hold becomes expected on your
    word (provenance "adopted"); your own user is left to somebody else, so --apply needs to know
    who you are (--as). With a file, each line finds its user by user_id, else by the first
    rule of tenants.*.drift.correlation that fits exactly one; external ids and employee numbers are
    kept as if the client had sent them. DocuSign hears nothing.

    \b
    Examples:
      docusign-iga adopt --email "*@acme.com"
      docusign-iga adopt --file people.csv --client sailpoint --apply --as ann
    """
    if not (everybody or email or account or file):
        raise click.UsageError("Say whom: --all, --email, --account or --file.")
    identities = None
    if file is not None:
        try:
            with file.open(newline="", encoding="utf-8-sig") as stream:
                identities = identities_of(csv.DictReader(stream))
        except (UnicodeDecodeError, csv.Error) as error:
            raise InvalidRequestError(f"{file} is no CSV in UTF-8: save it so. {error}") from error
    if client:
        with context.tenant.context.read() as uow:
            client = uow.clients.get(client).external_id_scope
    selection = Selection(email or "*", account.lower(), identities, client)
    done = context.tenant.drift.adoption.adopt(selection, by(), apply=apply)
    context.output(_to_json(done, apply=apply), _table(done, apply=apply))


def _table(done: Adoption, *, apply: bool) -> Any:
    verb = "Adopted" if apply else "Would adopt"
    title = f"{verb} {counted(len(done.adopted), 'user')}; {done.already:,} looked after already."
    if done.unmatched:
        lines = ", ".join(item.identity_id for item in done.unmatched[:10])
        title += f" Nobody, or several, fit {counted(len(done.unmatched), 'line')}: {lines}."
    if done.own:
        title += f" Your own user ({done.own[0].user.email}) is left to somebody else."
    if not apply and done.adopted:
        title += " Nothing was changed: add --apply."
    table = Table("User", "Address", "Found by", title=title, title_justify="left")
    for item in done.adopted[:_SHOWN]:
        table.add_row(item.user.user_id, item.user.email, item.rule)
    return table if done.adopted else title


def _to_json(done: Adoption, *, apply: bool) -> dict[str, Any]:
    return {
        "applied": apply,
        "users": [
            {"id": item.user.user_id, "email": item.user.email, "rule": item.rule}
            for item in done.adopted
        ],
        "already": done.already,
        "own": [item.user.user_id for item in done.own],
        "unmatched": [item.identity_id for item in done.unmatched],
    }
