"""Bulk requests that reach DocuSign: references in any order, errors counted, rules for each."""

from __future__ import annotations

import pytest

from connector.domain.authentication.api_clients import Scope
from connector.domain.ledger.plans import PlanState
from connector.errors import TemporaryError
from connector.patience import left_s
from tests.connector import ENTERPRISE, PATCH_OP, ok, refused
from tests.simulated import simulated

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def user(name, **more):
    data = {"userName": f"{name}@northwind-freight.example", **more}
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def group(name, *members):
    listed = [{"value": f"bulkId:{one}"} for one in members]
    data = {"displayName": name, "members": listed}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def run(connector, *operations, **more):
    body = {"schemas": [BULK], "Operations": list(operations), **more}
    return ok(connector.post("/Bulk", body))["Operations"]


def by_bulk_id(entries):
    return {entry["bulkId"]: entry["location"].rpartition("/")[2] for entry in entries}


def test_a_group_named_before_its_members_has_them_in_docusign(connector):
    entries = run(connector, group("legal", "ann", "bob"), user("bob"), user("ann"))

    assert [entry["status"] for entry in entries] == ["201"] * 3
    ids = by_bulk_id(entries)
    assert connector.group_members(ids["legal"]) == {ids["ann"], ids["bob"]}
    assert connector.user(ids["ann"])["groups"][0]["value"] == ids["legal"]


def test_managers_of_each_other_are_both_created(connector):
    boss = {ENTERPRISE: {"manager": {"value": "bulkId:bob"}}}
    friend = {ENTERPRISE: {"manager": {"value": "bulkId:ann"}}}
    ids = by_bulk_id(run(connector, user("ann", **boss), user("bob", **friend)))
    assert connector.user(ids["ann"])[ENTERPRISE]["manager"]["value"] == ids["bob"]
    assert connector.user(ids["bob"])[ENTERPRISE]["manager"]["value"] == ids["ann"]


def test_after_the_counted_errors_docusign_hears_no_more(connector):
    nowhere = {"method": "DELETE", "path": "/Users/nobody"}
    entries = run(connector, user("ann"), nowhere, nowhere, user("late"), failOnErrors=2)

    assert [entry["status"] for entry in entries] == ["201", "404", "404"]
    assert connector.world.state.on_address("late@northwind-freight.example") == []


def test_every_change_of_one_person_is_carried_out_in_order(connector):
    title = {"op": "replace", "path": "title", "value": "Counsel"}
    join = {"op": "add", "path": "members", "value": [{"value": "bulkId:ann"}]}
    entries = run(
        connector,
        {
            "method": "PATCH",
            "path": "/Users/bulkId:ann",
            "data": {"schemas": [PATCH_OP], "Operations": [title]},
        },
        {
            "method": "PATCH",
            "path": f"/Groups/{connector.group()}",
            "data": {"schemas": [PATCH_OP], "Operations": [join]},
        },
        user("ann"),
    )
    assert {entry["status"] for entry in entries} == {"200", "201"}
    ann = next(e for e in entries if e["status"] == "201")["location"].rpartition("/")[2]
    assert connector.user(ann)["title"] == "Counsel"
    assert ann in connector.group_members(connector.group())


def test_scopes_hold_within_a_bulk_request(connector):
    scopes = frozenset({Scope.READ, Scope.WRITE_GROUPS})
    token = connector.client_token("groups-only", scopes=scopes)
    body = {"schemas": [BULK], "Operations": [user("ann"), group("legal")]}
    first, second = ok(connector.send("POST", "/Bulk", body, token=token))["Operations"]
    assert (first["status"], second["status"]) == ("403", "201")
    reader = connector.client_token("reader", scopes=frozenset({Scope.READ}))
    refused(connector.send("POST", "/Bulk", body, token=reader), 403)


