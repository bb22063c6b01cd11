"""What happens between two transactions and belongs into the audit: requests, calls to DocuSign.

Each note waits in memory for the next transaction of its tenant that appends audit events anyway,
so that the audit costs no transaction of its own. What nobody took along is written at the end of
the request, job run or command.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from connector.domain.audit.events import AuditEvent
from connector.errors import ConnectorError
from connector.logs import correlation_id
from connector.ports import Clock, Store

_log = structlog.get_logger(__name__)

_NOBODY = "connector"
"""Who acts where nobody asked: the connector of its own accord."""
_SUBJECT_LENGTH = 400
"""More than any id of ours. An index of PostgreSQL refuses what is much longer, and a note that the
database refuses would stand in the way of every later write."""


class _Notes(threading.local):
    """The notes and the actor of one thread."""

    def __init__(self) -> None:
        self.actor = _NOBODY
        self.events: dict[str, list[AuditEvent]] = {}


class Journal:
    """Notes of each thread, by tenant. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notes = _Notes()

    def note(self, tenant: str, action: str, subject: str, data: Mapping[str, Any]) -> None:
        """Keep an event for the next transaction; the actor is who acts in this thread."""
        subject = subject[:_SUBJECT_LENGTH]
        event = AuditEvent(
            self._clock.now(), self._notes.actor, action, subject, correlation_id(), data
        )
        self._notes.events.setdefault(tenant, []).append(event)

    def call(self, tenant: str, facts: Mapping[str, Any]) -> None:
        """Note a call to DocuSign; see :class:`connector.ports.CallJournal`."""
        self.note(tenant, "docusign.called", "", facts)

    def take(self, tenant: str, *, least: int = 1) -> Sequence[AuditEvent]:
        """See :class:`connector.ports.PendingEvents`."""
        waiting = self._notes.events.get(tenant, ())
        if len(waiting) < least:
            return ()
        return self._notes.events.pop(tenant)

    def put_back(self, tenant: str, events: Sequence[AuditEvent]) -> None:
        """See :class:`connector.ports.PendingEvents`."""
        later = self._notes.events.get(tenant, [])
        self._notes.events[tenant] = [*events, *later]

    @contextmanager
    def acting(self, store: Store, tenant: str, actor: str) -> Iterator[None]:
        """Let what is noted in the block be the actor's; write down at its end what is left."""
        outer, self._notes.actor = self._notes.actor, actor
        try:
            yield
        finally:
            self._notes.actor = outer
            self.write_down(store, tenant)

    def write_down(self, store: Store, tenant: str) -> None:
        """Write what no transaction took along. Where the database refuses, the next one has it."""
        if not self._notes.events.get(tenant):
            return
        try:
            with store.write(tenant) as uow:
                uow.audit.append()
                uow.commit()
        except ConnectorError as error:
            _log.warning("audit events wait for the database", tenant=tenant, error=str(error))
