"""marshmallow fields and schemas generated from SCIM attributes.

They check types of data whose names already have the schema's spelling (``scim.spelling``), and are
as tolerant as the clients need: one value for a list, a list of one for a value, a string for
``{"value": ...}``, booleans as strings.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import marshmallow
from marshmallow import ValidationError, fields

from scim.datetimes import format_datetime, parse_datetime
from scim.schemas import Attribute
from scim.text import forbidden_character

_BOOLEANS = {"true": True, "false": False}
_LARGEST_INTEGER = 2**63 - 1


@lru_cache(maxsize=1024)
def field_for(attribute: Attribute) -> fields.Field[Any]:
    """Return the field that reads values of *attribute*; always the same one."""
    if attribute.multi_valued:
        return _Many(attribute)
    return _one(attribute)


def schema_for(attributes: Iterable[Attribute]) -> marshmallow.Schema:
    """Return a schema with a field for each attribute that clients can write."""
    generated = {a.name: field_for(a) for a in attributes if not a.read_only}
    return marshmallow.Schema.from_dict(generated)(unknown=marshmallow.EXCLUDE)


def _one(attribute: Attribute) -> fields.Field[Any]:
    if attribute.is_complex:
        return Complex(attribute.sub_attributes)
    return _Simple(attribute)


class _Simple(fields.Field[Any]):
    """A value that is not complex."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(required=attribute.required, allow_none=True)
        self.is_required = attribute.required
        self._read = _READERS[attribute.type]
        self._max_length = attribute.max_length

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the value; ``""`` is none."""
        value = _only(value)
        if value in (None, ""):
            if self.is_required:
                raise ValidationError("is required")
            return None
        return super().deserialize(value, *args, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str) and len(value) > self._max_length:
            raise ValidationError(f"must have {self._max_length} characters at most")
        return self._read(value)


class Complex(fields.Field[Any]):
    """One complex value; sub-attributes that are not assigned are None in it."""

    def __init__(self, attributes: Sequence[Attribute]) -> None:
        super().__init__(allow_none=True)
        self._schema = schema_for(attributes)
        self._has_value = any(attribute.name == "value" for attribute in attributes)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the value; ``""`` is none and a list of one is its element."""
        value = _only(value)
        if value in (None, ""):
            return None
        return super().deserialize(value, *args, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str) and self._has_value:
            value = {"value": value}
        if not isinstance(value, Mapping):
            raise ValidationError("must be an object")
        return self._schema.load(value)


class _Many(fields.Field[Any]):
    """A multi-valued attribute; what is not assigned is left out of its elements."""

    def __init__(self, attribute: Attribute) -> None:
        super().__init__(required=attribute.required, allow_none=True)
        self.is_required = attribute.required
        self._element = _one(attribute)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Return a list; one value is a list of one, and null or ``""`` is the empty one."""
        if value is marshmallow.missing:
            return super().deserialize(value, *args, **kwargs)
        values = value if isinstance(value, list) else [] if value in (None, "") else [value]
        if self.is_required and not values:
            raise ValidationError("is required")
        return self._elements(values)

    def _elements(self, values: list[Any]) -> list[Any]:
        elements: list[Any] = []
        problems: dict[int, Any] = {}
        for index, value in enumerate(values):
            try:
                elements.append(_assigned(self._element.deserialize(value)))
            except ValidationError as error:
                problems[index] = error.messages
        if problems:
            raise ValidationError(problems)
        if sum(isinstance(e, dict) and e.get("primary") is True for e in elements) > 1:
            raise ValidationError("may have one primary value only")
        return elements


def _only(value: Any) -> Any:
    """Return the value where one is wanted: that of a list of one.

    An empty list is no way to say that there is none: of what has one value at most it is of the
    wrong type (RFC 7643 §2.5 has it for multi-valued attributes alone).
    """
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        number = f"a list of {len(value)}" if value else "an empty list"
        raise ValidationError(f"must be one value, not {number}")
    return value[0]


def _assigned(element: Any) -> Any:
    if isinstance(element, dict):
        element = {name: value for name, value in element.items() if value is not None}
    if not element and element is not False and element != 0:
        # An element that says nothing was not understood; dropping it could empty a group.
        raise ValidationError("has no value")
    return element


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise ValidationError("must be a string")
    found = forbidden_character(value)
    if found:
        raise ValidationError(f"must not contain the character {found}")
    return value


def _read_boolean(value: object) -> bool:
    if isinstance(value, str):
        value = _BOOLEANS.get(value.lower())
    if not isinstance(value, bool):
        raise ValidationError("must be true or false")
    return value


def _read_integer(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError("must be an integer")
    if abs(value) > _LARGEST_INTEGER:
        raise ValidationError("is out of range")
    return value


def _read_decimal(value: object) -> float | int:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValidationError("must be a number")
    return value


def _read_datetime(value: object) -> str:
    try:
        return format_datetime(parse_datetime(_read_string(value)))
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _read_binary(value: object) -> str:
    text = _read_string(value)
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError("must be base64") from None
    return text


_READERS = {
    "string": _read_string,
    "reference": _read_string,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "decimal": _read_decimal,
    "dateTime": _read_datetime,
    "binary": _read_binary,
}
