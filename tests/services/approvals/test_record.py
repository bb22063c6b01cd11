"""What the record says of decisions: who may not decide is told from who came too late, and each
event stands where it happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.cli.audit_words import explained
from connector.domain.audit.story import Outcome
from connector.domain.audit.titles import APPROVAL_CLOSED, TITLES, event_title
from connector.errors import ClosedError, ForbiddenError, PreconditionError
from simulator.faults import Fault
from tests.approvals import APPROVE, DAY, DENY, approver, decide, waiting


def recorded(connector, prefix=""):
    with connector.services.context.read() as uow:
        return [e for e in uow.audit.events(limit=10_000) if e.action.startswith(prefix)]


def told(connector, item):
    found = connector.services.audit.explain(item.subject_id, item.entitlement)
    return found.stories[-1], explained(found, "ever")


def test_who_came_too_late_is_not_told_with_who_may_not_decide(start):
    connector, asked_for = start(approvers={"people": ["dora", "bob"]})
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, approver("eve"))
    with pytest.raises(PreconditionError):
        decide(connector, item, APPROVE, approver("bob"), checksum="of another plan")
    decide(connector, item, APPROVE, approver("dora"))
    with pytest.raises(ClosedError):
        decide(connector, item, DENY, approver("bob"), comment="Not any more")

    story, text = told(connector, item)
    assert [event.actor for event in story.refused] == ["user:eve"]
    assert [event.actor for event in story.missed] == ["user:bob", "user:bob"]
    assert [event.actor for event in story.decided if "approved" in event.action] == ["user:dora"]
    assert not [event for event in story.decided if event.actor in ("user:eve", "user:bob")]
    assert story.reasons == []
    barred, _, late = text.partition("Barred")[2].partition("Too late")
    assert "user:eve" in barred and "user:bob" not in barred
    assert late.partition("Done")[0].count("user:bob") == 2


def test_the_record_keeps_the_reason_and_not_what_to_do(start):
    """What commands somebody could give then is nothing that a record is asked for later."""
    connector, asked_for = start(expires_days=3)
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError, match=r"--as LOGIN.*console user email"):
        decide(connector, item, APPROVE, approver("root", email=""))
    with pytest.raises(PreconditionError, match="Look again"):
        decide(connector, item, APPROVE, approver("bob"), checksum="of another plan")
    connector.clock.advance(3 * DAY + 1)
    with pytest.raises(ClosedError, match="Ask for the access again"):
        decide(connector, item, APPROVE, approver("bob"))
    (refused,) = recorded(connector, "work_item.refused")
    assert refused.data["comment"].endswith("whether this is about their own access.")
    missed = [event.data["comment"] for event in recorded(connector, "work_item.missed")]
    assert missed == [
        "What is to be done changed since you looked.",
        "This approval has expired.",
    ]
    history = connector.services.approvals.get(item.work_item_id).history
    assert not [event for event in history if "docusign-iga" in event.comment]


def test_who_approves_twice_or_after_the_end_is_not_barred(start):
    connector, asked_for = start(approvals_needed=2, expires_days=3)
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver("dora"))
    with pytest.raises(ClosedError, match="already"):
        decide(connector, item, APPROVE, approver("dora"))
    connector.clock.advance(3 * DAY + 1)
    with pytest.raises(ClosedError, match="expired"):
        decide(connector, item, APPROVE, approver("bob"))
    assert recorded(connector, "work_item.refused") == []
    assert [e.actor for e in recorded(connector, "work_item.missed")] == ["user:dora", "user:bob"]


def test_an_approval_ends_after_what_it_let_through(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver())
    actions = [event.action for event in recorded(connector) if event.subject == item.subject_id]
    ends = ["work_item.approved", "work_item.decided", "operation.done", "work_item.done"]
    assert [action for action in actions if action in ends][-4:] == ends


def test_what_docusign_refuses_fails_before_it_is_left_to_a_person(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=400))
    decide(connector, item, APPROVE, approver())
    ends = ["plan.failed", "work_item.superseded", "work_item.opened"]
    assert [event.action for event in recorded(connector)][-3:] == ends
    story, _ = told(connector, item)
    assert story.outcome is Outcome.FAILED


def test_an_approval_is_called_closed_and_a_task_confirmed(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver())
    *_, done = recorded(connector, "work_item.done")
    assert event_title(done) == APPROVAL_CLOSED
    assert event_title(replace(done, data={"kind": "manual_task"})) == TITLES["work_item.done"]
