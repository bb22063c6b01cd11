"""What the console's pages show, to whom, and what they do with hostile input."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.progress import report_progress
from connector.services.context import Actor
from mappings.model import ENTERPRISE_USER
from tests.approvals import approver
from tests.bench.pages import table_of, times_of
from tests.connector import ORGANIZATION_ADMIN, refused
from tests.simulated import simulated
from tests.visitors import add_account, ask_for_admin, lively, signed_in, visitor


def text(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


@pytest.fixture
def lived(connector):
    """A connector in which things have happened, and somebody who may see everything."""
    ids = lively(connector)
    return connector, ids, signed_in(connector, "administrator")


def test_the_inbox_lists_what_waits_with_the_people_s_names(lived):
    connector, ids, ann = lived
    page = text(ann.get("/"))
    assert "Grant Organization Administrator" in page and "Ada Lovelace" in page
    assert f"/console/tasks/{ids['task']}" in page
    assert "Nothing has been closed yet" in text(ann.get("/?view=closed"))
    bob = signed_in(connector, "viewer", login="bob")
    assert "Nothing waits for you" in text(bob.get("/"))
    assert "Ada Lovelace" in text(bob.get("/?view=all"))
    assert ann.get("/?view=nonsense").status_code == 302


@pytest.mark.parametrize(
    ("address", "place"),
    [("/tasks", "/?view=tasks"), ("/approvals", "/?view=approvals"), ("/jobs", "/runs")],
)
def test_an_address_that_people_guess_leads_to_the_list(lived, address, place):
    _, _, ann = lived
    answer = ann.get(address)
    assert answer.status_code == 302
    assert answer.location == f"/console{place}"
    assert ann.get(place).status_code == 200


def test_an_absence_is_ended_by_whom_it_concerns(lived):
    connector, _, ann = lived
    now = connector.clock.now()
    bob = approver("bob")
    connector.services.delegations.begin(bob, "carl", now, now + timedelta(days=3))
    end = '/end"'
    assert end in text(ann.get("/absences"))
    assert end in text(signed_in(connector, "approver", login="bob").get("/absences"))
    assert end not in text(signed_in(connector, "approver", login="eve").get("/absences"))


def test_users_are_found_by_the_beginnings_of_names_and_addresses(lived):
    _, ids, ann = lived
    for query in ("ada", "love", "ADA LOVE", "ada.lovelace@", ids["user"]):
        assert "ada.lovelace@northwind.example" in text(ann.get(f"/users?q={query}")), query
    assert "Nobody fits" in text(ann.get("/users?q=lovelace.ada"))


def test_who_was_deleted_is_found_by_name_and_in_a_list_of_their_own(lived):
    connector, ids, ann = lived
    assert connector.delete(f"/Users/{ids['user']}").status_code == 204
    address, badge = "ada.lovelace@northwind.example", "deleted through SCIM</span>"
    for query in (
        "q=ada",
        "q=ada.lovelace@",
        f"q={ids['user']}",
        "state=deleted",
        "q=love&state=deleted",
    ):
        page = text(ann.get(f"/users?{query}"))
        assert address in page and badge in page, query
        assert f"/console/users/{ids['user']}" in page
    for query in ("", "q=ada&state=active", "q=ada&state=inactive", "q=grace&state=deleted"):
        assert address not in text(ann.get(f"/users?{query}")), query
    assert badge not in text(ann.get("/users?q=grace"))


def test_users_are_found_by_what_they_hold_and_their_state(lived):
    connector, ids, ann = lived
    group = connector.group()
    assert "Ada Lovelace" in text(ann.get(f"/users?profile={ids['profile']}&q=ada"))
    assert "Ada Lovelace" in text(ann.get(f"/users?group={group}"))
    inactive = text(ann.get("/users?state=inactive"))
    assert "Grace Hopper" in inactive or 'rel="next"' in inactive
    assert "Ada Lovelace" not in inactive


def test_walking_all_pages_shows_everybody_once(connect):
    connector = connect(world=simulated(180))
    ann = signed_in(connector, "viewer")
    found: list[str] = []
    path: str | None = "/users"
    while path:
        page = text(ann.get(path))
        found += re.findall(r'href="/console/users/([0-9a-f-]{36})"', page)
        follows = re.search(r'href="/console(/users\?[^"]*after=\d+)"', page)
        path = follows[1].replace("&amp;", "&") if follows else None
    total = connector.get("/Users?count=0").json["totalResults"]
    assert len(found) == len(set(found)) == total > 150


def test_a_user_s_page_tells_why_each_entitlement_is_held(lived):
    _, ids, ann = lived
    page = text(ann.get(f"/users/{ids['user']}"))
    assert page.count("iga (SCIM client)") > 3
    assert "Pending" in page and "A task was opened" in page
    assert "Carried out in DocuSign" in page


def test_what_was_found_in_docusign_is_said_to_be(connector):
    ann = signed_in(connector, "viewer")
    assert "found in DocuSign" in text(ann.get(f"/users/{connector.world.member().user.user_id}"))


def test_accounts_show_how_many_hold_what(lived):
    connector, ids, ann = lived
    page = text(ann.get(f"/accounts/{ids['account']}"))
    for profile in connector.world.account.profiles.values():
        assert profile.name in page
    assert "what plain members hold" in page
    assert "inactive included" in page
    assert connector.world.account.name in text(ann.get("/accounts"))


@pytest.mark.parametrize(
    "path",
    [
        "/users/00000000-0000-4000-8000-000000000000",
        "/accounts/nope",
        "/tasks/nope",
        "/nope",
        "/audit/999999",
        "/audit/export.pdf",
    ],
)
def test_what_does_not_exist_is_404_with_a_way_on(lived, path):
    page = text(lived[2].get(path), 404)
    assert "Go to the inbox" in page


def test_runs_and_connection_tell_of_the_sync(lived):
    _, _, ann = lived
    runs = text(ann.get("/runs"))
    assert "sync" in runs and "due, begins in a moment" in runs
    assert "DocuSign answers" in text(ann.get("/connection"))


def test_a_run_under_way_is_followed_on_its_page(lived):
    connector, _, ann = lived
    shown = []

    def work():
        report_progress(30, 120)
        shown.append(ann.get("/runs").get_data(as_text=True))
        return {"checked": 120}

    connector.services.runs.run("verify", Actor("job:verify", "job", "c-1"), work)
    assert "30 of 120 (25 %)" in shown[0]
    assert 'hx-trigger="every 2s"' in shown[0]
    after = ann.get("/runs").get_data(as_text=True)
    assert "hx-trigger" not in after, "an open page must not keep a session alive"
    assert "120 checked" in after


def test_the_connection_shows_the_calls_to_docusign(lived):
    connector, _, ann = lived
    page = text(ann.get("/connection"))
    assert "Calls to DocuSign" in page
    assert "The next full sync takes about" in page
    assert connector.world.account.name in page


def test_a_connection_without_consent_says_so(lived):
    connector, ids, _ = lived
    connector.world.state.applications.by_key.clear()
    connector.clock.advance(7200)
    ann = signed_in(connector, "viewer", login="bob")
    connector.patch(f"/Users/{ids['user']}", {"op": "replace", "path": "active", "value": False})
    assert "DocuSign gives the connector no token" in text(ann.get("/connection"))


def test_settings_are_shown_to_administrators_with_secrets_masked(lived):
    connector, _, ann = lived
    page = text(ann.get("/settings"))
    assert "PRIVATE KEY" not in page and "********" in page
    for other in ("viewer", "operator", "approver"):
        who = signed_in(connector, other, login=other)
        assert who.get("/settings").status_code == 403
        assert "/console/settings" not in text(who.get("/"))


def test_a_task_is_worked_off_from_the_page(connect):
    link = {"deep_link": "https://admin.docusign.example/administrators"}
    connector = connect(manual_roles={ORGANIZATION_ADMIN: link})
    operator = signed_in(connector, "operator")
    user_id = connector.world.member().user.user_id
    task = ask_for_admin(connector, user_id)
    page = f"/tasks/{task}"
    shown = text(operator.get(page))
    assert "Add Administrator" in shown and "Open DocuSign" in shown and "nobody yet" in shown

    assert operator.post(f"{page}/complete", page=page, comment="Done").status_code == 303
    shown = text(operator.get(page))
    assert "does not confirm it yet" in shown and "nobody yet" not in shown

    connector.world.state.user(user_id).is_organization_admin = True
    operator.post(f"{page}/verify", page=page)
    shown = text(operator.get(page))
    assert "The task is done" in shown and "nobody yet" not in shown
    assert "What was to be done" in shown and "What to do" not in shown
    assert "Open DocuSign" not in shown
    assert connector.user(user_id)["roles"][0]["value"] == ORGANIZATION_ADMIN


def test_a_rejection_without_a_reason_is_refused_in_words(connector):
    operator = signed_in(connector, "operator")
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    page = f"/tasks/{task}"
    operator.post(f"{page}/reject", page=page, comment="", back=page)
    assert "A rejection needs a reason" in text(operator.get(page))
    assert connector.services.work_items.get(task).state.is_open


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_who_may_not_work_tasks_sees_no_buttons_and_gets_nowhere(connector, role):
    who = signed_in(connector, role)
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    assert "It is done" not in text(who.get(f"/tasks/{task}"))
    for act in ("complete", "verify", "reject"):
        assert who.post(f"/tasks/{task}/{act}", comment="Let me").status_code == 403
    assert connector.services.work_items.get(task).state == "open"


def test_the_page_of_a_user_has_what_clients_say_of_them(lived):
    connector, ids, ann = lived
    enterprise = {"department": "Notes", "manager": {"value": ids["user"]}}
    new = connector.create(
        "new.person@northwind.example",
        externalId="hr-4711",
        title="Engineer",
        **{ENTERPRISE_USER: enterprise},
    )
    with connector.services.context.read() as uow:
        names = {client.client_id for client in uow.clients.list()}
    page = text(ann.get(f"/users/{new['id']}"))
    assert '<code class="break">hr-4711</code>' in page
    assert any(f"of {name}</span>" in page for name in names)
    assert "<dd>Engineer</dd>" in page and "<dd>Notes</dd>" in page
    assert ">ada.lovelace@northwind.example</a>" in page


def test_the_audit_is_searched_and_taken_along(lived):
    connector, ids, ann = lived
    page = text(ann.get(f"/audit?subject={ids['user']}&action=work_item.*"))
    assert '<option value="work_item.*" selected>' in page
    chosen = text(ann.get("/audit?action=work_item.opened"))
    assert (
        '<option value="work_item.opened" selected>An approval or a task was opened</option>'
        in chosen
    )
    assert '<option value="work_item.*"' not in chosen
    events = page.partition("<table")[2]
    assert "A task was opened" in events and "Carried out" not in events
    found = text(ann.get("/audit?subject=ada.lovelace@northwind.example"))
    assert "Carried out in DocuSign" in found and "HR Sender" in found
    assert ">Ada Lovelace</a>" in found
    refused(
        connector.post("/Users", {"userName": "ada.lovelace@northwind.example"}), 409, "uniqueness"
    )
    told = text(ann.get("/audit?action=request.refused&subject=ada.lovelace@northwind.example"))
    assert "POST /Users 409: ada.lovelace@northwind.example is taken by user" in told
    syncs = text(ann.get("/audit?action=sync.*"))
    assert "A sync ended" in syncs and "sync: done" not in syncs
    assert "nothing in particular" in syncs and ">nobody<" not in syncs
    lines = text(ann.get(f"/audit/export.jsonl?subject={ids['user']}")).splitlines()
    events = [json.loads(line) for line in lines]
    assert any(event["subject"] == ids["user"] for event in events)
    rows = list(csv.DictReader(io.StringIO(text(ann.get("/audit/export.csv?action=plan.*")))))
    assert {row["action"] for row in rows} == {"plan.recorded"}
    with connector.services.context.read() as uow:
        actions = [event.action for event in uow.audit.walk()]
    assert actions.count("console.audit_exported") == 2
    assert "is not a day" in text(ann.get("/audit?since=yesterday"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/audit?until=9999-12-31", 200),
        ("/audit/export.csv?until=9999-12-31", 400),
        ("/audit/999999999999999999999999", 404),
    ],
)
def test_the_ends_of_calendar_and_numbers_are_no_errors_of_ours(connector, path, status):
    assert signed_in(connector, "viewer").get(path).status_code == status


def test_a_tenant_s_pages_show_nothing_of_another(connect):
    connector = connect()
    application = connector.application
    user_id = connector.world.member().user.user_id
    task = ask_for_admin(connector, user_id)
    other = replace(application.settings.tenants["default"], name="acme")
    application.settings.tenants["acme"] = other
    add_account(connector, "ann", "administrator")
    add_account(connector, "zoe", "administrator", tenant="acme")
    ann, zoe = visitor(connector), visitor(connector, "/acme/console")
    assert ann.sign_in("zoe").status_code == 403
    assert zoe.sign_in("ann").status_code == 403
    assert zoe.sign_in("zoe").status_code == 303
    assert ann.sign_in("ann").status_code == 303
    account = connector.world.account.account_id
    for path in (f"/users/{user_id}", f"/tasks/{task}", f"/accounts/{account}", "/audit/1000"):
        assert zoe.get(path).status_code == 404, path
    for act in ("complete", "verify", "reject"):
        assert zoe.post(f"/tasks/{task}/{act}", comment="Let me").status_code in {303, 404}
    assert connector.services.work_items.get(task).state == "open"
    assert "Nobody fits" in text(zoe.get("/users"))
    assert "tenants.default" not in text(zoe.get("/settings"))
    # A cookie of one tenant is nobody in another.
    cookie = ann.http.get_cookie("__Secure-console", path="/console")
    zoe.http.set_cookie("__Secure-console", cookie.value, path="/acme/console")
    assert zoe.get("/").status_code == 302
    assert visitor(connector, "/nowhere/console").get("/").status_code == 404


def test_the_benchmark_times_every_page_that_grows_with_users(connector):
    found = times_of(connector.application, rounds=1)
    assert {"users by the profile most have", "an account", "drift", "connection"} <= set(found)
    assert all(seconds > 0 for seconds in found.values())
    assert table_of({50: found}).row_count == len(found)
