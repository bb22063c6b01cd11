"""Requests to be forgotten, and the forgetting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, and_, cast, delete, or_, select, update

from connector.domain.erasure import ERASED_TEXT, Erasure, ErasureState, names_any, scrubbed
from connector.domain.ledger.plans import REQUEST_REASON, PlanState
from connector.domain.work_items.items import OPEN_STATES
from connector.domain.writing import command
from connector.errors import NotFoundError
from connector.store.forgotten_actors import forget_actors, names_used
from connector.store.statements import Records, Session, after_prefix, put_rows
from connector.store.tables import (
    audit_people,
    consent_links,
    consents,
    earlier_addresses,
    erasures,
    group_members,
    memberships,
    notifications,
    operations,
    plans,
    provenance,
    read_hints,
    tombstones,
    users,
    work_item_events,
    work_item_evidence,
    work_items,
)

_UNFINISHED = (PlanState.OPEN, PlanState.QUEUED)
ERASURES = Records(erasures, Erasure)


class SqlErasures:
    """See :class:`connector.ports.ErasureRepository`."""

    __slots__ = ("_connection", "_session", "_tenant")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tenant = session.tenant
        self._connection = session.connection

    def put(self, erasure: Erasure) -> None:
        """Insert or overwrite a request."""
        put_rows(self._connection, erasures, [ERASURES.to_row(self._tenant, erasure)])

    def get(self, erasure_id: str) -> Erasure:
        """Return a request by its id or a beginning of it that only it has.

        :raises NotFoundError: there is none, or there are several.
        """
        found: list[Erasure] = []
        if erasure_id:
            within = (
                erasures.c.erasure_id >= erasure_id,
                erasures.c.erasure_id < after_prefix(erasure_id),
            )
            found = self._select(*within)
        if len(found) != 1:
            how = "Several erasures start" if found else "No erasure starts"
            listed = command(self._tenant, "erase", "list")
            raise NotFoundError(f"{how} with {erasure_id!r}. See {listed}.")
        return found[0]

    def search(self, states: Iterable[ErasureState] = ()) -> Sequence[Erasure]:
        """Return requests, oldest first; no states means all."""
        wanted = list(states)
        return self._select(*([erasures.c.state.in_(wanted)] if wanted else []))

    def _select(self, *conditions: Any) -> list[Erasure]:
        rows = self._connection.execute(
            select(*ERASURES.columns)
            .where(erasures.c.tenant == self._tenant, *conditions)
            .order_by(erasures.c.requested_at, erasures.c.erasure_id)
        )
        return [ERASURES.from_row(row) for row in rows]

    # forgetting ---------------------------------------------------------------

    def forget_person(self, user_id: str, *emails: str) -> None:
        """Delete what the mirror and the ledger hold of a person; see the port."""
        self._delete(group_members, group_members.c.user_id == user_id)
        self._delete(memberships, memberships.c.user_id == user_id)
        self._delete(users, users.c.user_id == user_id)
        self._delete(earlier_addresses, earlier_addresses.c.user_id == user_id)
        self._delete(provenance, provenance.c.user_id == user_id)
        self._delete(tombstones, tombstones.c.kind == "User", tombstones.c.scim_id == user_id)
        self._delete(notifications, notifications.c.subject_id == user_id)
        self._delete(consents, consents.c.user_id == user_id)
        self._delete(consent_links, consent_links.c.user_id == user_id)
        self._delete(read_hints, read_hints.c.user_id == user_id)
        self._delete(audit_people, audit_people.c.user_id == user_id)
        self._scrub_plans(user_id, emails)
        self._scrub_plans_of_groups(user_id)
        self._scrub_work_items(user_id, emails)

    def names_used(self, names: Collection[str]) -> AbstractSet[str]:
        """Return all by which :meth:`forget_actor` goes; see the port."""
        return names_used(self._session, names)

    def forget_actor(self, names: Collection[str]) -> Sequence[str]:
        """Forget somebody who worked with the connector; see the port."""
        return forget_actors(self._session, names)

    def _scrub_plans(self, user_id: str, emails: Collection[str]) -> None:
        found = self._connection.execute(
            select(plans.c.plan_id, plans.c.subject_id, plans.c.summary, plans.c.context).where(
                plans.c.tenant == self._tenant,
                plans.c.subject_kind == "User",
                # Whoever is created on the address by now is somebody else.
                or_(
                    plans.c.subject_id == user_id,
                    and_(plans.c.subject_id.is_(None), plans.c.state.not_in(_UNFINISHED)),
                ),
            )
        ).all()
        for row in found:
            # A creation that led to nobody has no subject. One that was refused before it was
            # planned names the address in its lock alone.
            texts = (row.summary, *row.context.get("locks", ()))
            if row.subject_id == user_id or names_any(texts, emails):
                self._scrub_plan(row.plan_id)

    def _scrub_plan(self, plan_id: str) -> None:
        mine = (plans.c.tenant == self._tenant, plans.c.plan_id == plan_id)
        self._connection.execute(update(plans).where(*mine).values(summary=ERASED_TEXT, context={}))
        of_plan = (operations.c.tenant == self._tenant, operations.c.plan_id == plan_id)
        rows = self._connection.execute(
            select(operations.c.operation_id, operations.c.operation).where(*of_plan)
        ).all()
        for row in rows:
            self._connection.execute(
                update(operations)
                .where(*of_plan, operations.c.operation_id == row.operation_id)
                .values(operation=scrubbed(row.operation), error=None)
            )

    def _scrub_plans_of_groups(self, user_id: str) -> None:
        """Replace what plans say in which the person is one of several members. Of one that is not
        finished, what its end depends on stays: others are waiting for it."""
        naming = select(operations.c.plan_id).where(
            operations.c.tenant == self._tenant,
            cast(operations.c.operation, Text).contains(user_id, autoescape=True),
        )
        mine = (plans.c.tenant == self._tenant, plans.c.subject_kind == "Group")
        found = self._connection.execute(
            select(plans.c.plan_id, plans.c.state, plans.c.context).where(
                *mine, plans.c.plan_id.in_(naming)
            )
        ).all()
        for row in found:
            kept = row.context if row.state in _UNFINISHED else {}
            context = {name: value for name, value in kept.items() if name != REQUEST_REASON}
            self._connection.execute(
                update(plans)
                .where(*mine, plans.c.plan_id == row.plan_id)
                .values(summary=ERASED_TEXT, context=context)
            )

    def open_items(self, user_id: str, *emails: str) -> Sequence[str]:
        """Return the open work items that :meth:`forget_person` would empty; see the port."""
        return list(self._items_of(user_id, emails, work_items.c.state.in_(OPEN_STATES)))

    def _scrub_work_items(self, user_id: str, emails: Collection[str]) -> None:
        for work_item_id in self._items_of(user_id, emails):
            self._scrub_work_item(work_item_id)

    def _items_of(
        self, user_id: str, emails: Collection[str], *conditions: ColumnElement[bool]
    ) -> Iterator[str]:
        columns = (work_items.c.work_item_id, work_items.c.subject_id, work_items.c.title)
        found = self._connection.execute(
            select(*columns, work_items.c.instructions)
            .where(
                work_items.c.tenant == self._tenant,
                work_items.c.subject_id.in_((user_id, "")),
                *conditions,
            )
            .order_by(work_items.c.created_at, work_items.c.work_item_id)
        ).all()
        for row in found:
            # A refused creation has no subject, a refused change of a group names members.
            texts = (row.title, *row.instructions)
            if row.subject_id == user_id or names_any(texts, (user_id, *emails)):
                yield row.work_item_id

    def _scrub_work_item(self, work_item_id: str) -> None:
        self._connection.execute(
            update(work_items)
            .where(work_items.c.tenant == self._tenant, work_items.c.work_item_id == work_item_id)
            .values(title=ERASED_TEXT, instructions=[], comment=None, last_check=None)
        )
        self._delete(work_item_evidence, work_item_evidence.c.work_item_id == work_item_id)
        self._connection.execute(
            update(work_item_events)
            .where(
                work_item_events.c.tenant == self._tenant,
                work_item_events.c.work_item_id == work_item_id,
            )
            .values(comment="", data={})
        )

    def _delete(self, table: Table, *conditions: Any) -> None:
        self._connection.execute(delete(table).where(table.c.tenant == self._tenant, *conditions))
