"""The filter language of RFC 7644 §3.4.2.2: its syntax tree (parser below).

The tree is what a store compiles or an oracle evaluates. Attribute names keep the client's
spelling; :class:`AttributePath` compares without case (RFC 7643 §2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

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
