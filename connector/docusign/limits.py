"""Obeys DocuSign's call limits: nothing is sent while an account's hour is known to be used up.

:class:`LimitGate` lives in one process; :mod:`connector.docusign.shared_gate` shares what it knows.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypedDict

from connector.docusign.causes import THROTTLED
from connector.docusign.errors import RateLimitedError
from connector.domain.budget import BudgetState
from connector.ports import Clock, LimitReading

_BURST_WAIT_S = (30.0, 45.0)
"""The burst window is 30 s; the spread keeps workers from returning together."""
_BURST_WINDOW_S = 30.0
_BURST_KEPT = 0.2
"""The part of the burst limit that background work leaves to others."""
_BURST_PAUSE_S = 1.0
_TRAFFIC_BLOCK = 444
"""DocuSign's own status."""
_BLOCK_WAIT_S = 600.0
"""A traffic block names no end; calling sooner prolongs it."""
_SPREAD_S = 15.0
"""Over so long come back those who waited for one moment, such as the next full hour."""


class _Closings(TypedDict):
    """Until when a budget is closed at all, for the pace of the calls, and by a traffic block."""

    closed_until: datetime | None
    hurried_until: datetime | None
    blocked_until: datetime | None


class Gate(Protocol):
    """Who may call now. ``budget`` names the account or organization that pays, ``tenant`` whose it
    is."""

    def check(self, budget: str, tenant: str = "", called: str = "") -> None:
        """Let a call pass.

        :param called: what people call who pays; empty: as the budget.
        :raises RateLimitedError: the budget is known to be used up.
        """

    def learn(self, budget: str, headers: Mapping[str, str], tenant: str = "") -> None:
        """Take in the limit headers of an answer; not every answer has them."""

    def exceeded(self, budget: str, code: str, status: int, tenant: str = "") -> float:
        """Note that DocuSign refused a call for a limit; return the seconds to wait."""

    def reading(self, budget: str) -> LimitReading | None:
        """Return what the last answer to this process said, None before any did."""

    def close(self) -> None:
        """Let go of everything."""


