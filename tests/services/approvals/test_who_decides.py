"""Who decides, and how many of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from connector.domain.work_items.items import WorkItemState
from connector.errors import (
    ClosedError,
    ConnectorError,
    ForbiddenError,
    InvalidRequestError,
)
from tests.approvals import (
    ADDRESS,
    APPROVE,
    DENY,
    administrator,
    approver,
    asked_by,
    decide,
    held,
    operator,
    somebody,
    waiting,
)
from tests.connector import ENTERPRISE
from tests.databases import ON_BOTH


def test_only_named_approvers_decide(start):
    connector, asked_for = start(
        approvers={"people": ["bob@acme.test"], "groups": ["DocuSign Owners"]}
    )
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError, match="not among the approvers"):
        decide(connector, item, APPROVE, approver("dora"))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, administrator())
    owner = somebody("carl", groups=["docusign owners"])
    assert [i.work_item_id for i in connector.services.approvals.inbox(owner)] == [
        item.work_item_id
    ]
    assert connector.services.approvals.inbox(approver("dora")) == []
    assert decide(connector, item, APPROVE, owner).item.state is WorkItemState.DONE


def test_without_named_approvers_the_role_decides(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, operator())
    assert decide(connector, item, APPROVE, approver()).item.state is WorkItemState.DONE


def test_the_manager_decides(start):
    connector, asked_for = start(approvers={"manager": True})
    boss = connector.create("boss@acme.test")
    manager = {"manager": {"value": boss["id"]}}
    attributes: dict[str, Any] = {ENTERPRISE: manager}
    _, item = waiting(connector, asked_for, **attributes)
    with pytest.raises(ForbiddenError, match=r"the manager \(boss@acme.test\)"):
        decide(connector, item, APPROVE, approver())
    view = decide(connector, item, APPROVE, somebody("b", email="Boss@Acme.test"))
    assert view.item.state is WorkItemState.DONE


def test_who_asked_does_not_decide(start):
    connector, asked_for = start()
    iga = approver("iga")
    item = asked_by(connector, iga, connector.create(ADDRESS)["id"], asked_for)
    with pytest.raises(ForbiddenError, match="asked for"):
        decide(connector, item, APPROVE, iga)


def test_a_person_who_is_called_as_the_client_did_not_ask(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    assert item.requester == "client:iga"
    assert decide(connector, item, APPROVE, approver("iga")).item.state is WorkItemState.DONE


def test_who_has_no_address_could_be_anybody_and_does_not_decide(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    nobody = approver("bob", email="")
    for verdict in (APPROVE, DENY):
        with pytest.raises(ForbiddenError, match="console user email"):
            decide(connector, item, verdict, nobody, comment="x")
    assert connector.services.approvals.inbox(nobody) == []
    assert decide(connector, item, APPROVE, approver()).item.state is WorkItemState.DONE


def test_two_accounts_of_one_person_are_one_voice(start):
    connector, asked_for = start(approvals_needed=2)
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver("bob", email="bob@staff.example"))
    with pytest.raises(InvalidRequestError, match="approved this already"):
        decide(connector, item, APPROVE, administrator("robert", email="Bob@Staff.example"))
    view = decide(connector, item, APPROVE, approver("carl"))
    assert view.item.state is WorkItemState.DONE


def test_two_different_people_have_to_agree(start):
    connector, asked_for = start(approvals_needed=2)
    user, item = waiting(connector, asked_for)
    view = decide(connector, item, APPROVE, approver("bob"))
    assert (view.item.state, list(view.approved_by)) == (WorkItemState.OPEN, ["bob"])
    with pytest.raises(InvalidRequestError, match="approved this already"):
        decide(connector, item, APPROVE, approver("BOB"))
    assert held(connector.user(user["id"])) == {connector.baseline()}
    view = decide(connector, item, APPROVE, approver("carl"))
    assert view.item.state is WorkItemState.DONE
    assert view.plan.context["approved_by"] == ["bob", "carl"]


def test_an_approver_who_was_removed_meanwhile_no_longer_counts(start, tmp_path):
    people = {"people": ["bob", "carl", "dora"]}
    connector, asked_for = start(approvals_needed=2, approvers=people)
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, somebody("bob"))
    mapping = connector.services.context.policy.mapping
    rule = mapping.rules[0]
    narrower = type(rule.approvers)(people=("carl", "dora"))
    object.__setattr__(rule, "approvers", narrower)

    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("bob"))
    view = decide(connector, item, APPROVE, somebody("carl"))
    assert (view.item.state, list(view.approved_by)) == (WorkItemState.OPEN, ["carl"])
    assert decide(connector, item, APPROVE, somebody("dora")).item.state is WorkItemState.DONE


@ON_BOTH
def test_two_approvers_at_the_same_instant_decide_once(start, database):
    connector, asked_for = start(database)
    user, item = waiting(connector, asked_for)
    together = Barrier(2)

    def vote(choice):
        verdict, login = choice
        together.wait()
        try:
            return decide(connector, item, verdict, approver(login), comment="No need").item.state
        except ConnectorError as error:
            return type(error)

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(vote, [(APPROVE, "bob"), (DENY, "carl")]))

    state = connector.services.approvals.get(item.work_item_id).item.state
    assert ClosedError in outcomes
    assert state in outcomes
    shown = held(connector.user(user["id"]))
    assert shown == ({asked_for} if state is WorkItemState.DONE else {connector.baseline()})


def test_a_reason_can_be_required(start):
    connector, asked_for = start(reason_required=True)
    _, item = waiting(connector, asked_for)
    for nothing in ("  ", ".", "x", "\u2800\u3164"):
        with pytest.raises(InvalidRequestError, match="reason"):
            decide(connector, item, APPROVE, approver(), comment=nothing)
    decide(connector, item, APPROVE, approver(), comment="New team lead")


def test_a_refused_decision_is_in_the_audit(start):
    connector, asked_for = start(approvers={"people": ["bob"]})
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, approver("eve"), comment="<script>alert(1)</script>")
    with connector.services.context.read() as uow:
        refused = [e for e in uow.audit.events(limit=10_000) if e.action == "work_item.refused"]
    assert [(e.actor, e.data["work_item"]) for e in refused] == [("user:eve", item.work_item_id)]
