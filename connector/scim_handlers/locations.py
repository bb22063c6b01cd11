"""Filters on addresses: stored documents have a mark where clients see the base address."""

from __future__ import annotations

from dataclasses import replace

from connector.ports import BASE_URL_MARK
from scim.filters import And, Comparison, Filter, Not, Or, ValuePath

_ADDRESSES = {"$ref", "location"}


def as_stored(filter_: Filter, base_url: str) -> Filter:
    """Return the filter with the addresses in it as they are stored.

    :param base_url: what a client sees in front of ``/Users``.
    """
    match filter_:
        case And(left, right) | Or(left, right):
            return type(filter_)(as_stored(left, base_url), as_stored(right, base_url))
        case Not(operand):
            return Not(as_stored(operand, base_url))
        case ValuePath(_, inner):
            return replace(filter_, filter=as_stored(inner, base_url))
        case Comparison(path, _, str(value)):
            name = (path.sub_attribute or path.attribute).lower()
            if name in _ADDRESSES:
                return replace(filter_, value=value.replace(base_url, BASE_URL_MARK))
    return filter_