def test_a_dry_run_tells_the_plans_and_changes_nothing(connector):
    body = {"schemas": [BULK], "Operations": [user("ann")]}
    body["Operations"].append({"method": "DELETE", "path": "/Users/bulkId:ann"})
    entry, later = ok(connector.post("/Bulk?dryRun=true", body))["Operations"]
    assert entry["response"]["operations"]
    assert "A dry run creates nothing" in later["response"]["detail"]
    assert connector.world.state.on_address("ann@northwind-freight.example") == []


def test_a_guard_stops_one_operation_and_lets_the_others_be(connect):
    connector = connect(world=simulated(50))
    service_user = connector.world.service_user.user_id
    entries = run(connector, {"method": "DELETE", "path": f"/Users/{service_user}"}, user("ann"))
    assert [entry["status"] for entry in entries] == ["403", "201"]
    assert connector.user(service_user)["active"]


def test_a_version_that_is_no_tag_is_the_fault_of_its_operation_alone(connector):
    user = connector.create("ann.lee@acme.test")
    change = {"Operations": [{"op": "replace", "path": "title", "value": "Counsel"}]}
    path = f"/Users/{user['id']}"
    operations = [
        {"method": "PATCH", "path": path, "version": ",", "data": change},
        {"method": "PATCH", "path": path, "version": user["meta"]["version"], "data": change},
    ]
    entries = ok(connector.post("/Bulk", {"Operations": operations}))["Operations"]
    assert [entry["status"] for entry in entries] == ["400", "200"]


class Time:
    """A clock that stands still but for what DocuSign takes."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def slow(connect, monkeypatch):
    """Return what makes a connector behind which each creation takes six seconds."""
    time = Time()
    monkeypatch.setattr("connector.patience.time", time)
    monkeypatch.setattr("connector.scim_handlers.bulk_time.time", time)

    def start(**provisioning):
        connector = connect(provisioning={"wait_s": 20, **provisioning})
        directory = type(connector.services.context.directory)
        create = directory.create_member

        def slowly(self, step):
            if (left := left_s()) is not None and left <= 0:
                raise TemporaryError("too late")
            time.now += 6
            return create(self, step)

        monkeypatch.setattr(directory, "create_member", slowly)
        return connector

    return start


NAMES = ("ann", "bob", "cid", "dan", "eve")


def test_all_operations_together_take_no_longer_than_one_request(slow):
    connector = slow()
    body = {"schemas": [BULK], "Operations": [*map(user, NAMES), {"method": "GET", "path": "/"}]}

    answer = connector.post("/Bulk", body)
    entries = ok(answer)["Operations"]

    assert [entry["status"] for entry in entries] == ["201"] * 3 + ["503"] * 2 + ["400"]
    late = entries[3]["response"]
    assert "temporarily unavailable" in late["detail"]
    assert "nothing of it was begun" in late["detail"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert connector.world.state.on_address("dan@northwind-freight.example") == []
    with connector.services.context.read() as uow:
        assert set(uow.totals.plans()) == {PlanState.DONE}
    again = run(connector, *map(user, NAMES[3:]))
    assert [entry["status"] for entry in again] == ["201", "201"]


def test_what_does_not_fit_into_the_time_counts_among_the_errors(slow):
    entries = run(slow(), *map(user, NAMES), failOnErrors=1)
    assert [entry["status"] for entry in entries] == ["201"] * 3 + ["503"]


def test_what_does_not_fit_into_the_time_is_queued_where_changes_may_wait(slow):
    connector = slow(on_unavailable="queue")

    entries = run(connector, *map(user, NAMES))

    assert {entry["status"] for entry in entries[:3]} == {"201"}
    assert entries[-1]["status"] == "202"
    assert "/Requests/" in entries[-1]["location"]


def test_a_bulk_request_in_time_says_nothing_of_repeating(connector):
    answer = connector.post("/Bulk", {"Operations": [user("ann")]})
    assert "Retry-After" not in answer.headers
