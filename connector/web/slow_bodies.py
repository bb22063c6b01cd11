"""Keeps threads free while clients send their request bodies slowly.

The web server hands a request over once its headers are there, and whoever reads the body waits for
it in a thread of the worker. Nothing bounds how long: Granian's WSGI has no time-out for bodies and
gives no way to end a connection. So only some of the threads may wait for bodies; the others go on
answering everybody else. A proxy that reads the body first (nginx does) ends the slow ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from werkzeug.exceptions import ServiceUnavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

_PATIENCE_S = 0.1
"""A body that came with its headers is read in microseconds. Who waits longer for a place waits for
slow ones, and would hold a thread that others need."""
_RETRY_AFTER_S = 5


class SlowBodies:
    """WSGI middleware that lets half of a worker's threads wait for bodies at the same time.

    Where all of them do, whoever asks for a body gets
    :class:`werkzeug.exceptions.ServiceUnavailable`, which is answered 503 with ``Retry-After``.
    """

    def __init__(self, application: WSGIApplication, threads: int) -> None:
        self._application = application
        self._places = threading.BoundedSemaphore(max(1, threads // 2))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            environ["wsgi.input"] = _Body(environ["wsgi.input"], self._places)
        return self._application(environ, start_response)


class _Body:
    """A request body that is read only while there is a place."""

    def __init__(self, stream: InputStream, places: threading.BoundedSemaphore) -> None:
        self._stream = stream
        self._places = places

    @contextmanager
    def _place(self) -> Iterator[InputStream]:
        if not self._places.acquire(timeout=_PATIENCE_S):
            raise ServiceUnavailable(
                "Too many requests send their bodies slowly; it is temporarily unavailable. "
                "Repeat later.",
                retry_after=_RETRY_AFTER_S,
            )
        try:
            yield self._stream
        finally:
            self._places.release()

    def read(self, size: int = -1) -> bytes:
        """Return up to *size* bytes, all for -1."""
        with self._place() as stream:
            return stream.read() if size < 0 else stream.read(size)

    def readline(self, size: int = -1) -> bytes:
        """Return a line."""
        with self._place() as stream:
            return stream.readline() if size < 0 else stream.readline(size)

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return all lines."""
        with self._place() as stream:
            return stream.readlines() if hint < 0 else stream.readlines(hint)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readlines())
