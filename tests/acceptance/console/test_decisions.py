"""Decisions and tasks through the console's forms: who may, what forged ones get, what is kept."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from connector.domain.authentication.console import ConsoleRole
from tests.connector import ORGANIZATION_ADMIN
from tests.visitors import (
    ROOT,
    add_account,
    ask_for_admin,
    ask_for_approval,
    guarded,
    signed_in,
    visitor,
)


def text(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


@pytest.fixture
def asked(connect):
    """A connector, the address of an open approval's page, and whom it is about."""
    connector = connect(**guarded())
    user_id = connector.world.member().user.user_id
    item_id = ask_for_approval(connector, user_id)
    return connector, f"/approvals/{item_id}", user_id


def decide(who, page, verdict="approve", checksum=None, comment="Fine"):
    shown = re.findall(r'name="checksum" value="([^"]+)"', who.get(page).get_data(as_text=True))
    checksum = checksum if checksum is not None else shown[0] if shown else "x"
    fields = {"verdict": verdict, "checksum": checksum, "comment": comment, "back": page}
    who.post(f"{page}/decide", page=page, **fields)
    return text(who.get(page))


def state(connector, page):
    return connector.services.work_items.get(page.rpartition("/")[2]).state


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_is_no_approver_sees_why_and_gets_nowhere(asked, role):
    connector, page, _ = asked
    who = signed_in(connector, role)
    assert "Not yours to decide" in text(who.get(page))
    assert "is not among the approvers" in decide(who, page)
    assert state(connector, page) == "open"


def test_nobody_approves_their_own_access(asked):
    connector, page, user_id = asked
    [line] = connector.services.browser.people([user_id]).values()
    connector.application.console_accounts.add(
        "default", "self", "another quiet lamp", [ConsoleRole.APPROVER], ROOT, email=line.email
    )
    me = visitor(connector)
    me.sign_in("self", "another quiet lamp")
    assert "their own access" in text(me.get(page))
    assert "their own access" in decide(me, page)
    assert state(connector, page) == "open"


@pytest.mark.parametrize("checksum", ["", "0" * 64])
def test_a_decision_on_another_plan_than_the_one_shown_is_refused(asked, checksum):
    connector, page, _ = asked
    ann = signed_in(connector, "approver")
    assert "changed since you looked" in decide(ann, page, checksum=checksum)
    assert state(connector, page) == "open"


def test_a_form_without_a_verdict_decides_nothing(asked):
    connector, page, _ = asked
    ann = signed_in(connector, "approver")
    assert ann.post(f"{page}/decide", page=page, comment="x").status_code == 400
    assert state(connector, page) == "open"


def test_a_replayed_decision_changes_nothing(asked):
    connector, page, _ = asked
    ann = signed_in(connector, "approver")
    decide(ann, page)
    assert state(connector, page) == "done"
    assert "done already" in decide(ann, page, verdict="deny", checksum="x")
    assert state(connector, page) == "done"


def test_an_expired_approval_is_not_decided_any_more(asked):
    connector, page, _ = asked
    connector.clock.advance(60 * 86_400)
    ann = signed_in(connector, "approver")
    assert "expired" in decide(ann, page)
    assert state(connector, page) != "done"


def test_an_approver_removed_meanwhile_decides_no_longer(asked):
    connector, page, _ = asked
    ann = signed_in(connector, "approver")
    text(ann.get(page))
    connector.application.console_accounts.set_roles("default", "ann", [ConsoleRole.VIEWER], ROOT)
    assert "is not among the approvers" in decide(ann, page)
    assert state(connector, page) == "open"


def test_an_administrator_withdraws_and_others_do_not(asked):
    connector, page, _ = asked
    bob = signed_in(connector, "approver", login="bob")
    assert "Withdraw the request" not in text(bob.get(page))
    bob.post(f"{page}/withdraw", page=page, back=page)
    assert state(connector, page) == "open"
    ann = signed_in(connector, "administrator")
    ann.post(f"{page}/withdraw", page=page, comment="Mistake")
    assert state(connector, page) == "withdrawn"


def test_somebody_decides_for_who_is_away(asked):
    connector, page, _ = asked
    add_account(connector, "vic", "viewer")
    ann = signed_in(connector, "approver")
    today = connector.clock.now().date().isoformat()
    ann.post("/absences", page="/absences", to="vic", until=today, **{"from": today})
    assert "vic" in text(ann.get("/absences"))
    vic = visitor(connector)
    vic.sign_in("vic")
    decide(vic, page)
    assert state(connector, page) == "done"


def test_a_delegation_that_makes_no_sense_is_refused_in_words(asked):
    connector, _, _ = asked
    ann = signed_in(connector, "approver")
    for fields, words in (
        ({"to": "ann", "until": "2999-01-01"}, "within"),
        ({"to": "bob", "until": "soon"}, "is not a day"),
        ({"to": "bob", "until": "2020-01-01"}, "ends after it starts"),
    ):
        data = {"from": "2020-01-01", "back": "/absences", **fields}
        ann.post("/absences", page="/absences", **data)
        assert words in text(ann.get("/absences"))


