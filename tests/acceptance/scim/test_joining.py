"""Stories of people who join: created, refused, created inactive."""

from __future__ import annotations

from simulator.faults import Fault
from simulator.state.model import Status
from tests.acceptance.scim.people import ADDRESS, values
from tests.connector import ENTERPRISE, ok, refused


def test_a_person_joins_with_a_profile(connector):
    response = connector.post(
        "/Users",
        {
            "userName": ADDRESS,
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "entitlements": [{"value": connector.entitlement()}],
        },
    )

    user = ok(response, 201)
    assert response.headers["Location"] == user["meta"]["location"]
    assert response.headers["ETag"] == user["meta"]["version"]
    assert values(user["entitlements"]) == [connector.entitlement()]
    membership = connector.membership(user["id"])
    assert membership.profile_id == connector.entitlement().partition(".")[2]
    assert membership.user.user_name == "Ann Lee"
    assert connector.user(user["id"]) == user


def test_without_entitlements_a_person_joins_the_default_account_as_plain_member(connector):
    user = connector.create(ADDRESS)

    assert values(user["entitlements"]) == [connector.baseline()]
    assert connector.membership(user["id"]).account is connector.world.account


def test_what_docusign_cannot_hold_is_returned_as_it_came(connector):
    user = connector.create(
        ADDRESS,
        externalId="e-1",
        displayName="Annie",
        **{ENTERPRISE: {"department": "Legal", "manager": "boss-1"}},
    )

    assert user["externalId"] == "e-1"
    assert user["displayName"] == "Annie"
    assert user[ENTERPRISE] == {"department": "Legal", "manager": {"value": "boss-1"}}
    assert ENTERPRISE in user["schemas"]
    assert connector.user(user["id"]) == user


def test_the_external_id_of_one_client_is_not_shown_to_another(connector):
    user = connector.create(ADDRESS, externalId="e-1")
    other = connector.client_token("other")

    seen = ok(connector.send("GET", f"/Users/{user['id']}", token=other))

    assert "externalId" not in seen


def test_unknown_attributes_and_a_password_are_passed_over(connector):
    """W36, W75: Okta sends locale, groups and password; OneLogin what its template says."""
    user = connector.create(
        ADDRESS, locale="en-US", password="x7Kq", groups=[], unknownKey={"a": 1}, roles=[]
    )

    assert not {"locale", "password", "unknownKey", "groups"} & user.keys()


def test_a_held_address_is_refused_whatever_its_case(connector, ann):
    """W37, W93."""
    refused(connector.post("/Users", {"userName": ADDRESS.upper()}), 409, "uniqueness")
    assert len(connector.world.account.roster) == len(
        {item.user.user_id for item in connector.world.account.roster}
    )


def test_a_name_that_is_no_address_is_refused(connector):
    detail = refused(connector.post("/Users", {"userName": "ann"}), 400, "invalidValue")

    assert "e-mail address" in detail


def test_a_person_created_inactive_is_closed_at_once(connector):
    user = connector.create(ADDRESS, active=False)

    assert user["active"] is False
    assert connector.membership(user["id"]).status is Status.CLOSED


def test_a_person_created_inactive_gets_on_enabling_what_the_creation_asked_for(connector):
    entitlement = connector.entitlement(1)
    user = connector.create(ADDRESS, active=False, entitlements=[{"value": entitlement}])
    assert "entitlements" not in user

    enabling = {"op": "replace", "path": "active", "value": True}
    enabled = ok(connector.patch(f"/Users/{user['id']}", enabling))

    assert [one["value"] for one in enabled["entitlements"]] == [entitlement]


def test_a_dry_run_shows_that_who_is_created_inactive_is_closed_again(connector):
    planned = ok(connector.post("/Users?dryRun=true", {"userName": ADDRESS, "active": False}))

    assert [step["kind"] for step in planned["operations"]] == [
        "create_membership",
        "close_membership",
    ]


def test_a_creation_whose_closing_is_refused_leaves_nobody(connector):
    connector.world.faults.add(Fault("error", "DELETE", "/users$", status=400))

    refused(connector.post("/Users", {"userName": ADDRESS, "active": False}), 502)

    assert not any(item.is_open for item in connector.world.state.on_address(ADDRESS))
    connector.create(ADDRESS)


def test_the_same_person_can_come_back_inactive(connector):
    user = connector.create(ADDRESS, externalId="e1")
    connector.delete(f"/Users/{user['id']}")

    back = connector.create(ADDRESS, externalId="e1", active=False)

    assert (back["id"], back["active"]) == (user["id"], False)
    assert connector.membership(user["id"]).status is Status.CLOSED


def test_two_profiles_of_one_account_are_refused(connector):
    both = [{"value": connector.entitlement(0, 0)}, {"value": connector.entitlement(0, 1)}]

    detail = refused(
        connector.post("/Users", {"userName": ADDRESS, "entitlements": both}), 400, "invalidValue"
    )

    assert "exactly one" in detail


def test_an_unknown_entitlement_or_role_is_refused(connector):
    for part in (
        {"entitlements": ["nonsense"]},
        {"entitlements": [f"{connector.world.account.account_id}.99"]},
        {"roles": ["emperor"]},
    ):
        refused(connector.post("/Users", {"userName": ADDRESS, **part}), 400, "invalidValue")
    assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
