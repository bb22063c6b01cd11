"""Turns the names in a client's JSON into the schema's spelling (RFC 7643 §2.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scim.errors import InvalidSyntax
from scim.schemas import Attribute

Lookup = Callable[[str], Attribute | None]


def spell(
    data: Mapping[str, Any], lookup: Lookup, path: str = "", ignored: set[str] | None = None
) -> dict[str, Any]:
    """Return a copy of an object with the names as *lookup* knows them.

    Unknown and readOnly attributes are left out. The unknown ones are added to *ignored*.

    :raises InvalidSyntax: two keys differ only in case.
    """
    spelled: dict[str, Any] = {}
    for name, value in data.items():
        attribute = lookup(name)
        where = f"{path}.{name}" if path else name
        if attribute is None:
            if ignored is not None:
                ignored.add(where)
            continue
        if attribute.name in spelled:
            raise InvalidSyntax(f"{where} is given twice, in different case.")
        if not attribute.read_only:
            spelled[attribute.name] = spell_value(attribute, value, where, ignored)
    return spelled


def spell_value(
    attribute: Attribute, value: Any, path: str = "", ignored: set[str] | None = None
) -> Any:
    """Return a copy of a value of *attribute* with the sub-attributes' names put right."""
    if isinstance(value, dict) and attribute.is_complex:
        return spell(value, attribute.find, path, ignored)
    if isinstance(value, list):
        return [
            spell(element, attribute.find, path, ignored)
            if isinstance(element, dict) and attribute.is_complex
            else element
            for element in value
        ]
    return value
