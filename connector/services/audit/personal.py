"""Finds the events of the record that hold something of a person."""

from __future__ import annotations

from collections.abc import Collection

from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.model import fold
from connector.ports import UnitOfWork


def events_about(uow: UnitOfWork, user_id: str) -> set[int]:
    """Return the events that may hold something of a person: those about them, and those of the
    requests that led to these and had no subject yet, such as a creation."""
    about = list(uow.audit.walk(AuditFilter(subjects=(user_id,))))
    requests = sorted({event.correlation_id for event in about} - {""})
    more = uow.audit.walk(AuditFilter(correlation_ids=tuple(requests))) if requests else ()
    found = (event for event in (*about, *more) if event.subject in (user_id, ""))
    return {event.sequence for event in found if _is_personal(event)}


def events_naming(uow: UnitOfWork, emails: Collection[str]) -> set[int]:
    """Return the events that name one of these addresses, such as the refusal of a request."""
    texts = [fold(email) for email in emails]
    return {
        event.sequence for event in uow.audit.walk() if _is_personal(event) and _says(event, texts)
    }


def _says(event: AuditEvent, texts: Collection[str]) -> bool:
    said = fold(str(event.data))
    return any(text in said for text in texts)


def _is_personal(event: AuditEvent) -> bool:
    return event.seal is not None and event.seal.personal is not None
