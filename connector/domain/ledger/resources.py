"""What the ledger keeps of users and groups that DocuSign cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connector.domain.ledger.plans import ROLES_KEY


@dataclass(frozen=True)
class ClientAttributes:
    """What DocuSign cannot hold and we keep for a client, of one resource."""

    kind: str
    scim_id: str
    external_ids: Mapping[str, str] = field(default_factory=dict)
    """By external id scope."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Attributes by schema URN, returned as they came (enterprise extension)."""

    @property
    def attested_roles(self) -> frozenset[str]:
        """The manual roles that people attested, of a user."""
        return frozenset(self.kept.get(ROLES_KEY, ()))


@dataclass(frozen=True)
class Tombstone:
    """A deleted user: 404 from then on, the name free again."""

    kind: str
    scim_id: str
    email_key: str
    external_ids: Mapping[str, str]
    deleted_at: datetime
    deleted_by: str


@dataclass(frozen=True)
class Provenance:
    """Why somebody holds an entitlement."""

    user_id: str
    entitlement: str
    plan_id: str | None
    granted_by: str
    source: str
    granted_at: datetime
