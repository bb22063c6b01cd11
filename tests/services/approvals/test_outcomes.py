"""What becomes of what was approved, and of its record."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.docusign.client import ApiClient
from connector.docusign.errors import NoAnswerError, UnavailableError
from connector.domain.ledger.plans import OperationState, PlanState
from connector.domain.plan import CreateMembership
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.errors import InvalidRequestError, NotFoundError, PreconditionError
from connector.patience import left_s
from connector.store.plans import SqlPlans
from simulator.faults import Fault
from simulator.state import users
from simulator.state.model import Status
from tests.approvals import (
    ADDRESS,
    APPROVE,
    DENY,
    JOB,
    approver,
    ask,
    asking_first,
    decide,
    held,
    operator,
    pending,
    waiting,
)
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated
from tests.visitors import signed_in


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
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert connector.services.work_items.get(task.work_item_id).state is WorkItemState.DONE
    assert held(connector.user(user["id"])) == {asked_for}


def test_a_refusal_of_docusign_is_put_into_nobody_s_mouth(start, monkeypatch):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=400))
    decide(connector, item, APPROVE, approver())
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    connector.world.faults.clear()
    services = SimpleNamespace(work_items=connector.services.work_items)
    monkeypatch.setattr(CommandContext, "tenant", services)

    def comment() -> str:
        shown = CliRunner().invoke(main, ["tasks", "show", task.work_item_id])
        assert shown.exit_code == 0, shown.output
        return next(line for line in shown.output.splitlines() if line.startswith("  Comment"))

    opened = comment()
    assert "DocuSign" in opened and "None" not in opened
    connector.membership(user["id"]).profile_id = asked_for.partition(".")[2]
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert comment() == opened, "who only looked has said nothing"
    page = signed_in(connector, "viewer", login="vera").get(f"/tasks/{task.work_item_id}").text
    assert "Noted with the task: " in page


def test_who_approves_waits_no_longer_than_a_request(start, monkeypatch):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    carry_out = ApiClient.send
    left: list[float] = []

    def seen(client, target, call):
        if not call.is_read:
            left.append(left_s() or 0.0)
        return carry_out(client, target, call)

    monkeypatch.setattr(ApiClient, "send", seen)
    decide(connector, item, APPROVE, approver())
    assert left
    assert all(0 < one <= connector.services.settings.provisioning.wait_s for one in left)


def test_an_approved_change_whose_answer_is_late_is_left_to_the_jobs(start, monkeypatch):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)

    def late(client, target, call):
        if call.is_read:
            raise UnavailableError("DocuSign does not answer.")
        raise NoAnswerError("It was sent, and no answer came.")

    monkeypatch.setattr(ApiClient, "send", late)
    view = decide(connector, item, APPROVE, approver())
    assert view.item.state is WorkItemState.APPROVED
    monkeypatch.undo()
    connector.clock.advance(300)
    connector.services.settlement.settle_all(JOB)
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
    connector.services.verification.verify_all(JOB)
    assert pending(connector.user(user["id"])) == []
    assert connector.services.approvals.get(item.work_item_id).plan.state is PlanState.DONE


def test_coming_back_gives_the_baseline_until_the_rest_is_approved(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver())
    active = {"op": "replace", "path": "active"}
    ok(connector.patch(f"/Users/{user['id']}", {**active, "value": False}))
    back = ok(connector.patch(f"/Users/{user['id']}", {**active, "value": True}))
    assert held(back) == {connector.baseline()}
    assert pending(back) == [("approval", asked_for, "grant")]


def test_a_work_item_of_another_kind_or_tenant_is_no_approval(start):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    with pytest.raises(NotFoundError):
        connector.services.approvals.get("nothing")
    with connector.application.store.write("other") as uow, pytest.raises(NotFoundError):
        uow.work_items.get(item.work_item_id)
    with pytest.raises(InvalidRequestError, match="approve or deny"):
        connector.services.tasks.complete(item.work_item_id, operator())


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


def test_an_approved_joining_knows_who_came_to_the_address_while_it_waited(tmp_path):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    asked_for = world.entitlement(1)
    connector = connected(
        tmp_path / "c.db", world=world, clock=clock, entitlements=(asking_first(asked_for),)
    )
    _, item = waiting(connector, asked_for)
    joined = users.join(world.state, world.accounts[0], users.NewMember("ann@old.test", "Ann Lee"))
    joined.status, joined.closed_at = Status.CLOSED, world.state.now()
    world.state.readdress(joined.user, ADDRESS)
    connector.sync()

    decide(connector, item, APPROVE, approver())

    with connector.services.context.read() as uow:
        plan, (record,) = uow.plans.get(item.plan_id)
    connector.close()
    assert plan.state is PlanState.DONE
    assert isinstance(record.operation, CreateMembership)
    assert record.operation.predecessors == (joined.user.user_id,)


def test_an_approved_change_that_says_the_same_as_before_is_not_written_again(start, monkeypatch):
    connector, asked_for = start()
    _, item = waiting(connector, asked_for)
    saved, real = [], SqlPlans.save_operation

    def save(plans, record):
        saved.append(record)
        real(plans, record)

    monkeypatch.setattr(SqlPlans, "save_operation", save)

    decide(connector, item, APPROVE, approver())

    planned = [record for record in saved if record.state is OperationState.PLANNED]
    assert [record.plan_id for record in planned] == [item.plan_id]
