"""The filter language of RFC 7644 §3.4.2.2: its syntax tree (parser below).

The tree is what a store compiles or an oracle evaluates. Attribute names keep the client's
spelling; :class:`AttributePath` compares without case (RFC 7643 §2.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from scim2_filter_parser import ast

from scim.errors import InvalidFilter, InvalidPath
from scim.filter_grammar import is_word, parse_with_library
from scim.text import forbidden_character

# What nearly every client sends, such as userName eq "ann@acme.test": read ten times as fast as by
# the grammar, with the same result.
_SIMPLE = re.compile(
    r'([a-z][\w-]*)(?:\.([a-z$][\w$-]*))? +(eq|ne|co|sw|ew|gt|ge|lt|le) +"([^"\\\x00-\x1f]*)"',
    re.ASCII | re.IGNORECASE,
)

MAX_LENGTH = 8192
"""Longest filter in characters; longer ones belong to nobody's honest client."""
MAX_TERMS = 100
"""Comparisons in a filter: databases bound the depth of an expression, and each costs time."""
MAX_DEPTH = 50
"""Most parentheses and brackets open at one time."""

Literal = str | int | Decimal | bool | None


class Operator(StrEnum):
    """The attribute operators that take a value."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True)
class AttributePath:
    """``[urn:]attribute[.sub]``, split at the URN and not at the dot in ``2.0``."""

    attribute: str
    sub_attribute: str | None = None
    schema: str | None = None
    """The URN prefix, or None for an attribute named without one."""

    def __str__(self) -> str:
        prefix = f"{self.schema}:" if self.schema else ""
        suffix = f".{self.sub_attribute}" if self.sub_attribute else ""
        return f"{prefix}{self.attribute}{suffix}"


@dataclass(frozen=True)
class Comparison:
    """``path op value``."""

    path: AttributePath
    operator: Operator
    value: Literal


@dataclass(frozen=True)
class Present:
    """``path pr``."""

    path: AttributePath


@dataclass(frozen=True)
class ValuePath:
    """``attribute[filter]``: one and the same element satisfies the whole inner filter.

    ``emails[type eq "work"].value eq "x"`` (sent by Entra ID) is read as
    ``emails[type eq "work" and value eq "x"]``.
    """

    path: AttributePath
    filter: Filter


@dataclass(frozen=True)
class And:
    """Both hold."""

    left: Filter
    right: Filter


@dataclass(frozen=True)
class Or:
    """One of the two holds."""

    left: Filter
    right: Filter


@dataclass(frozen=True)
class Not:
    """The inner filter does not hold; there is no third truth value."""

    operand: Filter


Filter = Comparison | Present | ValuePath | And | Or | Not


@dataclass(frozen=True)
class PatchPath:
    """The path of a PATCH operation (RFC 7644 §3.5.2).

    ``members[value eq "u1"].display`` has the path ``members.display`` and a filter on the
    elements of ``members``.
    """

    path: AttributePath
    filter: Filter | None = None


def parse_filter(text: str) -> Filter:
    """Return the syntax tree of a filter.

    :raises InvalidFilter: it does not follow the grammar, is longer than :data:`MAX_LENGTH` or
        deeper than :data:`MAX_DEPTH`, or has more comparisons than :data:`MAX_TERMS`.
    """
    _check_limits(text)
    simple = _parse_simple(text)
    if simple is not None:
        return simple
    return _translate(parse_with_library(text))


def parse_path(text: str) -> PatchPath:
    """Return the parts of a PATCH path, attribute names in the client's spelling.

    :raises InvalidPath: it is none of ``attribute``, ``attribute.sub``, ``attribute[filter]`` and
        ``attribute[filter].sub``, each with or without URN.
    """
    try:
        _check_limits(text)
        # A path with "pr" behind it is a filter, so that one grammar serves for both.
        return _patch_path(_presence(parse_with_library(f"{text}{_PRESENT}")))
    except InvalidFilter as error:
        told = _of_path(text, error.detail)
        raise InvalidPath(f"The path {text!r} is not valid. {told}") from None


_PRESENT = " pr"


def _of_path(text: str, told: str) -> str:
    """Return what is wrong with a path, from what is wrong with the filter that was made of it."""
    if told.startswith(f"Unexpected 'pr' at position {len(text) + len(_PRESENT) - 1} "):
        return "It ends too early, or is a filter where an attribute is wanted."
    return told.replace(" of the filter.", " of it.")


def _parse_simple(text: str) -> Comparison | None:
    match = _SIMPLE.fullmatch(text)
    if match is None:
        return None
    attribute, sub_attribute, operator, value = match.groups()
    if is_word(attribute) or forbidden_character(value):
        return None
    return Comparison(AttributePath(attribute, sub_attribute), Operator(operator.lower()), value)


def _presence(tree: ast.Filter) -> ast.AttrPath:
    expression = tree.expr
    if not isinstance(expression, ast.AttrExpr) or expression.value.lower() != "pr":
        raise InvalidFilter("It is more than a path.")
    return expression.attr_path


_CONNECTIVES = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)


def _check_limits(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"A filter may have {MAX_LENGTH} characters at most.")
    if len(_CONNECTIVES.findall(text)) >= MAX_TERMS:
        raise InvalidFilter(f"A filter may have {MAX_TERMS} comparisons at most.")
    # Brackets within strings count as well: a bound need not be exact, it has to be cheap.
    if text.count("(") + text.count("[") > MAX_DEPTH and _deepest(text) > MAX_DEPTH:
        raise InvalidFilter(f"A filter may be {MAX_DEPTH} levels deep at most.")


def _deepest(text: str) -> int:
    depth = deepest = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        deepest = max(deepest, depth)
    return deepest


def _translate(node: Any) -> Filter:
    if isinstance(node, ast.Filter):
        inner = _value_path(node) if node.namespace is not None else _translate(node.expr)
        return Not(inner) if node.negated else inner
    if isinstance(node, ast.LogExpr):
        return _balanced(And if node.op.lower() == "and" else Or, _operands(node, node.op.lower()))
    return _attribute_expression(node)


def _operands(node: ast.LogExpr, operator: str) -> list[Filter]:
    """Return ``a, b, c`` of ``a and b and c`` without recursion: a chain may have 1,000 links."""
    operands: list[Filter] = []
    pending: list[Any] = [node]
    while pending:
        current = pending.pop()
        bare = isinstance(current, ast.Filter) and not current.negated and not current.namespace
        if bare:
            pending.append(current.expr)
        elif isinstance(current, ast.LogExpr) and current.op.lower() == operator:
            pending += [current.expr2, current.expr1]
        else:
            operands.append(_translate(current))
    return operands


def _balanced(connective: type[And] | type[Or], operands: list[Filter]) -> Filter:
    """Join operands into a tree of logarithmic depth, so that who walks it may recurse."""
    if len(operands) == 1:
        return operands[0]
    half = len(operands) // 2
    return connective(
        _balanced(connective, operands[:half]), _balanced(connective, operands[half:])
    )


def _attribute_expression(node: ast.AttrExpr) -> Filter:
    operator = node.value.lower()
    parts = _patch_path(node.attr_path)
    path = parts.path
    if parts.filter is not None:
        # emails[type eq "work"].value eq "x" speaks of one and the same element.
        path = AttributePath(path.sub_attribute or "value")
    if operator == "pr":
        clause: Filter = Present(path)
    else:
        clause = Comparison(path, Operator(operator), node.comp_value.value)
    if parts.filter is None:
        return clause
    outer = AttributePath(parts.path.attribute, None, parts.path.schema)
    return ValuePath(outer, And(parts.filter, clause))


def _value_path(node: ast.Filter) -> ValuePath:
    path = _plain_path(node.namespace)
    if path.sub_attribute is not None:
        raise InvalidFilter(f"Brackets follow an attribute, not the sub-attribute {path}.")
    inner = _translate(node.expr)
    _refuse_nested(inner)
    return ValuePath(path, inner)


def _patch_path(node: ast.AttrPath) -> PatchPath:
    selection = node.attr_name
    if not isinstance(selection, ast.Filter):
        return PatchPath(_plain_path(node))
    # The library has moved the sub-attribute behind the bracket in front of it.
    inner = _translate(selection.expr)
    _refuse_nested(inner)
    return PatchPath(_plain_path(selection.namespace), inner)


def _plain_path(node: ast.AttrPath) -> AttributePath:
    if isinstance(node.attr_name, ast.Filter):
        raise InvalidFilter("Brackets cannot follow brackets.")
    return AttributePath(node.attr_name, node.sub_attr.value if node.sub_attr else None, node.uri)


def _refuse_nested(inner: Filter) -> None:
    """Within brackets stand sub-attributes, which have no brackets of their own."""
    if isinstance(inner, ValuePath):
        raise InvalidFilter("Brackets cannot stand within brackets.")
    if isinstance(inner, Not):
        _refuse_nested(inner.operand)
    if isinstance(inner, And | Or):
        _refuse_nested(inner.left)
        _refuse_nested(inner.right)