class LimitGate:
    """Remembers for each budget until when it is closed. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._closed_until: dict[str, datetime] = {}
        self._hurried: dict[str, datetime] = {}
        """Until when a budget is closed for the pace of the calls, not for their number."""
        self._blocked: dict[str, datetime] = {}
        """Until when by DocuSign's traffic management."""
        self._reset_at: dict[str, datetime] = {}
        self._readings: dict[str, LimitReading] = {}
        self._bursts: dict[str, tuple[int, int, datetime]] = {}

    def reading(self, budget: str) -> LimitReading | None:
        """Return what the last answer said, None before any did."""
        with self._lock:
            return self._readings.get(budget)

    def check(self, budget: str, tenant: str = "", called: str = "") -> None:
        """Let a call pass, or tell when it may."""
        now = self._clock.now()
        closings = self._closings(budget)
        until = closings["closed_until"]
        if until is None or until <= now:
            return
        wait_s, whose = (until - now).total_seconds(), called or budget
        if closings["blocked_until"] == until:
            raise rate_limited(
                f"DocuSign's traffic management blocks the calls of {whose}; nothing was sent, as "
                "calling sooner prolongs it. Find out which integration of the account calls too "
                f"often. They may go on in {wait_s:.0f} s.",
                wait_s,
            )
        if closings["hurried_until"] == until:
            raise rate_limited(
                f"DocuSign turned away calls of {whose} because too many came in a short time "
                f"(burst limit); nothing was sent. They may go on in {wait_s:.0f} s.",
                wait_s,
            )
        raise rate_limited(
            f"The budget of DocuSign API calls of {whose} is used up; nothing was sent. All "
            f"integrations of the account share it. It opens again in {wait_s:.0f} s.",
            wait_s,
        )

    def learn(self, budget: str, headers: Mapping[str, str], tenant: str = "") -> None:
        """Take in ``X-RateLimit-Remaining`` and ``X-RateLimit-Reset``."""
        now = self._clock.now()
        with self._lock:
            if (reading := _reading(headers, now)) is not None:
                self._readings[budget] = reading
            if (reset_at := _reset(headers, now)) is not None:
                self._reset_at[budget] = reset_at
            if (burst := _burst(headers)) is not None:
                self._bursts[budget] = (*burst, now)
            if headers.get("X-RateLimit-Remaining", "").strip() == "0":
                # An answer that comes late opens nothing that was closed for longer meanwhile.
                self._extend(self._closed_until, budget, self._hour_end(budget, now))

    def exceeded(self, budget: str, code: str, status: int, tenant: str = "") -> float:
        """Close a budget for as long as the kind of limit asks for."""
        now, is_hourly = self._clock.now(), code.upper().startswith("HOURLY_")
        is_block = code.upper() == THROTTLED or status == _TRAFFIC_BLOCK
        with self._lock:
            until = self._until(budget, now, is_hourly=is_hourly, is_block=is_block)
            if is_block:
                self._extend(self._blocked, budget, until)
            elif not is_hourly:
                self._extend(self._hurried, budget, until)
            self._extend(self._closed_until, budget, until)
            wait_s = (self._closed_until[budget] - now).total_seconds()
        return spread(wait_s) if is_hourly else wait_s

    def pause_s(self, budget: str) -> float:
        """Return how long work that can wait should pause before its next call, so that the burst
        limit is left to what cannot: nothing while a good part of it is free."""
        now = self._clock.now()
        with self._lock:
            left, limit, seen_at = self._bursts.get(budget, (1, 1, now))
        ends_in_s = _BURST_WINDOW_S - (now - seen_at).total_seconds()
        if left >= limit * _BURST_KEPT or not 0 < ends_in_s <= _BURST_WINDOW_S:
            return 0.0
        return min(_BURST_PAUSE_S, ends_in_s)

    def close(self) -> None:
        """Nothing is held."""

    def _close(self, told: BudgetState) -> None:
        """Close a budget for as long as another process was told to wait."""
        with self._lock:
            for times, until in (
                (self._closed_until, told.closed_until),
                (self._hurried, told.hurried_until),
                (self._blocked, told.blocked_until),
            ):
                if until is not None:
                    self._extend(times, told.budget, until)

    def _closings(self, budget: str) -> _Closings:
        """Return until when a budget is closed, and for what."""
        with self._lock:
            return {
                "closed_until": self._closed_until.get(budget),
                "hurried_until": self._hurried.get(budget),
                "blocked_until": self._blocked.get(budget),
            }

    @staticmethod
    def _extend(times: dict[str, datetime], budget: str, until: datetime) -> None:
        times[budget] = max(until, times.get(budget, until))

    def _until(self, budget: str, now: datetime, *, is_hourly: bool, is_block: bool) -> datetime:
        if is_block:
            return now + timedelta(seconds=_BLOCK_WAIT_S)
        if is_hourly:
            return self._hour_end(budget, now)
        return now + timedelta(seconds=random.uniform(*_BURST_WAIT_S))  # noqa: S311

    def _hour_end(self, budget: str, now: datetime) -> datetime:
        """Return when the hour ends: as DocuSign said, else the next full hour."""
        said = self._reset_at.get(budget)
        return said if said is not None and said > now else _next_full_hour(now)


def _reading(headers: Mapping[str, str], now: datetime) -> LimitReading | None:
    try:
        limit = int(headers.get("X-RateLimit-Limit", ""))
        remaining = int(headers.get("X-RateLimit-Remaining", ""))
    except ValueError:
        return None
    return LimitReading(limit, remaining, now)


def _burst(headers: Mapping[str, str]) -> tuple[int, int] | None:
    """Return what is left of the burst limit, and the limit."""
    try:
        return int(headers["X-BurstLimit-Remaining"]), int(headers["X-BurstLimit-Limit"])
    except (KeyError, ValueError):
        return None


def _reset(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return ``X-RateLimit-Reset``, unless it cannot be the end of this hour."""
    try:
        seconds = int(headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return None
    # More than an hour ahead means that the clocks disagree.
    if seconds > (now + timedelta(hours=1)).timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _next_full_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def rate_limited(text: str, wait_s: float) -> RateLimitedError:
    """Return the error that tells how long to wait: not all who hear it as long as each other."""
    error = RateLimitedError(text)
    error.retry_after_s = spread(wait_s)
    return error


def spread(wait_s: float) -> float:
    """Return a wait that ends some seconds after the moment which others wait for too."""
    return wait_s + random.uniform(0, min(_SPREAD_S, wait_s))  # noqa: S311
