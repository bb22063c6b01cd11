"""DocuSign Monitor: what happened, in the order in which it was taken in."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.state.model import new_guid

KEPT = 200_000
"""Events; DocuSign keeps them for years."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as Monitor keeps it."""

    number: int
    """Its place in the stream."""
    happened_at: datetime
    body: dict[str, Any]


class EventLog:
    """The stream of one organization."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._next = 1

    def add(self, happened_at: datetime, body: dict[str, Any]) -> None:
        """Take an event in."""
        stamped = {"eventId": new_guid(), "timestamp": f"{happened_at:%Y-%m-%dT%H:%M:%S.%fZ}"}
        self._events.append(Event(self._next, happened_at, {**stamped, **body}))
        self._next += 1

    def behind(self, number: int, latest: datetime, limit: int) -> Sequence[Event]:
        """Return what was taken in after an event and happened by *latest*, oldest first."""
        found = (item for item in self._events if item.number > number)
        shown: list[Event] = []
        for item in found:
            if item.happened_at > latest or len(shown) == limit:
                break
            shown.append(item)
        return shown

    def number_at(self, moment: datetime) -> int:
        """Return the place before the first event since then."""
        for item in self._events:
            if item.happened_at >= moment:
                return item.number - 1
        return self._next - 1
