"""Who carries an operation out, and which rule says so.

For a permission profile or a group, the rules are read from the top: the tenant's own, then those
of ``mappings/entitlements.yaml``. The first whose every condition holds counts, as a whole; nothing
is merged. What no rule covers is automatic. A role is found by its id. Only what gives access is
held against the rules: taking access away never waits, except that a person has to take a role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connector.domain.ledger.plans import Fulfilment
from connector.domain.model import (
    ORGANIZATION_ADMIN,
    Account,
    Catalogue,
    Profile,
    group_scim_id,
    profile_scim_id,
)
from connector.domain.plan import (
    AddGroupMembers,
    CreateMembership,
    GrantRole,
    Operation,
    ReopenMembership,
    RevokeRole,
    SetProfile,
    TakeCustody,
)
from connector.errors import InvalidRequestError
from mappings.model import EntitlementMapping, EntitlementRule, Meaning, Role

VERIFY_ORGANIZATION_ADMIN = "organization_admin"
"""The Admin API shows whether it was done."""
VERIFY_DOCUSIGN = "docusign"
"""The eSignature API shows whether it was done: a profile or a group."""
VERIFY_ATTESTATION = "attestation"
"""No API shows it: a second person attests what the first one did."""
VERIFY_WORD = "word"
"""The word of the person who did it: no access depends on it."""
VERIFIED_BY_API = (VERIFY_ORGANIZATION_ADMIN, VERIFY_DOCUSIGN)

ANY = ("", "*")
"""Conditions that always hold."""
PROFILE, GROUP, ROLE = "profile", "group", "role"
"""What an entitlement is."""


def administering_roles(roles: Mapping[str, Role]) -> frozenset[str]:
    """Return the ids of the roles that administer the organization: DocuSign's own, whether it is
    among *roles* or not, and those of the tenant about which DocuSign is asked for just that."""
    own = {name for name, role in roles.items() if role.verification == VERIFY_ORGANIZATION_ADMIN}
    return frozenset({ORGANIZATION_ADMIN, *own})


@dataclass(frozen=True)
class Target:
    """An entitlement as rules see it."""

    kind: str
    scim_id: str
    name: str
    account: tuple[str, ...] = ()
    """Id, alias and name of the account; empty for a role."""

    @property
    def title(self) -> str:
        """The name for people, with the account where there is one."""
        return f"{self.name} in {self.account[-1]}" if self.account else self.name


@dataclass(frozen=True)
class Ruling:
    """What the policy says of an entitlement."""

    target: Target
    meaning: Meaning
    rule: str
    """The rule, in words; which conditions held."""

    @property
    def fulfilment(self) -> Fulfilment:
        """Who carries a grant out, or has to be asked first."""
        return Fulfilment(self.meaning.fulfilment)


@dataclass(frozen=True)
class Policy:
    """The rules of one tenant, from ``mappings/entitlements.yaml`` and the tenant's own parts."""

    mapping: EntitlementMapping
    aliases: Mapping[str, str] = field(default_factory=dict)
    """The tenant's names of its accounts, by account id."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles that only people can give and take, by id."""
        return self.mapping.roles

    def rule_on(self, entitlement: str, catalogue: Catalogue) -> Ruling:
        """Return what the policy says of an entitlement, given by its SCIM id.

        :raises InvalidRequestError: there is no such profile, group or role.
        """
        target = self.target(entitlement, catalogue)
        if target.kind == ROLE:
            return Ruling(target, self.roles[entitlement], f"the role {entitlement}")
        meaning = self.mapping.meaning(
            target.scim_id, target.name, kind=target.kind, account=target.account
        )
        return Ruling(target, meaning, _words(meaning))

    def fulfilment_of(self, entitlement: str, catalogue: Catalogue) -> Fulfilment:
        """Return who gives an entitlement; what the catalogue does not know, DocuSign refuses."""
        if entitlement in self.roles or catalogue.find(entitlement) is not None:
            return self.rule_on(entitlement, catalogue).fulfilment
        return Fulfilment.AUTOMATIC

    def target(self, entitlement: str, catalogue: Catalogue) -> Target:
        """Return an entitlement with its names.

        :raises InvalidRequestError: there is no such profile, group or role.
        """
        if role := self.roles.get(entitlement):
            return Target(ROLE, entitlement, role.display)
        found = catalogue.find(entitlement)
        if found is not None:
            kind = PROFILE if isinstance(found, Profile) else GROUP
            account = self.account_names(found.account_id, catalogue)
            return Target(kind, entitlement, found.name, account)
        raise InvalidRequestError(
            f"There is no entitlement {entitlement!r}: neither a role, nor a profile "
            "({account id}.{profile id}), nor a group ({account id}.g{group id})."
        )

    def account_names(self, account_id: str, catalogue: Catalogue) -> tuple[str, ...]:
        """Return id, alias and name of an account, as far as they are known."""
        return self.names_of(account_id, catalogue.accounts.get(account_id))

    def names_of(self, account_id: str, account: Account | None) -> tuple[str, ...]:
        """Return the same of an account that is at hand, or unknown."""
        names = (account_id, self.aliases.get(account_id, ""), account.name if account else "")
        return tuple(name for name in names if name)

    def route(self, operation: Operation, catalogue: Catalogue) -> Fulfilment:
        """Return who carries an operation out: the strictest that an entitlement in it asks for."""
        if isinstance(operation, RevokeRole | TakeCustody):
            return Fulfilment.MANUAL
        found = {self.fulfilment_of(item, catalogue) for item in given(operation)}
        if Fulfilment.APPROVAL in found:
            return Fulfilment.APPROVAL
        return Fulfilment.MANUAL if Fulfilment.MANUAL in found else Fulfilment.AUTOMATIC

    def visible_roles(self, *, has_organization: bool) -> tuple[Role, ...]:
        """Return the roles that can be asked for: none of the organization's without one."""
        return tuple(
            role
            for name, role in sorted(self.roles.items())
            if has_organization or name != ORGANIZATION_ADMIN
        )


def given(step: Operation) -> Sequence[str]:
    """Return the SCIM ids of the entitlements that an operation gives, a profile first."""
    if isinstance(step, GrantRole):
        return [step.role]
    if isinstance(step, AddGroupMembers):
        return [group_scim_id(step.account_id, step.group_id)]
    if isinstance(step, SetProfile):
        return [profile_scim_id(step.account_id, step.profile_id)]
    if isinstance(step, CreateMembership | ReopenMembership):
        groups = [group_scim_id(step.account_id, group_id) for group_id in step.group_ids]
        return [profile_scim_id(step.account_id, step.profile_id), *groups]
    return []


def conditions_of(rule: EntitlementRule) -> str:
    """Return what a rule covers, in words; empty where it covers everything."""
    conditions = {"match": rule.match, "kind": rule.kind, "account": rule.account}
    return ", ".join(f"{name}: {value}" for name, value in conditions.items() if value not in ANY)


def _words(meaning: Meaning) -> str:
    if not isinstance(meaning, EntitlementRule):
        return "no rule covers it: automatic"
    return f"{meaning.source} ({conditions_of(meaning) or 'it covers everything'})"
