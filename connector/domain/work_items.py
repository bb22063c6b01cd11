"""What belongs to a work item: who decides, what happened to it, evidence and delegations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mappings.model import Approvers


@dataclass(frozen=True)
class ApprovalTerms:
    """What the policy asked for when the approval was opened."""

    approvers: Approvers = field(default_factory=Approvers)
    needed: int = 1
    """How many have to agree. One denial ends it."""
    on_expiry: str = "deny"
    """``deny``: it ends; ``escalate``: it goes once to :attr:`escalate_to`, with the same time
    again."""
    escalate_to: Approvers = field(default_factory=Approvers)
    reason_required: bool = False
    """Whether an approval needs a comment too; a denial always does."""
    requester_email: str = ""
    """Address of the person who asked, by which they are known whatever their login is; empty if
    unknown, and for a program."""


class Verdict(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    DENY = "deny"


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
    """A decision was refused: by whom and why."""
    REPLANNED = "replanned"
    """What was decided on changed; earlier decisions no longer count."""
    CARRIED_OUT = "carried_out"
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


@dataclass(frozen=True)
class Delegation:
    """Somebody decides for another who is away."""

    delegation_id: str
    delegator: str
    """Login of who is away; the e-mail address, where somebody else arranged it."""
    delegate: str
    """Login or e-mail address of who decides meanwhile."""
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    created_at: datetime
    groups: tuple[str, ...] = ()
    """The delegator's groups at that time, where the delegator made it; their rights go along."""
    is_approver: bool = False
    """Whether the delegator then had a tenant role that lets them decide."""
    revoked_at: datetime | None = None
    delegator_email: str = ""
    """Address of who is away, by which they are known as a beneficiary; empty if unknown."""
    is_local: bool = False
    """Whether the delegator signed in with a local account of the console: it is looked up."""

    def is_in_force(self, now: datetime) -> bool:
        """Return whether it counts at this time."""
        return self.revoked_at is None and self.starts_at <= now < self.ends_at
