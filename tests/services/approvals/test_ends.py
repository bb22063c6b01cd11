"""How an approval ends without a decision: by time, by another wish, by its requester."""

from __future__ import annotations

import pytest

from connector.domain.work_items.history import Act
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.errors import (
    ForbiddenError,
    InvalidRequestError,
)
from tests.approvals import (
    ADDRESS,
    APPROVE,
    DAY,
    JOB,
    administrator,
    approver,
    ask,
    decide,
    pending,
    somebody,
    waiting,
)


def test_an_undecided_approval_expires(start):
    connector, asked_for = start(expires_days=3)
    user, item = waiting(connector, asked_for)
    connector.clock.advance(3 * DAY + 1)
    with pytest.raises(InvalidRequestError, match="expired"):
        decide(connector, item, APPROVE, approver())
    assert connector.services.due.run(JOB)["expired"] == 1
    assert pending(connector.user(user["id"])) == []
    ask(connector, user["id"], asked_for)
    assert len(connector.services.approvals.list()) == 1


def test_an_undecided_approval_is_escalated_once(start):
    connector, asked_for = start(
        expires_days=2,
        on_expiry="escalate",
        approvers={"people": ["bob"]},
        escalate_to={"people": ["chief"]},
    )
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("chief"))
    connector.clock.advance(2 * DAY + 1)
    assert connector.services.due.run(JOB)["escalated"] == 1
    assert [i.work_item_id for i in connector.services.approvals.inbox(somebody("chief"))] == [
        item.work_item_id
    ]
    connector.clock.advance(2 * DAY + 1)
    assert connector.services.due.run(JOB)["expired"] == 1


@pytest.mark.parametrize("approvers", [{}, {"manager": True}])
def test_an_escalation_adds_to_the_role_that_decides(start, approvers):
    connector, asked_for = start(
        expires_days=2,
        on_expiry="escalate",
        approvers=approvers,
        approvals_needed=1 + (not approvers),
        escalate_to={"people": ["ciso"]},
    )
    _, item = waiting(connector, asked_for)
    if not approvers:
        decide(connector, item, APPROVE, approver("dora"))
    connector.clock.advance(2 * DAY + 1)
    assert connector.services.due.run(JOB)["escalated"] == 1
    approvals = connector.services.approvals
    for who in (somebody("ciso"), approver("carl")):
        assert [i.work_item_id for i in approvals.inbox(who)] == [item.work_item_id]
    view = approvals.get(item.work_item_id)
    assert view.approvers.startswith("whoever has the role approver, ciso")
    assert list(view.approved_by) == ([] if approvers else ["dora"]), "its votes stay"
    assert decide(connector, item, APPROVE, somebody("ciso")).item.state is WorkItemState.DONE


def test_reminders_come_at_their_interval(start):
    connector, asked_for = start(remind_days=1)
    _, item = waiting(connector, asked_for)
    assert connector.services.due.run(JOB)["reminded"] == 0
    connector.clock.advance(DAY + 1)
    assert connector.services.due.run(JOB)["reminded"] == 1
    assert connector.services.due.run(JOB)["reminded"] == 0
    acts = [event.act for event in connector.services.approvals.get(item.work_item_id).history]
    assert acts == [Act.OPENED, Act.REMINDED]


def test_the_requester_withdraws(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError, match="client:iga"):
        connector.services.approvals.withdraw(item.work_item_id, approver())
    view = connector.services.approvals.withdraw(item.work_item_id, administrator(), "Mistake")
    assert view.item.state is WorkItemState.WITHDRAWN
    assert pending(connector.user(user["id"])) == []
    with pytest.raises(InvalidRequestError):
        decide(connector, item, APPROVE, approver())


def test_another_profile_of_the_account_supersedes(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    ask(connector, user["id"], connector.entitlement(0, 1))
    assert connector.services.approvals.get(item.work_item_id).item.state is (
        WorkItemState.SUPERSEDED
    )


def test_another_profile_that_people_give_by_hand_supersedes(start):
    by_hand = start()[0].entitlement(0, 1)
    connector, asked_for = start(rules=({"match": by_hand, "fulfilment": "manual"},))
    user, item = waiting(connector, asked_for)
    ask(connector, user["id"], connector.entitlement(0, 1))
    ended = connector.services.approvals.get(item.work_item_id).item
    assert ended.state is WorkItemState.SUPERSEDED
    assert ended.comment == "Another profile of the account was asked for."
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    assert (task.subject_id, task.entitlement) == (user["id"], connector.entitlement(0, 1))


def test_a_task_ends_where_a_profile_that_has_to_be_approved_is_asked_for(start):
    by_hand = start()[0].entitlement(0, 1)
    connector, asked_for = start(rules=({"match": by_hand, "fulfilment": "manual"},))
    user = connector.create(ADDRESS)
    ask(connector, user["id"], connector.entitlement(0, 1))
    ask(connector, user["id"], asked_for)
    (task,) = connector.services.work_items.list(every=True, kind=WorkItemKind.MANUAL_TASK)
    assert task.state is WorkItemState.SUPERSEDED
    (item,) = connector.services.approvals.list()
    assert item.entitlement == asked_for
