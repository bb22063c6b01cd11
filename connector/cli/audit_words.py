"""Audit events in words, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from connector.domain.audit.chain import told_steps
from connector.domain.audit.events import SHELL_OF, AuditEvent
from connector.domain.audit.story import Outcome, Story
from connector.domain.audit.telling import NO_REASON, heading, parts_after_why, told_first_user
from connector.domain.audit.titles import event_title
from connector.domain.erasure import told_left_out
from connector.domain.model import Catalogue
from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan import operation_from_dict
from connector.domain.work_items.items import WorkItemKind
from connector.domain.writing import in_brief
from connector.services.audit.questions import Explanation
from connector.services.browsing.views import EventPage, Labels

_KINDS = ("class", "state")
"""Said in words that programs write with underscores."""
_SHOWN = ("status", "result", "code")
_WRITTEN = ("comment", "reason")
"""What people wrote."""
_ON_APPROVALS = ("approved", "denied", "decided", "refused", "missed", "replanned")
_ON_TASKS = ("checked", "completed", "attested", "evidence")
_LONGEST = 120
NO_NAMES = EventPage((), IDS_ALONE, Labels(Catalogue()), {}, None)
"""Tells by ids alone."""
Tell = Callable[[AuditEvent], str]


def describe(event: AuditEvent, page: EventPage = NO_NAMES) -> str:
    """Return one line that tells what the event's name does not.

    :param page: what is called how, and whose history it is.
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
    if steps := told_steps(event, page.about):
        return "; ".join(_step(step, page.names) for step in steps)
    return _cut(", ".join(_facts(event, page.labels)))


def about(event: AuditEvent) -> str:
    """Return whom or what an event is about; of a plan for somebody new, who had no id yet, their
    address."""
    if event.subject:
        return event.subject
    people = (step.get("person") for step in told_steps(event) if not step.get("user_id"))
    emails = (person.get("email") for person in people if isinstance(person, Mapping))
    return ", ".join(dict.fromkeys(str(email) for email in emails if email))


def _facts(event: AuditEvent, labels: Labels) -> Iterable[str]:
    data = event.data
    if entitlement := data.get("entitlement"):
        yield f"{data.get('direction', '')} {labels.entitlement(str(entitlement))}".strip()
    yield from (str(data[name]).replace("_", " ") for name in _KINDS if data.get(name))
    for name in _SHOWN:
        if data.get(name):
            yield f"{name}: {data[name]}"
    if (where := str(data.get("address", ""))).startswith(SHELL_OF):
        yield where
    yield from (f"“{data[name]}”" for name in _WRITTEN if data.get(name))
    if finding := data.get("finding"):
        yield f"finding {in_brief(str(finding))}"
    if first := told_first_user(event):
        yield first
    if item := data.get("work_item"):
        yield f"{_kind_of(event)} {in_brief(str(item))}"


def _kind_of(event: AuditEvent) -> str:
    """Return what a work item is, as far as an event tells."""
    act = event.action.partition(".")[2]
    if event.data.get("kind") == WorkItemKind.MANUAL_TASK or act in _ON_TASKS:
        return WorkItemKind.MANUAL_TASK.in_words
    is_approval = event.data.get("kind") == WorkItemKind.APPROVAL or act in _ON_APPROVALS
    return WorkItemKind.APPROVAL.in_words if is_approval else "item"


def _step(step: Any, names: Names) -> str:
    try:
        return operation_from_dict(step).describe(names)
    except (KeyError, TypeError, ValueError):
        # Without what was erased, or of another version of the program.
        return str(step.get("kind", "?")) if isinstance(step, dict) else "?"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def explained(found: Explanation, period: str, page: EventPage = NO_NAMES) -> str:
    """Return the answer to the question in plain sentences.

    :param page: what is called how.
    """
    lines = [*_whom(found, page), *_what(found), ""]
    tell = partial(happened, page=page)
    if found.earlier is not None:
        lines += [f"Before: {_headline(found.earlier)}.", ""]
    for story in found.stories:
        lines += [*_story(story, tell), ""]
    if not found.stories:
        lines += [f"The connector neither gave nor took it {period}.", ""]
    lines.append(_now(found))
    return "\n".join(lines)


def _whom(found: Explanation, page: EventPage) -> Iterable[str]:
    for user_id in found.user_ids:
        known = page.people.get(user_id)
        if known is not None:
            yield f"User {known.email} ({user_id})"
        elif found.person == user_id:
            yield f"User {user_id}"
        else:
            yield f"User {found.person} ({user_id}), gone from DocuSign"


def _what(found: Explanation) -> Iterable[str]:
    names = found.entitlements.names
    each = [f"{name}, {scim_id}" for scim_id, name in sorted(names.items(), key=lambda one: one[1])]
    if found.administration:
        yield f"Asked about: {found.administration.in_words}:"
        yield from (f"  {line}" for line in each)
    elif len(each) == 1:
        yield f"Asked about: {each[0]}"
    else:
        yield "Asked about each of:"
        yield from (f"  {line}" for line in each)


def _now(found: Explanation) -> str:
    text = f"Now: {found.now_in_words}."
    if found.holds or found.administration is None:
        return text
    return f"{text} What else they hold is not told here: name it with --entitlement."


def _headline(story: Story) -> str:
    when = f"{story.at:%Y-%m-%d %H:%M:%S} UTC"
    event, what = story.recorded, heading(story)
    if story.outcome is Outcome.DONE:
        asked_at = f"{event.at:%Y-%m-%d}"
        of = "" if asked_at == f"{story.at:%Y-%m-%d}" else f", asked for on {asked_at}"
        return f"{when}, {what} at the request of {event.actor}{of}"
    asked, _, ending = what.partition(":")
    return f"{when}, {asked} by {event.actor}:{ending}"


def _story(story: Story, tell: Tell) -> Iterable[str]:
    yield f"{_headline(story)} (plan {story.plan_id})"
    yield from _part("Asked", story.asked, tell)
    yield f"  {'Why':<9}{'; '.join(story.reasons) or NO_REASON}"
    for part in parts_after_why(story):
        # A heading as narrow as the others.
        name = part.name.partition(",")[0]
        yield from _part(name, part.events, tell, part.nothing)


def _part(name: str, events: Iterable[AuditEvent], tell: Tell, empty: str = "") -> Iterable[str]:
    lines = [tell(event) for event in events]
    if not lines and empty:
        lines = [empty]
    for number, line in enumerate(lines):
        yield f"  {name if number == 0 else '':<9}{line}".rstrip()


def happened(event: AuditEvent, page: EventPage) -> str:
    """Return when something happened, who did it, and what it was, in a line.

    :param page: what is called how, and whose history it is.
    """
    return f"{event.at:%Y-%m-%d %H:%M:%S}  {event.actor}  {_told(event, page)}"


def _told(event: AuditEvent, page: EventPage) -> str:
    title, detail = event_title(event), describe(event, page)
    between = ", " if ":" in title else ": "
    return f"{title}{between}{detail}" if detail else title
