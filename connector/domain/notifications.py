"""What people are told of, and the deliveries that the outbox holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from connector.domain.work_items.items import WorkItemKind


class Notice(StrEnum):
    """What can be told; channels name these, or patterns such as ``approval.*``."""

    APPROVAL_REQUESTED = "approval.requested"
    APPROVAL_REMINDER = "approval.reminder"
    APPROVAL_DECIDED = "approval.decided"
    APPROVAL_EXPIRED = "approval.expired"
    APPROVAL_ENDED = "approval.ended"
    """Withdrawn, or overtaken by something else."""
    TASK_OPENED = "task.opened"
    TASK_DUE = "task.due"
    TASK_OVERDUE = "task.overdue"
    TASK_VERIFIED = "task.verified"
    TASK_REJECTED = "task.rejected"
    TASK_ENDED = "task.ended"
    """Overtaken by something else."""
    CONSENT_LOST = "consent.lost"
    CONSENT_GRANTED = "consent.granted"
    CONSENT_INVITATION = "invitation.consent"
    """To somebody in whose name other programs shall act."""
    CONNECTION_REFUSED = "connection.refused"
    CONNECTION_EXPIRES = "connection.expires"
    JOB_FAILED = "job.failed"
    CHANGES_DELAYED = "changes.delayed"
    ORGANIZATION_ADMIN_UNEXPECTED = "organization_admin.unexpected"
    DRIFT_FOUND = "drift.found"
    DRIFT_HELD_BACK = "drift.held_back"
    AUDIT_ANCHORED = "audit.anchored"
    AUDIT_BROKEN = "audit.broken"
    TEST = "test"
    """Sent by ``docusign-iga notify test`` alone, to whatever channel is named there."""


_OF_WORK_ITEMS: Mapping[str, tuple[Notice, Notice]] = {
    "opened": (Notice.APPROVAL_REQUESTED, Notice.TASK_OPENED),
    "replanned": (Notice.APPROVAL_REMINDER, Notice.TASK_OPENED),
    "reminded": (Notice.APPROVAL_REMINDER, Notice.TASK_DUE),
    "escalated": (Notice.APPROVAL_REMINDER, Notice.TASK_OVERDUE),
    "approved": (Notice.APPROVAL_DECIDED, Notice.TASK_VERIFIED),
    "denied": (Notice.APPROVAL_DECIDED, Notice.TASK_REJECTED),
    "done": (Notice.APPROVAL_DECIDED, Notice.TASK_VERIFIED),
    "rejected": (Notice.APPROVAL_DECIDED, Notice.TASK_REJECTED),
    "expired": (Notice.APPROVAL_EXPIRED, Notice.TASK_OVERDUE),
    "withdrawn": (Notice.APPROVAL_ENDED, Notice.TASK_ENDED),
    "superseded": (Notice.APPROVAL_ENDED, Notice.TASK_ENDED),
}
"""By the last word of the audit action ``work_item.…``: of an approval, of a manual task."""
_OTHERS: Mapping[str, Notice] = {
    "job.failed": Notice.JOB_FAILED,
    "changes.delayed": Notice.CHANGES_DELAYED,
    "consent.lost": Notice.CONSENT_LOST,
    "consent.granted": Notice.CONSENT_GRANTED,
    "connection.refused": Notice.CONNECTION_REFUSED,
    "connection.expires": Notice.CONNECTION_EXPIRES,
    "organization_admin.unexpected": Notice.ORGANIZATION_ADMIN_UNEXPECTED,
    "drift.found": Notice.DRIFT_FOUND,
    "drift.held_back": Notice.DRIFT_HELD_BACK,
    "audit.anchored": Notice.AUDIT_ANCHORED,
    "audit.broken": Notice.AUDIT_BROKEN,
}
REPEATED = frozenset({Notice.APPROVAL_REMINDER, Notice.TASK_DUE, Notice.TASK_OVERDUE})
"""What is told of one work item more than once."""
CONCLUDING = frozenset(
    {"approved", "denied", "done", "rejected", "expired", "withdrawn", "superseded"}
)
"""Acts that are told once the work item is closed by them, not before."""


def notice_of(action: str, kind: WorkItemKind | None) -> Notice | None:
    """Return what an audit action is told as, None where nobody needs to know."""
    begin, _, act = action.partition(".")
    if begin != "work_item":
        return _OTHERS.get(action)
    if kind is None or act not in _OF_WORK_ITEMS:
        return None
    approval, task = _OF_WORK_ITEMS[act]
    return approval if kind is WorkItemKind.APPROVAL else task


def is_wanted(notice: Notice, patterns: tuple[str, ...]) -> bool:
    """Whether a channel with these patterns hears of it."""
    return any(fnmatchcase(notice, pattern) for pattern in patterns)


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after the last attempt; ``docusign-iga notify replay`` sends it again."""


@dataclass(frozen=True)
class Delivery:
    """One message to one receiver, until it arrived."""

    delivery_id: str
    """Also the message's own id, by which a receiver knows a repetition."""
    notice: Notice
    channel: str
    recipient: str
    """An e-mail address; empty for a webhook, and for an e-mail whose receivers are not found out
    yet."""
    about: str
    """The id of the work item, the name of the job."""
    subject_id: str
    """SCIM id of the user whom it concerns, or empty."""
    payload: Mapping[str, Any]
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    error: str | None = None
    finished_at: datetime | None = None
    record: str = ""
    """Address of the record that the receiver made of it or added it to; empty where it makes none,
    or none that later messages could be added to."""


@dataclass(frozen=True)
class Message:
    """What a person or a system reads."""

    notice: Notice
    tenant: str
    at: datetime
    title: str
    """One line."""
    text: str
    """What is asked of the reader, in a sentence or two."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values, in their order."""
    steps: tuple[str, ...] = ()
    link: str = ""
    """The console's page, which asks for sign-in; nothing is decided by opening it."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs, without names of persons."""
    is_over: bool = False
    """Whether the work item that it is about is closed."""


_WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""After each failed attempt, as Standard Webhooks proposes; the last is repeated."""


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many failed attempts."""
    return _WAITS[min(attempts, len(_WAITS)) - 1]
