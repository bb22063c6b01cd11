"""Approvers in the settings of a tenant who cannot be anybody, so that what asks for them waits
until it expires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.domain.authentication.console import ConsoleAccount, ConsoleRole, included, voices
from connector.domain.model import fold
from connector.domain.writing import command, counted
from connector.settings import TenantSettings
from mappings.model import OF_THE_TENANT, Approvers, EntitlementMapping, Meaning

_PROVIDER = "an identity provider (console.oidc, or api.identity_tokens)"


@dataclass(frozen=True)
class Deciders:
    """Who can come in to decide, as far as it is known."""

    has_provider: bool
    """Whether an identity provider lets people in: nobody here can tell whom it knows."""
    accounts: Sequence[ConsoleAccount] | None
    """The local accounts by which somebody can act, and those that were disabled; None where nobody
    looked."""

    @property
    def usable(self) -> Sequence[ConsoleAccount]:
        """Those that can decide: by an address one person is told from another."""
        return [one for one in self.accounts or () if one.disabled_at is None and one.email]

    @property
    def names(self) -> frozenset[str]:
        """Folded logins and addresses of those that can decide."""
        return frozenset(fold(name) for one in self.usable for name in (one.login, one.email))

    @property
    def are_known(self) -> bool:
        """Whether everybody is known who can come in."""
        return self.accounts is not None and not self.has_provider


def absent_approvers(
    tenant: TenantSettings, mapping: EntitlementMapping, deciders: Deciders
) -> Iterator[str]:
    """Yield a line for each approver of the tenant's own rules and roles who cannot be anybody,
    with its path in the file and what to do.

    :param mapping: the rules and roles in force.
    """
    for path, meaning in _own(tenant, mapping):
        if meaning.fulfilment == "approval":
            yield from _nobody_named(path, tenant, meaning, deciders)
            yield from _absent(tenant.name, f"{path}.approvers", meaning.approvers, deciders)
            yield from _too_few(f"{path}.approvals_needed", meaning, deciders)
        yield from _absent(tenant.name, f"{path}.escalate_to", meaning.escalate_to, deciders)


def _own(tenant: TenantSettings, mapping: EntitlementMapping) -> Iterator[tuple[str, Meaning]]:
    rules = (rule for rule in mapping.rules if rule.source.endswith(OF_THE_TENANT))
    for place, rule in enumerate(rules):
        yield f"tenants.{tenant.name}.entitlements[{place}]", rule
    for role_id in tenant.manual_roles:
        if role_id in mapping.roles:
            yield f"tenants.{tenant.name}.manual_roles.{role_id}", mapping.roles[role_id]


def _absent(tenant: str, path: str, named: Approvers, deciders: Deciders) -> Iterator[str]:
    for place, group in enumerate(named.groups if not deciders.has_provider else ()):
        yield (
            f"{path}.groups[{place}]: nobody can be in {group!r}: groups come from an identity "
            f"provider, and none lets people in. Set up {_PROVIDER}, or name people."
        )
    for place, name in enumerate(named.people if deciders.are_known else ()):
        if fold(name) not in deciders.names:
            yield f"{path}.people[{place}]: {_why_absent(tenant, name, deciders)}"


def _why_absent(tenant: str, name: str, deciders: Deciders) -> str:
    for one in deciders.accounts or ():
        if fold(name) not in (fold(one.login), fold(one.email)):
            continue
        if one.disabled_at is not None:
            enable = command(tenant, "console", "user", "enable", one.login)
            return (
                f"the account {one.login!r} is disabled. Enable it ({enable}), or name somebody "
                "else."
            )
        give = command(tenant, "console", "user", "email", one.login, "ADDRESS")
        return (
            f"the account {one.login!r} has no e-mail address, without which nobody decides. Give "
            f"it one: {give}."
        )
    return (
        f"nobody can sign in as {name!r}: no account of the console that lets anybody in has this "
        "login or address, and no identity provider is set up. Correct the name, add the account "
        f"({command(tenant, 'console', 'user', 'add')}), or set up {_PROVIDER}."
    )


def _too_few(path: str, meaning: Meaning, deciders: Deciders) -> Iterator[str]:
    """Yield that of several who must agree too few can come in; that nobody can is told of each."""
    named, needed = meaning.approvers, meaning.approvals_needed
    is_for_one = needed == 1
    may_be_more = bool(named.groups) and deciders.has_provider
    if not named or is_for_one or may_be_more:
        return
    wanted = {fold(name) for name in named.people}
    able = len(wanted)
    if deciders.are_known:
        able = voices(_names(one) for one in deciders.usable if _names(one) & wanted)
    able += named.manager
    if able < needed:
        several = counted(needed, "person", "people")
        whom = ", their manager included," if named.manager else ""
        yield (
            f"{path}: {several} of those named must agree, and at most {able}{whom} can decide. "
            "Until then nothing that this covers is approved: name more people, let them sign in, "
            "or ask for fewer."
        )


def _names(one: ConsoleAccount) -> frozenset[str]:
    return frozenset({fold(one.login), fold(one.email)})


def _nobody_named(
    path: str, tenant: TenantSettings, meaning: Meaning, deciders: Deciders
) -> Iterator[str]:
    """Yield that too few have the role that decides where nobody is named."""
    groups = tenant.console_groups
    by_group = deciders.has_provider and (groups.approver or groups.administrator)
    if meaning.approvers or by_group or deciders.accounts is None:
        return
    able = voices(
        _names(one) for one in deciders.usable if ConsoleRole.APPROVER in included(one.roles)
    )
    needed = meaning.approvals_needed
    if able < needed:
        many = "" if needed == 1 else f", {needed} people must agree"
        have = "and nobody with an e-mail address has it"
        if able:
            have = f"and {counted(able, 'person', 'people')} with an e-mail address can"
        ask_fewer = ", or ask for fewer (approvals_needed)" if able else ""
        role = command(tenant.name, "console", "user", "role")
        yield (
            f"{path}: it names no approvers, so whoever has the role approver decides{many}, "
            f"{have}. Give it to an account ({role}), map a group to it "
            f"(tenants.{tenant.name}.console_groups.approver), or name approvers{ask_fewer}."
        )
