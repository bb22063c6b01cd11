"""Reads out of audit events why somebody was given an entitlement: who asked, who decided, what
DocuSign did, and whether it was checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto
from functools import cached_property
from typing import Any

from connector.domain.audit.events import AuditEvent
from connector.domain.model import group_scim_id, profile_scim_id
from connector.domain.plan import NEWCOMER
from connector.domain.work_items.items import Direction, WorkItemKind

RECORDED = "plan.recorded"
_PLACES = ("create_membership", "reopen_membership", "set_profile")
_ASKED = ("request.received", RECORDED, "drift.reverting")
_REFUSED = "work_item.refused"
"""A decision that somebody tried and was not allowed to make: it decided nothing."""
_MISSED = "work_item.missed"
"""One that came too late, or was about what had changed meanwhile: it decided nothing either."""
_OPENED = "work_item.opened"
_CALLED = "docusign.called"
_ENDED = ("work_item.completed", "work_item.done")
_FAILED = ("plan.failed", "operation.undone")
_CHECKS = ("work_item.checked", "work_item.attested")
_SHOW_PEOPLE = ("/users", "/groups")
"""In the paths of reads that show what somebody has."""
_SIGN_IN = "/oauth/"
"""How paths of calls begin by which the connector signs in: they change nothing for anybody."""


class Outcome(StrEnum):
    """What became of a change that was asked for."""

    DONE = "done"
    """DocuSign has it."""
    WAITING = "waiting"
    """People, or DocuSign, still have to act."""
    REFUSED = "refused"
    """Somebody denied or rejected it."""
    ENDED = "ended"
    """It expired, was withdrawn, or something else was asked for."""
    FAILED = "failed"
    """DocuSign or a rule refused it, and it was undone where it had begun."""


_TURNS = {
    "operation.undone": Outcome.FAILED,
    "plan.failed": Outcome.FAILED,
    _OPENED: Outcome.WAITING,
    "work_item.denied": Outcome.REFUSED,
    "work_item.rejected": Outcome.REFUSED,
    "work_item.expired": Outcome.ENDED,
    "work_item.withdrawn": Outcome.ENDED,
    "work_item.superseded": Outcome.ENDED,
}
"""What an event makes of the change; the last one counts."""


class _Part(Enum):
    """What an event tells of a change."""

    ASKED = auto()
    DECIDED = auto()
    REFUSED = auto()
    MISSED = auto()
    DONE = auto()


_NOTHING_DECIDED = {_REFUSED: _Part.REFUSED, _MISSED: _Part.MISSED}


@dataclass(frozen=True)
class Entitlements:
    """What one word of the question may mean: profiles, groups and roles, by their ids."""

    profiles: frozenset[tuple[str, str]] = frozenset()
    groups: frozenset[tuple[str, str]] = frozenset()
    roles: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    """By the ids of SCIM, what people call them."""

    def __bool__(self) -> bool:
        return bool(self.profiles or self.groups or self.roles)

    @property
    def scim_ids(self) -> frozenset[str]:
        """The ids that SCIM and work items use."""
        profiles = {profile_scim_id(*place) for place in self.profiles}
        groups = {group_scim_id(*place) for place in self.groups}
        return frozenset({*profiles, *groups, *self.roles})

    def change(self, step: Mapping[str, Any], user_id: str) -> Direction | None:
        """Return whether an operation gives one of them to a user or takes it, or neither."""
        # A membership that begins an account for somebody new names nobody yet.
        if (step.get("user_id") or user_id) not in (user_id, NEWCOMER):
            return None
        kind = str(step.get("kind"))
        if kind.endswith("_role"):
            touches = step.get("role") in self.roles
        elif kind.endswith("_group_members") or kind == "delete_group":
            place = (str(step.get("account_id")), str(step.get("group_id")))
            touches = place in self.groups and user_id in step.get("user_ids", ())
        elif kind == "close_membership":
            touches = self._held(step.get("reopen") or {})
        else:
            return self._placed(step) if kind in _PLACES else None
        if not touches:
            return None
        return Direction.GRANT if kind.startswith(("grant", "add")) else Direction.REVOKE

    def _placed(self, step: Mapping[str, Any]) -> Direction | None:
        if self._held(step):
            return Direction.GRANT
        before = (str(step.get("account_id")), str(step.get("previous_profile_id")))
        return Direction.REVOKE if before in self.profiles else None

    def _held(self, step: Mapping[str, Any]) -> bool:
        account = str(step.get("account_id"))
        groups = {(account, str(group)) for group in step.get("group_ids") or ()}
        return (account, str(step.get("profile_id"))) in self.profiles or bool(groups & self.groups)


@dataclass(frozen=True)
class Story:
    """One change of an entitlement, from the request to the check."""

    direction: Direction
    plan_id: str
    events: Sequence[AuditEvent]
    outcome: Outcome = Outcome.WAITING
    done_at: datetime | None = None
    """When it took effect; None for what did not."""

    @property
    def at(self) -> datetime:
        """When it took effect or, for what did not, when it was asked for."""
        return self.done_at or self.recorded.at

    def is_within(self, since: datetime | None, until: datetime | None) -> bool:
        """Whether it was asked for in a period, or took effect in it."""
        return any(
            (since is None or at >= since) and (until is None or at < until)
            for at in (self.recorded.at, self.at)
        )

    @property
    def recorded(self) -> AuditEvent:
        """The event that recorded the plan."""
        return next(event for event in self.events if event.action == RECORDED)

    @property
    def asked(self) -> Sequence[AuditEvent]:
        """Who asked for it and how, and whom that was put before."""
        return self._of(_Part.ASKED)

    @property
    def decided(self) -> Sequence[AuditEvent]:
        """What people decided about it."""
        return self._of(_Part.DECIDED)

    @property
    def refused(self) -> Sequence[AuditEvent]:
        """Decisions that somebody tried who may not make them. They decided nothing."""
        return self._of(_Part.REFUSED)

    @property
    def missed(self) -> Sequence[AuditEvent]:
        """Decisions of those who may make them that came too late, a second time, or were about
        what had changed. They decided nothing."""
        return self._of(_Part.MISSED)

    @property
    def done(self) -> Sequence[AuditEvent]:
        """What became of it, what DocuSign was told, and what people did of it there."""
        return self._of(_Part.DONE)

    @property
    def checked(self) -> Sequence[AuditEvent]:
        """What showed that it was really so: reads of DocuSign after the change, verifications."""
        writes = [event.sequence for event in self.done if event.action == _CALLED]
        first = min(writes, default=self.recorded.sequence)
        return [
            event
            for event in self.events
            if event.action in _CHECKS or (_is_read_back(event) and event.sequence > first)
        ]

    @property
    def reasons(self) -> Sequence[str]:
        """Why it was asked for, in the words of whoever asked. What is said of a decision stands
        with the decision."""
        given = (event.data.get(name) for event in self.asked for name in ("reason", "comment"))
        return list(dict.fromkeys(str(text) for text in given if text))

    @property
    def needs_approval(self) -> bool:
        """Whether people have, or had, to agree to it."""
        return any(event.data.get("kind") == WorkItemKind.APPROVAL for event in self.events)

    @property
    def is_task(self) -> bool:
        """Whether people have, or had, to carry it out."""
        return bool(self._tasks)

    @cached_property
    def _tasks(self) -> frozenset[str]:
        return frozenset(
            str(event.data["work_item"])
            for event in self.events
            if event.data.get("kind") == WorkItemKind.MANUAL_TASK and "work_item" in event.data
        )

    @cached_property
    def _failed_at(self) -> int | None:
        """The number of the event after which a task is there because it failed."""
        return next((event.sequence for event in self.events if event.action in _FAILED), None)

    def _of(self, part: _Part) -> Sequence[AuditEvent]:
        return [event for event in self.events if self._part_of(event) is part]

    def _part_of(self, event: AuditEvent) -> _Part | None:
        action = event.action
        if action in _ASKED or (action == _OPENED and self._is_opened_by_asking(event)):
            return _Part.ASKED
        if action in _NOTHING_DECIDED:
            return _NOTHING_DECIDED[action]
        if action in _CHECKS or _is_read(event) or _is_sign_in(event):
            return None
        is_decision = action.startswith("work_item.") and action not in (*_ENDED, _OPENED)
        # Of a task people decide only that it ends otherwise: the rest is how they carry it out.
        if is_decision and (action in _TURNS or event.data.get("work_item") not in self._tasks):
            return _Part.DECIDED
        return _Part.DONE

    def _is_opened_by_asking(self, event: AuditEvent) -> bool:
        is_same = event.correlation_id == self.recorded.correlation_id
        return is_same and (self._failed_at is None or event.sequence < self._failed_at)


def _is_sign_in(event: AuditEvent) -> bool:
    return event.action == _CALLED and str(event.data.get("path")).startswith(_SIGN_IN)


def _is_read(event: AuditEvent) -> bool:
    return event.action == _CALLED and event.data.get("method") == "GET"


def _is_read_back(event: AuditEvent) -> bool:
    """Whether DocuSign showed people or groups: a token or a list of domains checks nothing."""
    return _is_read(event) and any(part in str(event.data.get("path")) for part in _SHOW_PEOPLE)


def stories(events: Iterable[AuditEvent], wanted: Entitlements, user_id: str) -> Sequence[Story]:
    """Return the changes of the entitlements of a user, oldest first.

    :param events: those that are about the user or name them, and of the requests that these belong
        to.
    """
    ordered = sorted(events, key=lambda event: event.sequence)
    found: list[Story] = []
    for event in ordered:
        if event.action != RECORDED:
            continue
        steps = event.data.get("operations", ())
        changes = [wanted.change(step, user_id) for step in steps if isinstance(step, Mapping)]
        directions = [change for change in changes if change is not None]
        if directions:
            told = _told(ordered, event, wanted, user_id)
            outcome, done_at = _outcome(told, wanted, user_id)
            # A replacement takes one and gives another: what it ends with counts.
            plan_id = str(event.data.get("plan"))
            found.append(Story(directions[-1], plan_id, told, outcome, done_at))
    return found


def _outcome(
    told: Iterable[AuditEvent], wanted: Entitlements, user_id: str
) -> tuple[Outcome, datetime | None]:
    """Return what became of a change and, where it took effect, when."""
    outcome, done_at = Outcome.WAITING, None
    for event in told:
        step = event.data.get("operation")
        is_it = isinstance(step, Mapping) and wanted.change(step, user_id) is not None
        is_task = event.data.get("kind") == WorkItemKind.MANUAL_TASK
        if (event.action == "operation.done" and is_it) or (
            event.action == "work_item.done" and is_task
        ):
            outcome, done_at = Outcome.DONE, event.at
        elif outcome is Outcome.FAILED:
            continue  # What follows, such as the task for a person, is because of it.
        elif event.action in _TURNS and (is_it or step is None):
            outcome, done_at = _TURNS[event.action], None
    return outcome, done_at


def _told(
    ordered: Sequence[AuditEvent], recorded: AuditEvent, wanted: Entitlements, user_id: str
) -> Sequence[AuditEvent]:
    """Return the events of a plan: its own, those of its work items, and the calls of both."""
    # What waits for an approval is a plan of its own, opened within the same request (ADR 8).
    # People decide on what is given; where that takes the wanted one away, it is its story too.
    asked_for = wanted.scim_ids | {
        given
        for step in recorded.data.get("operations", ())
        if isinstance(step, Mapping) and wanted.change(step, user_id) is not None
        for given in _given(step)
    }
    items = {
        event.data["work_item"]
        for event in ordered
        if event.correlation_id == recorded.correlation_id
        and event.data.get("entitlement") in asked_for
        and event.subject == user_id
        and "work_item" in event.data
    }
    plans = {
        event.data["plan"]
        for event in ordered
        if event is recorded or ("plan" in event.data and event.data.get("work_item") in items)
    }
    # One request may want several things, of each of which people decide on its own.
    others = {
        event.data.get("work_item")
        for event in ordered
        if event.data.get("entitlement", "") and event.data["entitlement"] not in asked_for
    } - {None}
    own = [
        event
        for event in ordered
        if (event.data.get("plan") in plans or event.data.get("work_item") in items)
        and event.data.get("work_item") not in others
    ]
    return _without_others(_with_calls(own, ordered), wanted, user_id)


def _with_calls(own: Sequence[AuditEvent], ordered: Sequence[AuditEvent]) -> Sequence[AuditEvent]:
    """Return events of a plan with the calls that carried it out, or showed what they tell."""
    # Whoever carries out one plan calls for that plan alone; a job that checks tasks calls for
    # many, and the last call before the check is the one that it saw.
    carried = {event.correlation_id for event in own if "work_item" not in event.data} - {""}
    told = {event.sequence: event for event in own}
    calls: dict[str, AuditEvent] = {}
    for event in ordered:
        if not event.correlation_id:
            continue
        if event.action in (_CALLED, "request.received"):
            calls[event.correlation_id] = event
            if event.correlation_id in carried:
                told[event.sequence] = event
        elif event.sequence in told and event.correlation_id in calls:
            call = calls[event.correlation_id]
            told[call.sequence] = call
    return [told[sequence] for sequence in sorted(told)]


def _without_others(
    told: Sequence[AuditEvent], wanted: Entitlements, user_id: str
) -> Sequence[AuditEvent]:
    """Leave out the steps of the plan that are about something else, such as the account that
    somebody joins before they are given a role, with the calls of each."""
    kept: dict[int, AuditEvent] = {}
    calls: dict[str, list[AuditEvent]] = {}
    for event in told:
        step = event.data.get("operation")
        if event.action == _CALLED:
            calls.setdefault(event.correlation_id, []).append(event)
        elif event.action == RECORDED:  # The calls before it led to the plan.
            kept.update((call.sequence, call) for call in calls.pop(event.correlation_id, ()))
        elif isinstance(step, Mapping) and event.action.startswith("operation."):
            # Whoever carries out a plan does one step after the other.
            made = calls.pop(event.correlation_id, [])
            if wanted.change(step, user_id) is None:
                continue
            kept.update((call.sequence, call) for call in made)
        if event.action != _CALLED:
            kept[event.sequence] = event
    kept.update((call.sequence, call) for made in calls.values() for call in made)
    return [kept[sequence] for sequence in sorted(kept)]


def _given(step: Mapping[str, Any]) -> Sequence[str]:
    """Return the SCIM ids of what an operation gives, as work items name them."""
    if str(step.get("kind")) not in _PLACES:
        return ()
    account = str(step.get("account_id"))
    return [profile_scim_id(account, str(step.get("profile_id")))]
