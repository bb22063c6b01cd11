"""What all processes know of DocuSign's limits together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.budget import BudgetState, CallCount


class BudgetRepository(Protocol):
    """The limits of one tenant's accounts and organization, and the calls that were made."""

    def states(self) -> Mapping[str, BudgetState]:
        """Return what DocuSign last said, by budget."""

    def put_states(self, states: Sequence[BudgetState]) -> None:
        """Overwrite what DocuSign said, where this is newer; a closed budget stays closed."""

    def add_calls(self, counts: Sequence[CallCount]) -> None:
        """Add calls to those counted before."""

    def calls(self, since: datetime) -> Sequence[CallCount]:
        """Return the calls of the hours since then, oldest first."""

    def forget_calls(self, before: datetime) -> None:
        """Drop the counts of earlier hours."""
