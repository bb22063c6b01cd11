"""How long whoever waits for an answer still waits, and whether they may at all: no call to
DocuSign takes longer, and some threads are kept from waiting for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)
"""By the clock of :func:`time.monotonic`; None where nobody waits."""
_take_place: ContextVar[Callable[[], None] | None] = ContextVar("take_place", default=None)
"""None where a thread is nobody else's concern."""
_LEAST_S = 0.5
"""With less time left no call is begun: it would only be broken off."""


def left_s() -> float | None:
    """Return the seconds that are left, 0 where there are none; None where nobody waits."""
    ends_at = _ends_at.get()
    return None if ends_at is None else max(0.0, ends_at - time.monotonic())


def is_too_late() -> bool:
    """Return whether a call that begins now could not be answered in what is left."""
    left = left_s()
    return left is not None and left < _LEAST_S


def within(seconds: float) -> float:
    """Return a wait, cut to what is left."""
    left = left_s()
    return seconds if left is None else min(seconds, left)


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Let calls to DocuSign in the block end within so many seconds, or earlier where whoever is
    around the block waits no longer."""
    with _ending_at(time.monotonic() + within(seconds)):
        yield


@contextmanager
def waiting_longer(seconds: float) -> Iterator[None]:
    """Let the block have so many seconds whatever was left; nothing where nobody waits."""
    if _ends_at.get() is None:
        yield
        return
    with _ending_at(time.monotonic() + seconds):
        yield


@contextmanager
def _ending_at(ends_at: float) -> Iterator[None]:
    token = _ends_at.set(ends_at)
    try:
        yield
    finally:
        _ends_at.reset(token)


def take_place() -> None:
    """Go on to wait for DocuSign in this thread.

    :raises connector.errors.TemporaryError: as many threads do as may; the others are there for
        those who wait for nothing.
    """
    take = _take_place.get()
    if take is not None:
        take()


@contextmanager
def taking_places(take: Callable[[], None]) -> Iterator[None]:
    """Let *take* say in the block whether the thread may wait for DocuSign; it may be asked again
    and again."""
    token = _take_place.set(take)
    try:
        yield
    finally:
        _take_place.reset(token)
