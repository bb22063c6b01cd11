"""The append-only record of one tenant, each event bound to the one before by its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import insert, select, update

from connector.domain.ledger import AuditEvent
from connector.store.columns import to_json, to_microseconds
from connector.store.statements import Records, Session, put_missing
from connector.store.tables import audit_events, audit_heads

EVENTS = Records(audit_events, AuditEvent)


class SqlAudit:
    """See :class:`connector.ports.AuditRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def append(self, event: AuditEvent) -> AuditEvent:
        """Append an event; sequence and hashes are filled in.

        The head stays locked until the transaction ends, so appends keep one order.
        """
        sequence, previous_hash = self._lock_head()
        event = replace(event, sequence=sequence + 1, previous_hash=previous_hash)
        event = replace(event, hash=event_hash(event))
        self._connection.execute(insert(audit_events), EVENTS.to_row(self._tenant, event))
        self._connection.execute(
            update(audit_heads)
            .where(audit_heads.c.tenant == self._tenant)
            .values(sequence=event.sequence, hash=event.hash)
        )
        return event

    def _lock_head(self) -> tuple[int, str]:
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
        return found.sequence, found.hash

    def events(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEvent]:
        """Return events in order."""
        found = self._connection.execute(
            select(*EVENTS.columns)
            .where(audit_events.c.tenant == self._tenant, audit_events.c.sequence > after)
            .order_by(audit_events.c.sequence)
            .limit(limit)
        )
        return [EVENTS.from_row(row) for row in found]


def event_hash(event: AuditEvent) -> str:
    """Return SHA-256 over the previous hash and the event's content, in hexadecimal."""
    content = to_json(
        {
            "sequence": event.sequence,
            "at": to_microseconds(event.at),
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "correlation_id": event.correlation_id,
            "data": event.data,
        }
    )
    return hashlib.sha256((event.previous_hash + content).encode()).hexdigest()


def find_break(events: Iterable[AuditEvent], previous: AuditEvent | None = None) -> int | None:
    """Return the sequence of the first event that was altered or follows a missing one.

    :param previous: the event before the first one given, when the walk is done in parts.
    """
    sequence, hash_ = (previous.sequence, previous.hash) if previous else (0, "")
    for event in events:
        follows = event.sequence == sequence + 1 and event.previous_hash == hash_
        if not follows or event.hash != event_hash(event):
            return event.sequence
        sequence, hash_ = event.sequence, event.hash
    return None
