"""What calls to DocuSign are made for: the budget and the metrics count them apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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

    CONSENT = "consent"
    """Whether users can be impersonated."""

    @property
    def can_wait(self) -> bool:
        """Whether such calls stop where the reserve for provisioning begins."""
        return self in (Purpose.AGGREGATION, Purpose.RECONCILIATION, Purpose.CONSENT)


@dataclass
class Scope:
    """A piece of work that calls DocuSign."""

    purpose: Purpose = Purpose.PROVISIONING
    calls: int = 0
    """Calls made in it so far."""
    outer: Scope | None = None


_scope: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039 - counts nothing


def current_purpose() -> Purpose:
    """Return what calls made here and now are for."""
    return _scope.get().purpose


def count_call() -> None:
    """Note a call to DocuSign in the scope, and in those around it."""
    scope = _scope.get()
    while scope.outer is not None:
        scope.calls += 1
        scope = scope.outer


@contextmanager
def calling_for(purpose: Purpose) -> Iterator[Scope]:
    """Let the calls that are made in the block be for this purpose, and count them."""
    scope = Scope(purpose, outer=_scope.get())
    token = _scope.set(scope)
    try:
        yield scope
    finally:
        _scope.reset(token)
