"""What happens to the envelopes of somebody who leaves an account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from connector.domain.model import Catalogue, Membership, Profile, fold, profile_scim_id
from connector.domain.policy.coverage import is_read_whole, read_accounts, with_nearest
from connector.domain.policy.entitlement_rules import Policy
from connector.settings import LeaverSettings, TenantSettings


def rule_for(
    rules: Sequence[LeaverSettings],
    membership: Membership,
    catalogue: Catalogue,
    names: Sequence[str],
) -> LeaverSettings | None:
    """Return the first rule that fits the profile held and the account; None: nothing happens.

    :param names: of the account: id, alias, name.
    """
    profile_id = membership.profile_id or ""
    profile = catalogue.profiles.get((membership.account_id, profile_id))
    unknown = (profile_id, profile_scim_id(membership.account_id, profile_id))
    profile_names = unknown if profile is None else _names_of(profile)
    for rule in rules:
        if _fits(rule.profile, profile_names) and _fits(rule.account, names):
            return rule
    return None


def idle_leaver_rules(
    policy: Policy, tenant: TenantSettings, catalogue: Catalogue
) -> Iterator[str]:
    """Yield a sentence for each rule of the tenant that no profile of its accounts fits.

    Passed over is what may concern an account of which nothing was read yet.
    """
    is_whole = is_read_whole(tenant, catalogue)
    names = {one: policy.account_names(one, catalogue) for one in read_accounts(catalogue)}
    for number, rule in enumerate(tenant.leavers, 1):
        here = {account_id for account_id, said in names.items() if _fits(rule.account, said)}
        if not is_whole and (rule.account == "*" or not here):
            continue
        there = [item for item in catalogue.profiles.values() if item.account_id in here]
        if not any(_fits(rule.profile, _names_of(item)) for item in there):
            if here:
                near = with_nearest(rule.profile, sorted({item.name for item in there}))
                why = f"No profile is called {rule.profile!r}{near or '.'}"
            else:
                near = with_nearest(rule.account, {one for its in names.values() for one in its})
                why = f"No account is called {rule.account!r}{near or '.'}"
            yield (
                f"Rule {number} of the tenant {tenant.name!r} (leavers; {in_words(rule)}) "
                "covers no profile: the envelopes of whoever it is meant for go by another rule, "
                f"or nothing happens to them. {why}"
            )


def in_words(rule: LeaverSettings) -> str:
    """Return what a rule fits, as people read it."""
    profile = "any profile" if rule.profile == "*" else f"profile {rule.profile}"
    account = "any account" if rule.account == "*" else f"account {rule.account}"
    return f"{profile}, {account}"


def _names_of(profile: Profile) -> Sequence[str]:
    return (profile.profile_id, profile.scim_id, profile.name)


def _fits(pattern: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(fold(name), fold(pattern)) for name in names)
