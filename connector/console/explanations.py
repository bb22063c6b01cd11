"""The auditor's question: who gave somebody an access, why, and was it checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request
from markupsafe import Markup

from connector.console.here import tenant
from connector.console.users import printable
from connector.console.words import lead, told
from connector.domain.audit.events import AuditEvent
from connector.domain.audit.story import Story
from connector.domain.audit.telling import NO_REASON, heading, parts_after_why
from connector.errors import InvalidRequestError, NotFoundError
from connector.services.audit.questions import Administration, Explanation, month_of

blueprint = Blueprint("explanations", __name__, url_prefix="/audit/explanation")
_FIELDS = ("user", "entitlement", "month")
Line = tuple[AuditEvent, str, Markup]


@dataclass(frozen=True)
class Chapter:
    """One change, as the page tells it."""

    story: Story
    title: str
    asked: list[Line]
    why: str
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
                asked["user"], asked["entitlement"] or Administration.ANYTHING, since, until
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
        earlier=lead(heading(found.earlier)) if found and found.earlier else "",
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
            lead(heading(story)),
            of(story.asked),
            "; ".join(story.reasons) or _sentence(NO_REASON),
            [
                (part.name, of(part.events), _sentence(part.nothing))
                for part in parts_after_why(story)
            ],
        )
        for story in found.stories
    ]


def _sentence(words: str) -> str:
    return f"{lead(words)}." if words else ""
