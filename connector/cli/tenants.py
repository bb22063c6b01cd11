"""``docusign-iga tenant``: customers that are kept in the database."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import yaml
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, installation_options
from connector.cli.groups import Commands
from connector.cli.tenant_export import export_tenant, new_directory
from connector.cli.tenant_words import (
    accounts_of,
    deletion,
    entry_data,
    history_data,
    history_table,
    state_of,
)
from connector.config.yaml_reader import read_yaml, read_yaml_file
from connector.domain.tenants.documents import with_value
from connector.domain.tenants.records import TenantRecord
from connector.domain.writing import LEAST_WORDS, counted
from connector.errors import InvalidRequestError
from connector.services.plain_data import tenant_data
from connector.services.tenants.overview import Verdict

_file = click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML with the tenant's settings, as below tenants.NAME in `docusign-iga config example`.",
)
_values = click.option(
    "--set",
    "values",
    multiple=True,
    metavar="PATH=VALUE",
    help="One setting, such as scim.max_page_size=150; can be given several times.",
)


@click.group(cls=Commands)
def tenant() -> None:
    """Add, change, suspend and remove customers without a restart.

    A tenant stands either in the configuration file or in the database, never in both. Those of the
    database are managed here; every running process follows within a second. Their settings are
    those below tenants.NAME in config.example.yaml, checked by the same rules.

    \b
    Example:
      docusign-iga tenant add acme --user-id 6f0e... --account a1b2...=main
      docusign-iga consent url --tenant acme
      docusign-iga doctor --tenant acme
      docusign-iga client add iiq --tenant acme
    """


@tenant.command("add")
@click.argument("name")
@_file
@click.option("--user-id", help="GUID of the DocuSign user whom the connector impersonates.")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="ID[=ALIAS]",
    help="A governed account; can be given several times.",
)
@click.option("--organization-id", help="GUID; otherwise found through userinfo.")
@_values
@click.option(
    "--adopt", is_flag=True, help="Data of that name in the database are this customer's."
)
@installation_options
@handle_errors
def add(
    context: CommandContext,
    name: str,
    *,
    file: Path | None,
    user_id: str | None,
    accounts: Sequence[str],
    organization_id: str | None,
    values: Sequence[str],
    adopt: bool,
) -> None:
    """Add the tenant NAME, served at /NAME/scim/v2 from now on.

    DocuSign is not asked: `doctor --tenant NAME` says whether the connection works.

    \b
    Examples:
      docusign-iga tenant add acme --user-id 6f0e... --account a1b2...=main --account c3d4...=eu
      docusign-iga tenant add acme --file acme.yaml --set scim.requests_per_minute=600
    """
    document = read_yaml_file(file) if file else {}
    if user_id:
        document["user_id"] = user_id
    if organization_id:
        document["organization_id"] = organization_id
    if accounts:
        document["accounts"] = [_account(text) for text in accounts]
    document = _with_values(document, values)
    record = context.application.tenancy.add(name, document, cli_actor(), adopt=adopt)
    context.output(
        _to_json(context, record),
        f"The tenant {name} is served at /{name}/scim/v2. Next:\n"
        f"  docusign-iga consent url --tenant {name}\n"
        f"  docusign-iga doctor --tenant {name}\n"
        f"  docusign-iga client add NAME --tenant {name}",
    )


@tenant.command("list")
@click.option("--health", is_flag=True, help="Whose connection is broken, and why.")
@installation_options
@handle_errors
def list_tenants(context: CommandContext, health: bool) -> None:
    """List all tenants, those of the file included.

    With --health the broken ones come first, by what the database has of consent and the last sync;
    DocuSign is not asked (`doctor --tenant NAME` does). Ends with status 1 where one is broken.

    \b
    Examples:
      docusign-iga tenant list
      docusign-iga tenant list --health
    """
    if health:
        _show_health(context)
        return
    entries = context.application.catalogue.entries()
    table = Table("Tenant", "Declared in", "State", "Accounts", "Changed", "By")
    for entry in entries:
        record = entry.record
        changed = (f"{record.changed_at:%Y-%m-%d %H:%M}", record.changed_by) if record else ("", "")
        table.add_row(entry.name, entry.source, state_of(entry), accounts_of(entry), *changed)
    context.output([entry_data(entry) for entry in entries], table)


@tenant.command("show")
@click.argument("name")
@installation_options
@handle_errors
def show(context: CommandContext, name: str) -> None:
    """Show the settings of NAME as they were given, secrets masked.

    What is not listed has its default (`config show` lists them). Edited, the text can be given
    back to `tenant set`: a secret that is still masked stays as it is.

    \b
    Example:
      docusign-iga tenant show acme > acme.yaml
    """
    record = context.application.tenancy.get(name)
    shown = dict(context.application.tenancy.shown(record))
    text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip()
    context.output(_to_json(context, record), text)


@tenant.command("set")
@click.argument("name")
@_file
@_values
@click.option("--unset", multiple=True, metavar="PATH", help="A setting to go back to its default.")
@click.option(
    "--forget-accounts",
    is_flag=True,
    help="Let go of accounts that are missing now: their members and groups leave the database.",
)
@installation_options
@handle_errors
def set_settings(
    context: CommandContext,
    name: str,
    *,
    file: Path | None,
    values: Sequence[str],
    unset: Sequence[str],
    forget_accounts: bool,
) -> None:
    """Change settings of NAME, all of them with --file, single ones with --set.

    Requests under way finish with the settings before; every process follows within a second.

    \b
    Examples:
      docusign-iga tenant set acme --set scim.max_page_size=150 --unset scim.requests_per_minute
      docusign-iga tenant set acme --set 'accounts[1]={account_id: c3d4..., alias: eu}'
      docusign-iga tenant set acme --file acme.yaml
    """
    if file is None and not values and not unset:
        raise InvalidRequestError("Say what to change: --file, --set or --unset.")
    application = context.application
    before = application.tenancy.get(name)
    document = read_yaml_file(file) if file else dict(application.tenancy.shown(before))
    document = _with_values(document, values)
    for path in unset:
        document = with_value(document, path, None)
    record = application.tenancy.change(
        name, document, cli_actor(), let_go=forget_accounts, revision=before.revision
    )
    if forget_accounts:
        _forget_accounts(context, before, record)
    said = "Nothing changes." if record == before else f"The tenant {name} is changed."
    context.output(_to_json(context, record), said)


@tenant.command()
@click.argument("name")
@click.option("--reason", required=True, help=f"For operators: {LEAST_WORDS}.")
@installation_options
@handle_errors
def suspend(context: CommandContext, name: str, reason: str) -> None:
    """Turn everybody away from NAME, with 403, and let its jobs rest. Its data stay.

    \b
    Example:
      docusign-iga tenant suspend acme --reason "contract ended 2026-03-31"
    """
    record = context.application.tenancy.suspend(name, reason, cli_actor())
    context.output(_to_json(context, record), f"The tenant {name} is suspended; its data stay.")


@tenant.command()
@click.argument("name")
@installation_options
@handle_errors
def resume(context: CommandContext, name: str) -> None:
    """Serve NAME again.

    \b
    Example:
      docusign-iga tenant resume acme
    """
    record = context.application.tenancy.resume(name, cli_actor())
    context.output(_to_json(context, record), f"The tenant {name} is served again.")


@tenant.command()
@click.argument("name")
@click.option("--confirm", help="The name once more, for scripts; otherwise it is asked for.")
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path, file_okay=False),
    help="First write settings, audit and data into this new directory.",
)
@click.option("--keep-data", is_flag=True, help="Only take it out of the list.")
@installation_options
@handle_errors
def remove(
    context: CommandContext,
    name: str,
    *,
    confirm: str | None,
    export_to: Path | None,
    keep_data: bool,
) -> None:
    """Remove NAME with everything that the database has of it. DocuSign hears nothing of it.

    IRREVERSIBLE, but for --keep-data. The tenant is closed first, and what is under way for it is
    awaited. Where its audit chain ended stays in the audit of the installation (`tenant history`),
    so that an export can be proven later. The data of a name that no tenant bears any longer are
    removed likewise.

    \b
    Example:
      docusign-iga tenant remove acme --export /srv/archive/acme
    """
    tenancy, actor = context.application.tenancy, cli_actor()
    if keep_data:
        tenancy.forget(name, actor)
        context.output({"name": name}, f"The tenant {name} is no longer listed; its data stay.")
        return
    counts = tenancy.holdings(name)
    if not context.as_json:
        click.echo(deletion(name, counts), err=True)
    if confirm is None:
        confirm = click.prompt("Type the name of the tenant to remove it", default="", err=True)
    if confirm != name:
        raise InvalidRequestError("That is another name. Nothing was removed.")
    if export_to is not None:
        new_directory(export_to)  # Before the tenant is closed, which is for good.
    tenancy.begin_removal(name, actor)
    if export_to is not None:
        export_tenant(context.application, name, export_to)
    removal = tenancy.finish_removal(name, actor)
    rows = sum(removal.counts.values())
    context.output(
        {"name": name, "counts": removal.counts, "sequence": removal.head.sequence}
        | {"hash": removal.head.hash},
        f"The tenant {name} is removed: {counted(rows, 'row')}. Its audit chain ended with event "
        f"{removal.head.sequence}, {removal.head.hash[:16]}….",
    )


@tenant.command()
@installation_options
@handle_errors
def reseal(context: CommandContext) -> None:
    """Seal the secrets of all tenants with database.encryption_key as it is now.

    Afterwards database.previous_encryption_key is needed no longer.

    \b
    Example:
      docusign-iga tenant reseal
    """
    count = context.application.tenancy.reseal(cli_actor())
    context.output(
        {"tenants": count}, f"The secrets of {counted(count, 'tenant')} are sealed anew."
    )


@tenant.command()
@click.argument("name", default="")
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The most shown."
)
@installation_options
@handle_errors
def history(context: CommandContext, name: str, limit: int) -> None:
    """Show what was done to NAME, or to all tenants, removed ones included.

    \b
    Example:
      docusign-iga tenant history acme
    """
    events = context.application.tenancy.history(name, limit)
    shown = history_table(events) if events else "Nothing was done to tenants yet."
    context.output(history_data(events), shown)


def _show_health(context: CommandContext) -> None:
    standings = context.application.overview()
    table = Table("Tenant", "Is", "Accounts", "Why, and what to do")
    for one in standings:
        table.add_row(one.name, one.verdict, ", ".join(one.accounts), one.why)
    context.output([asdict(one) for one in standings], table)
    if any(one.verdict is Verdict.BAD for one in standings):
        sys.exit(1)


def _account(text: str) -> dict[str, str]:
    account_id, _, alias = text.partition("=")
    return {"account_id": account_id.strip().lower(), **({"alias": alias} if alias else {})}


def _with_values(document: Mapping[str, Any], values: Sequence[str]) -> dict[str, Any]:
    changed = dict(document)
    for text in values:
        path, equals, value = text.partition("=")
        if not equals:
            raise InvalidRequestError(f"{text!r}: write it as PATH=VALUE.")
        read, problems = read_yaml(f"value: {value}")
        if problems:
            raise InvalidRequestError(f"{path}: {value!r} is not valid YAML.")
        changed = with_value(changed, path, read.get("value"))
    return changed


def _forget_accounts(context: CommandContext, before: TenantRecord, record: TenantRecord) -> None:
    kept = {item["account_id"] for item in record.document["accounts"]}
    services = context.application.tenant(record.name)
    for account in before.document["accounts"]:
        if account["account_id"] not in kept:
            services.bindings.forget_account(account["account_id"], cli_actor())


def _to_json(context: CommandContext, record: TenantRecord) -> dict[str, Any]:
    return tenant_data(record, context.application.tenancy.shown(record))
