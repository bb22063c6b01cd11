"""Orders resources by any attribute (RFC 7644 §3.4.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, not_, select

from connector.ports import GROUP, ResourceQuery
from connector.store.scim_json import json_value
from connector.store.scim_sources import Context
from connector.store.scim_sources import Resource as ResourceSource
from connector.store.scim_values import Value, assigned, folded
from connector.store.tables import resources
from scim.errors import InvalidPath
from scim.schemas import Attribute, Target, resolve

NEVER_MISSING = ("id", "userName", "meta.created", "meta.lastModified", "active")


def order_by(query: ResourceQuery, context: Context) -> Sequence[ColumnElement[Any]]:
    """Return the sort keys; the last is the append-only key, so that pages are stable.

    Missing values come last, or first when descending.

    :raises InvalidPath: an unknown attribute, or a complex one without a value.
    """
    if query.sort_by is None:
        return [resources.c.seq]
    schemas = context.schemas
    target = resolve(query.sort_by, schemas.schema, schemas.extensions)
    leaf = _sortable(target)
    if target is None or leaf is None:
        raise InvalidPath(f"{schemas.schema.name} cannot be sorted by {query.sort_by}.")
    if context.kind == GROUP and target.json_path[0] == "members":
        return [resources.c.seq]
    keys = _keys(context, target, leaf)
    return [*(key.desc() if query.descending else key for key in keys), resources.c.seq]


def _sortable(target: Target | None) -> Attribute | None:
    if target is None or not target.leaf.is_complex:
        return target.leaf if target else None
    return target.leaf.find("value")


def _keys(context: Context, target: Target, leaf: Attribute) -> Sequence[ColumnElement[Any]]:
    value = ResourceSource(context).value(target) or _in_document(context, target, leaf)
    expression = folded(value, leaf)
    if ".".join(target.json_path) in NEVER_MISSING:
        # The bare column, which an index gives in order.
        return [expression]
    return [not_(assigned(value)), expression]


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
