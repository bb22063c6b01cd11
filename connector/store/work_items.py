"""Approvals and manual tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError

from connector.domain.model import fold
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Act, Evidence, WorkItemEvent
from connector.domain.work_items.items import (
    OPEN_STATES,
    REFUSED,
    ApprovalTerms,
    Direction,
    WorkItem,
    WorkItemFilter,
    WorkItemKind,
    WorkItemState,
)
from connector.errors import NotFoundError, UniquenessError
from connector.store.columns import TEXT
from connector.store.folding import Folded
from connector.store.statements import Records, Session, after_prefix, among, put_rows
from connector.store.tables import (
    delegations,
    users,
    work_item_events,
    work_item_evidence,
    work_items,
)
from mappings.model import Approvers

WORK_ITEMS = Records(work_items, WorkItem)
EVENTS = Records(work_item_events, WorkItemEvent)
EVIDENCE = Records(work_item_evidence, Evidence)
DELEGATIONS = Records(delegations, Delegation)
_WORDS = 4
"""Of a search: what people write who look for somebody."""


class SqlWorkItems:
    """See :class:`connector.ports.WorkItemRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, item: WorkItem) -> None:
        """Insert an item. At most one open item a subject, entitlement and kind can exist.

        :raises UniquenessError: there is an open one already.
        """
        try:
            # The savepoint keeps the transaction usable on PostgreSQL.
            with self._connection.begin_nested():
                self._connection.execute(insert(work_items), self._row(item))
        except IntegrityError as error:
            raise UniquenessError(
                f"There is already an open {item.kind} for {item.subject_id} and {item.entitlement}"
            ) from error

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by its id, or by a prefix of the id that only it has.

        :raises NotFoundError: no such item, or several with that prefix.
        """
        found = self._starting_with(work_item_id) if work_item_id else []
        if not found:
            raise NotFoundError(f"There is no work item {work_item_id!r}.")
        if len(found) > 1 and found[0].work_item_id != work_item_id:
            raise NotFoundError(f"Several work items start with {work_item_id!r}: write more of it")
        return _record(found[0])

    def _starting_with(self, prefix: str) -> Sequence[Row[tuple[object, ...]]]:
        statement = (
            select(*WORK_ITEMS.columns)
            .where(
                work_items.c.tenant == self._tenant,
                work_items.c.work_item_id >= prefix,
                work_items.c.work_item_id < after_prefix(prefix),
            )
            .order_by(work_items.c.work_item_id)
            .limit(2)
        )
        return self._connection.execute(statement).all()

    def _row(self, item: WorkItem) -> Mapping[str, Any]:
        terms = asdict(item.terms) if item.terms else None
        return WORK_ITEMS.to_row(self._tenant, item, terms=terms)

    def save(self, item: WorkItem) -> None:
        """Overwrite an item."""
        put_rows(self._connection, work_items, [self._row(item)])

    def count(
        self,
        states: Iterable[WorkItemState],
        *,
        kind: WorkItemKind | None = None,
        assignee: str | None = None,
        wanted: WorkItemFilter | None = None,
    ) -> int:
        """Return how many items :meth:`page` has on all pages."""
        conditions = self._conditions(states, kind, assignee, wanted)
        return self._connection.scalar(select(func.count()).where(*conditions)) or 0

    def _conditions(
        self,
        states: Iterable[WorkItemState],
        kind: WorkItemKind | None,
        assignee: str | None,
        wanted: WorkItemFilter | None,
    ) -> list[ColumnElement[bool]]:
        conditions = [work_items.c.tenant == self._tenant, work_items.c.state.in_(list(states))]
        if kind is not None:
            conditions.append(work_items.c.kind == kind)
        if assignee is not None:
            conditions.append(work_items.c.assignee == assignee)
        return [*conditions, *self._fitting(wanted)]

    def _fitting(self, wanted: WorkItemFilter | None) -> Iterator[ColumnElement[bool]]:
        """Yield what the items of a search have to meet."""
        if wanted is None:
            return
        if wanted.person:
            yield or_(
                work_items.c.subject_id == wanted.person.lower(),
                # By the item's person: there are more people than items.
                exists().where(
                    users.c.tenant == work_items.c.tenant,
                    users.c.user_id == work_items.c.subject_id,
                    *(
                        or_(_has(users.c.email_key, word), _has(users.c.user_name_key, word))
                        for word in _words(wanted.person)
                    ),
                ),
            )
        if wanted.what:
            named = among(
                work_items.c.entitlement, wanted.entitlements, self._connection.dialect.name
            )
            # A refused change has no entitlement: its title says what it was.
            refused = work_items.c.entitlement.startswith(REFUSED, autoescape=True)
            title = Folded(work_items.c.title)
            told = and_(refused, *(_has(title, word) for word in _words(wanted.what)))
            yield or_(named, work_items.c.entitlement == wanted.what, told)
        requester = Folded(work_items.c.requester)
        yield from (_has(requester, word) for word in _words(wanted.asked_by))

    def page(
        self,
        states: Iterable[WorkItemState],
        *,
        kind: WorkItemKind | None = None,
        assignee: str | None = None,
        wanted: WorkItemFilter | None = None,
        newest_first: bool = False,
        after: str = "",
        limit: int = 50,
    ) -> Sequence[WorkItem]:
        """Return items in the order of their creation.

        :param after: the id of the last item of the page before.
        """
        place = tuple_(work_items.c.created_at, work_items.c.work_item_id)
        conditions = self._conditions(states, kind, assignee, wanted)
        if after:
            last = self._connection.execute(
                select(work_items.c.created_at, work_items.c.work_item_id).where(
                    work_items.c.tenant == self._tenant, work_items.c.work_item_id == after
                )
            ).first()
            if last is not None:
                known = tuple_(
                    literal(last.created_at, work_items.c.created_at.type), literal(after, TEXT)
                )
                conditions.append(place < known if newest_first else place > known)
        order = (work_items.c.created_at, work_items.c.work_item_id)
        found = self._connection.execute(
            select(*WORK_ITEMS.columns)
            .where(*conditions)
            .order_by(*(column.desc() if newest_first else column for column in order))
            .limit(limit)
        )
        return [_record(row) for row in found]

    def search(
        self,
        *,
        states: Iterable[WorkItemState] = (),
        subject_ids: Iterable[str] = (),
        entitlement: str | None = None,
        direction: Direction | None = None,
        kind: WorkItemKind | None = None,
        closed_after: datetime | None = None,
        closed_until: datetime | None = None,
        wanted: WorkItemFilter | None = None,
    ) -> Sequence[WorkItem]:
        """Return matching items, oldest first; no states means all.

        :param closed_after: only those that ended after this time.
        :param closed_until: only those that had ended at this time.
        """
        conditions: list[ColumnElement[bool]] = [work_items.c.tenant == self._tenant]
        if wanted_states := list(states):
            conditions.append(work_items.c.state.in_(wanted_states))
        if wanted_ids := list(subject_ids):
            conditions.append(work_items.c.subject_id.in_(wanted_ids))
        if entitlement is not None:
            conditions.append(work_items.c.entitlement == entitlement)
        if direction is not None:
            conditions.append(work_items.c.direction == direction)
        if kind is not None:
            conditions.append(work_items.c.kind == kind)
        if closed_after is not None:
            conditions.append(work_items.c.closed_at > closed_after)
        if closed_until is not None:
            conditions.append(work_items.c.closed_at <= closed_until)
        conditions += self._fitting(wanted)
        found = self._connection.execute(
            select(*WORK_ITEMS.columns)
            .where(*conditions)
            .order_by(work_items.c.created_at, work_items.c.work_item_id)
        )
        return [_record(row) for row in found]

    # history ------------------------------------------------------------------

    def add_event(self, event: WorkItemEvent) -> None:
        """Append a line to an item's history; its sequence is filled in."""
        last = self._connection.scalar(
            select(func.max(work_item_events.c.sequence)).where(
                work_item_events.c.tenant == self._tenant,
                work_item_events.c.work_item_id == event.work_item_id,
            )
        )
        row = EVENTS.to_row(self._tenant, event, sequence=(last or 0) + 1)
        self._connection.execute(insert(work_item_events), row)

    def events(self, work_item_id: str) -> Sequence[WorkItemEvent]:
        """Return an item's history, oldest first."""
        found = self._connection.execute(
            select(*EVENTS.columns)
            .where(
                work_item_events.c.tenant == self._tenant,
                work_item_events.c.work_item_id == work_item_id,
            )
            .order_by(work_item_events.c.sequence)
        )
        return [EVENTS.from_row(row) for row in found]

    def acts_on_open(self, acts: Collection[Act]) -> Sequence[WorkItemEvent]:
        """Return what was done so to items that are open, in no order."""
        still_open = select(work_items.c.work_item_id).where(
            work_items.c.tenant == self._tenant, work_items.c.state.in_(OPEN_STATES)
        )
        found = self._connection.execute(
            select(*EVENTS.columns).where(
                work_item_events.c.tenant == self._tenant,
                work_item_events.c.work_item_id.in_(still_open),
                work_item_events.c.act.in_(list(acts)),
            )
        )
        return [EVENTS.from_row(row) for row in found]

    def add_evidence(self, evidence: Evidence, content: bytes) -> None:
        """Keep a file with an item."""
        row = EVIDENCE.to_row(self._tenant, evidence, content=content)
        self._connection.execute(insert(work_item_evidence), row)

    def evidence(self, work_item_id: str) -> Sequence[Evidence]:
        """Return what is attached to an item, oldest first."""
        found = self._connection.execute(
            select(*EVIDENCE.columns)
            .where(
                work_item_evidence.c.tenant == self._tenant,
                work_item_evidence.c.work_item_id == work_item_id,
            )
            .order_by(work_item_evidence.c.added_at, work_item_evidence.c.evidence_id)
        )
        return [EVIDENCE.from_row(row) for row in found]

    def evidence_content(self, evidence_id: str) -> tuple[Evidence, bytes]:
        """Return a file that was attached.

        :raises NotFoundError: no such file.
        """
        found = self._connection.execute(
            select(*EVIDENCE.columns, work_item_evidence.c.content).where(
                work_item_evidence.c.tenant == self._tenant,
                work_item_evidence.c.evidence_id == evidence_id,
            )
        ).first()
        if found is None:
            raise NotFoundError(f"There is no file {evidence_id!r}.")
        return EVIDENCE.from_row(found), bytes(found.content)

    # delegations --------------------------------------------------------------

    def put_delegation(self, delegation: Delegation) -> None:
        """Insert or overwrite a delegation."""
        put_rows(self._connection, delegations, [DELEGATIONS.to_row(self._tenant, delegation)])

    def delegations(self) -> Sequence[Delegation]:
        """Return all delegations, newest first."""
        found = self._connection.execute(
            select(*DELEGATIONS.columns)
            .where(delegations.c.tenant == self._tenant)
            .order_by(delegations.c.created_at.desc(), delegations.c.delegation_id)
        )
        return [DELEGATIONS.from_row(row, groups=tuple(row.groups)) for row in found]


def _words(text: str) -> list[str]:
    return fold(text).split()[:_WORDS]


def _has(text: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    return text.contains(word, autoescape=True)


def _record(row: Row[tuple[object, ...]]) -> WorkItem:
    terms = _terms(row.terms)
    return WORK_ITEMS.from_row(row, instructions=tuple(row.instructions), terms=terms)


def _terms(data: Mapping[str, Any] | None) -> ApprovalTerms | None:
    if data is None:
        return None
    named = {name: _approvers(data[name]) for name in ("approvers", "escalate_to")}
    return ApprovalTerms(**{**data, **named})


def _approvers(data: Mapping[str, Any]) -> Approvers:
    return Approvers(tuple(data["people"]), tuple(data["groups"]), data["manager"])
