"""What is to be read again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from connector.domain.mirror.hints import Hint


class HintRepository(Protocol):
    """Hints that were not followed yet, one for each place."""

    def add(self, hints: Sequence[Hint]) -> None:
        """Note hints; one that is there already counts once more."""

    def due(self, limit: int = 500) -> Sequence[Hint]:
        """Return hints that are not given up, those that wait longest first."""

    def count(self) -> int:
        """Return how many there are that are not given up."""

    def count_members(self) -> int:
        """Return how many of them are of members of an account: those that its list answers."""

    def followed(self, hint: Hint) -> None:
        """Drop a hint, unless it was heard of again since it was read."""

    def in_vain(self, hint: Hint) -> None:
        """Note that DocuSign did not show what a hint is at; after a few times it is given up, and
        waits for a full aggregation."""

    def cover(self, run_id: str) -> None:
        """Note that a full aggregation begins, which may read what is hinted at by now. Hints of
        somebody's place in the organization it leaves: no list and no export shows that."""

    def covered(self, run_id: str, *, without_members_of: Collection[str] = ()) -> None:
        """Drop what a full aggregation covered, save what was heard of again meanwhile.

        :param without_members_of: accounts whose users it did not read: their hints stay.
        """
