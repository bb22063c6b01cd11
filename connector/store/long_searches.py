"""What a search may cost that no index answers, so that it looks at every resource.

Most of them are over soon even so, and pass unnoticed. One that is not over in a moment is ended,
and begins again once it has a place among the few that may take long.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from connector.errors import SearchTooLongError
from connector.store.time_limit import OutOfTimeError, within

T = TypeVar("T")

A_MOMENT_S = 0.25
"""So long a search needs no place: about 20,000 documents looked into for one comparison."""


class SearchPlaces(Protocol):
    """Who may search for long in this process."""

    def has_some(self, whom: str) -> bool:
        """Return whether somebody has a place, or waits for one."""

    def place(self, whom: str) -> AbstractContextManager[None]:
        """Have a place in the block, waiting for it first.

        :raises connector.errors.TemporaryError: there is none in time.
        """


class LongSearches:
    """Bounds the searches of a process once :meth:`bound` says how: those of a command take the
    time they take."""

    def __init__(self) -> None:
        self._places: SearchPlaces | None = None
        self._timeout_s = 0.0

    def bound(self, places: SearchPlaces, timeout_s: float) -> None:
        """Let searches have these places from now on, and end them after so many seconds."""
        self._places, self._timeout_s = places, timeout_s

    def run(self, connection: Connection, whom: str, search: Callable[[], T]) -> T:
        """Return what a search finds.

        :param whom: who asks; of one who searches for long, further searches wait for a place
            before they begin.
        :raises SearchTooLongError: it takes longer than any may.
        :raises connector.errors.TemporaryError: it takes long, and too many others do.
        """
        if self._places is None:
            return search()
        if not self._places.has_some(whom):
            try:
                with within(connection, min(A_MOMENT_S, self._timeout_s)):
                    return search()
            except OutOfTimeError:
                connection.rollback()
        with self._places.place(whom):
            try:
                with within(connection, self._timeout_s):
                    return search()
            except OutOfTimeError as error:
                raise SearchTooLongError(_TOO_LONG.format(self._timeout_s)) from error


_TOO_LONG = (
    "The search was ended after {:g} seconds (server.search_timeout_s): no index answers it, so "
    "that it looks at every resource. Narrow it by a comparison that has to hold as well and that "
    "an index answers, such as userName eq, externalId eq, groups.value eq or meta.lastModified "
    "gt; or ask for less at once, and without sortBy."
)
