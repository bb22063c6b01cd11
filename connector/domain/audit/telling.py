"""The words in which a change is told, on a page and at a terminal alike: who gave an access, why,
and was it checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.audit.events import AuditEvent
from connector.domain.audit.story import Outcome, Story
from connector.domain.work_items.items import Direction

NO_REASON = "whoever asked gave no reason"
NATIVE = "It was given in DocuSign itself, or before the connector kept this record"
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


@dataclass(frozen=True)
class Part:
    """One part of the story of a change."""

    name: str
    events: Sequence[AuditEvent]
    nothing: str = ""
    """What it means where there are no events; empty: then the part is left out."""


def parts_after_why(story: Story) -> Sequence[Part]:
    """Return the parts of a story that follow who asked and why, in the order in which they are
    told: what was tried and barred comes before what counted."""
    return [
        Part("Barred", story.refused),
        Part("Decided", story.decided, _undecided(story)),
        Part("Too late, or about what had changed", story.missed),
        Part("Done", story.done, _NOTHING_DONE[story.outcome]),
        Part("Checked", story.checked, "no check is recorded"),
    ]


def _undecided(story: Story) -> str:
    if story.needs_approval:
        return "nobody yet" if story.outcome is Outcome.WAITING else "nobody did"
    if story.is_task:
        return "nobody had to: people carry it out in DocuSign"
    return "nobody had to: the policy let it through"


def heading(story: Story) -> str:
    """Return what a change is, and what became of it where it was not carried out."""
    is_grant = story.direction is Direction.GRANT
    if story.outcome is Outcome.DONE:
        return "given" if is_grant else "taken away"
    return f"{'asked for' if is_grant else 'asked to be taken away'}: {_ENDINGS[story.outcome]}"


def told_first_user(event: AuditEvent) -> str:
    """Return instead of whom DocuSign made a second user; empty for every other event."""
    first = event.data.get("user_id") if event.action == "user.doubled" else None
    return f"instead of {first}" if first else ""
