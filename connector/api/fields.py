"""Fields that several resources share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from connector.domain.writing import LEAST_WORDS

COMMENT_MAX = 4_000
"""Characters."""


def instant(description: str, *, optional: bool = False) -> fields.AwareDateTime:
    """Return a time in UTC, as RFC 3339 writes it."""
    return fields.AwareDateTime(
        format="iso",
        required=True,
        allow_none=optional,
        metadata={"description": description},
    )


def text(description: str, **options: Any) -> fields.String:
    """Return a text of an answer, always there."""
    return fields.String(required=True, metadata={"description": description}, **options)


def clean(value: str) -> None:
    """Refuse what no text holds: halves of characters cannot be kept or shown."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("has characters that are none.") from error


def written(description: str, *, required: bool = False, longest: int = COMMENT_MAX) -> Any:
    """Return a text that a person writes."""
    checks: list[Callable[[Any], Any]] = [validate.Length(max=longest), clean]
    options: dict[str, Any] = {"metadata": {"description": description}}
    if required:
        return fields.String(required=True, validate=[validate.Length(min=1), *checks], **options)
    return fields.String(load_default="", validate=checks, **options)


def needed_words(description: str) -> Any:
    """Return a reason or comment that has to say something; the service refuses what says
    nothing."""
    return written(f"{description} Needs {LEAST_WORDS}.", required=True)


class CommentArguments(Schema):
    """An act with a word about it."""

    comment = written("Why, for whoever reads the history later.")


class RequiredCommentArguments(Schema):
    """An act that needs a word about it."""

    comment = needed_words("Why, or what was seen; it is kept in history and audit.")
