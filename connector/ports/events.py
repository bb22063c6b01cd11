"""What DocuSign Monitor tells of an organization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Event:
    """Something that happened in an organization. It hints at places; it proves nothing."""

    happened_at: datetime | None
    account_id: str
    """Empty where it concerns the organization."""
    user_ids: Sequence[str]
    """Whom it concerns; empty where it names nobody."""
    what: str
    """The kind of thing that changed, in lower case, in words that DocuSign does not publish."""
    is_own: bool
    """Whether our integration key and service user caused it."""


@dataclass(frozen=True)
class EventPage:
    """Some of the stream."""

    events: Sequence[Event]
    end_cursor: str
    """Where the next page begins."""
