"""Hints that something changed in DocuSign: what is read again before the next full aggregation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HintSource(StrEnum):
    """Where a hint came from."""

    LIST = "list"
    """``last_modified_since`` of the Admin API."""
    MONITOR = "monitor"
    """An event of DocuSign Monitor."""


MOST_ATTEMPTS = 5
"""So often a place is asked for that DocuSign does not show, and once more whenever it is heard of
again; then it waits for a full aggregation, which reads it anyway."""


@dataclass(frozen=True)
class Hint:
    """One place that may have changed; it says nothing of what is there now."""

    account_id: str
    """Empty: the person in the organization, and with it whether they administer it."""
    user_id: str
    """Empty: the account's profiles and groups."""
    source: HintSource
    hinted_at: datetime
    """When it was heard of last."""
    times: int = 1
    """How often it was heard of since it was last followed."""
    attempts: int = 0
    """How often it was followed in vain."""
