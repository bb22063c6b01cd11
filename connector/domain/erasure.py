"""A request of a person to be forgotten (GDPR, article 17), from the asking to the end."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.domain.audit.chain import split
from connector.domain.model import fold

CLOSED_FOR = timedelta(hours=24)
"""DocuSign erases a membership no earlier after its closing (Admin API, data redaction)."""
ERASED_TEXT = "(erased)"
LEFT_OUT = "addresses_left_out"
"""In the event of an erasure, how many addresses it did not go by, as they were others' too."""
# An apostrophe before a name may be a quotation mark, after a letter it is a part of the name.
_BEGINS = r"(?<![\w.+-])(?<!\w['\u2019])"
# The full stop of a sentence ends an address, the one before a further label does not.
_ENDS = r"(?![\w-]|\.\w)"


class Redaction(StrEnum):
    """What DocuSign says of one membership."""

    SUCCESS = "success"
    ALREADY_REDACTED = "already_redacted"
    PENDING = "pending"
    FAILURE = "failure"
    UNKNOWN = "unknown"

    @property
    def is_done(self) -> bool:
        """Whether the data is gone."""
        return self in (Redaction.SUCCESS, Redaction.ALREADY_REDACTED)


class ErasureState(StrEnum):
    """Where an erasure stands."""

    REQUESTED = "requested"
    """Another person has to confirm it."""
    CONFIRMED = "confirmed"
    """It is carried out, and tried again until DocuSign has done its part."""
    DONE = "done"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Erasure:
    """One request, kept without the person's name."""

    erasure_id: str
    subject_id: str
    """SCIM id of the person, which is DocuSign's."""
    state: ErasureState
    reason: str
    requested_by: str
    requested_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
    outcomes: Mapping[str, str] = field(default_factory=dict)
    """By account id, what DocuSign said last."""
    error: str | None = None
    finished_at: datetime | None = None
    requested_email: str = ""
    """Address of who asked, by which they are told from who confirms it; kept no longer."""


def told_left_out(data: Mapping[str, Any]) -> str:
    """Return in words how many addresses an erasure left out, of its event; empty for none."""
    count = (data.get("counts") or {}).get(LEFT_OUT, 0)
    addresses = "address was" if count == 1 else "addresses were"
    return f"{count} {addresses} left out: somebody else has, or has had, the same" if count else ""


def names_any(texts: Iterable[str], names: Collection[str]) -> bool:
    """Return whether one of these texts says one of these addresses or ids, in any case.

    It has to stand there whole: ``ann@x.example`` is not in ``joann@x.example``, nor ``a@x.co`` in
    ``a@x.com``.
    """
    wanted = "|".join(re.escape(fold(name)) for name in names if name)
    if not wanted:
        return False
    whole = re.compile(f"{_BEGINS}(?:{wanted}){_ENDS}")
    return any(whole.search(fold(text)) for text in texts)


def scrubbed(data: Any) -> Any:
    """Return data in the same shape, what may say something of a person replaced."""
    if not isinstance(data, Mapping):
        return _scrubbed_value(data)
    neutral, personal = split(data)
    return {
        name: scrubbed_part(value, neutral.get(name), is_personal=name not in neutral)
        for name, value in data.items()
        if name in neutral or name in personal
    }


def scrubbed_part(value: Any, neutral: Any, *, is_personal: bool) -> Any:
    """Return one value of a mapping; a neutral name may hold personal parts deeper down."""
    if is_personal:
        return _scrubbed_value(value)
    if isinstance(value, Mapping):
        return scrubbed(value)
    if isinstance(value, list | tuple):
        return [scrubbed(item) if isinstance(item, Mapping) else item for item in value]
    return neutral


def _scrubbed_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _scrubbed_value(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed_value(item) for item in value]
    return ERASED_TEXT if isinstance(value, str) and value else value
