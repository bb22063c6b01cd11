"""The organization's user-list export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.model import MembershipStatus


@dataclass(frozen=True)
class ExportState:
    """How far an export is."""

    is_complete: bool
    has_failed: bool = False
    urls: Sequence[str] = ()
    """Where the rows of each site are fetched."""
    rows: int = 0
    """How many there are in all."""


@dataclass(frozen=True)
class ExportRow:
    """A membership as an export shows it: less than a list does."""

    user_id: str
    email: str
    user_name: str
    first_name: str
    last_name: str
    job_title: str
    company: str
    status: MembershipStatus
    profile_id: str
    """Empty where only the name is shown."""
    profile_name: str
    groups: str | None
    """Names of groups in one text, with a separator that is not published; None: no such column."""
