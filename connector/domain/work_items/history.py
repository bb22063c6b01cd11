"""What happened to a work item, and the files that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Act(StrEnum):
    """What people, and the connector itself, do to a work item."""

    OPENED = "opened"
    CLAIMED = "claimed"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    COMMENTED = "commented"
    EVIDENCE = "evidence"
    COMPLETED = "completed"
    ATTESTED = "attested"
    APPROVED = "approved"
    """One approver agreed."""
    DENIED = "denied"
    REFUSED = "refused"
    """Somebody tried a decision who may not make it."""
    MISSED = "missed"
    """A decision came too late, was made already, or was about what had changed meanwhile."""
    REPLANNED = "replanned"
    """What was decided on changed; earlier decisions no longer count."""
    REMINDED = "reminded"
    ESCALATED = "escalated"
    CLOSED = "closed"


@dataclass(frozen=True)
class WorkItemEvent:
    """One line of a work item's history."""

    work_item_id: str
    at: datetime
    actor: str
    act: Act
    comment: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """For a decision: ``checksum``, the ``voter`` with what they were then, and, through a
    delegation, ``by``: who decided for them."""
    sequence: int = 0
    """From 1, given by the store."""


@dataclass(frozen=True)
class Evidence:
    """A file that shows that a manual task was done."""

    evidence_id: str
    work_item_id: str
    name: str
    media_type: str
    size: int
    """Bytes."""
    sha256: str
    """Of the content, in hexadecimal."""
    added_by: str
    added_at: datetime
