"""Searches by a filter or in an order: compiled, counted, and bounded where they may take long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, false, func, select, true

from connector.domain.model import fold
from connector.errors import InvalidFilterError, InvalidOrderError, InvalidRequestError, Translated
from connector.ports import ResourceQuery, StoredPage, StoredResource
from connector.store import group_view, pages, scim_filter, scim_sort
from connector.store.long_searches import LongSearches
from connector.store.scim_candidates import Condition
from connector.store.scim_sources import Context, Schemas
from connector.store.scim_values import refuse_unstorable
from connector.store.statements import Session
from connector.store.tables import resources, tombstones
from scim.errors import InvalidFilter, InvalidPath

MAX_SLOW_TERMS = 20
"""Comparisons in a client's filter that no index answers, so that each looks at every resource."""
FEW = 1000
"""Fewer recent changes than this are found by time and sorted; more are met on the way."""


def _in_our_words(error: Exception) -> InvalidRequestError | None:
    """Return what the compilers of a filter and an order refuse as the port has it."""
    match error:
        case InvalidFilter():
            return InvalidFilterError(error.detail)
        case InvalidPath():
            return InvalidOrderError(error.detail)
    return None


_IN_OUR_WORDS = Translated(_in_our_words)


@dataclass(frozen=True)
class SearchRules:
    """What holds for the searches of a store."""

    schemas: Schemas
    """By kind, what filters may name."""
    long: LongSearches = field(default_factory=LongSearches)


class FilteredSearch:
    """One search over a kind, with a filter, an order or both."""

    def __init__(self, session: Session, rules: SearchRules, query: ResourceQuery) -> None:
        self._tenant = session.tenant
        self._connection = session.connection
        self._long = rules.long
        self._query = query
        self._context = Context(
            session.tenant,
            query.kind,
            rules.schemas[query.kind],
            session.connection.dialect.name,
            query.external_id_scope,
        )

    def page(self) -> StoredPage:
        """Return the page that is asked for.

        :raises InvalidFilterError: an unknown attribute, an impossible comparison, or more than
            :data:`MAX_SLOW_TERMS` that take long.
        :raises InvalidOrderError: an unknown attribute to sort by.
        :raises connector.errors.ConnectorError: see :meth:`LongSearches.run`.
        """
        with _IN_OUR_WORDS:
            return self._page()

    def _page(self) -> StoredPage:
        query = self._query
        conditions: list[Condition] = [
            resources.c.tenant == self._tenant,
            resources.c.kind == query.kind,
            *self._shown(),
        ]
        holders = [self._holders(scim_id) for scim_id in query.holding]
        if query.filter is not None:
            terms, asked_for = scim_filter.compile_terms(query.filter, self._context)
            conditions += terms
            holders += asked_for
        order = scim_sort.order_of(query, self._context)
        if not query.asked_by or self._is_quick(order):
            return self._found(conditions, holders, order)
        self._refuse_slow_terms()
        whom = f"{self._tenant}/{query.asked_by}"
        return self._long.run(
            self._connection, whom, lambda: self._found(conditions, holders, order)
        )

    def _shown(self) -> Sequence[Condition]:
        match self._query.deleted:
            case None:
                return []
            case False:
                return [resources.c.visible == true()]
        deleted = select(tombstones.c.scim_id).where(
            tombstones.c.tenant == self._tenant, tombstones.c.kind == self._query.kind
        )
        return [resources.c.visible == false(), resources.c.scim_id.in_(deleted)]

    def _is_quick(self, order: scim_sort.Order) -> bool:
        """Return whether indexes answer, so that not every resource has to be looked at."""
        if order.missing is not None:
            return False
        filter_ = self._query.filter
        return filter_ is None or scim_filter.is_answered_by_index(filter_, self._context)

    def _refuse_slow_terms(self) -> None:
        filter_ = self._query.filter
        slow = 0 if filter_ is None else scim_filter.slow_terms(filter_, self._context)
        if slow > MAX_SLOW_TERMS:
            raise InvalidFilterError(
                f"A filter may have {MAX_SLOW_TERMS} comparisons at most that no index answers, "
                f"and this one has {slow}: those with co, ew, ne or pr, within not, or of an "
                "attribute without an index. Narrow it by and with one that an index answers, such "
                "as userName eq, or ask in several requests."
            )

    def _found(
        self,
        conditions: Sequence[Condition],
        holders: Sequence[Select[Any]],
        ordered: scim_sort.Order,
    ) -> StoredPage:
        query = self._query
        counted = [*conditions, *map(resources.c.scim_id.in_, holders)]
        wanted = [*conditions, *map(self._held, holders)]
        if query.after is not None:
            return self._behind(wanted, counted, ordered)
        order = ordered.clauses
        if query.filter is not None and query.sort_by is None:
            recent = scim_filter.compile_recent(query.filter, self._context)
            if recent and self._are_few([*conditions[:2], *recent]):
                # An expression, so that the planner does not walk everything in this order.
                order = [resources.c.seq + 0]
        found = self._slice(wanted, order)
        skipped = query.start_index - 1
        if len(found) < query.count and (found or not skipped):
            return StoredPage(skipped + len(found), found)
        return StoredPage(self._count_all(counted), found)

    def _holders(self, scim_id: str) -> Select[Any]:
        refuse_unstorable(scim_id)
        return group_view.holders(self._tenant, fold(scim_id))

    def _held(self, holders: Select[Any]) -> Condition:
        """Return what finds a page of the holders of something; all of them are counted by a
        look-up in any case."""
        some = select(func.count()).select_from(holders.limit(FEW).subquery())
        if (self._connection.scalar(some) or 0) < FEW:
            return resources.c.scim_id.in_(holders)
        # An expression, so that the planner walks in the page's order, which is soon full, and does
        # not look up and sort them all.
        return (resources.c.scim_id + "").in_(holders)

    def _behind(
        self,
        conditions: Sequence[Condition],
        counted: Sequence[Condition],
        order: scim_sort.Order,
    ) -> StoredPage:
        query = self._query
        after = query.after or 0
        if query.count <= 0:
            return StoredPage(0 if after else self._count_all(counted), [])
        behind = [order.behind(after, query.after_key)] if after else []
        statement = (
            select(*pages.STORED, resources.c.seq, order.key.label("sort_key"))
            .where(*conditions, *behind)
            .order_by(*order.clauses)
            .limit(query.count + 1)
        )
        rows = self._connection.execute(statement).all()
        found = [StoredResource(*row[:-2]) for row in rows[: query.count]]
        if len(rows) <= query.count:
            return StoredPage(0 if after else len(found), found)
        total = 0 if after else self._count_all(counted)
        last = rows[query.count - 1]
        return StoredPage(total, found, last.seq, last.sort_key)

    def _count_all(self, conditions: Sequence[Any]) -> int:
        statement = select(func.count()).select_from(resources).where(*conditions)
        return self._connection.scalar(statement) or 0

    def _are_few(self, conditions: Sequence[Any]) -> bool:
        some = select(resources.c.seq).where(*conditions).limit(FEW).subquery()
        return (self._connection.scalar(select(func.count()).select_from(some)) or 0) < FEW

    def _slice(self, conditions: Sequence[Any], order: Sequence[Any]) -> list[StoredResource]:
        query = self._query
        if query.count <= 0:
            return []
        statement = (
            select(*pages.STORED)
            .where(*conditions)
            .order_by(*order)
            .limit(query.count)
            .offset(query.start_index - 1)
        )
        return [StoredResource(*row) for row in self._connection.execute(statement)]
