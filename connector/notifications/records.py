"""Records that ServiceNow and Jira make of messages, and how later messages carry them on.

Neither has a call that makes a record or finds the one there is, so whoever makes it has to keep
what it is called: ServiceNow says it in ``Location``, Jira in the answer's ``id``. Where that
answer was lost, the record is looked for by the key that it bears.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from connector.domain.notifications import Message
from connector.notifications.rendering import for_journal, key_of, label_of, lines_of, render
from connector.notifications.targets import Target
from connector.settings import ChannelSettings

_JIRA, _SERVICENOW = "jira", "servicenow"
_TABLES = "/api/now/table/"
_NAMES = {_JIRA: re.compile(r"[0-9]{1,20}"), _SERVICENOW: re.compile(r"[0-9a-f]{32}")}
"""What records are called. An answer is not to lead us anywhere else."""


@dataclass(frozen=True)
class Call:
    """One request to the receiver."""

    method: str
    path: str
    body: bytes = b""
    may_fail: bool = False
    """Whether the rest goes on where the receiver refuses it."""


def creating(channel: ChannelSettings, message: Message, delivery_id: str, target: Target) -> Call:
    """Return what tells a receiver something that it has no record of."""
    return Call("POST", target.path, render(channel, message, delivery_id))


def looking(
    channel: ChannelSettings, message: Message, delivery_id: str, target: Target
) -> Iterator[Call]:
    """Return what asks a receiver for its record of a case, each where it refused the one before;
    nothing where it cannot be asked, or finds it by itself."""
    place, _, given = target.path.partition("?")
    key, place, given = (
        key_of(message, delivery_id),
        place.rstrip("/"),
        f"&{given}" if given else "",
    )
    if channel.template == _SERVICENOW and _TABLES in place:
        wanted = {
            "sysparm_query": f"correlation_id={key}",
            "sysparm_fields": "sys_id,correlation_id",
            "sysparm_limit": "1",
        }
        yield Call("GET", f"{place}?{urlencode(wanted)}{given}")
    elif channel.template == _JIRA and place.endswith("/issue"):
        jql = f'labels = "{label_of(key)}"'
        query = urlencode({"jql": jql, "fields": "labels", "maxResults": "1"})
        # Jira Cloud has the first, Jira Data Center the second.
        for search in ("search/jql", "search"):
            yield Call("GET", f"{place.removesuffix('issue')}{search}?{query}{given}")


def found_in(
    channel: ChannelSettings, message: Message, delivery_id: str, target: Target, text: str
) -> str:
    """Return the record of a case in what a receiver answered to :func:`looking`, as
    :func:`record_in` does; empty where there is none.

    It has to bear the key: ServiceNow passes over a condition on a field that a table lacks, and
    shows any record.
    """
    key, answer = key_of(message, delivery_id), _read(text)
    is_jira = channel.template == _JIRA
    records = answer.get("issues" if is_jira else "result")
    for record in records if isinstance(records, list) else ():
        if not isinstance(record, dict):
            continue
        if is_jira:
            fields = record.get("fields")
            labels = fields.get("labels") if isinstance(fields, dict) else None
            is_ours = isinstance(labels, list) and label_of(key) in labels
        else:
            is_ours = record.get("correlation_id") == key
        name = str(record.get("id" if is_jira else "sys_id", ""))
        if is_ours and _NAMES[channel.template].fullmatch(name):
            return f"{_place(target)}/{name}"
    return ""


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
        if _TABLES not in target.path:
            return ""
    else:
        name = str(_read(text).get("id", ""))
    return f"{_place(target)}/{name}" if pattern.fullmatch(name) else ""


def is_carried_on(channel: ChannelSettings, target: Target, record: str) -> bool:
    """Whether a record was made where the channel leads now: in another installation its name may
    be that of another one."""
    where, _, name = record.rpartition("/")
    pattern = _NAMES.get(channel.template)
    return pattern is not None and where == _place(target) and bool(pattern.fullmatch(name))


def _place(target: Target) -> str:
    return f"{target.scheme}://{target.authority}{target.path.partition('?')[0].rstrip('/')}"


def _read(text: str) -> Mapping[str, Any]:
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
