"""``docusign-iga policy``: which rule counts, and what another policy would have done."""

from __future__ import annotations

from pathlib import Path

import click
import yaml
from rich.console import Group
from rich.table import Table

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.ledger.plans import Fulfilment
from connector.domain.writing import counted
from connector.errors import ConfigError
from connector.services.plain_data import explained_data, simulation_data, succession_data
from connector.services.rules.policy import Explained, Simulation, in_words
from mappings import EntitlementMapping, MappingError, load_entitlements

_SHOWN = 50
"""Differences that people see; --json has all."""
_NO_MANAGER = "unknown: the others named decide, or whoever has the role approver"


@click.group(cls=Commands)
def policy() -> None:
    """Explain the policy, and try out a changed one."""


@policy.command("explain")
@click.option("--user", required=True, help="Address or id of the person.")
@click.option(
    "--entitlement",
    required=True,
    help="Id or name of a profile, group or role; `NAME (ACCOUNT)` where several accounts have it.",
)
@tenant_options
@handle_errors
def explain(context: CommandContext, user: str, entitlement: str) -> None:
    """Say which rule counts for a person and an entitlement, and why.

    \b
    Example:
      docusign-iga policy explain --user ann@example.com --entitlement "DocuSign Sender (Acme)"
    """
    found = context.tenant.policy.explain(user, entitlement)
    context.output(explained_data(found), _in_words(found))


@policy.command("leavers")
@click.option("--user", required=True, help="Address or id of the person.")
@tenant_options
@handle_errors
def leavers(context: CommandContext, user: str) -> None:
    """Say what becomes of a person's envelopes when they leave, and who has them since they left.

    The rules are the tenant's `leavers`; the first that fits an account and the profile held there
    counts. What no rule fits stays where it is.

    \b
    Example:
      docusign-iga policy leavers --user ann@example.com
    """
    found = context.tenant.policy.find_person(user)
    names = context.tenant.browser.labels().catalogue.accounts
    successions = context.tenant.leavers.successions(found.user_id)
    data = [
        {"account_id": account_id, **succession_data(item)}
        for account_id, item in successions.items()
    ]
    lines = [
        f"{names[account_id].name if account_id in names else account_id}: {item.in_words()}"
        for account_id, item in successions.items()
    ]
    nothing = f"No rule covers {found.email}: what they own stays where it is."
    context.output(
        {"user": found.email, "user_id": found.user_id, "accounts": data},
        "\n".join(lines) or nothing,
    )


@policy.command("simulate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--days", default=31, show_default=True, type=click.IntRange(1, 3660), help="How far back."
)
@tenant_options
@handle_errors
def simulate(context: CommandContext, file: Path, days: int) -> None:
    """Replay recorded requests against the policy in FILE; nothing is changed.

    FILE is YAML with `entitlements` (the tenant's rules) and `manual_roles`, as in the tenant's
    section of the configuration. It takes the place of both; the shipped rules stay behind it.
    A rule that covers no profile and no group there is brings a warning.

    \b
    Example:
      docusign-iga policy simulate changed-policy.yaml
    """
    found = context.tenant.policy.simulate(_load(file), days)
    context.output(simulation_data(found), _table(found, days))


def _load(file: Path) -> EntitlementMapping:
    try:
        content = yaml.safe_load(file.read_text("utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: no YAML: {error}"]) from error
    known = {"entitlements", "manual_roles"}
    if not isinstance(content, dict) or not content.keys() <= known:
        raise ConfigError([f"{file}: may hold 'entitlements' and 'manual_roles' alone"])
    rules, roles = content.get("entitlements") or [], content.get("manual_roles") or {}
    if not isinstance(rules, list) or not isinstance(roles, dict):
        raise ConfigError([f"{file}: 'entitlements' is a list, 'manual_roles' a section"])
    try:
        return load_entitlements(roles, rules)
    except MappingError as error:
        raise ConfigError([f"{file}: {problem}" for problem in error.problems]) from error


def _in_words(found: Explained) -> str:
    ruling, meaning = found.ruling, found.ruling.meaning
    lines = [f"{ruling.target.title} for {found.user.email}: {in_words(meaning)}.", ""]
    lines.append(f"  Rule       {ruling.rule}")
    facts = {
        "Risk": meaning.risk,
        "Owner": meaning.owner,
        "Manager": (found.manager or _NO_MANAGER) if meaning.approvers.manager else "",
        "Verified": meaning.verification if ruling.fulfilment is Fulfilment.MANUAL else "",
    }
    lines += [f"  {name:<11}{value}" for name, value in facts.items() if value]
    if found.is_held:
        lines.append("  Now        held already; asking again changes nothing")
    elif found.waits:
        lines.append("  Now        asked for already and waiting")
    lines += ["", "Passed over:", *(f"  {item}" for item in found.passed_over)]
    return "\n".join(lines if found.passed_over else lines[:-2])


def _table(found: Simulation, days: int) -> Group | str:
    counts = ", ".join(
        f"{kind} {found.before.get(kind, 0)} -> {found.after.get(kind, 0)}"
        for kind in ("automatic", "approval", "manual")
    )
    head = (
        f"{counted(found.requests, 'request')} of the last {counted(days, 'day')} asked for "
        f"{counted(found.grants, 'entitlement')}: {counts}."
    )
    if found.unknown:
        head += f" {found.unknown} of them no longer in DocuSign and left out."
    head = "\n".join([head, *(f"Warning: {warning}" for warning in found.warnings)])
    if not found.differences:
        return f"{head}\nNothing would have gone another way."
    table = Table("When", "Who", "What", "Now", "With the file", "Rule")
    for item in found.differences[:_SHOWN]:
        when = f"{item.plan.created_at:%Y-%m-%d}"
        table.add_row(when, item.user, item.target.title, item.before, item.after, item.rule)
    more = len(found.differences) - _SHOWN
    tail = f"and {more} more: --json has all" if more > 0 else ""
    return Group(head, table, tail)
