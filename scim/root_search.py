"""Searches over all resource types at the root (RFC 7644 §3.4.2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scim.evaluate import matches
from scim.filters import And, AttributePath, Comparison, Filter, Not, Or, Present, ValuePath
from scim.handlers import Page, Query, Rendered, RequestContext, ResourceHandler
from scim.resources import ResourceType
from scim.schemas import find_schema

Registered = Sequence[tuple[ResourceType, ResourceHandler]]


def search_all(
    resources: Registered, context: RequestContext, query: Query
) -> tuple[int, list[tuple[ResourceType, Rendered]]]:
    """Return the total and a page over all types, one type after the other.

    ``sortBy`` sorts within each type. An attribute that a type lacks is absent in its resources.
    """
    total = 0
    page: list[tuple[ResourceType, Rendered]] = []
    for resource_type, handler in resources:
        narrowed = narrow(query.filter, resource_type) if query.filter else True
        if narrowed is False:
            continue
        part = replace(
            query,
            filter=None if narrowed is True else narrowed,
            sort_by=_known(query.sort_by, resource_type),
            start_index=max(1, query.start_index - total),
            count=query.count - len(page),
        )
        found = handler.search(context, part)
        total += found.total_results
        page += [(resource_type, rendered) for rendered in found.resources]
    return total, page


def sweep_all(
    resources: Registered, context: RequestContext, query: Query
) -> tuple[Page, list[tuple[ResourceType, Rendered]]]:
    """Return a page by cursor over all types, as a page without resources, and the resources.

    A place is the number of the type and the place within it.
    """
    number_at, _, after = (query.after or "0.").partition(".")
    total = 0
    found: list[tuple[ResourceType, Rendered]] = []
    next_after: str | None = None
    for number, (resource_type, handler) in enumerate(resources):
        narrowed = narrow(query.filter, resource_type) if query.filter else True
        is_done = next_after is not None and query.after
        if narrowed is False or number < int(number_at) or is_done:
            continue
        left = query.count - len(found)
        part = replace(
            query,
            filter=None if narrowed is True else narrowed,
            sort_by=_known(query.sort_by, resource_type),
            count=left,
            after=after if number == int(number_at) else "",
        )
        page = handler.search(context, part)
        total += page.total_results
        found += [(resource_type, rendered) for rendered in page.resources]
        if next_after is None and page.next_after is not None:
            next_after = f"{number}.{page.next_after}"
        elif next_after is None and left == 0 < page.total_results:
            # The page was full at the end of the type before.
            next_after = f"{number}."
    return Page(total, next_after=next_after if query.count else None), found


def narrow(filter_: Filter, resource_type: ResourceType) -> Filter | bool:
    """Return what remains of a filter for one resource type, or the truth value it then has."""
    match filter_:
        case And(left, right):
            return _join(And, narrow(left, resource_type), narrow(right, resource_type))
        case Or(left, right):
            return _join(Or, narrow(left, resource_type), narrow(right, resource_type))
        case Not(operand):
            inner = narrow(operand, resource_type)
            return not inner if isinstance(inner, bool) else Not(inner)
        case Comparison() | Present() | ValuePath():
            return _narrow_clause(filter_, resource_type)


def _narrow_clause(
    clause: Comparison | Present | ValuePath, resource_type: ResourceType
) -> Filter | bool:
    if isinstance(clause, Comparison) and str(clause.path).lower() == "meta.resourcetype":
        named: Mapping[str, object] = {"meta": {"resourceType": resource_type.name}}
        return matches(clause, named, resource_type.schema)
    container = find_schema(str(clause.path), resource_type.extensions)
    if resource_type.resolve(clause.path) is not None or container is not None:
        return clause
    if not isinstance(clause, Comparison):
        return False
    # Nothing is different from every value and equal to null.
    return (clause.operator == "ne") != (clause.value is None)


def _join(
    connective: type[And] | type[Or], left: Filter | bool, right: Filter | bool
) -> Filter | bool:
    decisive = connective is Or
    if left is decisive or right is decisive:
        return decisive
    if isinstance(left, bool):
        return right
    return left if isinstance(right, bool) else connective(left, right)


def _known(path: AttributePath | None, resource_type: ResourceType) -> AttributePath | None:
    return path if path and resource_type.resolve(path) else None
