"""Reads take turns, because threads that all want the interpreter only get in each other's way.

A read from SQLite takes a fraction of a millisecond, but gives up the interpreter's lock at every
step of every statement and queues for it again behind the other threads. One after the other,
reads are several times faster, each and together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE_S = 0.005
"""A read that has waited so long goes ahead: no slow filter holds up the others."""


class ReadTurns:
    """WSGI middleware that lets one read at a time pass. Writes, which wait for DocuSign, are
    neither counted nor held up."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request, a read when its turn has come."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._application(environ, start_response)
        has_turn = self._turn.acquire(timeout=PATIENCE_S)
        try:
            return self._application(environ, start_response)
        finally:
            if has_turn:
                self._turn.release()
