"""``docusign-iga consent``: the link by which consent is given, and whether it works."""

from __future__ import annotations

import sys

import click

from connector.cli.consent_check import check
from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.consent.links import Way
from connector.services.consent.links import Verdict

_ADMIN = """\
DocuSign Admin: {url}
As an organization administrator open Connected Apps, choose Authorize Application, choose the app
with the integration key {key}, and enter these permissions:
  {scopes}
It covers users of claimed domains. Then run: docusign-iga consent verify"""
_LINK = """\
{url}

{who} opens this link and accepts. It is good for one answer in a week. If DocuSign shows an error
page and does not come back, this redirect URI is not registered for the app letter by letter:
  {redirect_uri}"""
_WHO = {
    Way.INDIVIDUAL: "The service user",
    Way.EXTERNAL: "An organization administrator of the customer",
}
_VERDICTS = {
    Verdict.GRANTED: "Consent works: DocuSign gave a token with every scope.",
    Verdict.PARTIAL: "Consent covers a part of the scopes. Give it again: docusign-iga consent url",
    Verdict.INEFFECTIVE: "Consent is missing. Give it: docusign-iga consent url",
    Verdict.FAILED: "Consent is not what is missing. See: docusign-iga doctor",
    Verdict.UNVERIFIED: "DocuSign cannot be asked just now. Try again in a minute.",
}


@click.group(cls=Commands)
def consent() -> None:
    """Let somebody agree that the connector acts for the service user, and verify it."""


@consent.command()
@click.option(
    "--way",
    type=click.Choice([str(way) for way in Way]),
    default=str(Way.INDIVIDUAL),
    show_default=True,
    help="individual: the service user agrees. organization: an administrator authorizes an app of "
    "the organization's own. external: an administrator agrees to an app of somebody else.",
)
@click.option(
    "--erasure",
    is_flag=True,
    help="Ask for the scope that erasing people takes as well, before the first erasure.",
)
@tenant_options
@handle_errors
def url(context: CommandContext, *, way: str, erasure: bool) -> None:
    """Give the link that asks for exactly the scopes needed.

    While somebody is to be erased, the scope for that is among them by itself.

    \b
    Examples:
      docusign-iga consent url
      docusign-iga consent url --erasure
      docusign-iga consent url --tenant acme --way external
    """
    chosen, service = Way(way), context.tenant.consent
    wanted = service.scopes_for(erasure=True) if erasure else service.scopes
    link = service.link(chosen, scopes=wanted, made_by=cli_actor().name)
    scopes = sorted(wanted)
    text = _ADMIN if chosen is Way.ORGANIZATION else _LINK
    data = {
        "url": link,
        "way": way,
        "scopes": scopes,
        "redirect_uri": service.redirect_uri,
    }
    key = context.settings.docusign.integration_key
    who = _WHO.get(chosen, "")
    words = {"url": link, "key": key, "who": who, "redirect_uri": service.redirect_uri}
    context.output(data, text.format(scopes=" ".join(scopes), **words))


consent.add_command(check)


@consent.command()
@tenant_options
@handle_errors
def connect(context: CommandContext) -> None:
    """Give the link by which the service user signs in, where impersonation is refused.

    For tenants with grant: authorization_code. Whoever opens the link signs in to DocuSign as the
    service user; the connector keeps the connection alive from then on.

    \b
    Example:
      docusign-iga consent connect --tenant acme
    """
    service = context.tenant.connecting
    link = service.begin(cli_actor())
    redirect_uri = context.tenant.consent.redirect_uri
    words = _LINK.format(url=link, who="The service user", redirect_uri=redirect_uri)
    context.output({"url": link, "scopes": sorted(service.scopes)}, words)


@consent.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@tenant_options
@handle_errors
def disconnect(context: CommandContext, *, yes: bool) -> None:
    """Forget a connection by sign-in, such as before a tenant goes back to impersonation.

    The sealed refresh token is deleted. An access token that a running process holds ends by
    itself within hours, or when that process is restarted; the person who signed in can end it at
    once under Connected Apps in DocuSign.

    \b
    Example:
      docusign-iga consent disconnect --tenant acme
    """
    if not yes:
        click.confirm("Forget the connection? DocuSign is out of reach then", abort=True, err=True)
    context.tenant.connecting.disconnect(cli_actor())
    words = "Forgotten. To connect again: docusign-iga consent connect"
    context.output({"disconnected": True}, words)


@consent.command()
@tenant_options
@handle_errors
def verify(context: CommandContext) -> None:
    """Request a token and say whether the consent works; the exit status is 1 where it does not.

    \b
    Example:
      docusign-iga consent verify --tenant acme
    """
    verdict, detail = context.tenant.consent.verify()
    data = {"verdict": verdict, "detail": detail}
    context.output(data, "\n".join(filter(None, (_VERDICTS[verdict], detail))))
    sys.exit(0 if verdict is Verdict.GRANTED else 1)
