"""Keeps the threads of a web worker on one processor.

They take turns at the interpreter's lock anyway, and a read from SQLite gives that lock up several
times. Spread over processors, each hand-over wakes another one whose caches know nothing of the
request: with eight connections that costs more than half of the throughput. The server's own
threads, which speak HTTP, stay free.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class OneProcessor:
    """WSGI middleware that binds each thread to the processor of its process, at its first request.

    Where the system cannot bind threads nothing happens.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._processor = _processor_of_this_process()
        self._bound = threading.local()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        if not hasattr(self._bound, "done"):
            self._bound.done = True
            if self._processor is not None:
                os.sched_setaffinity(0, {self._processor})
        return self._application(environ, start_response)


def _processor_of_this_process() -> int | None:
    """Return one of the processors that the process may use; workers, whose process ids follow
    each other, get different ones."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[os.getpid() % len(allowed)] if len(allowed) > 1 else None
