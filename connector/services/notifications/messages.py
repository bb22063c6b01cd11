"""Writes what a delivery says, from what the ledger knows when it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.domain.diagnosis.trouble import Trouble
from connector.domain.notifications import Delivery, Message, Notice
from connector.domain.policy.entitlement_rules import VERIFY_WORD
from connector.domain.work_items.approvals import in_words
from connector.domain.work_items.items import WorkItem, WorkItemKind, WorkItemState
from connector.domain.writing import visible
from connector.errors import InvalidRequestError, NotFoundError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.work.asking_again import last_denial
from connector.services.work.matters import Matters
from connector.services.work.reasons import reason_of

_TEXTS: Mapping[Notice, tuple[str, str]] = {
    Notice.APPROVAL_REQUESTED: (
        "Approval needed: {title}",
        "Somebody has to decide. Open the console, sign in, and approve or deny.",
    ),
    Notice.APPROVAL_REMINDER: (
        "Still waiting for approval: {title}",
        "It is not decided yet. Open the console, sign in, and approve or deny.",
    ),
    Notice.APPROVAL_DECIDED: (
        "Decided: {title}",
        "The request was decided.",
    ),
    Notice.APPROVAL_EXPIRED: (
        "Expired undecided: {title}",
        "Nobody decided in time, so nothing was changed. The requester may ask again.",
    ),
    Notice.APPROVAL_ENDED: (
        "No decision needed any more: {title}",
        "The request was withdrawn, or something else overtook it; the comment says what.",
    ),
    Notice.TASK_OPENED: (
        "Task: {title}",
        (
            "Only a person can do this in DocuSign. Follow the steps; the task closes by "
            "itself once DocuSign confirms, where DocuSign shows it."
        ),
    ),
    Notice.TASK_DUE: ("Still open: {title}", "The task waits for somebody. Follow the steps."),
    Notice.TASK_OVERDUE: ("Overdue: {title}", "The task is still open after its due date."),
    Notice.TASK_VERIFIED: ("Done: {title}", "The task is done and closed."),
    Notice.TASK_REJECTED: ("Rejected: {title}", "The task was rejected; the access is unchanged."),
    Notice.TASK_ENDED: (
        "Not needed any more: {title}",
        "Something else overtook the task; leave it. The comment says what.",
    ),
    Notice.CONSENT_LOST: (
        "DocuSign no longer lets the connector in",
        (
            "Consent is missing or was withdrawn. Until it is granted again nothing is read or "
            "changed in DocuSign; requests are refused or queued."
        ),
    ),
    Notice.CONSENT_GRANTED: (
        "DocuSign lets the connector in again",
        "Consent is there. What waited goes on by itself.",
    ),
    Notice.CONSENT_INVITATION: (
        "Your agreement is needed in DocuSign",
        (
            "So that your company's applications can prepare and send documents in your name, "
            "DocuSign asks you to agree once. Open the link, sign in as yourself and accept. The "
            "link is good for one answer in a week."
        ),
    ),
    Notice.CONNECTION_REFUSED: (
        "DocuSign refuses the connector",
        (
            "DocuSign gives no access token, and consent is not what is missing. Until it is "
            "mended nothing is read or changed; `docusign-iga doctor` says what to do."
        ),
    ),
    Notice.CONNECTION_EXPIRES: (
        "Somebody has to sign in to DocuSign again soon",
        (
            "The connection was made by signing in, and DocuSign lets it end. Open the page "
            "Connection in the console and connect again before that day."
        ),
    ),
    Notice.JOB_FAILED: (
        "A scheduled job fails: {job}",
        "It is tried again at its interval. It keeps failing until the reason is gone.",
    ),
    Notice.CHANGES_DELAYED: (
        "Accepted changes wait for DocuSign: {total}",
        (
            "They were accepted for later and could not be carried out yet. Nothing is lost: they "
            "wait in their order and are tried again by themselves. Run `docusign-iga doctor` and "
            "look at the runs of the job settle to find what DocuSign refuses."
        ),
    ),
    Notice.ORGANIZATION_ADMIN_UNEXPECTED: (
        "Unexpected organization administrator",
        (
            "Somebody is organization administrator in DocuSign and nobody asked for it "
            "here. Check who granted it, and accept or revoke it."
        ),
    ),
    Notice.DRIFT_FOUND: (
        "New differences between DocuSign and what is expected: {total}",
        (
            "They were changed in DocuSign itself. Look at each, and accept it or have it put "
            "right; what the policy reverts needs nobody."
        ),
    ),
    Notice.DRIFT_HELD_BACK: (
        "Nothing was reverted: too much differs in DocuSign",
        (
            "The policy would revert more than one reconciliation may touch without a person's "
            "word. Find out what happened, then accept or revert by hand."
        ),
    ),
    Notice.AUDIT_ANCHORED: (
        "The audit chain stands at event {sequence}",
        "Keep this message: it proves that no event up to this one was altered or removed.",
    ),
    Notice.AUDIT_BROKEN: (
        "The audit chain is broken at event {sequence}",
        (
            "It is not the chain that its last anchor knows: somebody who can write to the "
            "database deleted events or wrote them anew, or an older backup was restored. Keep "
            "database and anchors as they are, and run `docusign-iga audit verify`. No anchor is "
            "added until it is mended."
        ),
    ),
    Notice.TEST: ("Test message of the DocuSign connector", "This channel works."),
}
_OF_ACTS: Mapping[tuple[Notice, str], tuple[str, str]] = {
    (Notice.APPROVAL_REMINDER, "replanned"): (
        "Changed, decide again: {title}",
        (
            "What is to be done changed in the meantime, so decisions made before no longer count. "
            "Open the console, look at it, and approve or deny."
        ),
    ),
    (Notice.APPROVAL_REMINDER, "escalated"): (
        "Not decided in time: {title}",
        (
            "It was not decided in time and goes to you as well. Open the console, sign in, and "
            "approve or deny."
        ),
    ),
}
"""What is said in place of the usual, by what happened."""
_BY_WORD = "Follow the steps, then complete the task: no API shows whether it is done."
"""Of a task that closes when somebody completes it."""
_NEUTRAL = (
    *("state", "entitlement", "direction", "work_item", "job", "sequence", "hash", "subject"),
    *("total", "counts", "findings", "since"),
)
"""What of an event's data is passed on to programs as it is."""
_NUMBERED = ("job", "sequence", "total")
"""What of an event's data a title may name."""


