"""DocuSign's call limits: so many an hour and so many in 30 seconds, for each account.

The Admin API counts for the organization. The hour ends at the top of the clock hour.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

HOUR_S = 3600
BURST_WINDOW_S = 30.0


@dataclass(slots=True)
class _Meter:
    """The calls of one account."""

    hour: int = -1
    used: int = 0
    recent: deque[float] = field(default_factory=deque)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where an account stands after a call; ``exceeded`` names the limit that refuses it."""

    headers: dict[str, str]
    exceeded: str | None


class Limits:
    """Counts calls and tells when they are too many."""

    def __init__(
        self,
        *,
        hourly: int = 3000,
        burst: int = 500,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.hourly = hourly
        self.burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._meters: dict[str, _Meter] = {}

    def count(self, key: str) -> Reading:
        """Count one call of an account (or the organization) and tell where it stands."""
        now = self._clock()
        with self._lock:
            meter = self._meters.setdefault(key, _Meter())
            self._forget_old(meter, now)
            exceeded = self._exceeded(meter)
            if exceeded is None:
                meter.used += 1
                meter.recent.append(now)
            return Reading(self._headers(meter, now), exceeded)

    def use_up(self, key: str, remaining: int = 0) -> None:
        """Leave so many calls in this hour, as another integration of the customer would."""
        with self._lock:
            meter = self._meters.setdefault(key, _Meter())
            self._forget_old(meter, self._clock())
            meter.used = max(0, self.hourly - remaining)

    def next_hour(self) -> None:
        """Begin a new hour for everybody."""
        with self._lock:
            self._meters.clear()

    def _forget_old(self, meter: _Meter, now: float) -> None:
        hour = int(now // HOUR_S)
        if meter.hour != hour:
            meter.hour, meter.used = hour, 0
        while meter.recent and meter.recent[0] <= now - BURST_WINDOW_S:
            meter.recent.popleft()

    def _exceeded(self, meter: _Meter) -> str | None:
        if meter.used >= self.hourly:
            return "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
        if len(meter.recent) >= self.burst:
            return "BURST_APIINVOCATION_LIMIT_EXCEEDED"
        return None

    def _headers(self, meter: _Meter, now: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.hourly),
            "X-RateLimit-Remaining": str(max(0, self.hourly - meter.used)),
            "X-RateLimit-Reset": str((int(now // HOUR_S) + 1) * HOUR_S),
            "X-BurstLimit-Limit": str(self.burst),
            "X-BurstLimit-Remaining": str(max(0, self.burst - len(meter.recent))),
        }
