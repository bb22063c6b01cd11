"""How far the work at hand is, told to whoever wants to show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[int, int], None]
"""Takes how much is done, and of how much."""

_report: ContextVar[Report] = ContextVar("report", default=lambda _done, _total: None)


def report_progress(done: int, total: int) -> None:
    """Tell how far the work at hand is; where nobody listens, nothing happens."""
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
