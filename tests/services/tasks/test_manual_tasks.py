"""Manual tasks: worked off by people, verified by DocuSign."""

from __future__ import annotations

from contextlib import closing

import pytest

from connector.docusign.connection import Connection
from connector.docusign.hosts import Hosts
from connector.domain.audit.events import AuditFilter
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError
from connector.settings import DocusignSettings
from tests.approvals import ADDRESS, approver, ask, held, operator, pending, somebody
from tests.connector import ORGANIZATION_ADMIN, connected, ok
from tests.services.tasks.opening import DAY, JOB, open_task
from tests.simulated import simulated


@pytest.mark.parametrize("by", [somebody("vera"), approver()])
def test_only_operators_work_tasks(connector, ann, tasks, by):
    task = open_task(connector, ann)
    for act in (tasks.claim, tasks.release, tasks.complete):
        with pytest.raises(ForbiddenError, match="operator"):
            act(task, by)


def test_a_closed_task_stays_closed(connector, ann, tasks):
    task = open_task(connector, ann)
    with pytest.raises(InvalidRequestError, match="reason"):
        tasks.reject(task, operator(), "  ")
    tasks.reject(task, operator(), "Not needed")
    for act in (tasks.claim, tasks.complete):
        with pytest.raises(InvalidRequestError, match="rejected already"):
            act(task, operator())


def test_an_overdue_task_is_escalated_once(connector, ann, work):
    task = open_task(connector, ann)
    connector.clock.advance(6 * DAY)
    assert connector.services.due.run(JOB)["escalated"] == 1
    assert connector.services.due.run(JOB)["escalated"] == 0
    assert work.get(task).escalated_at is not None


def test_a_group_may_be_left_to_people_and_is_verified_in_docusign(connector, ann, work, tasks):
    group = connector.group()
    value = [{"value": ann}]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})
    assert pending(connector.user(ann)) == [("manual_task", group, "grant")]
    (item,) = work.list()
    assert (item.risk, item.verification) == ("high", "docusign")
    assert any("Ann" in step or ADDRESS in step for step in item.instructions)
    after = tasks.complete(item.work_item_id, operator())
    assert after.state is WorkItemState.AWAITING_VERIFICATION
    account_id, _, number = group.partition(".g")
    connector.services.context.directory.add_group_members(account_id, number, (ann,))
    assert connector.services.verification.verify_all(JOB) == {
        "checked": 1,
        "closed": 1,
        "failed": 0,
    }
    assert pending(connector.user(ann)) == []
    assert group in {item["value"] for item in connector.user(ann)["groups"]}


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        ("demo", "https://admindemo.docusign.com"),
        ("production", "https://admin.docusign.com"),
        ("custom", None),
    ],
)
def test_a_task_sends_people_to_docusign_admin_of_the_environment(
    tmp_path, monkeypatch, environment, where
):
    address = Hosts.of(DocusignSettings(environment=environment)).people_url
    monkeypatch.setattr(Connection, "people_url", address)
    everything = ({"match": "*", "kind": "group", "fulfilment": "manual"},)
    running = connected(tmp_path / "e.db", world=simulated(10), entitlements=everything)
    with closing(running):
        ann = running.create(ADDRESS, roles=[{"value": ORGANIZATION_ADMIN}])["id"]
        value = [{"value": ann}]
        group = f"/Groups/{running.group()}"
        running.patch(group, {"op": "add", "path": "members", "value": value})
        items = running.services.work_items.list()
    named = f"DocuSign Admin ({where})" if where else "DocuSign Admin"
    assert len(items) == 2
    for item in items:
        assert item.deep_link == where
        assert item.instructions[0].startswith(f"Sign in to {named} as ")


def test_a_role_may_be_approved_before_its_task(tmp_path):
    rule = {"organization-admin": {"fulfilment": "approval", "approvers": {"people": ["bob"]}}}
    running = connected(tmp_path / "r.db", world=simulated(10), manual_roles=rule)
    try:
        user = running.create(ADDRESS, roles=[{"value": ORGANIZATION_ADMIN}])
        assert pending(user) == [("approval", ORGANIZATION_ADMIN, "grant")]
        (item,) = running.services.approvals.list()
        running.services.approvals.decide(item.work_item_id, Verdict.APPROVE, somebody("bob"))
        assert pending(running.user(user["id"])) == [("manual_task", ORGANIZATION_ADMIN, "grant")]
        remove = {"op": "remove", "path": f'roles[value eq "{ORGANIZATION_ADMIN}"]'}
        assert pending(ok(running.patch(f"/Users/{user['id']}", remove))) == []
    finally:
        running.close()


def test_asking_for_a_profile_in_the_usual_way_needs_nobody(connector, ann, work):
    assert held(ask(connector, ann, connector.entitlement())) == {connector.entitlement()}
    assert work.list() == []


@pytest.mark.parametrize("text", ["\x00", "\x1b[2J", "\ud800", "x" * 10_000, "<script>"])
def test_what_people_write_can_be_kept_whatever_it_is(connector, ann, work, tasks, text):
    task = open_task(connector, ann)
    tasks.claim(task, operator("olga"))
    tasks.release(task, operator("olga"), f"a{text}b")
    said = work.view(task).history[-1].comment
    assert said.startswith("a")
    assert len(said) <= 4_000
    assert "\x00" not in said
    assert "\x1b" not in said


def test_a_check_that_finds_the_same_moves_nothing_and_is_no_event(connector, ann, work):
    task = open_task(connector, ann, ORGANIZATION_ADMIN)
    connector.services.verification.verify(task, JOB)
    before, asked_at = connector.user(ann)["meta"], work.get(task).last_checked_at
    connector.clock.advance(300)
    connector.services.verification.verify(task, JOB)
    assert connector.user(ann)["meta"] == before
    assert work.get(task).last_checked_at > asked_at
    assert work.get(task).last_check == "DocuSign: the user is no organization administrator"
    assert checks(connector) == ["is no organization administrator"]
    connector.services.verification.verify(task, operator("olga"))
    connector.world.state.user(ann).is_organization_admin = True
    assert connector.services.verification.verify(task, JOB).state is WorkItemState.DONE
    no, yes = "is no organization administrator", "is an organization administrator"
    assert checks(connector) == [no, no, yes]
    assert connector.user(ann)["meta"] != before


def test_who_looks_says_nothing_of_what_somebody_else_said(connector, ann, work, tasks):
    task = open_task(connector, ann, ORGANIZATION_ADMIN)
    tasks.complete(task, operator("bob"), "done it")
    connector.world.state.user(ann).is_organization_admin = True
    connector.services.verification.verify(task, operator("olga"))
    view = work.view(task)
    assert (view.item.closed_by, view.item.comment, view.said_by) == (
        "user:olga",
        "done it",
        "user:bob",
    )
    assert [event.actor for event in view.history if event.comment] == ["user:bob"]
    with connector.services.context.read() as uow:
        events = list(uow.audit.walk(AuditFilter(action="work_item.done")))
    assert [(event.actor, event.data["comment"]) for event in events] == [("user:olga", "")]


def checks(connector) -> list[str]:
    with connector.services.context.read() as uow:
        events = uow.audit.walk(AuditFilter(action="work_item.checked"))
        return [event.data["result"] for event in events]