def test_another_tenant_neither_sees_nor_decides_nor_comments(asked):
    connector, page, user_id = asked
    application = connector.application
    other = replace(application.settings.tenants["default"], name="acme")
    application.settings.tenants["acme"] = other
    add_account(connector, "zoe", "administrator", tenant="acme")
    zoe = visitor(connector, "/acme/console")
    zoe.sign_in("zoe")
    assert zoe.get(page).status_code == 404
    for act in ("decide", "withdraw", "comment"):
        fields = {"verdict": "approve", "checksum": "x", "comment": "x"}
        assert zoe.post(f"{page}/{act}", **fields).status_code in {303, 404}
    assert state(connector, page) == "open"
    task = ask_for_admin(connector, user_id)
    ann = signed_in(connector, "operator")
    attach(ann, task, b"proof")
    link = re.findall(
        r'href="/console(/tasks/[^"]+/evidence/[^"]+)"', text(ann.get(f"/tasks/{task}"))
    )
    assert text(ann.get(link[0])) == "proof"
    assert zoe.get(link[0]).status_code == 404


def attach(who, task, content, name="proof.html"):
    page = f"/tasks/{task}"
    # As bytes: of a large form the test client would leave a temporary file open.
    fields = {"csrf_token": who.token(page), "back": page}
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    quoted = quote(name, safe=". ")
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'
    body = b"".join([*parts, head.encode(), content, b"\r\n--cut--\r\n"])
    kind = "multipart/form-data; boundary=cut"
    return who.http.post(f"{who.base}{page}/attach", data=body, content_type=kind)


def test_a_file_is_only_ever_downloaded(connector):
    ann = signed_in(connector, "operator")
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    attach(ann, task, b"<script>alert(1)</script>", 'a"\r\nX-Evil: 1.html')
    page = text(ann.get(f"/tasks/{task}"))
    [link] = re.findall(r'href="/console(/tasks/[^"]+/evidence/[^"]+)"', page)
    headers = ann.get(link).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Evil" not in headers


def test_a_file_that_is_too_large_or_missing_is_refused_in_words(connector):
    ann = signed_in(connector, "operator")
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    assert attach(ann, task, b"").status_code == 303
    assert "is not empty" in text(ann.get(f"/tasks/{task}"))
    assert attach(ann, task, b"x" * 6_000_000).status_code == 413
    assert connector.services.work_items.view(task).evidence == []


def test_a_task_is_claimed_handed_over_and_given_back(connector):
    ann, bob = signed_in(connector, "operator"), signed_in(connector, "operator", login="bob")
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    page = f"/tasks/{task}"
    ann.post(f"{page}/claim", page=page)
    assert "ann works on this" in text(bob.get(page))
    bob.post(f"{page}/complete", page=page, back=page)
    assert state(connector, page) == "open"
    ann.post(f"{page}/hand-over", page=page, to="bob", comment="On leave")
    assert "On leave" in text(bob.get(page))
    bob.post(f"{page}/release", page=page)
    assert connector.services.work_items.get(task).assignee is None
    assert ann.post(f"{page}/conjure", page=page).status_code == 404


def test_what_no_api_shows_is_attested_by_a_second_person(connect):
    steps = {"grant": ["Open CLM, add {full_name}."], "revoke": ["Open CLM, remove {email}."]}
    role = {"display": "CLM Administrator", "risk": "high", "instructions": steps}
    connector = connect(manual_roles={"clm-admin": role})
    user_id = connector.world.member().user.user_id
    add = {"op": "add", "path": "roles", "value": [{"value": "clm-admin"}]}
    connector.patch(f"/Users/{user_id}", add)
    [item] = connector.services.work_items.list()
    page = f"/tasks/{item.work_item_id}"
    ann, bob = signed_in(connector, "operator"), signed_in(connector, "operator", login="bob")
    ann.post(f"{page}/complete", page=page, comment="Added")
    shown = text(ann.get(page))
    assert "A second person has to attest this task" in shown
    assert "I have seen that it is done" not in shown
    assert "I have seen that it is done" in text(bob.get(page))
    ann.post(f"{page}/attest", page=page, comment="Yes, me")
    assert state(connector, page) == "awaiting_verification"
    bob.post(f"{page}/attest", page=page, comment="Seen in CLM")
    assert state(connector, page) == "done"
    held = {item["value"] for item in connector.user(user_id)["roles"]}
    assert held == {"clm-admin"} and ORGANIZATION_ADMIN not in held


def test_calls_to_docusign_are_audited_as_the_person_s(connector):
    ann = signed_in(connector, "operator")
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    ann.post(f"/tasks/{task}/verify", page=f"/tasks/{task}")
    with connector.services.context.read() as uow:
        calls = [item for item in uow.audit.walk() if item.action == "docusign.called"]
    assert calls[-1].actor == "user:ann"
