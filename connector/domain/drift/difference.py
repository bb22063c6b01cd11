"""A difference between DocuSign and what the ledger expects, and what tells whether it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.model import Catalogue


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


CHANGES: tuple[DriftKind, ...] = tuple(kind for kind in DriftKind if not kind.is_standing)
"""What somebody changed in DocuSign itself."""
STANDING: tuple[DriftKind, ...] = tuple(kind for kind in DriftKind if kind.is_standing)
"""What time brings about."""

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
