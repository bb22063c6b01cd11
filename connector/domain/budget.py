"""DocuSign's hourly limits of API calls: what is known of them, and who may still call.

An account's hour is shared by all its integrations. Of it a share is ours, and of that a reserve is
kept for changes that somebody waits for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

AUTHENTICATION = "authentication"
"""The budget of the host that gives tokens: its calls are counted, it tells of no limit."""
DEFAULT_LIMIT = 3_000
"""Calls an hour and an account, where DocuSign has not told another number yet."""
USERS_A_CALL = 100
"""Users in one answer of DocuSign's lists."""


@dataclass(frozen=True)
class BudgetState:
    """What DocuSign last said of an hour, the same for all processes."""

    budget: str
    """The account id, or ``organization <id>``."""
    seen_at: datetime
    """When it said so."""
    call_limit: int | None = None
    """Calls an hour; None where it has not told."""
    remaining: int | None = None
    reset_at: datetime | None = None
    """When the hour ends."""
    closed_until: datetime | None = None
    """Until then nothing is sent: a limit turned a call away."""
    hurried_until: datetime | None = None
    """Until then for the pace of the calls, not for their number in the hour."""
    blocked_until: datetime | None = None
    """Until then by DocuSign's traffic management."""

    def current(self, now: datetime) -> BudgetState:
        """Return what still holds: nothing of an hour that is over."""
        ends_at = self.reset_at or hour_end(self.seen_at)
        return BudgetState(self.budget, self.seen_at, self.call_limit) if ends_at <= now else self


@dataclass(frozen=True)
class CallCount:
    """The calls of one hour, budget and purpose."""

    budget: str
    hour: datetime
    purpose: str
    calls: int
    refused: int = 0
    """Of them turned away by a limit."""


@dataclass(frozen=True)
class Shares:
    """How much of an hour is whose."""

    share_pct: float
    """Of the account's hour: ours."""
    reserve_pct: float
    """Of ours: kept for changes."""

    def ours(self, limit: int) -> int:
        """Return the calls of an hour that are ours."""
        return int(limit * self.share_pct / 100)

    def for_background(self, limit: int) -> int:
        """Return how many of them aggregation and reconciliation may use."""
        return int(self.ours(limit) * (1 - self.reserve_pct / 100))

    def background_left(self, state: BudgetState | None, used: int) -> int:
        """Return how many calls background work may still make in this hour.

        :param used: our own calls in this hour.
        """
        limit = (state.call_limit if state else None) or DEFAULT_LIMIT
        left = self.for_background(limit) - used
        if state is not None and state.remaining is not None:
            # Others may have used the hour: what is left of it has to hold the reserve.
            left = min(left, state.remaining - (self.ours(limit) - self.for_background(limit)))
        return max(0, left)


def hour_start(moment: datetime) -> datetime:
    """Return the full hour before."""
    return moment.replace(minute=0, second=0, microsecond=0)


def hour_end(moment: datetime) -> datetime:
    """Return the next full hour."""
    return hour_start(moment) + timedelta(hours=1)


def list_calls(users: int) -> int:
    """Return how many calls a list of so many users takes."""
    return ceil(users / USERS_A_CALL)
