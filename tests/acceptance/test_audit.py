"""What an auditor finds: who asked, what DocuSign was told, and that nothing is missing."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import update

from connector.cli.audit_words import explained
from connector.cli.main import main
from connector.domain.audit.chain import find_break
from connector.domain.audit.events import AuditFilter
from connector.domain.audit.story import Outcome
from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.approvals import Verdict
from connector.errors import ForbiddenError
from connector.logs import correlated
from connector.services.context import person
from connector.store.tables import audit_events
from simulator.faults import Fault
from tests.connector import ORGANIZATION_ADMIN, ManualClock, connected, ok, refused
from tests.simulated import simulated


@pytest.fixture
def connector(tmp_path):
    connector = connected(tmp_path / "connector.db")
    yield connector
    connector.close()


def events(connector, after=0):
    with connector.application.store.read("default") as unit:
        return list(unit.audit.events(after=after, limit=10_000))


def head(connector):
    with connector.application.store.read("default") as unit:
        return unit.audit.head().sequence


def actions(found):
    return [event.action for event in found]


def test_the_calls_of_a_sync_are_in_the_record(connector):
    found = [event for event in events(connector) if event.action == "docusign.called"]
    paths = {event.data["path"] for event in found}
    assert "/oauth/token" in paths
    assert "/v2.1/accounts/{account_id}/users" in paths
    listing = next(event for event in found if event.data["path"].endswith("/users"))
    assert actions(events(connector))[-1] == "sync.done"
    assert listing.data["status"] == 200
    assert listing.data["trace_token"]
    assert listing.data["duration_ms"] >= 0
    assert find_break(events(connector)) is None


def test_a_change_is_recorded_from_the_request_to_docusigns_answer(connector):
    before = head(connector)
    user = connector.create("ada@northwind-freight.example")
    found = events(connector, before)
    said = actions(found)
    assert said[0] == "request.received"
    order = [said.index(name) for name in ("request.received", "plan.recorded", "operation.done")]
    assert order == sorted(order)
    assert {event.correlation_id for event in found} == {found[0].correlation_id}
    assert {event.actor for event in found} == {"client:iga"}
    assert found[0].data == {"method": "POST", "path": "/Users"}
    calls = [event for event in found if event.action == "docusign.called"]
    assert any(call.data["method"] == "POST" for call in calls)
    assert found[said.index("operation.done")].subject == user["id"]


def test_a_refused_request_is_recorded_with_its_reason(connector):
    before = head(connector)
    refused(connector.post("/Users", {"userName": ["x"]}), 400, "invalidValue")
    received, refusal = events(connector, before)
    assert actions([received, refusal]) == ["request.received", "request.refused"]
    assert (refusal.data["status"], refusal.data["code"]) == (400, "invalidValue")
    assert refusal.data["reason"]


def test_a_write_without_the_right_to_is_recorded(connector):
    token = connector.client_token("reader", scopes=())
    before = head(connector)
    refused(connector.send("POST", "/Users", {"userName": "x@y.example"}, token=token), 403)
    refusal = events(connector, before)[-1]
    assert (refusal.actor, refusal.action) == ("client:reader", "request.refused")


def test_reading_leaves_no_event(connector):
    before = head(connector)
    ok(connector.get("/Users?count=2"))
    assert head(connector) == before


def test_calls_that_found_no_answer_are_recorded_too(connector):
    before = head(connector)
    connector.world.faults.add(Fault("drop", "POST", "/users$", times=50))
    refused(connector.post("/Users", {"userName": "ada@northwind-freight.example"}), 503)
    found = events(connector, before)
    assert any(event.data.get("error") for event in found if event.action == "docusign.called")
    assert found[-1].data["status"] == 503
    assert find_break(events(connector)) is None


def test_nothing_personal_is_in_the_chain_itself(connector):
    before = head(connector)
    # Letters that no identifier in hexadecimal has.
    connector.create("zoltan@northwind-freight.example", displayName="Zoltan Byron")
    for event in events(connector, before):
        assert "zoltan" not in str(event.seal.data).lower()


# ------------------------------------------------------------------------------ the commands


@pytest.fixture
def run(connector, tmp_path):
    """The command line over the same database."""
    details = connector.world.details
    data = {
        "database": {"url": f"sqlite:///{tmp_path}/connector.db"},
        "docusign": {
            "integration_key": details["integration_key"],
            "private_key": details["private_key_pem"],
        },
        "tenants": {
            "default": {
                "user_id": details["user_id"],
                "accounts": [{"account_id": item["account_id"]} for item in details["accounts"]],
            }
        },
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))

    def run(*arguments, status=0):
        result = CliRunner().invoke(main, ["audit", *arguments, "--config", str(path)])
        assert result.exit_code == status, result.output
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.stdout

    return run


BY_APPROVAL = {"kind": "profile", "fulfilment": "approval"}
APPROVER = person(
    "bob",
    source="cli",
    correlation_id="c-bob",
    roles=[ConsoleRole.APPROVER],
    email="bob@staff.example",
)
ROOT = person("root", source="cli", correlation_id="c-root", roles=[ConsoleRole.ADMINISTRATOR])
ANN = person(
    "ann",
    source="cli",
    correlation_id="c-ann",
    roles=[ConsoleRole.OPERATOR],
    email="ann@staff.example",
)


def admin_profile(connector):
    account = connector.world.account
    profile = next(item for item in account.profiles.values() if item.is_admin)
    return f"{account.account_id}.{profile.profile_id}"


def give(connector, user, entitlement):
    return ok(
        connector.patch(
            f"/Users/{user['id']}",
            {"op": "add", "path": "entitlements", "value": [{"value": entitlement}]},
        )
    )


def test_one_command_says_who_gave_somebody_account_administration(connector, run):
    user = connector.create("ada@northwind-freight.example")
    give(connector, user, admin_profile(connector))
    month = f"{datetime.now(UTC):%Y-%m}"
    question = ("--user", "ada@northwind-freight.example", "--entitlement", "account-admin")
    text = run("explain", *question, "--month", month)
    assert text.startswith(f"User ada@northwind-freight.example ({user['id']})")
    assert "given at the request of client:iga" in text
    told = text.partition("plan.recorded")[2].splitlines()[0]
    assert f"of ada@northwind-freight.example ({user['id']})" in told and " Administrator (" in told
    assert "PATCH /Users/" in text
    assert "PUT /v2.1/accounts/{account_id}/users" in text and "trace token" in text
    checked = text.partition("Checked")[2].splitlines()[0]
    assert "GET /v2.1/accounts" in checked and ": 200" in checked
    for other in ("reserved_domains", "oauth/userinfo"):
        assert other not in text.partition("Checked")[2], "no look at the person"
    assert "Now: held" in text
    assert "The chain holds" in text
    assert "neither gave nor took it in March 2001" in run(
        "explain", *question, "--month", "2001-03"
    )


@pytest.mark.parametrize("month", ["March", "2026-13", "9999-12"])
def test_what_is_no_month_is_told_in_words(run, month):
    question = ("--user", "x", "--entitlement", "account-admin", "--month", month)
    run("explain", *question, status=1)


def test_what_was_taken_again_is_told(connector, run):
    user = connector.create("ada@northwind-freight.example")
    give(connector, user, admin_profile(connector))
    give(connector, user, connector.baseline())
    answer = json.loads(
        run("explain", "--user", user["id"], "--entitlement", "account-admin", "--json")
    )
    assert [change["direction"] for change in answer["changes"]] == ["grant", "revoke"]
    assert answer["holds"] == []


def test_what_waits_for_an_approval_is_not_told_as_given(tmp_path):
    guarded = connected(tmp_path / "guarded.db", entitlements=({"match": "*", **BY_APPROVAL},))
    with closing(guarded):
        user_id = guarded.world.member().user.user_id
        before = guarded.membership(user_id).profile_id
        account = guarded.world.account.account_id
        give(guarded, {"id": user_id}, guarded.entitlement(0, 1))
        (item,) = guarded.services.approvals.list()
        with pytest.raises(ForbiddenError):
            guarded.services.approvals.decide(item.work_item_id, Verdict.APPROVE, ANN, comment="me")
        taken = f"{account}.{before}"

        def story(entitlement):
            found = guarded.services.audit.explain(user_id, entitlement)
            return "\n".join(explained(found, "ever").splitlines()), found.stories[-1]

        text, told = story(item.entitlement)
        assert "asked for by client:iga: it waits" in text and "given at" not in text
        assert told.outcome is Outcome.WAITING and told.reasons == []
        barred = text.partition("Barred")[2].splitlines()[0]
        assert "user:ann" in barred and "user:ann" not in text.partition("Barred")[0]
        text, told = story(taken)
        assert "asked to be taken away by client:iga: it waits" in text
        assert told.outcome is Outcome.WAITING

        guarded.services.approvals.decide(
            item.work_item_id, Verdict.APPROVE, APPROVER, comment="For the audit"
        )
        text, told = story(item.entitlement)
        assert "given at the request of client:iga" in text
        assert told.reasons == ["For the audit"]
        text, told = story(taken)
        assert "taken away at the request of client:iga" in text
        assert told.outcome is Outcome.DONE and told.reasons == ["For the audit"]
        assert "user:bob" in text.partition("Decided")[2]


@pytest.mark.parametrize(
    ("end", "outcome", "words"),
    [
        ("deny", Outcome.REFUSED, "nothing: it was refused"),
        ("withdraw", Outcome.ENDED, "nothing: the request ended"),
    ],
)
def test_what_was_never_carried_out_is_not_told_as_given(tmp_path, end, outcome, words):
    guarded = connected(tmp_path / "guarded.db", entitlements=({"match": "*", **BY_APPROVAL},))
    with closing(guarded):
        user_id = guarded.world.member().user.user_id
        give(guarded, {"id": user_id}, guarded.entitlement(0, 1))
        (item,) = guarded.services.approvals.list()
        if end == "deny":
            guarded.services.approvals.decide(
                item.work_item_id, Verdict.DENY, APPROVER, comment="Not needed"
            )
        else:
            guarded.services.approvals.withdraw(item.work_item_id, ROOT)
        found = guarded.services.audit.explain(user_id, item.entitlement)
        assert found.stories[-1].outcome is outcome
        assert words in explained(found, "ever")
        later = datetime.now(UTC) + timedelta(days=1)
        assert guarded.services.audit.explain(user_id, item.entitlement, later).earlier is None


def test_an_organization_admin_task_is_told_with_its_check(connector, run):
    user = connector.create("ada@northwind-freight.example")
    ok(
        connector.patch(
            f"/Users/{user['id']}",
            {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]},
        )
    )
    task = connector.services.work_items.list()[0]
    connector.world.state.user(user["id"]).is_organization_admin = True
    with correlated(ANN.correlation_id):
        connector.services.tasks.complete(task.work_item_id, ANN, "ticket 4711")
    text = run("explain", "--user", user["id"], "--entitlement", ORGANIZATION_ADMIN)
    why = text.partition("  Why")[2].splitlines()[0]
    assert "no reason was given" in why and "ticket 4711" not in why
    done, _, checked = text.partition("  Done")[2].partition("Checked")
    assert "user:ann  work_item.completed" in done and "ticket 4711" in done
    assert "work_item.done" in done
    assert "work_item.checked" in checked
    assert "users/profile: 200" in checked


def test_the_page_finds_what_an_export_takes_along(connector):
    user = connector.create("ada@northwind-freight.example")
    connector.create("bea@northwind-freight.example")
    audit, browser = connector.services.audit, connector.services.browser
    for somebody in (user["id"], user["id"].upper(), "Ada@northwind-freight.example"):
        taken = [event.sequence for event in audit.walk(AuditFilter(), person=somebody)]
        shown = [event.sequence for event in browser.events(AuditFilter(), person=somebody).events]
        assert shown == taken[::-1]
        assert len(shown) > 3


def test_what_was_approved_later_was_given_when_it_was_carried_out(tmp_path):
    clock = ManualClock()
    guarded = connected(
        tmp_path / "guarded.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        entitlements=({"match": "*", **BY_APPROVAL},),
    )
    with closing(guarded):
        user_id = guarded.world.member().user.user_id
        begun = clock.now()
        give(guarded, {"id": user_id}, guarded.entitlement(0, 1))
        clock.advance(5 * 86_400)
        (item,) = guarded.services.approvals.list()
        guarded.services.approvals.decide(item.work_item_id, Verdict.APPROVE, APPROVER, comment="y")
        first, later = begun + timedelta(days=1), begun + timedelta(days=4)

        def explain(since, until):
            entitlement = guarded.entitlement(0, 1)
            return guarded.services.audit.explain(user_id, entitlement, since, until)

        (asked,), (given,) = explain(None, first).stories, explain(later, None).stories
        assert asked == given
        assert given.outcome is Outcome.DONE
        assert given.recorded.at < first < later < given.at
        text = explained(explain(later, None), "then")
        assert f"{given.at:%Y-%m-%d}" in text.splitlines()[3]
        assert f"asked for on {given.recorded.at:%Y-%m-%d}" in text.splitlines()[3]
        between = explain(first, later)
        assert (between.stories, between.earlier) == ([], None)
        assert explain(given.at + timedelta(days=1), None).earlier == given


def test_verify_names_the_first_broken_link_and_fails(connector, run, tmp_path):
    anchors = tmp_path / "anchors.jsonl"
    run("anchor", str(anchors))
    assert "anchors agree" in run("verify", "--anchors", str(anchors))
    with connector.application.store.database.writing() as connection:
        forged = update(audit_events).where(audit_events.c.sequence == 3).values(action="forged")
        connection.execute(forged)
        connection.commit()
    assert "BROKEN at event 3" in run("verify", status=1)
    answer = json.loads(run("verify", "--json", status=1))
    assert answer["broken"]["sequence"] == 3


def test_events_are_found_and_exported(connector, run, tmp_path):
    user = connector.create("ada@northwind-freight.example")
    person = ("--person", "ada@northwind-freight.example")
    found = json.loads(run("search", *person, "--action", "plan.*", "--json"))
    assert [event["action"] for event in found] == ["plan.recorded"]
    lines = run("export", *person).splitlines()
    told = [json.loads(line)["action"] for line in lines]
    assert told[0] == "request.received"
    assert "docusign.called" in told
    output = tmp_path / "out.csv"
    run("export", *person, "--format", "csv", "--output", str(output))
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == len(lines)
    assert user["id"] in {row["subject"] for row in rows}
    assert "No event matches" in run("search", "--actor", "client:nobody")
    named = json.loads(run("search", "--entitlement", connector.baseline(), "--json"))
    assert {event["action"] for event in named} >= {"plan.recorded", "operation.done"}


def test_who_was_put_into_a_group_is_found_by_the_group(connector, run):
    user = connector.create("ada@northwind-freight.example")
    group = ok(connector.get("/Groups?count=1&excludedAttributes=members"))["Resources"][0]
    member = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    ok(connector.patch(f"/Groups/{group['id']}?excludedAttributes=members", member))
    (change,) = json.loads(
        run("explain", "--user", user["id"], "--entitlement", group["id"], "--json")
    )["changes"]
    assert change["direction"] == "grant" and user["id"] in str(change)
    found = json.loads(run("search", "--entitlement", group["id"], "--json"))
    assert {"plan.recorded", "operation.done"} <= {event["action"] for event in found}


def test_an_unknown_person_or_entitlement_is_a_message(connector, run):
    run("explain", "--user", "nobody@example.com", "--entitlement", "account-admin", status=1)
    run("explain", "--user", "x", "--entitlement", "nothing", status=1)


def test_the_last_day_of_the_calendar_leaves_nothing_out(connector, run):
    connector.create("ada@northwind-freight.example")
    actions = [
        json.loads(line)["action"] for line in run("export", "--until", "9999-12-31").splitlines()
    ]
    assert "plan.recorded" in actions
