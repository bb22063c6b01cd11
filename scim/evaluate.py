"""Evaluates a filter on one resource in memory (RFC 7644 §3.4.2.2): slow and plain on purpose.

PATCH selects elements with it, and it is the oracle that a store's translation is tested against.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from scim.datetimes import parse_datetime
from scim.errors import InvalidFilter
from scim.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Literal,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from scim.schemas import Attribute, Schema, Target, find_schema, resolve

_ORDER: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}
_SUBSTRING: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CO: lambda value, part: part in value,
    Operator.SW: lambda value, part: value.startswith(part),
    Operator.EW: lambda value, part: value.endswith(part),
}
_TEXT = ("string", "reference", "binary")
_NUMBERS = ("integer", "decimal")

Comparable = str | bool | int | Decimal | datetime | None


def matches(
    filter_: Filter,
    resource: Mapping[str, Any],
    schema: Schema,
    extensions: Sequence[Schema] = (),
) -> bool:
    """Return whether the filter holds for a resource whose names have the schema's spelling.

    An unassigned attribute equals nothing, differs from everything and is greater or less than
    nothing; ``eq null`` asks for it.

    :raises InvalidFilter: an unknown attribute or an impossible comparison.
    """
    return _holds(filter_, resource, lambda path: _target(path, schema, extensions), extensions)


def element_matches(filter_: Filter, element: Mapping[str, Any], attribute: Attribute) -> bool:
    """Return whether one element of a multi-valued attribute satisfies the filter in brackets.

    :raises InvalidFilter: an unknown sub-attribute or an impossible comparison.
    """
    return _holds(filter_, element, lambda path: _sub_target(path, attribute), ())


def refuse_hidden(target: Target) -> None:
    """Refuse to answer about a value that is never returned: a filter would tell it.

    :raises InvalidFilter: the attribute is one of these.
    """
    if "never" in (target.attribute.returned, target.leaf.returned):
        raise InvalidFilter(f"{target.leaf.name} cannot be used in a filter: it is never returned.")


def literal_for(attribute: Attribute, comparison: Comparison) -> Comparable:
    """Return the comparison's value in the attribute's type, dateTimes as aware UTC times.

    Quoted booleans are taken as booleans, for Entra ID.

    :raises InvalidFilter: the types cannot be compared, or not with this operator.
    """
    value, wanted = comparison.value, comparison.operator
    if attribute.is_complex:
        raise InvalidFilter(f"{comparison.path} is complex: compare one of its sub-attributes.")
    if wanted in _ORDER and (attribute.type in ("boolean", "binary") or value is None):
        raise InvalidFilter(f"{comparison.path} cannot be compared with {wanted.value}.")
    if value is None:
        if wanted not in (Operator.EQ, Operator.NE):
            raise InvalidFilter(f"null cannot be compared with {wanted.value}.")
        return None
    if wanted in _SUBSTRING and (attribute.type not in _TEXT or not isinstance(value, str)):
        if attribute.type == "dateTime" and isinstance(value, str):
            return value
        raise InvalidFilter(f"{wanted.value} compares strings; {comparison.path} is none.")
    return _typed(attribute, value, comparison.path)


_EXAMPLES = {
    "boolean": "true",
    "integer": "1",
    "decimal": "1.5",
    "dateTime": '"2026-03-01T00:00:00Z"',
}


def _typed(attribute: Attribute, value: Literal, path: AttributePath) -> Comparable:
    if attribute.type == "boolean" and isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    if attribute.type == "dateTime" and isinstance(value, str):
        try:
            return parse_datetime(value)
        except ValueError as error:
            raise InvalidFilter(f"{path}: {error}.") from None
    fits = {
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int | Decimal) and not isinstance(value, bool),
        "decimal": isinstance(value, int | Decimal) and not isinstance(value, bool),
    }
    if not fits.get(attribute.type, attribute.type in _TEXT and isinstance(value, str)):
        example = _EXAMPLES.get(attribute.type, '"text"')
        raise InvalidFilter(
            f"{path} has type {attribute.type}: compare it with such a value, as in "
            f"{path} eq {example}."
        )
    return value


_BOOLEANS = {"true": True, "false": False}

_Lookup = Callable[[AttributePath], Target]


def _target(path: AttributePath, schema: Schema, extensions: Sequence[Schema]) -> Target:
    target = resolve(path, schema, extensions)
    if target is None:
        raise InvalidFilter(f"{schema.name} has no attribute {path}.")
    refuse_hidden(target)
    return target


def _sub_target(path: AttributePath, attribute: Attribute) -> Target:
    sub = attribute.find(path.attribute)
    if sub is None and not attribute.is_complex and path.attribute.lower() == "value":
        return Target(replace(attribute, name="value", multi_valued=False))
    if sub is None or path.sub_attribute or path.schema:
        raise InvalidFilter(f"{attribute.name} has no sub-attribute {path}.")
    return Target(sub)


def _holds(
    node: Filter, data: Mapping[str, Any], lookup: _Lookup, extensions: Sequence[Schema]
) -> bool:
    match node:
        case And(left, right) | Or(left, right):
            # Both sides are evaluated so that a wrong attribute on either is always found.
            sides = [_holds(side, data, lookup, extensions) for side in (left, right)]
            return all(sides) if isinstance(node, And) else any(sides)
        case Not(operand):
            return not _holds(operand, data, lookup, extensions)
        case Present(path):
            container = find_schema(str(path), extensions)
            if container is not None:
                return _assigned(data.get(container.id))
            return any(map(_assigned, _values(data, lookup(path))))
        case ValuePath(path, inner):
            target = lookup(path)
            values = _values(data, target)
            if not target.attribute.multi_valued:
                values = [value for value in values if _assigned(value)]
            elements = [e if isinstance(e, dict) else {"value": e} for e in values]
            # The empty element makes a wrong sub-attribute an error where there is no element.
            tried = [element_matches(inner, e, target.attribute) for e in ({}, *elements)]
            return any(tried[1:])
        case Comparison():
            return _compare(node, data, lookup(node.path))


def _compare(node: Comparison, data: Mapping[str, Any], target: Target) -> bool:
    leaf = target.leaf
    if target.sub_attribute is None and leaf.is_complex and leaf.multi_valued:
        # emails co "@x" means emails.value co "@x".
        value_attribute = leaf.find("value")
        if value_attribute is None:
            raise InvalidFilter(f"{node.path} is complex: compare one of its sub-attributes.")
        target = Target(target.attribute, value_attribute, target.extension)
        leaf = value_attribute
    literal = literal_for(leaf, node)
    values = [value for value in _values(data, target) if _assigned(value)]
    if literal is None:
        return bool(values) == (node.operator is Operator.NE)
    if not values:
        return node.operator is Operator.NE
    return any(_test(node.operator, value, literal, leaf) for value in values)


def _values(data: Mapping[str, Any], target: Target) -> list[Any]:
    """Return the values at the target, those of all elements where it is multi-valued."""
    found: list[Any] = [data]
    for key in target.json_path:
        found = list(_flat(item.get(key) for item in found if isinstance(item, Mapping)))
    return found


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value


def _assigned(value: Any) -> bool:
    """Return whether a value is present; null, [], "" and {} are not (RFC 7643 §2.5)."""
    if isinstance(value, Mapping):
        return any(map(_assigned, value.values()))
    return value not in (None, "") and value != []


def _test(wanted: Operator, value: Any, literal: Any, leaf: Attribute) -> bool:
    if leaf.type == "dateTime" and wanted not in _SUBSTRING:
        value = parse_datetime(value)
    elif leaf.type in _NUMBERS and isinstance(value, float):
        value = Decimal(str(value))
    elif leaf.type == "string" and not leaf.case_exact:
        value, literal = value.casefold(), literal.casefold()
    if wanted is Operator.EQ:
        return bool(value == literal)
    if wanted is Operator.NE:
        return bool(value != literal)
    return _ORDER.get(wanted, _SUBSTRING.get(wanted, operator.eq))(value, literal)
