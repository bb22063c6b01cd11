"""Approvals and delegations over the REST API: the same rules as at the console."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.authentication.console import ConsoleRole
from tests.acceptance.api.operations import attach
from tests.connector import DOCUSIGN
from tests.programs import problem, program, stranger, token_for
from tests.visitors import PASSWORD, ROOT, add_account, ask_for_approval, guarded, profile_named


@pytest.fixture
def asked(connect):
    """A connector, the id of an open approval, and whom it is about."""
    connector = connect(**guarded())
    user_id = connector.world.member().user.user_id
    return connector, ask_for_approval(connector, user_id), user_id


def decision(who, item_id, **more):
    return {"checksum": who.read(f"/approvals/{item_id}")["checksum"], **more}


def test_an_approval_shows_all_that_a_decision_needs(asked):
    connector, item_id, user_id = asked
    shown = program(connector, "approver").read(f"/approvals/{item_id}")
    assert shown["state"] == "open" and shown["direction"] == "grant"
    assert shown["subject"]["id"] == user_id and "@" in shown["subject"]["email"]
    assert "Approver" in shown["entitlement"]["name"]
    assert shown["risk"] == "high" and shown["owner"] == "finance@x.example"
    assert shown["requester"] == "client:iga"
    assert shown["needed"] == 1 and shown["approved_by"] == []
    assert shown["may_decide"] is True and shown["refusal"] is None
    assert any("Approver" in step for step in shown["plan"]["changes"])
    assert [line["act"] for line in shown["history"]] == ["opened"]


def test_approving_changes_docusign_and_closes_it(asked):
    connector, item_id, user_id = asked
    robot = program(connector, "approver")
    answer = robot.post(f"/approvals/{item_id}/approve", decision(robot, item_id))
    assert answer.status_code == 200, answer.json
    assert answer.json["state"] == "done" and answer.json["approved_by"] == ["robot"]
    held = connector.membership(user_id).profile_id
    assert profile_named(connector, "Approver").endswith(held)
    assert robot.read("/approvals")["items"] == []
    [closed] = robot.read("/approvals", state="closed")["items"]
    assert closed["id"] == item_id and closed["closed_by"]


def test_denying_needs_a_word_and_leaves_everything_as_it_was(asked):
    connector, item_id, user_id = asked
    robot = program(connector, "approver")
    before = connector.membership(user_id).profile_id
    path = f"/approvals/{item_id}/deny"
    answer = robot.post(path, decision(robot, item_id, comment=""))
    problem(answer, 422, "invalid-content")
    assert {"name": "comment", "detail": "Shorter than minimum length 1."} in answer.json["errors"]
    answer = robot.post(path, decision(robot, item_id, comment="Not needed"))
    assert answer.json["state"] == "denied" and answer.json["comment"] == "Not needed"
    assert connector.membership(user_id).profile_id == before


def test_a_denial_before_is_shown_to_who_decides(asked):
    connector, item_id, user_id = asked
    robot = program(connector, "approver")
    no = decision(robot, item_id, comment="Not needed")
    assert robot.post(f"/approvals/{item_id}/deny", no).json["denied_before"] is None
    value = [{"value": profile_named(connector, "Approver")}]
    why = {"op": "add", "path": f"{DOCUSIGN}User:reason", "value": "Needed since Monday"}
    add = {"op": "add", "path": "entitlements", "value": value}
    connector.patch(f"/Users/{user_id}", add, why)
    [again] = robot.read("/approvals")["items"]
    before = robot.read(f"/approvals/{again['id']}")["denied_before"]
    assert (before["id"], before["comment"]) == (item_id, "Not needed")
    assert before["closed_by"] == "user:robot"


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_is_no_approver_sees_why_and_gets_nowhere(asked, role):
    connector, item_id, _ = asked
    robot = program(connector, role)
    shown = robot.read(f"/approvals/{item_id}")
    assert shown["may_decide"] is False and "not among the approvers" in shown["refusal"]
    answer = robot.post(f"/approvals/{item_id}/approve", decision(robot, item_id))
    assert "not among the approvers" in problem(answer, 403, "forbidden")
    assert robot.read(f"/approvals/{item_id}")["state"] == "open"


def test_a_token_with_fewer_roles_decides_no_more_than_they_do(asked):
    connector, item_id, _ = asked
    add_account(connector, "ann", "approver", "viewer")
    ann = stranger(connector, token_for(connector, "ann", "viewer"))
    answer = ann.post(f"/approvals/{item_id}/approve", decision(ann, item_id))
    problem(answer, 403, "forbidden")


def test_nobody_approves_their_own_access(asked):
    connector, item_id, user_id = asked
    [line] = connector.services.browser.people([user_id]).values()
    add_account(connector, "warm-up", "viewer")
    connector.application.console_accounts.add(
        "default", "self", PASSWORD, [ConsoleRole.ADMINISTRATOR], ROOT, email=line.email
    )
    me = stranger(connector, token_for(connector, "self", "administrator"))
    assert "their own access" in me.read(f"/approvals/{item_id}")["refusal"]
    answer = me.post(f"/approvals/{item_id}/approve", decision(me, item_id))
    assert "their own access" in problem(answer, 403, "forbidden")
    assert me.read("/approvals", mine="true")["items"] == []


def test_a_decision_on_another_plan_is_refused(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    answer = robot.post(f"/approvals/{item_id}/approve", {"checksum": "0" * 64})
    problem(answer, 412, "changed-meanwhile")
    assert robot.read(f"/approvals/{item_id}")["state"] == "open"


def test_a_decision_that_names_no_plan_is_refused(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    answer = robot.post(f"/approvals/{item_id}/approve", {"comment": "fine"})
    problem(answer, 422, "invalid-content")
    assert {"name": "checksum", "detail": "Missing data for required field."} in answer.json[
        "errors"
    ]


def test_what_was_read_is_decided_on_and_nothing_newer(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    read = robot.get(f"/approvals/{item_id}")
    body = {"checksum": read.json["checksum"], "comment": "fine"}
    robot.post(f"/approvals/{item_id}/comments", {"comment": "Wait, who is that?"})
    path = f"/approvals/{item_id}/approve"
    stale = robot.post(path, body, if_match=read.headers["ETag"])
    problem(stale, 412, "changed-meanwhile")
    fresh = robot.get(f"/approvals/{item_id}").headers["ETag"]
    assert robot.post(path, body, if_match=fresh).json["state"] == "done"


def test_what_did_not_change_is_not_sent_again(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    tag = robot.get(f"/approvals/{item_id}").headers["ETag"]
    again = robot.send("GET", f"/approvals/{item_id}", headers={"If-None-Match": tag})
    assert again.status_code == 304 and not again.get_data()


def test_a_decided_approval_is_not_decided_again(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    body = decision(robot, item_id)
    robot.post(f"/approvals/{item_id}/approve", body)
    answer = robot.post(f"/approvals/{item_id}/deny", {**body, "comment": "no"})
    assert "done already" in problem(answer, 409, "closed")


def test_only_requester_and_administrators_withdraw(asked):
    connector, item_id, _ = asked
    robot = program(connector, "approver")
    problem(robot.post(f"/approvals/{item_id}/withdraw"), 403, "forbidden")
    root = program(connector, "administrator", login="root")
    answer = root.post(f"/approvals/{item_id}/withdraw", {"comment": "mistake"})
    assert answer.json["state"] == "withdrawn"


def test_pages_list_each_approval_once(connect):
    connector = connect(**guarded())
    members = [member.user.user_id for member in list(connector.world.account.roster)[5:40]]
    open_items = set()
    for user_id in members:
        value = [{"value": profile_named(connector, "Approver")}]
        connector.patch(f"/Users/{user_id}", {"op": "add", "path": "entitlements", "value": value})
    open_items = {item.work_item_id for item in connector.services.approvals.list()}
    assert len(open_items) > 10
    robot = program(connector, "approver")
    for query in ({"limit": 3}, {"limit": 3, "mine": "true"}):
        found = [item["id"] for item in robot.walk("/approvals", **query)]
        assert len(found) == len(set(found)) and set(found) == open_items


def test_ids_and_tokens_of_another_tenant_lead_nowhere(asked):
    connector, item_id, _ = asked
    application = connector.application
    other = replace(application.settings.tenants["default"], name="acme")
    application.settings.tenants["acme"] = other
    add_account(connector, "zoe", "administrator", tenant="acme")
    _, token = application.personal_tokens.add("acme", "zoe", "tests", ROOT)
    zoe = stranger(connector, token, "/acme/api/v1")
    assert zoe.read("/approvals", state="open")["items"] == []
    for path in (f"/approvals/{item_id}", f"/approvals/{item_id[:8]}"):
        problem(zoe.get(path), 404, "not-found")
    for act in ("approve", "deny", "withdraw", "comments"):
        body = {"comment": "Let me"} | ({"checksum": "x"} if act in ("approve", "deny") else {})
        problem(zoe.post(f"/approvals/{item_id}/{act}", body), 404, "not-found")
    problem(stranger(connector, token).get("/approvals"), 401, "unauthorized")
    robot = program(connector, "administrator")
    problem(stranger(connector, robot.token, "/acme/api/v1").get("/approvals"), 401, "unauthorized")
    assert stranger(connector, "", "/nobody/api/v1").get("/approvals").status_code == 404


def test_an_absent_person_s_delegate_decides(asked):
    connector, item_id, _ = asked
    ann = program(connector, "approver", login="ann")
    ben = program(connector, "viewer", login="ben")
    ends_at = (connector.clock.now() + timedelta(days=2)).isoformat()
    made = ann.post("/delegations", {"to": "ben", "ends_at": ends_at, "reason": "Holiday"})
    assert made.status_code == 201 and made.json["in_force"] is True
    assert ben.read("/approvals", mine="true")["items"][0]["id"] == item_id
    answer = ben.post(f"/approvals/{item_id}/approve", decision(ben, item_id))
    assert answer.json["state"] == "done" and answer.json["approved_by"] == ["ann"]


def test_a_delegation_ends_by_who_made_it_and_not_by_others(asked):
    connector, _, _ = asked
    ann = program(connector, "approver", login="ann")
    ends_at = (connector.clock.now() + timedelta(days=2)).isoformat()
    made = ann.post("/delegations", {"to": "ben", "ends_at": ends_at}).json
    other = program(connector, "approver", login="eve")
    problem(other.post(f"/delegations/{made['id']}/end"), 403, "forbidden")
    ended = ann.post(f"/delegations/{made['id']}/end").json
    assert ended["in_force"] is False and ended["ended_at"]
    [listed] = ann.read("/delegations")["items"]
    assert listed == ended


def test_a_task_that_no_api_shows_is_attested_with_a_file_alone(connect):
    steps = {"grant": ["Do it."], "revoke": ["Undo it."]}
    notary = {"display": "Notary", "verification": "attestation", "instructions": steps}
    connector = connect(manual_roles={"notary": notary})
    user_id = connector.world.member().user.user_id
    value = [{"value": "notary"}]
    connector.patch(f"/Users/{user_id}", {"op": "add", "path": "roles", "value": value})
    (item,) = connector.services.work_items.list()
    path = f"/tasks/{item.work_item_id}"
    assert program(connector, "operator", login="olga").post(f"{path}/complete").status_code == 200
    paul = program(connector, "operator", login="paul")
    assert "attach a file" in paul.post(f"{path}/attest").get_data(as_text=True)
    assert attach(paul, f"{path}/evidence").status_code == 201
    answer = paul.post(f"{path}/attest")
    assert (answer.status_code, answer.json["state"]) == (200, "done")
