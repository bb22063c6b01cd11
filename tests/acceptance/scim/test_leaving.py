"""Stories of people who leave and return."""

from __future__ import annotations

import pytest

from simulator.state.model import Status
from tests.acceptance.scim.people import ADDRESS, op, values
from tests.connector import ok, refused


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "active", False),
        op("Replace", "active", "False"),
        op("replace", None, {"active": False}),
    ],
)
def test_disabling_and_enabling_keeps_profile_and_groups(connector, ann, operation):
    """W19, W39, W51."""
    group = connector.group()
    ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", connector.entitlement())))
    ok(connector.patch(f"/Groups/{group}", op("add", "members", [{"value": ann["id"]}])))

    disabled = ok(connector.patch(f"/Users/{ann['id']}", operation))
    assert disabled["active"] is False
    assert connector.membership(ann["id"]).status is Status.CLOSED

    enabled = ok(connector.patch(f"/Users/{ann['id']}", op("replace", "active", True)))
    assert enabled["active"] is True
    assert values(enabled["entitlements"]) == [connector.entitlement()]
    assert values(enabled["groups"]) == [group]
    assert connector.membership(ann["id"]).status.is_open
    assert ann["id"] in connector.group_members(group)


def test_a_deleted_user_is_gone_and_the_name_is_free(connector, ann):
    """W31."""
    path = f"/Users/{ann['id']}"
    assert connector.delete(path).status_code == 204

    for response in (
        connector.get(path),
        connector.delete(path),
        connector.patch(path, op("replace", "active", True)),
        connector.put(path, {"userName": ADDRESS}),
    ):
        refused(response, 404)
    assert connector.membership(ann["id"]).status is Status.CLOSED
    assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
    assert connector.create(ADDRESS)["id"] != ann["id"]


def test_the_same_person_comes_back_under_the_same_id(connector):
    first = connector.create(ADDRESS, externalId="e-1")
    connector.delete(f"/Users/{first['id']}")

    again = connector.create(ADDRESS, externalId="e-1")

    assert again["id"] == first["id"]
    assert again["active"] is True
    assert connector.membership(first["id"]).status.is_open


def test_another_person_on_a_used_address_gets_a_new_id(connector):
    first = connector.create(ADDRESS, externalId="e-1")
    connector.delete(f"/Users/{first['id']}")

    other = connector.create(ADDRESS, externalId="e-2")

    assert other["id"] != first["id"]
    assert connector.membership(first["id"]).status is Status.CLOSED


def test_a_closed_user_can_be_hidden(connect):
    connector = connect(provisioning={"closed_users": "none"})
    user = connector.create(ADDRESS)

    response = connector.patch(f"/Users/{user['id']}", op("replace", "active", False))

    assert response.status_code == 204
    refused(connector.get(f"/Users/{user['id']}"), 404)
