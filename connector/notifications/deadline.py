"""Bounds how long a peer may keep us, however slowly it drips."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_AGAIN_S = 0.1


@contextmanager
def cut_off_after(seconds: float, find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut the block's socket down when the time is over.

    A time-out of a socket starts anew with each byte, so a peer that sends one now and then would
    never meet it.

    :raises TimeoutError: the time was over; what the block got by then may be a part.
    """
    is_over, has_ended = threading.Event(), threading.Event()

    def cut() -> None:
        if has_ended.wait(seconds):
            return
        is_over.set()
        # On a machine that was held up the time may be over before there is a connection.
        while not _is_shut(find) and not has_ended.wait(_LOOK_AGAIN_S):
            pass

    watch = threading.Thread(target=cut, daemon=True)
    watch.start()
    try:
        yield
    finally:
        has_ended.set()
        watch.join()
    if is_over.is_set():
        raise TimeoutError(f"not done within {seconds:g} seconds")


def _is_shut(find: Callable[[], socket.socket | None]) -> bool:
    """Shut a socket down, and return whether there was one that is connected."""
    found = find()
    if found is None:
        return False
    try:
        found.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True