_PAGES: Mapping[Notice, str] = {
    Notice.CONSENT_LOST: "connection",
    Notice.CONSENT_GRANTED: "connection",
    Notice.CONNECTION_REFUSED: "connection",
    Notice.CONNECTION_EXPIRES: "connection",
    Notice.JOB_FAILED: "connection",
    Notice.CHANGES_DELAYED: "runs",
    Notice.DRIFT_FOUND: "drift",
    Notice.DRIFT_HELD_BACK: "drift",
}
"""Where the console shows more of what is about no work item; elsewhere it is the first page."""


@dataclass(frozen=True)
class _Names:
    """What a work item speaks of, in words."""

    entitlement: str = ""
    deciders: str = ""
    """Who decides on an approval that waits."""
    denied_before: str = ""
    """When the same was denied last, by whom and why."""


class Writer:
    """Makes messages of deliveries of one tenant."""

    def __init__(
        self, context: TenantContext, public_url: str, consent_link: Callable[[], str] = str
    ) -> None:
        """:param consent_link: makes a link for whoever has to agree."""
        self._context = context
        self._consent_link = consent_link
        tenant = "" if context.tenant == "default" else f"/{context.tenant}"
        self._console = f"{public_url.rstrip('/')}{tenant}/console"

    def write(self, delivery: Delivery) -> Message:
        """Return the message; it says what is true when it is sent."""
        item, reason, names = self._work_item(delivery)
        title, text = self._texts(delivery, item)
        if delivery.notice is Notice.TASK_OPENED and item and item.verification == VERIFY_WORD:
            text = _BY_WORD
        known = {name: str(delivery.payload.get(name, "")) for name in _NUMBERED}
        return Message(
            notice=delivery.notice,
            tenant=self._context.tenant,
            at=delivery.created_at,
            title=title.format(title=_one_line(item.title if item else ""), **known),
            text=text,
            facts=tuple(
                (name, _one_line(str(value)))
                for name, value in _facts(delivery, item, reason, names)
                if value
            ),
            steps=self._steps(delivery, item),
            link=self._link(delivery, item),
            data={name: delivery.payload[name] for name in _NEUTRAL if delivery.payload.get(name)},
            is_over=item is not None and not item.state.is_open,
        )

    def _texts(self, delivery: Delivery, item: WorkItem | None) -> tuple[str, str]:
        notice = delivery.notice
        is_late = item is not None and item.due_at and item.due_at <= self._context.clock.now()
        if notice is Notice.TASK_DUE and is_late:
            notice = Notice.TASK_OVERDUE
        act = str(delivery.payload.get("act", ""))
        return _OF_ACTS.get((notice, act), _TEXTS[notice])

    def _steps(self, delivery: Delivery, item: WorkItem | None) -> tuple[str, ...]:
        if item is not None and item.state.is_open:
            return tuple(_one_line(step) for step in item.instructions)
        if not _is_mended_by_link(delivery) or not (link := self._consent_link()):
            return ()
        return (
            (
                "Send this link to the service user, who signs in to DocuSign and accepts. It is "
                f"good for one answer in a week: {link}"
            ),
            "The connector goes on by itself; there is nothing to restart.",
        )

    def _work_item(self, delivery: Delivery) -> tuple[WorkItem | None, str, _Names]:
        """Return the item that a delivery is about, if there is one, why it was asked for, and what
        is called how."""
        if "work_item" not in delivery.payload:
            return None, "", _Names()
        try:
            with self._context.read() as uow:
                item = uow.work_items.get(str(delivery.payload["work_item"]))
                reason = reason_of(uow.plans.get(item.plan_id)[0])
                return item, reason, self._names(uow, item)
        except NotFoundError:
            return None, "", _Names()

    def _names(self, uow: UnitOfWork, item: WorkItem) -> _Names:
        name = ""
        if item.is_access:
            try:
                target = self._context.policy.target(item.entitlement, uow.mirror.catalogue())
                name = f"{target.title} ({item.entitlement})"
            except InvalidRequestError:
                name = item.entitlement  # It is gone from DocuSign.
        waits = item.kind is WorkItemKind.APPROVAL and item.state is WorkItemState.OPEN
        if not waits:
            return _Names(name)
        who, before = in_words(Matters(uow, self._context).of(item)), last_denial(uow, item)
        denied = f"{_instant(before.closed_at)}, {before.closed_by}" if before else ""
        if before and before.comment:
            denied += f": {before.comment}"
        return _Names(name, who, denied)

    def _link(self, delivery: Delivery, item: WorkItem | None) -> str:
        if item is not None:
            page = "approvals" if item.kind is WorkItemKind.APPROVAL else "tasks"
            return f"{self._console}/{page}/{item.work_item_id}"
        if delivery.notice is Notice.CONSENT_INVITATION:
            return str(delivery.payload.get("link", ""))
        if delivery.notice is Notice.ORGANIZATION_ADMIN_UNEXPECTED and delivery.subject_id:
            return f"{self._console}/users/{delivery.subject_id}"
        return f"{self._console}/{_PAGES.get(delivery.notice, '')}"


