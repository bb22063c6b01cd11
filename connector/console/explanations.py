"""The auditor's question: who gave somebody an access, why, and was it checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from markupsafe import Markup

from connector.console.here import tenant
from connector.console.users import printable
from connector.console.words import told
from connector.domain.audit.events import AuditEvent
from connector.domain.audit.story import Outcome, Story
from connector.domain.work_items.items import Direction
from connector.errors import InvalidRequestError, NotFoundError
from connector.services.audit.questions import ACCOUNT_ADMINISTRATION, Explanation, month_of

blueprint = Blueprint("explanations", __name__, url_prefix="/audit/explanation")
_FIELDS = ("user", "entitlement", "month")
_ENDINGS = {
    Outcome.WAITING: "It waits.",
    Outcome.REFUSED: "It was refused.",
    Outcome.ENDED: "The request ended before it was carried out.",
    Outcome.FAILED: "It failed.",
}
_NOT_DONE = {
    Outcome.DONE: "What DocuSign was told is not in this record.",
    Outcome.WAITING: "Not yet.",
}
Line = tuple[AuditEvent, str, Markup]


@dataclass(frozen=True)
class Chapter:
    """One change, as the page tells it."""

    story: Story
    title: str
    parts: list[tuple[str, list[Line], str]]
    """Name, events and, where there are none, what that means."""


@blueprint.get("")
def show() -> tuple[str, int]:
    """Show the answer, or only the question where nothing is asked yet."""
    asked = {name: printable(request.args.get(name, "")).strip() for name in _FIELDS}
    found, problem, audit = None, "", tenant().audit
    if asked["user"]:
        try:
            since, until = month_of(asked["month"])
            found = audit.explain(
                asked["user"], asked["entitlement"] or ACCOUNT_ADMINISTRATION, since, until
            )
        except (InvalidRequestError, NotFoundError) as error:
            problem = str(error)
    page = render_template(
        "explanation.html",
        asked=asked,
        found=found,
        verification=audit.verify() if found and "verify" in request.args else None,
        problem=problem,
        chapters=_chapters(found) if found else [],
        earlier=_title(found.earlier) if found and found.earlier else "",
        is_native=found is not None and _is_native(found),
        labels=tenant().browser.labels(),
        people=tenant().browser.people(found.user_ids) if found else {},
    )
    return page, 404 if problem else 200


def _chapters(found: Explanation) -> list[Chapter]:
    events = [event for story in found.stories for event in story.events]
    page = tenant().browser.named(events, found.user_ids)
    lines = {line[0].sequence: line for line in told(page)}

    def of(chosen: Sequence[AuditEvent]) -> list[Line]:
        return [lines[event.sequence] for event in chosen]

    return [
        Chapter(
            story,
            _title(story),
            [
                ("Asked", of(story.asked), ""),
                ("Decided", of(story.decided), "Nobody had to: policy let it through."),
                ("Barred", of(story.refused), ""),
                ("Too late, or about what had changed", of(story.missed), ""),
                ("Done", of(story.done), _NOT_DONE.get(story.outcome, "Nothing.")),
                ("Checked", of(story.checked), "No check is recorded."),
            ],
        )
        for story in found.stories
    ]


def _title(story: Story) -> str:
    is_grant = story.direction is Direction.GRANT
    if story.outcome is Outcome.DONE:
        return "Given" if is_grant else "Taken away"
    return f"{'Asked for' if is_grant else 'Asked to be taken away'}. {_ENDINGS[story.outcome]}"


def _is_native(found: Explanation) -> bool:
    """Whether it is held although no change of ours gave it."""
    done = [story for story in found.stories if story.outcome is Outcome.DONE]
    last = done[-1] if done else found.earlier
    return bool(found.holds) and (last is None or last.direction is Direction.REVOKE)
