"""What becomes of a difference by itself: the policy, and how many people it may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from connector.domain.drift.difference import Drift, DriftKind
from connector.domain.policy.guards import most_affected
from connector.domain.writing import counted
from connector.errors import GuardError
from connector.settings import DriftRule, GuardSettings


class Remedy(StrEnum):
    """What the policy does with a finding by itself."""

    REPORT = "report"
    ACCEPT = "accept"
    REVERT = "revert"


@dataclass(frozen=True)
class Place:
    """The names by which rules know what a difference is about."""

    account: tuple[str, ...] = ()
    """Id, alias and name; empty for what concerns no single account."""
    entitlement: tuple[str, ...] = ()
    """Id and name; empty where it is about none."""
    on_drift: str = ""
    """What ``mappings/entitlements.yaml`` says of the entitlement, if anything."""


_OF_GRANTS = (DriftKind.NATIVE_GRANT, DriftKind.LOST_GRANT, DriftKind.UNEXPECTED_ADMIN)
USUAL_REMEDIES = {DriftKind.UNEXPECTED_ADMIN: Remedy.REVERT}
"""What is done where no rule says; all else is reported. A task asks a person about an unexpected
organization administrator."""


def remedy_for(drift: Drift, place: Place, rules: Sequence[DriftRule]) -> Remedy:
    """Return what the policy does with a difference: the tenant's first rule that fits, else what
    the entitlement says, else what is usual for the class."""
    for rule in rules:
        if covers(rule, drift, place):
            return Remedy(rule.then)
    if place.on_drift and drift.kind in _OF_GRANTS:
        return Remedy(place.on_drift)
    return USUAL_REMEDIES.get(drift.kind, Remedy.REPORT)


def conditions_of(rule: DriftRule) -> str:
    """Return what a rule fits, as people read it."""
    conditions = {
        "class": rule.kind,
        "account": rule.account,
        "entitlement": rule.entitlement,
        "attribute": rule.attribute,
    }
    said = [f"{name}: {value}" for name, value in conditions.items() if value != "*"]
    return ", ".join(said) or "every difference"


def covers(rule: DriftRule, drift: Drift, place: Place) -> bool:
    """Return whether a rule fits a difference."""
    return (
        _fits(rule.kind, (drift.kind,))
        and _fits(rule.account, place.account)
        and _fits(rule.entitlement, place.entitlement)
        and _fits(rule.attribute, (drift.attribute,))
    )


def _fits(pattern: str, texts: Sequence[str]) -> bool:
    return pattern == "*" or any(fnmatchcase(text.casefold(), pattern.casefold()) for text in texts)


def raise_if_unsafe(touched: int, user_count: int, guards: GuardSettings, advice: str) -> None:
    """Let so many users be touched at once without a person's word.

    :param advice: what to do about it.
    :raises GuardError: they are more than the set share.
    """
    limit = most_affected(user_count, guards)
    if touched > limit:
        raise GuardError(
            f"Reverting would touch {counted(touched, 'user')}; more than {limit:,} "
            f"({guards.max_affected_pct:g} % of {user_count:,}, at least "
            f"{guards.max_affected_min:,}) need a person's word. {advice}",
            guard="reconciliation_size",
            setting="guards.max_affected_pct",
        )