def _is_mended_by_link(delivery: Delivery) -> bool:
    """Whether the service user only has to open a link."""
    if delivery.notice is Notice.CONNECTION_REFUSED:
        return delivery.payload.get("code") in (Trouble.GRANT_MISSING, Trouble.GRANT_EXPIRED)
    return delivery.notice in (Notice.CONSENT_LOST, Notice.CONNECTION_EXPIRES)


def _facts(
    delivery: Delivery, item: WorkItem | None, reason: str, names: _Names
) -> list[tuple[str, Any]]:
    payload = delivery.payload
    facts: list[tuple[str, Any]] = []
    if item is not None:
        facts += [
            ("Entitlement", names.entitlement),
            ("Risk", item.risk),
            ("Asked by", item.requester),
            ("Because", reason),
            ("Denied before", names.denied_before),
            ("State", str(item.state).replace("_", " ")),
            ("Who decides", names.deciders),
            ("Decide until", _instant(item.expires_at) if names.deciders else ""),
            ("Due", _instant(item.due_at)),
            ("Closed by", item.closed_by),
            ("Comment", item.comment),
        ]
    facts += [
        *((_words(name), count) for name, count in (payload.get("counts") or {}).items()),
        ("Since", payload.get("since")),
        ("Reason", payload.get("error") or payload.get("reason")),
        ("User", "" if item else delivery.subject_id),
        ("Hash", payload.get("hash")),
        ("Tenant", "" if item else payload.get("tenant")),
    ]
    return facts


def _instant(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _one_line(text: str) -> str:
    """Return a text without line breaks, and with what it hides visible: it becomes a subject or a
    cell."""
    return visible(" ".join(text.split()))
