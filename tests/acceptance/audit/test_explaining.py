"""One command says who gave somebody an entitlement, and why."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.cli.audit_words import explained
from connector.domain.audit.story import Outcome
from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import Direction
from connector.errors import ForbiddenError
from connector.logs import correlated
from connector.services.context import person
from tests.acceptance.audit.stories import admin_profile, give
from tests.connector import ORGANIZATION_ADMIN, ManualClock, connected, ok
from tests.simulated import simulated

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


PARTS = ("Asked", "Why", "Barred", "Decided", "Done", "Checked")


def test_one_command_says_who_gave_somebody_account_administration(connector, run):
    user = connector.create("ada@northwind-freight.example")
    give(connector, user, admin_profile(connector))
    month = f"{connector.clock.now():%Y-%m}"
    question = ("--user", "ada@northwind-freight.example", "--entitlement", "account-admin")
    text = run("explain", *question, "--month", month)
    assert text.startswith(f"User ada@northwind-freight.example ({user['id']})")
    assert "given at the request of client:iga" in text
    assert "Asked about: administrator access" in text
    told = text.partition("A change was planned")[2].splitlines()[0]
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
        assert "  Decided  nobody yet" in text
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
        assert told.reasons == [], "what the approver says is no reason of the requester's"
        order = [text.index(f"\n  {part} ") for part in PARTS]
        assert order == sorted(order)
        asked, decided = text.partition("  Why ")[0], text.partition("  Decided ")[2]
        assert "An approval was asked for" in asked
        assert f"Approved: “For the audit”, approval {item.work_item_id[:8]}" in decided
        text, told = story(taken)
        assert "taken away at the request of client:iga" in text
        assert told.outcome is Outcome.DONE and told.reasons == []
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
        later = guarded.clock.now() + timedelta(days=1)
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
    assert "gave no reason" in why and "ticket 4711" not in why
    assert "A task was opened" in text.partition("  Why")[0]
    assert "people carry it out" in text.partition("  Decided")[2].splitlines()[0]
    done, _, checked = text.partition("  Done")[2].partition("Checked")
    assert "user:ann  Said to be done: " in done and "ticket 4711" in done
    assert "Confirmed and closed" in done
    assert "Looked into DocuSign" in checked
    assert "users/profile: 200" in checked


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


def test_an_unknown_person_or_entitlement_is_a_message(connector, run):
    run("explain", "--user", "nobody@example.com", "--entitlement", "account-admin", status=1)
    run("explain", "--user", "x", "--entitlement", "nothing", status=1)


def test_of_a_role_only_the_role_is_told(connector):
    """Whoever joins an account and is given a role at once was asked for with one request."""
    user = connector.create("ada@northwind-freight.example", roles=[{"value": ORGANIZATION_ADMIN}])
    found = connector.services.audit.explain(user["id"], ORGANIZATION_ADMIN)
    (story,) = found.stories
    page = connector.services.browser.named(story.events, found.user_ids)
    planned = explained(found, "ever", page).partition("A change was planned: ")[2].splitlines()[0]
    assert planned.startswith("join ada@northwind-freight.example to account "), "had no id yet"
    assert [event.action for event in story.asked][-1] == "work_item.opened"
    assert story.done == [] and story.checked == []
    baseline = connector.services.audit.explain(user["id"], connector.baseline())
    (joined,) = baseline.stories
    told = [event.data.get("path", event.action) for event in joined.done]
    assert told[-1] == "operation.done" and any("/users" in path for path in told)
    assert not [path for path in told if path.startswith("/oauth/")], "a token changes nothing"


def test_nobody_s_administrator_access_is_told_as_such(connector, run):
    user = connector.create("ada@northwind-freight.example")
    text = run("explain", "--user", "ada@northwind-freight.example")
    assert text.startswith(f"User ada@northwind-freight.example ({user['id']})")
    assert "Now: no administrator of an account, as DocuSign was last read. Whether they" in text
    assert "administer the organization is not known. What else" in text and "--entitlement" in text
    administers_organization(connector, user["id"], value=False)
    text = run("explain", "--user", "ada@northwind-freight.example")
    assert "Now: no administrator access, as DocuSign was last read. What else" in text
    named = run("explain", "--user", user["id"], "--entitlement", admin_profile(connector))
    assert named.startswith(f"User ada@northwind-freight.example ({user['id']})")
    assert "Now: not held, as DocuSign was last read." in named


@pytest.mark.parametrize("value", [None, False, True])
def test_whether_they_administer_the_organization_may_not_be_known(connector, run, value):
    user = connector.create("ada@northwind-freight.example")
    administers_organization(connector, user["id"], value=value)
    asked = ("explain", "--user", user["id"], "--entitlement", ORGANIZATION_ADMIN)
    text = run(*asked)
    assert ("Now: not known: DocuSign did not say whether they" in text) is (value is None)
    assert ("Now: not held, as DocuSign was last read." in text) is (value is False)
    answer = json.loads(run(*asked, "--json"))
    assert (answer["administration"], answer["is_organization_admin"]) == (None, value)
    answer = json.loads(run("explain", "--user", user["id"], "--json"))
    assert (answer["administration"], answer["is_organization_admin"]) == ("any-admin", value)


def administers_organization(connector, user_id, *, value):
    with connector.services.context.write() as uow:
        user = uow.mirror.get_users([user_id])[user_id]
        uow.mirror.put_users([replace(user, is_organization_admin=value)], None)
        uow.commit()


def test_who_administers_the_organization_alone_has_administrator_access(connector, run):
    """Nobody is said to administer nothing because no profile of an account does it."""
    user = connector.create("ada@northwind-freight.example")
    administers_organization(connector, user["id"], value=True)
    text = run("explain", "--user", user["id"])
    assert "Organization Administrator, organization-admin" in text.partition("Asked about")[2]
    assert "Now: held, as DocuSign was last read: Organization Administrator. It was given" in text
    text = run("explain", "--user", user["id"], "--entitlement", "account-admin")
    assert "Organization Administrator" not in text, "asked of the accounts alone"
    assert "Now: no administrator of an account, as DocuSign was last read." in text
    assert "they do administer the organization: ask about organization-admin." in text
    text = run("explain", "--user", user["id"], "--entitlement", ORGANIZATION_ADMIN)
    assert "Now: held, as DocuSign was last read: Organization Administrator." in text


def test_what_was_asked_of_the_organization_is_told_with_administrator_access(connector, run):
    role = [{"value": ORGANIZATION_ADMIN}]
    user = connector.create("ada@northwind-freight.example", roles=role)
    assert "asked for by client:iga" not in run(
        "explain", "--user", user["id"], "--entitlement", "account-admin"
    )
    assert "asked for by client:iga: it waits" in run("explain", "--user", user["id"])


def test_what_waits_of_the_same_request_for_another_access_is_no_part_of_it(connector):
    user = connector.create("ada@northwind-freight.example")
    role = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    ok(connector.patch(f"/Users/{user['id']}", role))
    (task,) = connector.services.work_items.list()
    connector.world.state.user(user["id"]).is_organization_admin = True
    with correlated(ANN.correlation_id):
        connector.services.tasks.complete(task.work_item_id, ANN, "ticket 4711")
    assert connector.delete(f"/Users/{user['id']}").status_code == 204
    explain = connector.services.audit.explain
    closed = explain(user["id"], connector.baseline()).stories[-1]
    assert (closed.direction, closed.outcome) == (Direction.REVOKE, Outcome.DONE)
    assert "work_item.opened" not in [event.action for event in closed.events]
    role_story = explain(user["id"], ORGANIZATION_ADMIN).stories[-1]
    assert (role_story.direction, role_story.outcome) == (Direction.REVOKE, Outcome.WAITING)
    assert [event.action for event in role_story.done] == []
