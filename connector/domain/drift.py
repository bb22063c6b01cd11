"""Drift: what differs between DocuSign and what the ledger expects, and what becomes of it.

:mod:`connector.domain.comparison` finds the differences; a :class:`Finding` is one of them with its
history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from connector.domain.guards import most_affected
from connector.domain.model import Catalogue
from connector.errors import GuardError
from connector.settings import DriftRule, GuardSettings


class DriftKind(StrEnum):
    """The classes of drift."""

    NATIVE_GRANT = "native_grant"
    """A profile, group or membership that was given in DocuSign itself."""
    LOST_GRANT = "lost_grant"
    """One that the ledger knows to be given and DocuSign does not show."""
    CHANGED_ATTRIBUTE = "changed_attribute"
    """Name, address, job title or company were changed in DocuSign itself."""
    UNMANAGED_USER = "unmanaged_user"
    """An open user whom no change of ours brought."""
    VANISHED_USER = "vanished_user"
    """Someone with access whose every membership is closed or gone."""
    UNEXPECTED_ADMIN = "unexpected_organization_admin"
    """An organization administrator whom nobody asked for."""
    CHANGED_ENTITLEMENT = "changed_entitlement"
    """A profile or group was renamed, or a profile makes administrators now."""
    GONE_ENTITLEMENT = "gone_entitlement"
    """A profile or group was deleted in DocuSign itself."""
    DOCUSIGN_SCIM = "docusign_scim"
    """DocuSign's own SCIM took a user or a group over: we may not write to it any more."""
    DORMANT_USER = "dormant_user"
    """An active user who has not signed in for long."""
    PENDING_USER = "pending_user"
    """A membership that has waited for its person for long."""
    ORPHAN_USER = "orphan_user"
    """An open user whom no client has linked to an identity."""

    @property
    def is_standing(self) -> bool:
        """True for what time brings about and accepting cannot end: an accepted finding stands
        for as long as it lasts."""
        return self in (DriftKind.DORMANT_USER, DriftKind.PENDING_USER, DriftKind.ORPHAN_USER)


USER, GROUP, ENTITLEMENT = "User", "Group", "Entitlement"


@dataclass(frozen=True)
class Drift:
    """One difference, as it is now."""

    kind: DriftKind
    subject_kind: str
    """``User``, ``Group`` or ``Entitlement`` (a permission profile)."""
    subject_id: str
    account_id: str = ""
    """Empty for what concerns no single account."""
    entitlement: str = ""
    """SCIM id of the profile, group or role; empty where it is about none."""
    attribute: str = ""
    expected: Mapping[str, Any] = field(default_factory=dict)
    """What the ledger knows, JSON-ready."""
    actual: Mapping[str, Any] = field(default_factory=dict)
    """What DocuSign shows, JSON-ready."""

    @property
    def key(self) -> str:
        """The same for the same difference whenever it is seen."""
        parts = (self.kind, self.subject_id, self.account_id, self.entitlement, self.attribute)
        return "|".join(parts)


@dataclass(frozen=True)
class Thresholds:
    """After how many days time alone makes a finding; 0: never."""

    dormant_after_days: float = 0
    pending_after_days: float = 0
    orphan_after_days: float = 0


@dataclass(frozen=True)
class Scene:
    """What is the same for every person of one comparison."""

    now: datetime
    catalogue: Catalogue
    accounts: frozenset[str]
    """The governed accounts that have been compared before: others are a baseline yet."""
    service_user_id: str = ""
    thresholds: Thresholds = Thresholds()
    knows_logins: bool = True
    """Whether DocuSign tells when people last signed in; without it everybody looks dormant."""
    knows_admins: bool = True
    """Whether every possible organization administrator was looked at once."""


@dataclass(frozen=True)
class Facts:
    """What the ledger knows of one person beside the expectation."""

    has_owner: bool = True
    """Whether a correlation rule finds whose the user is."""
    granted_at: Mapping[str, datetime] = field(default_factory=dict)
    """By entitlement, from the provenance."""
    is_deleted: bool = False
    read_at: datetime | None = None
    """Since when no account of theirs was left unread; None: nobody knows."""


