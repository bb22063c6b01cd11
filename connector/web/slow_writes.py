"""Keeps threads free for reads while others wait for DocuSign.

A write holds its thread until DocuSign has answered, and so does whoever decides an approval,
reverts drift or has something looked up there, in the console or by the REST API. So some threads
of a worker are left to everybody who waits for nothing but the database. While those who wait end
quickly, one more waits a moment for its place; where none has ended for a while, DocuSign is slow,
and it is turned away at once. A SCIM write takes its place at its beginning, everybody else just
before DocuSign is asked (:func:`connector.patience.take_place`): most of what people do asks for
nothing.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.errors import TemporaryError
from connector.patience import taking_places
from scim.errors import Unavailable
from scim.responses import error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FREE = 2
"""Threads in which nobody waits for DocuSign: with one alone, a single page that takes long keeps
every other read waiting."""
_PATIENCE_S = 0.5
_SLOW_AFTER_S = 1.0
"""Where no place changed hands for so long, waiting for one would only hold a thread."""
_RETRY_AFTER_S = 10.0
_SCIM = re.compile(r"/(?:[^/]+/)?scim/v2(?:/|\Z)")
_SEARCH = re.compile(r"/\.search/*\Z")
_IN_TIME = (
    "As many requests as this process takes at once wait for DocuSign (server.threads), so it was "
    "not asked; it is temporarily unavailable. Try again in a moment."
)


class SlowWrites:
    """WSGI middleware that leaves two of a worker's threads to requests that do not wait for
    DocuSign; of three or fewer threads, all but one."""

    def __init__(self, application: WSGIApplication, threads: int) -> None:
        self._application = application
        self._places = _FairPlaces(max(1, threads - _FREE))
        self._changed_at = time.monotonic()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        is_scim = _SCIM.match(environ.get("PATH_INFO", ""))
        if is_scim and not _is_write(environ):
            return self._application(environ, start_response)
        place = _Place(self)
        if is_scim and not place.is_taken():
            return error_response(_too_many(), environ.get("HTTP_ACCEPT", ""))(
                environ, start_response
            )
        try:
            with taking_places(place.take):
                return self._application(environ, start_response)
        finally:
            place.leave()

    def enter(self) -> bool:
        """Take a place, and return whether there was one."""
        is_slow = time.monotonic() - self._changed_at > _SLOW_AFTER_S
        if not self._places.acquire(0 if is_slow else _PATIENCE_S):
            return False
        self._changed_at = time.monotonic()
        return True

    def lend(self) -> bool:
        """Give a place to something else that holds a thread for long, and return whether one was
        free."""
        return self._places.acquire(0)

    def take_back(self) -> None:
        """Get back a place that was lent."""
        self._places.release()

    def leave(self) -> None:
        """Give a place back."""
        self._changed_at = time.monotonic()
        self._places.release()


class _FairPlaces:
    """A semaphore whose places go to those who wait, in their order. The threads of a server under
    load come back at once: from :class:`threading.Semaphore` they would take every place again, and
    whoever waited would be turned away."""

    def __init__(self, number: int) -> None:
        self._guard = threading.Lock()
        self._free = number
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Take a place, and return whether there was one in time."""
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            if timeout_s <= 0:
                return False
            given = threading.Event()
            self._waiting.append(given)
        if given.wait(timeout_s):
            return True
        with self._guard:
            if given.is_set():
                return True
            self._waiting.remove(given)
            return False

    def release(self) -> None:
        """Give a place to whoever has waited longest, or back."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


class _Place:
    """The place of one request, taken once however often it is asked for."""

    def __init__(self, places: SlowWrites) -> None:
        self._places = places
        self._is_held = False

    def is_taken(self) -> bool:
        """Take it, and return whether it is."""
        self._is_held = self._is_held or self._places.enter()
        return self._is_held

    def take(self) -> None:
        """Take it.

        :raises TemporaryError: there is none.
        """
        if not self.is_taken():
            raise TemporaryError(_IN_TIME, retry_after_s=_RETRY_AFTER_S)

    def leave(self) -> None:
        """Give it back, if it was taken."""
        if self._is_held:
            self._is_held = False
            self._places.leave()


def _is_write(environ: WSGIEnvironment) -> bool:
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS")
    return not is_read and not _SEARCH.search(environ.get("PATH_INFO", ""))


def _too_many() -> Unavailable:
    return Unavailable(
        "As many changes as this process takes at once wait for DocuSign (server.threads), so "
        "nothing of this one was begun; it is temporarily unavailable. Repeat later.",
        retry_after_s=_RETRY_AFTER_S,
    )
