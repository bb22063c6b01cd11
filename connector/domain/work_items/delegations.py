"""Who decides for somebody who is away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
