"""Records that ServiceNow and Jira make of messages, and how later messages carry them on.

Neither has a call that makes a record or finds the one there is, so whoever makes it has to keep
what it is called: ServiceNow says it in ``Location``, Jira in the answer's ``id``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.notifications import Message
from connector.notifications.rendering import for_journal, lines_of, render
from connector.notifications.targets import Target
from connector.settings import ChannelSettings

_JIRA, _SERVICENOW = "jira", "servicenow"
_NAMES = {_JIRA: re.compile(r"[0-9]{1,20}"), _SERVICENOW: re.compile(r"[0-9a-f]{32}")}
"""What records are called. An answer is not to lead us anywhere else."""


@dataclass(frozen=True)
class Call:
    """One request to the receiver."""

    method: str
    path: str
    body: bytes
    may_fail: bool = False
    """Whether the rest goes on where the receiver refuses it."""


def creating(channel: ChannelSettings, message: Message, delivery_id: str, target: Target) -> Call:
    """Return what tells a receiver something that it has no record of."""
    return Call("POST", target.path, render(channel, message, delivery_id))


def carrying_on(
    channel: ChannelSettings, message: Message, target: Target, record: str
) -> Iterator[Call]:
    """Return what adds a message to a record, and ends the record with the work item."""
    name = record.rpartition("/")[2]
    place, _, query = target.path.partition("?")
    path = f"{place.rstrip('/')}/{name}"
    query = f"?{query}" if query else ""
    if channel.template == _SERVICENOW:
        done = channel.options.get("done") if message.is_over else None
        note = for_journal(f"{message.title}\n\n{lines_of(message)}")
        yield Call("PATCH", path + query, _json({**(done or {}), "work_notes": note}))
        return
    transition = channel.options.get("done_transition")
    if message.is_over and transition:
        # A person may have closed the issue before: then it has no such transition any more.
        body = _json({"transition": {"id": str(transition)}})
        yield Call("POST", f"{path}/transitions{query}", body, may_fail=True)
    text = lines_of(message, verbatim=True, title=message.title)
    yield Call("POST", f"{path}/comment{query}", _json({"body": text}))


def record_in(
    channel: ChannelSettings, target: Target, headers: Mapping[str, str], text: str
) -> str:
    """Return what a receiver calls the record that it made, with where it is; empty where it made
    none, or none that can be carried on (an import set finds it by itself)."""
    pattern = _NAMES.get(channel.template)
    if pattern is None:
        return ""
    if channel.template == _SERVICENOW:
        name = headers.get("Location", "").rpartition("/")[2]
        if "/api/now/table/" not in target.path:
            return ""
    else:
        name = _id_in(text)
    return f"{_place(target)}/{name}" if pattern.fullmatch(name) else ""


def is_carried_on(channel: ChannelSettings, target: Target, record: str) -> bool:
    """Whether a record was made where the channel leads now: in another installation its name may
    be that of another one."""
    where, _, name = record.rpartition("/")
    pattern = _NAMES.get(channel.template)
    return pattern is not None and where == _place(target) and bool(pattern.fullmatch(name))


def _place(target: Target) -> str:
    return f"{target.scheme}://{target.authority}{target.path.partition('?')[0].rstrip('/')}"


def _id_in(text: str) -> str:
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("id", "")) if isinstance(answer, dict) else ""


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
