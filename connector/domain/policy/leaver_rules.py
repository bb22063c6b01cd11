"""What happens to the envelopes of somebody who leaves an account."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from connector.domain.model import Catalogue, Membership, fold, profile_scim_id
from connector.settings import LeaverSettings


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
    profile_names = [profile_id, profile_scim_id(membership.account_id, profile_id)]
    if profile is not None:
        profile_names.append(profile.name)
    for rule in rules:
        if _fits(rule.profile, profile_names) and _fits(rule.account, names):
            return rule
    return None


def in_words(rule: LeaverSettings) -> str:
    """Return what a rule fits, as people read it."""
    profile = "any profile" if rule.profile == "*" else f"profile {rule.profile}"
    account = "any account" if rule.account == "*" else f"account {rule.account}"
    return f"{profile}, {account}"


def _fits(pattern: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(fold(name), fold(pattern)) for name in names)
