"""Orders resources by any attribute (RFC 7644 §3.4.2.3), and finds a place in that order again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    literal,
    not_,
    null,
    or_,
    select,
    type_coerce,
)

from connector.ports import GROUP, ResourceQuery, SortKey
from connector.store.scim_json import json_value
from connector.store.scim_sources import Context
from connector.store.scim_sources import Resource as ResourceSource
from connector.store.scim_values import Form, Value, assigned, folded
from connector.store.tables import resources
from scim.errors import InvalidPath
from scim.schemas import Attribute, Target, resolve

NEVER_MISSING = ("id", "userName", "meta.created", "meta.lastModified", "active")


@dataclass(frozen=True)
class Order:
    """By what a list is sorted. The last key is the append-only one, so that pages are stable.

    Missing values come last, or first when descending.
    """

    value: ColumnElement[Any] | None = None
    """None: the append-only key alone."""
    missing: ColumnElement[bool] | None = None
    """Whether a resource has no value; None where every one has."""
    descending: bool = False

    @property
    def clauses(self) -> Sequence[ColumnElement[Any]]:
        """The keys, for ``ORDER BY``."""
        if self.value is None:
            return [resources.c.seq]
        keys = [self.key] if self.missing is None else [self.missing, self.key]
        return [*(key.desc() if self.descending else key for key in keys), resources.c.seq]

    @property
    def key(self) -> ColumnElement[Any]:
        """What a resource is sorted by; NULL where that is missing, be it absent or empty."""
        if self.value is None:
            return null()
        if self.missing is None:
            return self.value
        return case((not_(self.missing), self.value))

    def behind(self, after: int, after_key: SortKey) -> ColumnElement[bool]:
        """Return whether a resource comes after the one with these two keys.

        That one need not be there any more.
        """
        later = resources.c.seq > after
        if self.value is None:
            return later
        if after_key is None and self.missing is not None:
            among = and_(self.missing, later)
            return or_(not_(self.missing), among) if self.descending else among
        wanted = literal(after_key, self.value.type)
        reached = self.value <= wanted if self.descending else self.value >= wanted
        passed = self.value < wanted if self.descending else self.value > wanted
        # The first condition is what an index answers.
        beyond = and_(reached, or_(passed, later))
        if self.missing is None:
            return beyond
        beyond = and_(not_(self.missing), beyond)
        return beyond if self.descending else or_(self.missing, beyond)


def order_of(query: ResourceQuery, context: Context) -> Order:
    """Return the order that a query asks for.

    :raises InvalidPath: an unknown attribute, or a complex one without a value.
    """
    if query.sort_by is None:
        return Order()
    schemas = context.schemas
    target = resolve(query.sort_by, schemas.schema, schemas.extensions)
    leaf = _sortable(target)
    if target is None or leaf is None:
        raise InvalidPath(f"{schemas.schema.name} cannot be sorted by {query.sort_by}.")
    if context.kind == GROUP and target.json_path[0] == "members":
        return Order()
    value = ResourceSource(context).value(target) or _in_document(context, target, leaf)
    # A bare column that always has a value is what an index gives in order.
    never = ".".join(target.json_path) in NEVER_MISSING
    missing = None if never else not_(assigned(value))
    return Order(_comparable(value, leaf), missing, query.descending)


def _sortable(target: Target | None) -> Attribute | None:
    if target is None or not target.leaf.is_complex:
        return target.leaf if target else None
    return target.leaf.find("value")


def _comparable(value: Value, leaf: Attribute) -> ColumnElement[Any]:
    """Return the expression as a cursor keeps its values: times as microseconds."""
    if value.form is Form.INSTANT:
        return type_coerce(value.expression, BigInteger)
    return folded(value, leaf)


def _in_document(context: Context, target: Target, leaf: Attribute) -> Value:
    functions = context.functions
    document = functions.document(resources.c.document)
    if not target.attribute.multi_valued:
        return json_value(functions, document, target.json_path, leaf)
    # The primary element, else the first.
    path = target.json_path[:-1] if target.sub_attribute else target.json_path
    rows = functions.elements(document, path)
    keys = (leaf.name,) if target.attribute.is_complex else ()
    value = json_value(functions, rows.c.value, keys, leaf)
    is_primary = functions.boolean(rows.c.value, ("primary",)) if keys else None
    order = [rows.c.key] if is_primary is None else [is_primary.is_not(True), rows.c.key]
    chosen = select(value.expression).select_from(rows).order_by(*order).limit(1)
    return Value(chosen.scalar_subquery(), value.form)
