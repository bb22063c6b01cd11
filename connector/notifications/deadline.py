"""Bounds how long a peer may keep us, however slowly it drips."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_off_after(seconds: float, find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut the block's socket down when the time is over.

    A time-out of a socket starts anew with each byte, so a peer that sends one now and then would
    never meet it.

    :raises TimeoutError: the time was over; what the block got by then may be a part.
    """
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        with suppress(OSError):
            if (found := find()) is not None:
                found.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
    if is_over.is_set():
        raise TimeoutError(f"not done within {seconds:g} seconds")
