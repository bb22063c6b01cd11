"""How far the work at hand is, told to whoever wants to show it; and whether it shall end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from connector.errors import StoppedError

Report = Callable[[int, int], None]
"""Takes how much is done, and of how much."""

_report: ContextVar[Report] = ContextVar("report", default=lambda _done, _total: None)
_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


def report_progress(done: int, total: int) -> None:
    """Tell how far the work at hand is, outside any transaction; where nobody listens, nothing
    happens."""
    _report.get()(done, total)


@contextmanager
def reporting_to(report: Report) -> Iterator[None]:
    """Let progress in the block be told to *report*, and to whoever listened before."""
    outer = _report.get()

    def both(done: int, total: int) -> None:
        outer(done, total)
        report(done, total)

    token = _report.set(both)
    try:
        yield
    finally:
        _report.reset(token)


def go_on() -> None:
    """Let work go on; called before each call to DocuSign, where it may end without a loss.

    :raises StoppedError: the process is being stopped.
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise StoppedError


@contextmanager
def stoppable_by(stop: threading.Event) -> Iterator[None]:
    """Let the work in the block end before its next call to DocuSign once *stop* is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)
