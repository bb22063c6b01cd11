"""What is wrong with a mapping, in the words of the configuration and by the path in the file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, validates_schema

_SAID = {
    "Missing data for required field.": "must be given",
    "Field may not be null.": "must not be empty",
    "Not a valid integer.": "must be a whole number",
    "Not a valid string.": "must be text; put it in quotes",
    "Not a valid boolean.": "must be true or false",
    "Not a valid list.": "must be a list",
    "Not a valid mapping type.": "must be a section with names below it",
    "Invalid input type.": "must be a section with settings below it",
    "Not a valid URL.": "must be a URL that begins with https://",
}
"""marshmallow's words for what people write themselves, in those of the configuration."""
_SAID_OF = (
    (re.compile(r"Must be one of: (.*)\.", re.S), r"must be one of \1"),
    (re.compile(r"Shorter than minimum length 1\."), "must not be empty"),
    (
        re.compile(r"Must be greater than or equal to (\d+) and less than or equal to (\d+)\."),
        r"must be at least \1 and at most \2",
    ),
    (re.compile(r"Must be greater than or equal to (\d+)\."), r"must be at least \1"),
)
"""The same, of those with values in them."""
_FROM_US = "source"
"""What a rule is loaded with and nobody writes."""


class Strict(Schema):
    """Takes no unknown name, and tells it together with the nearest known one."""

    class Meta:
        unknown = EXCLUDE  # told by _names, with a suggestion

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _names(self, _: Any, original: Any, **__: Any) -> None:
        known = {item.data_key or name for name, item in self.fields.items()} - {_FROM_US}
        given = original if isinstance(original, Mapping) else {}
        unknown = {str(name) for name in given} - known - {_FROM_US}
        if unknown:
            raise ValidationError(
                {name: [unknown_setting(name, known)] for name in sorted(unknown)}
            )


def unknown_setting(name: str, known: Iterable[str]) -> str:
    """Return what is wrong with a name that no setting has, with the nearest that one has."""
    return f"unknown setting; {nearest_or_all(name, sorted(known))}"


def nearest_or_all(name: str, known: Collection[str]) -> str:
    """Return which of the known names is meant by one that is unknown, or what there is."""
    return did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the question after the known name that is meant by one that is unknown; nothing where
    none is near."""
    near = nearest(name, known)
    return f"did you mean {near[0]!r}?" if near else ""


def nearest(name: str, known: Iterable[str], at_most: int = 1) -> Sequence[str]:
    """Return the known names that are written nearly as a name is, in whatever case, the nearest
    first."""
    by_key = {one.casefold(): one for one in known}
    return [by_key[key] for key in get_close_matches(name.casefold(), by_key, n=at_most)]


def _said(message: str) -> str:
    for pattern, words in _SAID_OF:
        if found := pattern.fullmatch(message):
            return found.expand(words)
    return _SAID.get(message, message)


def lines(messages: Any, path: str = "") -> list[str]:
    """Flatten marshmallow's nested messages to ``path: message``."""
    if not isinstance(messages, Mapping):
        return [f"{path}: {_said(message)}" for message in messages]
    found: list[str] = []
    for key, inner in messages.items():
        found += lines(inner, _joined(path, key))
    return found


def _joined(path: str, key: Any) -> str:
    if key in ("key", "value", "_schema"):
        # marshmallow marks the sides of a Dict and the schema itself; people do not need them.
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
