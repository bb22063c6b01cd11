"""Audit events in words, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from connector.domain.audit.chain import told_steps
from connector.domain.audit.events import AuditEvent
from connector.domain.audit.story import Outcome, Story
from connector.domain.erasure import told_left_out
from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan import operation_from_dict
from connector.domain.work_items.items import Direction
from connector.services.audit.questions import Explanation

# fmt: off
_SHOWN = (
    "state", "status", "direction", "entitlement", "result", "code", "comment", "reason",
    "work_item",
)
# fmt: on
_LONGEST = 120
Tell = Callable[[AuditEvent], str]


def describe(event: AuditEvent, names: Names = IDS_ALONE, about: Collection[str] = ()) -> str:
    """Return one line that tells what the event's name does not.

    :param about: the users whose history it is.
    """
    data = event.data
    if event.is_erased:
        return "(erased)"
    if event.action == "docusign.called":
        outcome = data.get("status") or data.get("error") or "no answer"
        trace = f", trace token {data['trace_token']}" if data.get("trace_token") else ""
        return f"{data.get('method')} {data.get('path')}: {outcome}{trace}"
    if event.action.startswith("request."):
        status = f": {data['status']} {data.get('reason') or ''}" if "status" in data else ""
        return _cut(f"{data.get('method')} {data.get('path')}{status}")
    if left_out := told_left_out(data):
        return left_out
    if steps := told_steps(event, about):
        return "; ".join(_step(step, names) for step in steps)
    return _cut(", ".join(f"{name} {data[name]}" for name in _SHOWN if data.get(name)))


def _step(step: Any, names: Names) -> str:
    try:
        return operation_from_dict(step).describe(names)
    except (KeyError, TypeError, ValueError):
        # Without what was erased, or of another version of the program.
        return str(step.get("kind", "?")) if isinstance(step, Mapping) else "?"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def explained(found: Explanation, period: str, names: Names = IDS_ALONE) -> str:
    """Return the answer to the question in plain sentences."""
    what = ", ".join(
        f"{name} ({scim_id})" for scim_id, name in sorted(found.entitlements.names.items())
    )
    who = ", ".join(names.person(user_id) for user_id in found.user_ids)
    lines = [f"User {who}", f"Asked about: {what}", ""]
    tell = partial(describe, names=names, about=found.user_ids)
    if found.earlier is not None:
        lines += [f"Before: {_headline(found.earlier)}.", ""]
    for story in found.stories:
        lines += [*_story(story, tell), ""]
    if not found.stories:
        lines += [f"The connector neither gave nor took it {period}.", ""]
    lines.append(_now(found))
    return "\n".join(lines)


def _now(found: Explanation) -> str:
    if not found.holds:
        return "Now: not held, as DocuSign was last read."
    names = ", ".join(found.entitlements.names.get(item, item) for item in found.holds)
    text = f"Now: held, as DocuSign was last read: {names}."
    done = [story for story in found.stories if story.outcome is Outcome.DONE]
    last = done[-1] if done else found.earlier
    if last is None or last.direction is Direction.REVOKE:
        text += " It was given in DocuSign itself, or before the connector kept this record."
    return text


_ENDINGS = {
    Outcome.WAITING: "it waits",
    Outcome.REFUSED: "it was refused",
    Outcome.ENDED: "the request ended before it was carried out",
    Outcome.FAILED: "it failed",
}
_NOTHING_DONE = {
    Outcome.DONE: "what DocuSign was told is not in this record",
    Outcome.WAITING: "not yet",
    Outcome.REFUSED: "nothing: it was refused",
    Outcome.ENDED: "nothing: the request ended",
    Outcome.FAILED: "nothing: it failed",
}


def _headline(story: Story) -> str:
    event, is_grant = story.recorded, story.direction is Direction.GRANT
    when = f"{story.at:%Y-%m-%d %H:%M:%S} UTC"
    if story.outcome is Outcome.DONE:
        verb = "given" if is_grant else "taken away"
        asked_at = f"{event.at:%Y-%m-%d}"
        of = "" if asked_at == f"{story.at:%Y-%m-%d}" else f", asked for on {asked_at}"
        return f"{when}, {verb} at the request of {event.actor}{of}"
    asked = "asked for" if is_grant else "asked to be taken away"
    return f"{when}, {asked} by {event.actor}: {_ENDINGS[story.outcome]}"


def _story(story: Story, tell: Tell) -> Iterable[str]:
    yield f"{_headline(story)} (plan {story.plan_id})"
    yield from _part("Asked", story.asked, tell)
    reasons = "; ".join(story.reasons)
    yield f"  Why      {reasons or 'no reason was given; the request itself is the reason'}"
    yield from _part("Decided", story.decided, tell, "nobody had to: policy let it through")
    yield from _part("Barred", story.refused, tell)
    yield from _part("Too late", story.missed, tell)
    yield from _part("Done", story.done, tell, _NOTHING_DONE[story.outcome])
    yield from _part("Checked", story.checked, tell, "no check is recorded")


def _part(name: str, events: Iterable[AuditEvent], tell: Tell, empty: str = "") -> Iterable[str]:
    told = [
        f"{event.at:%Y-%m-%d %H:%M:%S}  {event.actor}  {event.action}  {tell(event)}"
        for event in events
    ]
    if not told and empty:
        told = [empty]
    for number, line in enumerate(told):
        yield f"  {name if number == 0 else '':<9}{line}".rstrip()
