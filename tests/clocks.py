"""What time it is in tests: the same whenever somebody runs them, however slow the machine is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

BEGINS_AT = datetime(2026, 3, 10, 9, 5, tzinfo=UTC)
"""Early in an hour, a day, a week and a month, by which budgets, schedules and records go: what
comes of a test must not hang on when somebody runs it."""
_BETWEEN_LOOKS = timedelta(microseconds=1)


class ManualClock:
    """The time that was slept and advanced since a moment: waits cost nothing, and a machine that
    stands still for seconds changes nothing.

    Each look is a little later than the one before, as with any clock: what happened in turn can
    be put in order.
    """

    def __init__(self, begins_at: datetime = BEGINS_AT) -> None:
        self.slept_s = 0.0
        self._now = begins_at
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            self._now += _BETWEEN_LOOKS
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept_s += seconds
            self._now += timedelta(seconds=seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += timedelta(seconds=seconds)
