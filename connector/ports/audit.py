"""The audit: the record itself, and what waits to be written into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from connector.domain.audit.events import AuditEvent, AuditFilter, AuditHead


class AuditRepository(Protocol):
    """The append-only, hash-chained record of one tenant."""

    def append(self, *events: AuditEvent) -> None:
        """Append events when the transaction is committed, all in one go; sequence and hashes are
        filled in."""

    def events(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        wanted: AuditFilter | None = None,
        newest_first: bool = False,
    ) -> Sequence[AuditEvent]:
        """Return events in order, or the newest first, then only those before *after*."""

    def walk(self, wanted: AuditFilter | None = None) -> Iterator[AuditEvent]:
        """Return every event in order, without holding them all at once."""

    def head(self) -> AuditHead:
        """Return where the chain ends."""

    def erase(self, sequences: Iterable[int], actor_names: Iterable[str] = ()) -> Sequence[str]:
        """Delete the personal part of events and the names of actors; return their pseudonyms.

        The chain still holds; :data:`connector.domain.audit.chain.ERASED` has to say what is gone.
        """


class CallJournal(Protocol):
    """Takes down the calls to DocuSign, for the audit."""

    def call(self, tenant: str, facts: Mapping[str, Any]) -> None:
        """Note a call that the thread made for a tenant."""


class PendingEvents(Protocol):
    """Audit events that wait for a transaction to take them along."""

    def take(self, tenant: str, *, least: int = 1) -> Sequence[AuditEvent]:
        """Take what the thread noted for a tenant; nothing where that is less than *least*."""

    def put_back(self, tenant: str, events: Sequence[AuditEvent]) -> None:
        """Keep them for the next transaction: this one failed."""
