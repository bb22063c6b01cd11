"""Tenants that are kept in the database: added, changed and taken away while the program runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

INSTALLATION = ""
"""In place of a tenant's name, in the database: what belongs to all of them."""


class TenantState(StrEnum):
    """Whether a tenant is served."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Keeps its data; answers 403, and its jobs rest."""
    REMOVING = "removing"
    """Its data are being deleted; a removal that was broken off is gone on with."""


class TenantSource(StrEnum):
    """Where a tenant is declared: in one of the two, never in both."""

    FILE = "file"
    DATABASE = "database"


@dataclass(frozen=True)
class TenantRecord:
    """One tenant as the database keeps it."""

    name: str
    state: TenantState
    document: Mapping[str, Any]
    """The settings as they were given, like a tenant's section of the file; secrets are sealed or
    name an environment variable."""
    revision: int
    """The count of changes to any tenant, as it was after this one's last."""
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    reason: str = ""
    """Why it is suspended: for the operator."""
