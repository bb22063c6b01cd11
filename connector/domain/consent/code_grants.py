"""A connection by authorization code: somebody signed in once, and tokens are renewed from then on.

Used where a customer refuses impersonation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

EXTENDED = "extended"
"""With this scope each refresh begins a new lifetime of the refresh token; without it the first
one's end stays."""
REFRESH_LIFETIME = timedelta(days=30)
"""DocuSign does not tell it in its answers."""
WARN_BEFORE = timedelta(days=14)
"""An expiry is told so long ahead: whoever has to sign in may be away."""


@dataclass(frozen=True)
class CodeGrant:
    """The one grant of a tenant. Tokens are encrypted (:mod:`connector.sealing`)."""

    user_id: str
    """Who signed in."""
    refresh_token: str
    access_token: str
    access_until: datetime
    scopes: frozenset[str]
    connected_at: datetime
    connected_by: str
    refreshed_at: datetime
    expires_at: datetime
    """When the refresh token is of no use any more."""
    generation: int = 1
    """Counts refreshes: whoever refreshed an older one has lost the race."""
    accounts: Sequence[dict[str, object]] = ()
    """What the person could choose from: ``account_id``, ``name``, ``is_default``."""
    account_id: str | None = None
    """The account that the person chose; None: their default."""

    def expires_soon(self, now: datetime) -> bool:
        """Whether somebody should connect again before long."""
        return self.expires_at - now <= WARN_BEFORE
