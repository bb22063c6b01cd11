"""``docusign-iga export``: what an identity-governance product imports to know the connector."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.context import CommandContext, config_option, handle_errors
from connector.errors import PermanentError
from connector.exports import KNOW_GROUPS_ONLY, PRODUCTS, Target, base_url, render
from connector.settings import TenantSettings


@click.command()
@click.argument("product", type=click.Choice(PRODUCTS))
@click.option("--tenant", default="default", show_default=True, help="Whose data.")
@click.option("--client", help="The API client whose token it gets [default: the product's name].")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write [default: standard output].",
)
@config_option
@handle_errors
def export(
    context: CommandContext, product: str, tenant: str, client: str | None, output: Path | None
) -> None:
    """Write what PRODUCT imports: attributes, mappings and settings, without any secret.

    What a vendor does not document publicly is marked in the document. The product's guide says how
    to go on: `docusign-iga docs PRODUCT`.

    \b
    Examples:
      docusign-iga export identityiq --output docusign.xml
      docusign-iga export okta --client okta-production
    """
    context.tenant_name = tenant
    server = context.settings.server
    target = Target(base_url(server, context.known_tenant), tenant, client or product)
    text = render(product, target)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
    if not server.public_url:
        click.echo(
            f"server.public_url is empty: {target.base_url} is good on this machine only.", err=True
        )
    if product in KNOW_GROUPS_ONLY and not _settings(context).scim.show_as_groups:
        click.echo(
            f"tenants.{tenant}.scim.show_as_groups is empty: {product} reads Groups and no "
            "entitlements, so that permission profiles and roles do not reach it. Set it to "
            "[profiles, roles], and run a sync.",
            err=True,
        )
    whose = "" if tenant == "default" else f" --tenant {tenant}"
    click.echo(
        f"Next: `docusign-iga docs {product}`; and, if the client is not added yet, "
        f"docusign-iga client add {target.client}{whose} --dialect {product}",
        err=True,
    )


def _settings(context: CommandContext) -> TenantSettings:
    """Return the settings of the chosen tenant, which the file or the database has."""
    declared = context.settings.tenants.get(context.known_tenant)
    return declared or context.application.catalogue.get(context.known_tenant).settings


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}.") from error
