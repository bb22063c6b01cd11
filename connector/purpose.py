"""What calls to DocuSign are made for: the budget and the metrics count them apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum


class Purpose(StrEnum):
    """Why DocuSign is called."""

    PROVISIONING = "provisioning"
    """A change that somebody waits for, with its reads; whatever names no other purpose."""
    AGGREGATION = "aggregation"
    RECONCILIATION = "reconciliation"
    VERIFICATION = "verification"
    """Whether a manual task was really done."""
    SETTLEMENT = "settlement"
    """Queued changes, and those that a killed process left."""

    @property
    def can_wait(self) -> bool:
        """Whether such calls stop where the reserve for provisioning begins."""
        return self in (Purpose.AGGREGATION, Purpose.RECONCILIATION)


_purpose: ContextVar[Purpose] = ContextVar("purpose", default=Purpose.PROVISIONING)


def current_purpose() -> Purpose:
    """Return what calls made here and now are for."""
    return _purpose.get()


@contextmanager
def calling_for(purpose: Purpose) -> Iterator[None]:
    """Let the calls that are made in the block be for this purpose."""
    token = _purpose.set(purpose)
    try:
        yield
    finally:
        _purpose.reset(token)
