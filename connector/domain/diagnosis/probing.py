"""What is not known of DocuSign until it is tried, and what trying showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Clarity(StrEnum):
    """How sure an answer is."""

    SETTLED = "settled"
    """Seen on this account."""
    UNCLEAR = "unclear"
    """This account could not show it; the words say why."""


@dataclass(frozen=True)
class Question:
    """Something that documentation leaves open."""

    code: str
    """Never changed once given."""
    asks: str
    matters: str
    """What the connector does with the answer."""
    setting: str = ""
    """The member of ``docusign.behaviour`` that it settles; empty: it is handled either way."""


QUESTIONS: tuple[Question, ...] = (
    Question(
        "profile_ids_in_lists",
        "Do user lists carry the right permission profile?",
        "A list of a hundred users must not cost a hundred calls.",
        "list_profile_ids",
    ),
    Question(
        "groups_in_lists",
        "Do user lists carry the groups of each user?",
        "Otherwise memberships are read group by group.",
        "list_groups",
    ),
    Question(
        "created_status",
        "Which status has a user who was just created?",
        "Until a person activates, DocuSign may refuse changes.",
    ),
    Question(
        "pending_changes",
        "Can a user who has not activated yet be changed?",
        "Refused changes wait until the person activates.",
    ),
    Question(
        "rename_by",
        "Which name fields does an update obey?",
        "A rename that DocuSign ignores would be sent for ever.",
        "rename_fields",
    ),
    Question(
        "read_after_write",
        "How long until a change can be read?",
        "What was written is read back for so long before it counts as failed.",
        "read_after_write_s",
    ),
    Question(
        "group_list_in_updates",
        "What does groupList do in an update of a user?",
        "The connector never sends it; groups are changed through the group.",
    ),
    Question(
        "member_twice",
        "What does adding a member twice answer?",
        "It counts as success either way.",
    ),
    Question(
        "exists_tells_id",
        "Does creating somebody who exists tell who it is?",
        "Otherwise the address is looked up.",
    ),
    Question(
        "close_twice",
        "What does closing a closed user answer?",
        "It counts as success either way.",
    ),
    Question(
        "reactivation",
        "How is a closed user opened again?",
        "active=true has to open the same user, never a second one.",
        "reactivation",
    ),
    Question(
        "recreation",
        "What does creating a closed user's name and address do?",
        "The connector never does it to re-open somebody.",
    ),
    Question(
        "page_size",
        "How large may a page of the Admin API be?",
        "Larger pages cost fewer calls.",
        "admin_page_size",
    ),
    Question(
        "modified_since",
        "What does last_modified_since take?",
        "With a date alone a delta reads everybody of that day again.",
        "modified_since",
    ),
    Question(
        "profiles_of_all",
        "Does users/profile show users who were not modified lately?",
        "Verification of organization administrators rests on it.",
    ),
    Question(
        "admin_flag",
        "Does users/profile tell who is organization administrator?",
        "The manual task closes by it. Delegated and invited administrators take people to try.",
    ),
    Question(
        "limit_headers",
        "Do answers carry the limits?",
        "The budget is read from them.",
    ),
)
"""In the order in which they are settled."""


@dataclass(frozen=True)
class Answer:
    """What trying showed."""

    question: Question
    clarity: Clarity
    found: str
    """In words."""
    value: str | int | float | None = None
    """For the setting; None: leave it as it is."""


@dataclass
class ProbeNotes:
    """What a probe makes, written down before it is made, so that a crash leaves nothing behind."""

    run_id: str
    account_id: str
    emails: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    def as_data(self) -> Mapping[str, object]:
        """Return plain data, to be kept."""
        return dict(vars(self))


def settings_of(answers: list[Answer]) -> dict[str, str | int | float]:
    """Return what belongs under ``docusign.behaviour``."""
    return {
        item.question.setting: item.value
        for item in answers
        if item.question.setting and item.value is not None
    }
