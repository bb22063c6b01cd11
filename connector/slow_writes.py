"""Keeps threads free for reads while SCIM writes wait for DocuSign.

A write holds its thread until DocuSign has answered. So some threads of a worker are left to
everybody who waits for nothing but the database. While writes end quickly, one more waits a moment
for its place; where none has ended for a while, DocuSign is slow, and it is turned away at once.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scim.errors import Unavailable
from scim.responses import error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FREE = 2
"""Threads that no write takes: with one alone, a single page that takes long keeps every other read
waiting."""
_PATIENCE_S = 0.5
_SLOW_AFTER_S = 1.0
"""Where no place changed hands for so long, waiting for one would only hold a thread."""
_RETRY_AFTER_S = 10.0
_WRITES = re.compile(r"/(?:[^/]+/)?scim/v2/+(?!(?:.*/)?\.search/*\Z)")


class SlowWrites:
    """WSGI middleware that leaves two of a worker's threads to requests other than SCIM writes;
    of three or fewer threads, all but one."""

    def __init__(self, application: WSGIApplication, threads: int) -> None:
        self._application = application
        self._places = threading.Semaphore(max(1, threads - _FREE))
        self._changed_at = time.monotonic()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        if not _is_write(environ):
            return self._application(environ, start_response)
        if not self._take():
            return error_response(_too_many(), environ.get("HTTP_ACCEPT", ""))(
                environ, start_response
            )
        try:
            return self._application(environ, start_response)
        finally:
            self._changed_at = time.monotonic()
            self._places.release()

    def _take(self) -> bool:
        is_slow = time.monotonic() - self._changed_at > _SLOW_AFTER_S
        if not self._places.acquire(timeout=0 if is_slow else _PATIENCE_S):
            return False
        self._changed_at = time.monotonic()
        return True


def _is_write(environ: WSGIEnvironment) -> bool:
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS")
    return not is_read and _WRITES.match(environ.get("PATH_INFO", "")) is not None


def _too_many() -> Unavailable:
    return Unavailable(
        "As many changes as this process takes at once wait for DocuSign (server.threads), so "
        "nothing of this one was begun; it is temporarily unavailable. Repeat later.",
        retry_after_s=_RETRY_AFTER_S,
    )
