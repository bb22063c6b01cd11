"""Pages by cursor: a place in a list that stays right while the list changes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, validate

from connector.errors import InvalidRequestError

DEFAULT, LARGEST = 50, 200
"""Lines of a page."""


class PageArguments(Schema):
    """Which page of a list."""

    limit = fields.Integer(
        load_default=DEFAULT,
        validate=validate.Range(1, LARGEST),
        metadata={"description": f"The most to return, at most {LARGEST}."},
    )
    cursor = fields.String(
        load_default="",
        validate=validate.Length(max=300),
        metadata={"description": "`next_cursor` of the page before; none for the first page."},
    )


@dataclass(frozen=True)
class Page:
    """One page of a list, as :func:`page_of` describes it."""

    items: Sequence[Any]
    next_cursor: str | None = None


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """Return the schema of a page of these items; *name* names it in the description."""
    members: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next_cursor": fields.String(
            required=True,
            allow_none=True,
            metadata={"description": "Send it as `cursor` for the next page; null on the last."},
        ),
    }
    return Schema.from_dict(members, name=name)


def to_cursor(place: str | int | None) -> str | None:
    """Return a place of a list as clients get it: opaque, safe in a URL."""
    if not place:
        return None
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def text_of(cursor: str) -> str:
    """Return the place that a cursor stands for; empty for none.

    :raises InvalidRequestError: it is none of ours.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    if not text.isprintable():
        raise _unknown()
    return text


def number_of(cursor: str) -> int:
    """Return the number that a cursor stands for; 0 for none.

    :raises InvalidRequestError: it is none of ours.
    """
    text = text_of(cursor)
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 19):  # noqa: PLR2004 - 2**63
        raise _unknown()
    return int(text)


def to_place(at: datetime, item_id: str) -> str | None:
    """Return a place in a list by time."""
    return to_cursor(f"{at.isoformat()} {item_id}")


def place_of(cursor: str) -> tuple[datetime, str] | None:
    """Return the time and the id that a cursor stands for; None for none.

    :raises InvalidRequestError: it is none of ours.
    """
    text = text_of(cursor)
    if not text:
        return None
    at, _, item_id = text.partition(" ")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise _unknown() from error
    if moment.tzinfo is None or not item_id:
        raise _unknown()
    return moment, item_id


def cut(items: Iterable[Any], limit: int, cursor: str, key: Callable[[Any], str]) -> Page:
    """Return a page of a list that is at hand as a whole; *key* names an item. Where the item of
    the cursor is gone, the list begins anew."""
    found = list(items)
    after = text_of(cursor)
    places = {key(item): place for place, item in enumerate(found)}
    start = places.get(after, -1) + 1 if after else 0
    page = found[start : start + limit]
    is_last = start + limit >= len(found)
    return Page(page, None if is_last else to_cursor(key(page[-1])))


def _unknown() -> InvalidRequestError:
    return InvalidRequestError("The cursor is none of this API: begin without one.")
