"""Audit events in the forms that auditors take along: JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from connector.domain.audit.chain import data_about
from connector.domain.audit.events import AuditEvent

COLUMNS = ("sequence", "at", "actor", "action", "subject", "correlation_id", "data", "hash")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute."""


def as_data(event: AuditEvent, about: Collection[str] = ()) -> dict[str, Any]:
    """Return an event as scripts get it; ``erased`` says that personal data is gone from it.

    :param about: users whose history it is; see :func:`connector.domain.audit.chain.data_about`.
    """
    shown = {name: getattr(event, name) for name in COLUMNS}
    shown["data"] = data_about(event, about)
    return {**shown, "erased": True} if event.is_erased else shown


def begun(events: Iterator[AuditEvent]) -> Iterator[AuditEvent]:
    """Return the same events, the first of them read: what stands in the way is raised now, and
    not when half of an answer is sent."""
    first = next(events, None)
    return events if first is None else chain([first], events)


def json_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Yield a line for each event."""
    for event in events:
        yield orjson.dumps(as_data(event), option=orjson.OPT_UTC_Z).decode() + "\n"


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Yield the header and a line for each event. A cell that a spreadsheet would compute begins
    with an apostrophe."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    yield _taken(buffer)
    for event in events:
        writer.writerow([_cell(value) for value in _row(event)])
        yield _taken(buffer)


FORMS: Mapping[str, tuple[str, Callable[[Iterable[AuditEvent]], Iterator[str]]]] = {
    "jsonl": ("application/jsonl", json_lines),
    "csv": ("text/csv", csv_lines),
}
"""By name, the media type and what writes it."""


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _row(event: AuditEvent) -> list[str]:
    shown = {**as_data(event), "at": event.at.isoformat()}
    shown["data"] = orjson.dumps(event.data, option=orjson.OPT_SORT_KEYS).decode()
    return [str(shown[name]) for name in COLUMNS]


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
