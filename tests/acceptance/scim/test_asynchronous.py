"""Clients that do not wait: Prefer: respond-async (RFC 7240 §4.1, RFC 9967)."""

from __future__ import annotations

import pytest

from connector.services.context import Actor
from tests.connector import BASE, PUBLIC_URL, ok, refused

ADDRESS = "ann.lee@acme.test"
LATER = {"prefer": "respond-async, wait=10"}
JOBS = Actor("job:settle", "job", "c-1")


def accepted(response):
    """Return the path of the status resource."""
    assert (response.status_code, response.data) == (202, b""), response.text
    assert "Content-Type" not in response.headers
    assert response.headers["Preference-Applied"] == "respond-async"
    transaction = response.headers["Set-Txn"]
    assert response.headers["Location"] == f"{PUBLIC_URL}{BASE}/Requests/{transaction}"
    return f"/Requests/{transaction}"


def settle(connector):
    return connector.services.settlement.settle_all(JOBS)


def path_of(status):
    return status["resource"].removeprefix(f"{PUBLIC_URL}{BASE}")


def test_a_person_joins_later(connector):
    place = accepted(connector.post("/Users", {"userName": ADDRESS, "externalId": "e1"}, **LATER))

    waiting = ok(connector.get(place))
    assert waiting["status"] == "pending"
    assert "resource" not in waiting
    found = ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))
    assert found["totalResults"] == 0

    settle(connector)

    done = ok(connector.get(place))
    assert done["status"] == "done"
    assert done["finishedAt"] >= done["requestedAt"]
    assert ok(connector.get(path_of(done)))["externalId"] == "e1"


def test_a_person_who_joins_later_inactive_ends_inactive(connector):
    place = accepted(connector.post("/Users", {"userName": ADDRESS, "active": False}, **LATER))
    settle(connector)
    user = ok(connector.get(path_of(ok(connector.get(place)))))
    assert user["active"] is False
    assert not connector.world.state.user(user["id"]).is_open


def test_a_person_changes_and_leaves_later(connector):
    user = connector.create(ADDRESS)
    path = f"/Users/{user['id']}"
    change = {"op": "replace", "path": "active", "value": False}

    place = accepted(connector.patch(path, change, **LATER))
    assert connector.user(user["id"])["active"]
    settle(connector)
    status = ok(connector.get(place))
    assert (status["status"], path_of(status)) == ("done", path)
    assert not connector.user(user["id"])["active"]

    place = accepted(connector.delete(path, **LATER))
    ok(connector.get(path))
    settle(connector)
    status = ok(connector.get(place))
    assert status["status"] == "done"
    assert "resource" not in status
    refused(connector.get(path), 404)


def test_a_change_that_became_unsafe_meanwhile_fails_with_its_reason(connector):
    user = connector.create(ADDRESS)
    path = f"/Users/{user['id']}"
    place = accepted(
        connector.patch(path, {"op": "replace", "path": "active", "value": False}, **LATER)
    )
    connector.world.state.user(user["id"]).managed_by_scim = True
    connector.membership(user["id"]).managed_by_scim = True
    connector.sync()

    settle(connector)

    status = ok(connector.get(place))
    assert status["status"] == "failed"
    assert "DocuSign's own SCIM" in str(status)
    assert connector.user(user["id"])["active"]


def test_a_group_is_made_and_filled_later(connector):
    user = connector.create(ADDRESS)
    place = accepted(connector.post("/Groups", {"displayName": "Later"}, **LATER))
    settle(connector)
    group = path_of(ok(connector.get(place)))

    joining = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    place = accepted(connector.patch(group, joining, **LATER))
    assert "members" not in ok(connector.get(group))
    settle(connector)
    assert ok(connector.get(place))["status"] == "done"
    assert [one["value"] for one in ok(connector.get(group))["members"]] == [user["id"]]


def test_what_is_wrong_is_refused_at_once(connector):
    user = connector.create(ADDRESS)
    refused(connector.post("/Users", {"userName": ADDRESS}, **LATER), 409, "uniqueness")
    stale = connector.delete(f"/Users/{user['id']}", if_match='W/"old"', **LATER)
    refused(stale, 412)


def test_nothing_to_do_is_answered_at_once(connector):
    user = connector.create(ADDRESS)
    same = {"op": "replace", "path": "active", "value": True}
    assert ok(connector.patch(f"/Users/{user['id']}", same, **LATER)) == user


def test_a_group_comes_with_its_members(connector):
    user = connector.create(ADDRESS)
    filled = {"displayName": "Full", "members": [{"value": user["id"]}]}
    place = accepted(connector.post("/Groups", filled, **LATER))
    settle(connector)
    group_id = ok(connector.get(place))["resource"].rpartition("/")[2]
    assert connector.group_members(group_id) == {user["id"]}


def test_a_request_that_docusign_refuses_fails_with_its_reason(connector):
    user = connector.create(ADDRESS)
    group = connector.group()
    joining = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    place = accepted(connector.patch(f"/Groups/{group}", joining, **LATER))
    account_id, _, number = group.partition(".g")
    del connector.world.state.accounts[account_id].groups[number]

    settle(connector)

    status = ok(connector.get(place))
    assert status["status"] == "failed"
    assert status["detail"]


def test_a_request_is_shown_to_its_client_alone(connector):
    place = accepted(connector.post("/Users", {"userName": ADDRESS}, **LATER))
    other = connector.client_token("other")
    refused(connector.send("GET", place, token=other), 404)
    assert refused(connector.get("/Requests/none"), 404) == "There is no request none."
    refused(connector.delete(place), 405)


def test_asynchronous_requests_are_announced_where_clients_can_bear_it(connect):
    assert "securityEvents" not in ok(connect().get("/ServiceProviderConfig"))
    connector = connect(scim={"announce_async": True})
    announced = ok(connector.get("/ServiceProviderConfig"))["securityEvents"]
    assert announced == {"asyncRequest": "request", "eventUris": []}


@pytest.mark.parametrize("prefer", ["", "return=minimal"])
def test_other_preferences_change_nothing(connector, prefer):
    ok(connector.post("/Users", {"userName": ADDRESS}, prefer=prefer), 201)
