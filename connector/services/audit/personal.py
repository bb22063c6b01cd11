"""Finds the events of the record that hold something of a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.erasure import names_any
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


def events_naming(uow: UnitOfWork, names: Collection[str]) -> set[int]:
    """Return the events that name one of these addresses, such as the refusal of a request, or are
    about one of these logins of the console.

    :param names: folded addresses and logins of one person.
    """
    # A login may be a word of anything.
    emails = [name for name in names if "@" in name]
    return {
        event.sequence
        for event in uow.audit.walk()
        if _is_personal(event)
        and (
            fold(str(event.data.get("login", ""))) in names or names_any(_texts(event.data), emails)
        )
    }


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in data as they were written: how Python or JSON shows them escapes some."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _is_personal(event: AuditEvent) -> bool:
    return event.seal is not None and event.seal.personal is not None
