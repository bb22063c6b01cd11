"""``docusign-iga user``: what is known of somebody."""

from __future__ import annotations

import click

from connector.bootstrap.tenant import TenantServices
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.cli.user_words import Known, in_words
from connector.domain.audit.events import AuditFilter
from connector.services.audit.export import as_data
from connector.services.drift.desk import open_findings
from connector.services.plain_data import consent_data, finding_data
from connector.services.plain_users import user_data


@click.group(cls=Commands)
def user() -> None:
    """Show what is known of a person in DocuSign.

    Who may sign in to the console is another matter: `docusign-iga console user`.
    """


@user.command("show")
@click.argument("person")
@click.option(
    "--changes",
    default=10,
    show_default=True,
    type=click.IntRange(0, 200),
    help="How many of the last changes are told.",
)
@tenant_options
@handle_errors
def show(context: CommandContext, person: str, changes: int) -> None:
    """Show everything known of PERSON: an address, a user id, or the beginning of a name.

    Their memberships in each account with profile and groups, and on whose word they hold each;
    roles; how the connector came to answer for them (the ledger); approvals, tasks and changes
    that are open; what was found changed in DocuSign itself; and what happened last. DocuSign is
    not asked: the answer is as of the last time it was read, which it says. To read the person
    again first: docusign-iga sync --user PERSON.

    Of several users who have or had an address, the one who has it now is shown, and of several or
    none of these the one who has access; with the ids of the others. Where that leaves more than
    one, or several people are called so, they are listed: give the id.

    \b
    Examples:
      docusign-iga user show ada@example.com
      docusign-iga user show "Ada Lovelace"
      docusign-iga user show 4a376028-ab2f-4008-89c4-1f844a62a92b --changes 50
      docusign-iga user show ada@example.com --json
    """
    user_id = context.tenant.browser.get_user_id(person)
    known = _known(context.tenant, user_id, changes)
    events = known.events.events[:changes]
    answer = {
        **user_data(known.detail, known.labels, known.successions),
        "consent": consent_data(known.consent),
        "drift": [finding_data(view) for view in known.findings],
        "timeline": [as_data(event, (user_id,)) for event in events],
    }
    context.output(answer, in_words(known, events))


def _known(services: TenantServices, user_id: str, changes: int) -> Known:
    browser = services.browser
    return Known(
        browser.user(user_id),
        browser.labels(),
        services.leavers.successions(user_id),
        services.consents.of_users([user_id]).get(user_id),
        services.drift.desk.list(open_findings(user_id)),
        browser.events(AuditFilter(people=(user_id,)), calls=False, limit=max(changes, 1)),
        pending_counts=services.settings.provisioning.pending_is_active,
    )
