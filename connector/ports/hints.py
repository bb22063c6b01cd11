"""What is to be read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connector.domain.hints import Hint


class HintRepository(Protocol):
    """Hints that were not followed yet, one for each place."""

    def add(self, hints: Sequence[Hint]) -> None:
        """Note hints; one that is there already counts once more."""

    def due(self, limit: int = 500) -> Sequence[Hint]:
        """Return hints, those that wait longest first."""

    def count(self) -> int:
        """Return how many there are."""

    def followed(self, hint: Hint) -> None:
        """Drop a hint, unless it was heard of again since it was read."""

    def cover(self, run_id: str) -> None:
        """Note that a full aggregation which begins now will read all places that are hinted at."""

    def covered(self, run_id: str) -> None:
        """Drop what a full aggregation covered, save what was heard of again meanwhile."""
