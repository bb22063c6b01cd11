"""The append-only record of one tenant, each event bound to the one before by its hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    delete,
    or_,
    select,
    union_all,
    update,
)

from connector.domain.audit.chain import PERSON, Pseudonym, merge, named_people, sealed
from connector.domain.audit.events import AuditEvent, AuditFilter, AuditHead, Seal
from connector.store.statements import Session, add_rows, after_prefix, chunked, put_missing
from connector.store.tables import (
    audit_actors,
    audit_details,
    audit_events,
    audit_heads,
    audit_people,
    operations,
)

_OF_PLAN = "plan."
"""How actions begin of which only the plan says whom they concern."""
_REQUESTS = "request.*"


class SqlAudit:
    """See :class:`connector.ports.AuditRepository`."""

    __slots__ = ("_connection", "_pending", "_tenant", "is_used")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection
        self._pending: list[AuditEvent] = []
        self.is_used = False

    # appending ----------------------------------------------------------------

    def append(self, *events: AuditEvent) -> None:
        """Append events when the transaction is committed, all in one go."""
        self.is_used = True
        self._pending += events

    def prepend(self, events: Sequence[AuditEvent]) -> None:
        """Append events that happened before those of the transaction."""
        self._pending = [*events, *self._pending]

    def flush(self) -> None:
        """Write what was appended; sequence and hashes are filled in.

        The head stays locked until the transaction ends, so appends keep one order.
        """
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        pseudonyms = self._pseudonyms(pending)
        head = self._lock_head()
        written: list[AuditEvent] = []
        for event in pending:
            written.append(sealed(event, head, pseudonyms.get(event.actor)))
            head = AuditHead(written[-1].sequence, written[-1].hash)
        add_rows(self._connection, audit_events, [self._row(event) for event in written])
        details = [self._details(event) for event in written]
        add_rows(self._connection, audit_details, [row for row in details if row is not None])
        named = [row for event in written for row in self._people(event)]
        add_rows(self._connection, audit_people, named)
        self._connection.execute(
            update(audit_heads)
            .where(audit_heads.c.tenant == self._tenant)
            .values(sequence=head.sequence, hash=head.hash)
        )

    def _row(self, event: AuditEvent) -> dict[str, Any]:
        assert event.seal is not None  # noqa: S101 - sealed() made it
        return {
            "tenant": self._tenant,
            "sequence": event.sequence,
            "at": event.at,
            "actor": event.seal.actor,
            "action": event.action,
            "subject": event.subject,
            "correlation_id": event.correlation_id,
            "data": event.seal.data,
            "previous_hash": event.previous_hash,
            "hash": event.hash,
            "personal_digest": event.seal.personal_digest,
        }

    def _details(self, event: AuditEvent) -> dict[str, Any] | None:
        seal = event.seal
        if seal is None or seal.personal is None:
            return None
        key = {"tenant": self._tenant, "sequence": event.sequence}
        return {**key, "salt": seal.salt, "personal": seal.personal}

    def _people(self, event: AuditEvent) -> Iterator[dict[str, Any]]:
        """Yield the index of the users whom an event names, or whom its plan does."""
        named = named_people(event.data)
        if not named and event.action.startswith(_OF_PLAN) and "operations" not in event.data:
            named = self._named_by_plan(str(event.data.get("plan", "")))
        for user_id in sorted(named - {event.subject}):
            yield {"tenant": self._tenant, "user_id": user_id, "sequence": event.sequence}

    def _named_by_plan(self, plan_id: str) -> frozenset[str]:
        steps = self._connection.scalars(
            select(operations.c.operation).where(
                operations.c.tenant == self._tenant, operations.c.plan_id == plan_id
            )
        )
        return named_people(list(steps))

    def _pseudonyms(self, events: Sequence[AuditEvent]) -> Mapping[str, Pseudonym]:
        """Return the pseudonyms of the people among the actors, new ones kept."""
        names = {event.actor for event in events if event.actor.startswith(PERSON)}
        if not names:
            return {}
        table = audit_actors
        found = self._connection.execute(
            select(table.c.pseudonym, table.c.name, table.c.salt)
            .where(table.c.tenant == self._tenant, table.c.name.in_(names))
            .order_by(table.c.pseudonym.desc())
        )
        known = {row.name: Pseudonym(row.pseudonym, row.name, row.salt) for row in found}
        fresh = [Pseudonym.of(name) for name in sorted(names - known.keys())]
        put_missing(
            self._connection, table, [{"tenant": self._tenant, **vars(item)} for item in fresh]
        )
        return {**known, **{item.name: item for item in fresh}}

    def _lock_head(self) -> AuditHead:
        head = (
            select(audit_heads.c.sequence, audit_heads.c.hash)
            .where(audit_heads.c.tenant == self._tenant)
            .with_for_update()
        )
        found = self._connection.execute(head).first()
        if found is None:
            first = {"tenant": self._tenant, "sequence": 0, "hash": ""}
            put_missing(self._connection, audit_heads, [first])
            found = self._connection.execute(head).one()
        return AuditHead(found.sequence, found.hash)

    # reading ------------------------------------------------------------------

    def head(self) -> AuditHead:
        """Return where the chain ends."""
        self.flush()
        found = self._connection.execute(
            select(audit_heads.c.sequence, audit_heads.c.hash).where(
                audit_heads.c.tenant == self._tenant
            )
        ).first()
        return AuditHead(found.sequence, found.hash) if found else AuditHead(0, "")

    def events(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        wanted: AuditFilter | None = None,
        newest_first: bool = False,
    ) -> Sequence[AuditEvent]:
        """Return events in order, or the newest first, then only those before *after*."""
        self.flush()
        order = audit_events.c.sequence
        statement = self._select().limit(limit)
        if newest_first:
            statement = statement.order_by(order.desc())
            if after:
                statement = statement.where(order < after)
        else:
            statement = statement.where(order > after).order_by(order)
        if wanted is not None:
            statement = statement.where(*self._conditions(wanted))
        return [_event(row) for row in self._connection.execute(statement)]

    def walk(self, wanted: AuditFilter | None = None) -> Iterator[AuditEvent]:
        """Return every event in order, without holding them all at once."""
        after = 0
        while page := self.events(after=after, wanted=wanted):
            yield from page
            after = page[-1].sequence

    def _select(self) -> Select[Any]:
        events, details, actors = audit_events, audit_details, audit_actors
        beside = and_(
            details.c.tenant == events.c.tenant,
            details.c.sequence == events.c.sequence,
        )
        named = and_(actors.c.tenant == events.c.tenant, actors.c.pseudonym == events.c.actor)
        return (
            select(
                events,
                details.c.salt,
                details.c.personal,
                actors.c.name,
                actors.c.salt.label("actor_salt"),
            )
            .select_from(events.outerjoin(details, beside).outerjoin(actors, named))
            .where(events.c.tenant == self._tenant)
        )

    def _conditions(self, wanted: AuditFilter) -> list[ColumnElement[bool]]:
        table = audit_events.c
        conditions: list[ColumnElement[bool]] = []
        if wanted.people:
            conditions.append(table.sequence.in_(self._concerning(wanted)))
        if wanted.subjects:
            conditions.append(table.subject.in_(wanted.subjects))
        if wanted.correlation_ids:
            conditions.append(table.correlation_id.in_(wanted.correlation_ids))
        if wanted.request:
            conditions.append(table.correlation_id == wanted.request)
        if wanted.actor:
            conditions.append(
                or_(
                    _matches(table.actor, wanted.actor),
                    _matches(audit_actors.c.name, wanted.actor),
                )
            )
        if wanted.action:
            conditions.append(_matches(table.action, wanted.action))
        if wanted.since is not None:
            conditions.append(table.at >= wanted.since)
        if wanted.until is not None:
            conditions.append(table.at < wanted.until)
        return conditions

    def _concerning(self, wanted: AuditFilter) -> CompoundSelect[Any]:
        """Return the sequences of the events that concern people. A union of look-ups, because
        PostgreSQL answers alternatives of them by a walk over all events."""
        own = self._about(wanted.people, "sequence")
        if not wanted.with_requests:
            return union_all(*own)
        requests = union_all(*self._about(wanted.people, "correlation_id"))
        led = audit_events.alias()
        return union_all(
            *own,
            select(led.c.sequence).where(
                led.c.tenant == self._tenant,
                led.c.correlation_id.in_(requests),
                led.c.correlation_id != "",
                or_(led.c.subject == "", _matches(led.c.action, _REQUESTS)),
            ),
        )

    def _about(self, people: Sequence[str], column: str) -> Sequence[Select[Any]]:
        """Return a column of the events that are about people, and of those that name them."""
        events, named = audit_events.alias(), audit_people.alias()
        same = and_(events.c.tenant == named.c.tenant, events.c.sequence == named.c.sequence)
        return (
            select(events.c[column]).where(
                events.c.tenant == self._tenant, events.c.subject.in_(people)
            ),
            select(events.c[column])
            .select_from(named.join(events, same))
            .where(named.c.tenant == self._tenant, named.c.user_id.in_(people)),
        )

    # erasing ------------------------------------------------------------------

    def erase(self, sequences: Iterable[int], actor_names: Iterable[str] = ()) -> Sequence[str]:
        """Delete the personal part of events and the names of actors; return their pseudonyms."""
        self.flush()
        for chunk in chunked(sequences):
            self._connection.execute(
                delete(audit_details).where(
                    audit_details.c.tenant == self._tenant, audit_details.c.sequence.in_(chunk)
                )
            )
        chosen = and_(
            audit_actors.c.tenant == self._tenant, audit_actors.c.name.in_(tuple(actor_names))
        )
        found = self._connection.execute(select(audit_actors.c.pseudonym).where(chosen))
        pseudonyms = [row.pseudonym for row in found]
        self._connection.execute(delete(audit_actors).where(chosen))
        return pseudonyms


def _matches(column: Any, text: str) -> ColumnElement[bool]:
    """Return whether a column equals a text, or begins with it where it ends with ``*``."""
    if not text.endswith("*"):
        return column == text  # type: ignore[no-any-return]
    prefix = text[:-1]
    return and_(column >= prefix, column < after_prefix(prefix)) if prefix else column.is_not(None)


def _event(row: Row[Any]) -> AuditEvent:
    seal = Seal(
        actor=row.actor,
        actor_salt=row.actor_salt or "",
        data=row.data,
        personal_digest=row.personal_digest,
        personal=row.personal,
        salt=row.salt or "",
    )
    return AuditEvent(
        at=row.at,
        actor=row.name or row.actor,
        action=row.action,
        subject=row.subject,
        correlation_id=row.correlation_id,
        data=merge(row.data, row.personal) if row.personal else row.data,
        sequence=row.sequence,
        previous_hash=row.previous_hash,
        hash=row.hash,
        seal=seal,
    )
