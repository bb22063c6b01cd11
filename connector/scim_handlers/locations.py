"""Filters on addresses: stored documents have a mark where clients see the base address.

What a filter says of the address that clients see is turned into what holds of the stored one, for
every operator: a text may lie in front of, behind or across the end of the base address.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce

from connector.ports import BASE_URL_MARK
from scim.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)

_OURS = {"meta.location", "groups.$ref", "members.$ref"}
"""The addresses that we make; ``manager.$ref`` is kept as the client wrote it."""
_ORDER: Mapping[Operator, Callable[[str, str], bool]] = {
    Operator.GT: operator.gt,
    Operator.GE: operator.gt,
    Operator.LT: operator.lt,
    Operator.LE: operator.lt,
}


def as_stored(filter_: Filter, base_url: str, within: str = "") -> Filter:
    """Return the filter with the addresses in it as they are stored.

    :param base_url: what a client sees in front of ``/Users``.
    :param within: the attribute in whose brackets the filter stands.
    """
    match filter_:
        case And(left, right) | Or(left, right):
            sides = [as_stored(side, base_url, within) for side in (left, right)]
            return type(filter_)(*sides)
        case Not(operand):
            return Not(as_stored(operand, base_url, within))
        case ValuePath(path, inner):
            return replace(filter_, filter=as_stored(inner, base_url, path.attribute))
        case Comparison(path, _, str(value)) if _is_ours(path, within):
            return _compared(filter_, value, base_url)
    return filter_


def _is_ours(path: AttributePath, within: str) -> bool:
    name = f"{within}.{path.attribute}" if within else f"{path.attribute}.{path.sub_attribute}"
    return name.lower() in _OURS


def _compared(asked: Comparison, value: str, base: str) -> Filter:
    """Return what holds of the stored address where *asked* holds of the one that clients see."""
    there = Present(asked.path)
    never = And(there, Not(there))
    if asked.operator in (Operator.CO, Operator.EW):
        return (
            there
            if value in base and asked.operator is Operator.CO
            else _across(asked, value, base)
        )
    if value.startswith(base):
        return replace(asked, value=BASE_URL_MARK + value.removeprefix(base))
    if asked.operator is Operator.SW:
        return there if base.startswith(value) else never
    if asked.operator in _ORDER:
        # Both differ within the base, which is the same for all.
        return there if _ORDER[asked.operator](base, value) else never
    return asked  # Nothing of ours has this address.


def _across(asked: Comparison, value: str, base: str) -> Filter:
    """Return where a text occurs: behind the base, or beginning in it and ending behind it."""
    wanted = Operator.SW if asked.operator is Operator.CO else Operator.EQ
    across: list[Filter] = [
        Comparison(asked.path, wanted, BASE_URL_MARK + value[length:])
        for length in range(1, len(value))
        if base.endswith(value[:length])
    ]
    first: Filter = asked
    return reduce(Or, across, first)
