"""``docusign-iga user show`` tells everything known of somebody."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.work_items.approvals import Verdict
from simulator.state import groups
from tests.approvals import approver
from tests.connector import ORGANIZATION_ADMIN, ok
from tests.visitors import ask_for_approval, guarded, signed_in

ADDRESS = "ada@acme.test"
CLAIMED = "ada@northwind-freight.example"
"""In a domain in which DocuSign lets addresses change."""


@pytest.fixture
def connector(connect):
    return connect(**guarded())


@pytest.fixture
def show(connector, monkeypatch):
    """Run the command."""
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "settings", connector.application.settings)

    def run(*arguments, status=0):
        result = CliRunner().invoke(main, ["user", "show", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    return run


@pytest.fixture
def ada(connector):
    """Somebody in a group, for whom an approval and a task are open."""
    user = connector.create(ADDRESS)["id"]
    members = {"op": "add", "path": "members", "value": [{"value": user}]}
    ok(connector.patch(f"/Groups/{connector.group()}", members))
    role = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    ok(connector.patch(f"/Users/{user}", role))
    return user, ask_for_approval(connector, user)


def section(text, title):
    return text.partition(f"\n{title}\n")[2].partition("\n\n")[0]


def test_it_tells_what_they_hold_on_whose_word_and_what_is_open(connector, ada, show):
    user, approval = ada
    text = show(ADDRESS)
    labels = connector.services.browser.labels()
    assert text == show(user), "an id means the same"
    assert user in text and f"<{ADDRESS}>" in text.splitlines()[0]
    assert "Ledger        brought by a request, since " in text
    (place,) = connector.services.browser.user(user).memberships
    memberships = section(text, "Memberships")
    assert f"{place.account.name} ({place.account.account_id}): " in memberships
    assert f"profile {place.profile.name}: " in memberships
    group = labels.entitlement(connector.group()).partition(" (")[0]
    assert f"group {group}: given at the request of client:iga" in memberships
    opened = section(text, "Open").splitlines()
    assert len(opened) == 2
    assert any(f"approval {approval[:8]}: grant " in line for line in opened)
    assert any("grant Organization Administrator, open, asked by client:iga" in o for o in opened)
    last = section(text, "Last changes").splitlines()
    assert "An approval was asked for: grant " in last[0]
    assert len(section(show(ADDRESS, "--changes", "2"), "Last changes").splitlines()) == 2
    assert "Last changes" not in show(ADDRESS, "--changes", "0")


def test_it_tells_what_reconciliation_found(connector, ada, show):
    user, _ = ada
    connector.services.approvals.decide(ada[1], Verdict.DENY, approver(), comment="Not now")
    connector.reconcile()
    connector.clock.advance(3_600)
    group_id = connector.group().partition(".g")[2]
    groups.remove_member(connector.world.state, connector.world.account, group_id, user)
    connector.reconcile()
    found = section(show(ADDRESS), "Found by reconciliation")
    assert "lost the group" in found and ", open, since " in found
    answer = json.loads(show(ADDRESS, "--json"))
    assert [item["kind"] for item in answer["drift"]] == ["lost_grant"]


def test_the_json_has_the_names_of_the_rest_api(connector, ada, show):
    user, _ = ada
    answer = json.loads(show(ADDRESS, "--json"))
    assert answer["id"] == user and answer["expected"]["origin"] == "provisioned"
    assert {item["kind"] for item in answer["pending"]} == {"approval", "manual_task"}
    assert {"memberships", "roles", "read_at", "drift", "waiting", "timeline"} <= answer.keys()
    page = signed_in(connector, "viewer").get(f"/users/{user}").text
    assert answer["expected"]["in_words"] in page


def test_the_json_names_nobody_else_of_a_group(connector, ada, show):
    user, _ = ada
    other = connector.create("other@acme.test")["id"]
    value = [{"value": user}, {"value": other}]
    path = f"/Groups/{connector.group(0, 1)}"
    ok(connector.patch(path, {"op": "add", "path": "members", "value": value}))
    last = json.loads(show(ADDRESS, "--json"))["timeline"][0]["data"]["operation"]
    assert (last["user_ids"], last["user_count"]) == ([user], 2)


@pytest.mark.parametrize("name", ["nobody@acme.test", "nobody", " "])
def test_nobody_of_that_name_is_a_message(show, name):
    text = show(name, status=1)
    assert "Nobody is known as" in text and "beginning of a name" in text


def test_a_name_finds_whom_the_search_of_the_console_finds(connector, show):
    user = connector.create(
        "q.hopwood@acme.test", name={"givenName": "Quinta", "familyName": "Hopwood"}
    )["id"]
    for name in ("quinta", "Quinta Hopwood", "hopwood quinta", "q.hopwood@", user.upper()):
        assert f"User id       {user}" in show(name)


def test_several_of_a_name_are_told_by_address_and_id(connector, show):
    users = {
        address: connector.create(address, displayName=name)["id"]
        for address, name in (("g1@acme.test", "Quinta Hopwood"), ("g2@acme.test", "Quinta Kelly"))
    }
    text = show("quinta", status=1)
    assert all(f"{address} ({user})" in text for address, user in users.items())
    assert "Give the id" in text


def test_more_of_a_name_than_one_picks_from_are_not_all_listed(connector, show):
    for number in range(12):
        connector.create(f"many{number}@acme.test")
    text = show("many", status=1)
    assert text.count("@acme.test (") == 10 and " and more. " in text


def test_of_an_address_that_was_used_again_whoever_has_access_is_shown(connector, show):
    first = connector.create(ADDRESS)["id"]
    assert connector.delete(f"/Users/{first}").status_code == 204
    second = connector.create(ADDRESS)["id"]
    assert second != first
    text = show(ADDRESS)
    assert f"User id       {second}" in text and first in text.partition("Same address")[2]
    assert "deleted through SCIM" in show(first)
    connector.patch(f"/Users/{second}", {"op": "replace", "path": "active", "value": False})
    assert f"User id       {second}" in show(ADDRESS), "who was deleted comes last"


def test_who_left_an_address_does_not_stand_for_who_has_it_now(connector, show):
    first = connector.create(CLAIMED, displayName="First Holder")["id"]
    moved = {"op": "replace", "path": "userName", "value": "moved@northwind-freight.example"}
    ok(connector.patch(f"/Users/{first}", moved))
    second = connector.create(CLAIMED, displayName="Second Holder")["id"]
    ok(connector.patch(f"/Users/{second}", {"op": "replace", "path": "active", "value": False}))
    text = show(CLAIMED)
    assert f"User id       {second}" in text
    assert f"Had it before First Holder, {first}, now moved@northwind-freight.example" in text
    assert (
        "now moved@northwind-freight.example"
        in signed_in(connector, "viewer").get(f"/users/{second}").text
    )


def test_who_left_an_address_is_found_by_it_while_nobody_has_it(connector, show):
    first = connector.create(CLAIMED)["id"]
    moved = {"op": "replace", "path": "userName", "value": "moved@northwind-freight.example"}
    ok(connector.patch(f"/Users/{first}", moved))
    assert f"User id       {first}" in show(CLAIMED)


def test_a_queued_change_is_told_by_the_command_the_page_and_the_rest_api_alike(connector, show):
    user = connector.create(ADDRESS)["id"]
    patch = {"op": "replace", "path": "active", "value": False}
    assert connector.patch(f"/Users/{user}", patch, prefer="respond-async").status_code == 202
    (plan,) = connector.services.browser.user(user).waiting
    answer = json.loads(show(user, "--json"))
    assert [item["plan_id"] for item in answer["waiting"]] == [plan.plan_id]
    assert f"{plan.summary}, {plan.state}, asked by client:iga" in show(user)
    assert plan.summary in signed_in(connector, "viewer").get(f"/users/{user}").text
