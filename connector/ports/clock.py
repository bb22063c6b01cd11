"""Where the time comes from, and how often it is looked whether a write shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from connector.patience import within

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 1.0


class Clock(Protocol):
    """Where the time comes from; tests bring their own."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def looks(clock: Clock, lag: timedelta) -> Iterator[None]:
    """Yield once for each look at what DocuSign has just been told: at once, then after longer and
    longer waits, the last time when *lag* is over.

    It is over earlier where whoever waits for the answer waits no longer.

    :param lag: how long a read may not show what was written before it.
    """
    ends_at = clock.now() + timedelta(seconds=within(lag.total_seconds()))
    wait_s = _FIRST_WAIT_S
    yield
    while (left_s := (ends_at - clock.now()).total_seconds()) > 0:
        clock.sleep(min(wait_s, left_s))
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        yield
