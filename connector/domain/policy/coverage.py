"""Names in the settings of a tenant that its accounts do not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connector.domain.model import Catalogue
from connector.domain.naming.account_book import AccountBook
from connector.domain.policy.entitlement_rules import (
    ANY,
    GROUP,
    PROFILE,
    Policy,
    Target,
    conditions_of,
)
from connector.errors import PermanentError
from connector.settings import TenantSettings
from mappings.model import OF_THE_TENANT, EntitlementRule
from mappings.wording import did_you_mean

_WILDCARDS = "*?"


def read_accounts(catalogue: Catalogue) -> frozenset[str]:
    """Return the accounts whose profiles or groups were read."""
    return frozenset(account_id for account_id, _ in (*catalogue.profiles, *catalogue.groups))


def is_read_whole(tenant: TenantSettings, catalogue: Catalogue) -> bool:
    """Return whether every account of a tenant was read."""
    return {item.account_id for item in tenant.accounts} <= read_accounts(catalogue)


def idle_entitlement_rules(
    policy: Policy, tenant: TenantSettings, catalogue: Catalogue
) -> Iterator[str]:
    """Yield a sentence for each rule of the tenant itself that covers nothing there is.

    Passed over is what may concern an account of which nothing was read yet.
    """
    targets = list(_targets(policy, catalogue))
    is_whole = is_read_whole(tenant, catalogue)
    for rule in _own(policy):
        here = any(_account_fits(rule, item.account) for item in targets)
        if not is_whole and (rule.account in ANY or not here):
            continue
        if not any(_covers(rule, item) for item in targets):
            yield (
                f"{rule.source.capitalize()} {tenant.name!r} ({conditions_of(rule)}) covers no "
                "profile and no group: what it is meant for goes by another rule, or is given "
                f"without asking anybody.{_hint(rule, targets, policy)}"
            )


def baseline_problems(tenant: TenantSettings, catalogue: Catalogue) -> Mapping[str, str]:
    """Return, by account id, what is wrong with the baseline profile of the accounts whose profiles
    are known."""
    book = AccountBook(tenant, catalogue)
    known = {account_id for account_id, _ in catalogue.profiles}
    problems = {}
    for account in tenant.accounts:
        if account.account_id in known:
            try:
                book.baseline(account.account_id)
            except PermanentError as error:
                problems[account.account_id] = str(error)
    return problems


def _targets(policy: Policy, catalogue: Catalogue) -> Iterator[Target]:
    for profile in catalogue.profiles.values():
        names = policy.account_names(profile.account_id, catalogue)
        yield Target(PROFILE, profile.scim_id, profile.name, names)
    for group in catalogue.groups.values():
        names = policy.account_names(group.account_id, catalogue)
        yield Target(GROUP, group.scim_id, group.name, names)


def _covers(rule: EntitlementRule, item: Target) -> bool:
    return rule.covers(item.scim_id, item.name, kind=item.kind, account=item.account)


def _own(policy: Policy) -> Iterator[EntitlementRule]:
    return (rule for rule in policy.mapping.rules if rule.source.endswith(OF_THE_TENANT))


def _account_fits(rule: EntitlementRule, account: tuple[str, ...]) -> bool:
    """Return whether a rule is about an account, given by its names."""
    kind = rule.kind or PROFILE
    return EntitlementRule(account=rule.account).covers("", "", kind=kind, account=account)


def _hint(rule: EntitlementRule, targets: list[Target], policy: Policy) -> str:
    """Return the nearest name that there is, where one is near."""
    if rule.match in policy.roles:
        return " A role is given by its entry in `manual_roles`; rules do not cover it."
    here = [item for item in targets if _account_fits(rule, item.account)]
    if not here and rule.account not in ANY:
        near = with_nearest(rule.account, (name for item in targets for name in item.account))
        return f" No account is called {rule.account!r}{near or '.'}"
    of_kind = [item for item in here if rule.kind in ("", item.kind)]
    near = with_nearest(rule.match, (item.name for item in of_kind))
    if near:
        return f" Nothing is called {rule.match!r}{near}"
    other = next((item for item in here if item not in of_kind and _fits(rule, item)), None)
    return f" {other.name!r} is a {other.kind}." if other else ""


def _fits(rule: EntitlementRule, item: Target) -> bool:
    return EntitlementRule(match=rule.match).covers(item.scim_id, item.name)


def with_nearest(pattern: str, names: Iterable[str]) -> str:
    """Return how a sentence goes on that says that nothing is called so: with the name that is
    meant; nothing where none is near."""
    hint = did_you_mean(pattern.strip(_WILDCARDS), names)
    return f"; {hint}" if hint else ""