# ------------------------------------------------------------------------- findings


class FindingState(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    REVERTING = "reverting"
    """Reverting was asked for; a plan or a task is not through yet."""
    ACCEPTED = "accepted"
    """Somebody, or the policy, took it for right: it is expected from then on."""
    REVERTED = "reverted"
    """DocuSign shows again what was expected, because it was put right."""
    GONE = "gone"
    """DocuSign shows again what was expected, and nobody here did it."""

    @property
    def is_open(self) -> bool:
        """True while the difference is there and nobody took it for right."""
        return self in (FindingState.OPEN, FindingState.REVERTING)


class Remedy(StrEnum):
    """What the policy does with a finding by itself."""

    REPORT = "report"
    ACCEPT = "accept"
    REVERT = "revert"


@dataclass(frozen=True)
class Finding:
    """One difference and its history."""

    finding_id: str
    drift_key: str
    kind: DriftKind
    subject_kind: str
    subject_id: str
    account_id: str
    entitlement: str
    attribute: str
    expected: Mapping[str, Any]
    actual: Mapping[str, Any]
    state: FindingState
    remedy: Remedy
    """What the policy said when it was last seen."""
    first_seen_at: datetime
    last_seen_at: datetime
    first_run_id: str
    last_run_id: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """``granted``: by entitlement, plan, by, source and at; ``sync``: the run that read DocuSign,
    and when; ``owner``: whose the user may be, by which rule."""
    suggestion: Sequence[Mapping[str, Any]] = ()
    """The operations that would put it right, as ``Operation.to_dict`` writes them; none where no
    API can."""
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    """Why it was accepted, or is to be reverted."""
    plan_id: str | None = None
    """The plan that reverts it."""
    problem: str | None = None
    """Why it could not be reverted yet."""
    closed_at: datetime | None = None

    @property
    def drift(self) -> Drift:
        """The difference alone."""
        return Drift(
            self.kind,
            self.subject_kind,
            self.subject_id,
            self.account_id,
            self.entitlement,
            self.attribute,
            self.expected,
            self.actual,
        )


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are asked for; everything given has to hold."""

    states: tuple[FindingState, ...] = ()
    """None: any."""
    kinds: tuple[DriftKind, ...] = ()
    subject_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    attribute: str = ""
    remedies: tuple[Remedy, ...] = ()
    """What the policy said when they were last seen."""
    last_seen_at: datetime | None = None
    """Last seen by the run that began then."""


# ------------------------------------------------------------------------- policy


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
        if _covers(rule, drift, place):
            return Remedy(rule.then)
    if place.on_drift and drift.kind in _OF_GRANTS:
        return Remedy(place.on_drift)
    return USUAL_REMEDIES.get(drift.kind, Remedy.REPORT)


def _covers(rule: DriftRule, drift: Drift, place: Place) -> bool:
    return (
        _fits(rule.kind, (drift.kind,))
        and _fits(rule.account, place.account)
        and _fits(rule.entitlement, place.entitlement)
        and _fits(rule.attribute, (drift.attribute,))
    )


def _fits(pattern: str, texts: Sequence[str]) -> bool:
    return pattern == "*" or any(fnmatchcase(text.casefold(), pattern.casefold()) for text in texts)


_BY_HAND = "Look at what happened (docusign-iga drift list), then revert or accept them by hand."


def raise_if_unsafe(
    touched: int, user_count: int, guards: GuardSettings, advice: str = _BY_HAND
) -> None:
    """Let so many users be touched at once without a person's word.

    :param advice: what to do about it.
    :raises GuardError: they are more than the set share.
    """
    limit = most_affected(user_count, guards)
    if touched > limit:
        raise GuardError(
            f"Reverting would touch {touched:,} users; more than {limit:,} "
            f"({guards.max_affected_pct:g} % of {user_count:,}, at least "
            f"{guards.max_affected_min:,}) need a person's word. {advice}",
            guard="reconciliation_size",
            setting="guards.max_affected_pct",
        )
