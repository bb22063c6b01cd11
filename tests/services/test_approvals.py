"""Who decides, how many of them, until when, and what becomes of a decision."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from connector.domain.ledger import PlanState, WorkItemKind, WorkItemState
from connector.domain.work_items import Act, Verdict
from connector.errors import (
    ClosedError,
    ConnectorError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
)
from connector.services.context import Actor
from simulator.faults import Fault
from tests import databases
from tests.approvals import (
    administrator,
    approver,
    ask,
    asking_first,
    held,
    operator,
    pending,
    somebody,
)
from tests.connector import ENTERPRISE, ManualClock, connected, ok
from tests.simulated import simulated

ADDRESS = "ann.lee@acme.test"
APPROVE, DENY = Verdict.APPROVE, Verdict.DENY
JOB = Actor("job:people", "job", "test")
DAY = 86_400


@pytest.fixture
def start(tmp_path):
    """Start a connector whose policy asks for one profile, with these conditions."""
    started: list[Any] = []

    def run(database=None, *, rules=(), **conditions):
        clock = ManualClock()
        world = simulated(10, now=clock.now)
        first = world.accounts[0]
        profile = next(
            item.profile_id
            for item in first.profiles.values()
            if not item.is_admin and item.profile_id != first.default_profile_id
        )
        asked_for = f"{first.account_id}.{profile}"
        connector = connected(
            database or tmp_path / f"c{len(started)}.db",
            world=world,
            clock=clock,
            entitlements=(*rules, asking_first(asked_for, **conditions)),
        )
        started.append(connector)
        return connector, asked_for

    yield run
    for connector in started:
        connector.close()


def waiting(connector, asked_for, address=ADDRESS, **attributes):
    """Return somebody new and the approval that waits for them."""
    user = connector.create(address, **attributes)
    ask(connector, user["id"], asked_for)
    (item,) = [
        item for item in connector.services.approvals.list() if item.subject_id == user["id"]
    ]
    return user, item


def decide(connector, item, verdict, by, **options):
    return connector.services.approvals.decide(item.work_item_id, verdict, by, **options)


# ------------------------------------------------------------------------- who


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
    _, item = waiting(connector, asked_for, **{ENTERPRISE: manager})
    with pytest.raises(ForbiddenError, match=r"the manager \(boss@acme.test\)"):
        decide(connector, item, APPROVE, approver())
    view = decide(connector, item, APPROVE, somebody("b", email="Boss@Acme.test"))
    assert view.item.state is WorkItemState.DONE


def test_who_asked_does_not_decide(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError, match="asked for"):
        decide(connector, item, APPROVE, approver("iga"))


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


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield tmp_path / "race.db"
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "approvals") as settings:
        yield settings


def test_two_approvers_at_the_same_instant_decide_once(start, database):
    connector, asked_for = start(database)
    user, item = waiting(connector, asked_for)
    together = Barrier(2)

    def vote(choice):
        verdict, login = choice
        together.wait()
        try:
            return decide(connector, item, verdict, approver(login), comment="x").item.state
        except ConnectorError as error:
            return type(error)

    with ThreadPoolExecutor(2) as pool:
        outcomes = set(pool.map(vote, [(APPROVE, "bob"), (DENY, "carl")]))

    state = connector.services.approvals.get(item.work_item_id).item.state
    assert ClosedError in outcomes
    assert state in outcomes
    shown = held(connector.user(user["id"]))
    assert shown == ({asked_for} if state is WorkItemState.DONE else {connector.baseline()})


# ------------------------------------------------------------------------- delegation


def away(connector, by, to, **more):
    now = connector.clock.now()
    return connector.services.delegations.begin(by, to, now, now + timedelta(days=7), **more)


def test_a_delegate_decides_while_somebody_is_away(start):
    connector, asked_for = start(approvers={"groups": ["Owners"]})
    _, item = waiting(connector, asked_for)
    made = away(connector, somebody("bob", groups=["Owners"]), "carl")
    connector.services.delegations.end(made.delegation_id, somebody("bob"))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))
    away(connector, somebody("bob", groups=["Owners"]), "carl")
    view = decide(connector, item, APPROVE, somebody("carl"))
    assert view.plan.context["approved_by"] == ["bob"]


def test_a_delegation_ends_by_itself_and_is_not_passed_on(start):
    connector, asked_for = start(approvers={"people": ["bob"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), "carl")
    away(connector, somebody("carl"), "dora")
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("dora"))
    connector.clock.advance(8 * DAY)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_nobody_gets_round_self_approval_by_a_delegation(start):
    connector, asked_for = start(approvers={"people": ["bob", ADDRESS]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), ADDRESS)
    away(connector, somebody("ann", email=ADDRESS), "carl")
    with pytest.raises(ForbiddenError, match="their own access"):
        decide(connector, item, APPROVE, somebody("ann", email=ADDRESS))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_nobody_decides_for_whose_access_it_is_under_whatever_name(start):
    connector, asked_for = start(approvers={"people": ["al"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("al", email=ADDRESS), "carl")
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_a_delegate_stands_for_whom_the_policy_names_by_address(start):
    connector, asked_for = start(approvers={"people": ["bob@acme.test"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob", email="bob@acme.test"), "carl")
    assert decide(connector, item, APPROVE, somebody("carl")).item.state is WorkItemState.DONE


def test_absent_and_delegate_are_one_voice(start):
    connector, asked_for = start(approvers={"people": ["bob", "dora"]}, approvals_needed=2)
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), "carl")
    decide(connector, item, APPROVE, somebody("bob"))
    with pytest.raises(InvalidRequestError, match="approved this already"):
        decide(connector, item, APPROVE, somebody("carl"))


@pytest.mark.parametrize(("start_in", "days"), [(0, 0), (0, 400), (-10, 5)])
def test_a_delegation_has_a_sensible_time(start, start_in, days):
    connector, _ = start()
    begin = connector.clock.now() + timedelta(days=start_in)
    with pytest.raises(InvalidRequestError):
        connector.services.delegations.begin(
            somebody("bob"), "carl", begin, begin + timedelta(days=days)
        )


def test_only_administrators_delegate_for_others(start):
    connector, _ = start()
    with pytest.raises(ForbiddenError):
        away(connector, approver("eve"), "eve", absent="bob")
    with pytest.raises(InvalidRequestError, match="e-mail address"):
        away(connector, administrator(), "carl", absent="bob")
    made = away(connector, administrator(), "carl", absent="bob@acme.test")
    assert made.delegator == "bob@acme.test"


# ------------------------------------------------------------------------- time


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


def test_reminders_come_at_their_interval(start):
    connector, asked_for = start(remind_days=1)
    _, item = waiting(connector, asked_for)
    assert connector.services.due.run(JOB)["reminded"] == 0
    connector.clock.advance(DAY + 1)
    assert connector.services.due.run(JOB)["reminded"] == 1
    assert connector.services.due.run(JOB)["reminded"] == 0
    acts = [event.act for event in connector.services.approvals.get(item.work_item_id).history]
    assert acts == [Act.OPENED, Act.REMINDED]


# ------------------------------------------------------------------------- decisions


def test_a_reason_can_be_required(start):
    connector, asked_for = start(reason_required=True)
    _, item = waiting(connector, asked_for)
    with pytest.raises(InvalidRequestError, match="reason"):
        decide(connector, item, APPROVE, approver(), comment="  ")
    decide(connector, item, APPROVE, approver(), comment="New team lead")


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


def test_what_docusign_refuses_becomes_a_manual_task(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=400))

    view = decide(connector, item, APPROVE, approver())

    assert view.item.state is WorkItemState.SUPERSEDED
    assert view.plan.state is PlanState.FAILED
    assert pending(connector.user(user["id"])) == [("manual_task", asked_for, "grant")]
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    connector.world.faults.clear()
    connector.membership(user["id"]).profile_id = asked_for.partition(".")[2]
    assert connector.services.work_items.verify_all(JOB)["closed"] == 1
    assert connector.services.work_items.get(task.work_item_id).state is WorkItemState.DONE
    assert held(connector.user(user["id"])) == {asked_for}


def test_an_approved_change_waits_for_docusign(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=503))

    view = decide(connector, item, APPROVE, approver())

    assert view.item.state is WorkItemState.APPROVED
    assert pending(connector.user(user["id"])) == [("approval", asked_for, "grant")]
    ask(connector, user["id"], asked_for)
    assert len(connector.services.approvals.list(every=True)) == 1
    connector.world.faults.clear()
    connector.clock.advance(300)
    connector.services.settlement.settle_all(JOB)
    assert held(connector.user(user["id"])) == {asked_for}
    assert connector.services.approvals.get(item.work_item_id).item.state is WorkItemState.DONE


def test_an_approved_plan_that_no_longer_fits_needs_a_new_decision(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=503))
    decide(connector, item, APPROVE, approver())
    connector.world.faults.clear()
    connector.membership(user["id"]).profile_id = connector.entitlement(0, 1).partition(".")[2]
    connector.clock.advance(300)

    connector.services.settlement.settle_all(JOB)

    view = connector.services.approvals.get(item.work_item_id)
    assert (view.item.state, list(view.approved_by)) == (WorkItemState.OPEN, [])
    assert held(connector.user(user["id"])) == {connector.entitlement(0, 1)}
    decide(connector, view.item, APPROVE, approver())
    assert held(connector.user(user["id"])) == {asked_for}


def test_what_docusign_has_already_needs_no_decision(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.membership(user["id"]).profile_id = asked_for.partition(".")[2]
    connector.sync()
    with pytest.raises(PreconditionError, match="has it already"):
        decide(connector, item, APPROVE, approver())
    assert connector.services.approvals.list() == []


def test_a_change_to_be_made_by_hand_after_its_approval(start):
    connector, asked_for = start(after_approval="manual")
    user, item = waiting(connector, asked_for)
    view = decide(connector, item, APPROVE, approver())
    assert view.item.state is WorkItemState.DONE
    assert pending(connector.user(user["id"])) == [("manual_task", asked_for, "grant")]
    connector.membership(user["id"]).profile_id = asked_for.partition(".")[2]
    connector.services.work_items.verify_all(JOB)
    assert pending(connector.user(user["id"])) == []
    assert connector.services.approvals.get(item.work_item_id).plan.state is PlanState.DONE


def test_each_new_member_of_a_group_is_approved_alone(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    group = connector.group()
    users = [connector.create(f"p{n}@acme.test")["id"] for n in range(2)]
    members = [{"value": user_id} for user_id in users]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": members})
    first, second = connector.services.approvals.list()
    assert {first.subject_id, second.subject_id} == set(users)
    assert not connector.group_members(group) & set(users)

    decide(connector, first, APPROVE, approver())
    decide(connector, second, DENY, approver(), comment="No.")

    assert connector.group_members(group) & set(users) == {first.subject_id}


def test_members_of_a_new_group_wait_for_the_approval_that_its_name_asks_for(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    user_id = connector.create(ADDRESS)["id"]
    body = {"displayName": "Legal", "members": [{"value": user_id}]}
    shown = ok(connector.post("/Groups?dryRun=true", body))["operations"]
    assert [item["fulfilment"] for item in shown] == ["automatic", "approval"]

    group = ok(connector.post("/Groups", body), 201)["id"]
    (item,) = connector.services.approvals.list()
    assert connector.group_members(group) == set()

    decide(connector, item, APPROVE, approver())
    assert connector.group_members(group) == {user_id}


def test_taking_a_pending_member_out_of_a_group_ends_the_approval(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    group, user = connector.group(), connector.create(ADDRESS)
    value = [{"value": user["id"]}]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})
    assert len(connector.services.approvals.list()) == 1
    connector.patch(f"/Groups/{group}", {"op": "remove", "path": "members", "value": value})
    assert connector.services.approvals.list() == []


def test_coming_back_gives_the_baseline_until_the_rest_is_approved(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver())
    active = {"op": "replace", "path": "active"}
    ok(connector.patch(f"/Users/{user['id']}", {**active, "value": False}))
    back = ok(connector.patch(f"/Users/{user['id']}", {**active, "value": True}))
    assert held(back) == {connector.baseline()}
    assert pending(back) == [("approval", asked_for, "grant")]


# ------------------------------------------------------------------------- bad input


def test_a_work_item_of_another_kind_or_tenant_is_no_approval(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    with pytest.raises(NotFoundError):
        connector.services.approvals.get("nothing")
    with connector.application.store.write("other") as uow, pytest.raises(NotFoundError):
        uow.work_items.get(item.work_item_id)
    with pytest.raises(InvalidRequestError, match="approve or deny"):
        connector.services.work_items.complete(item.work_item_id, operator())


def test_a_refused_decision_is_in_the_audit(start):
    connector, asked_for = start(approvers={"people": ["bob"]})
    _, item = waiting(connector, asked_for)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, approver("eve"), comment="<script>alert(1)</script>")
    with connector.services.context.read() as uow:
        refused = [e for e in uow.audit.events(limit=10_000) if e.action == "work_item.refused"]
    assert [(e.actor, e.data["work_item"]) for e in refused] == [("user:eve", item.work_item_id)]


def test_the_approval_of_somebody_who_was_erased_can_still_be_shown(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No.")
    with connector.services.context.write() as uow:
        uow.erasures.forget_person(user["id"], ADDRESS)
        uow.commit()
    view = connector.services.approvals.get(item.work_item_id, approver())
    assert view.subject.user_id == user["id"]
    assert ADDRESS not in repr(view)
    assert connector.services.work_items.view(item.work_item_id).subject.email == ""
