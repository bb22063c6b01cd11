"""Stories of people: joining, moving, leaving, returning."""

from __future__ import annotations

from tests.connector import ENTERPRISE, ok, refused


def test_a_person_joins_with_a_profile(connector):
    response = connector.post(
        "/Users",
        {
            "userName": "ann.lee@acme.test",
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "entitlements": [{"value": connector.entitlement()}],
        },
    )

    user = ok(response, 201)
    assert response.headers["Location"] == user["meta"]["location"]
    assert response.headers["ETag"] == user["meta"]["version"]
    assert [item["value"] for item in user["entitlements"]] == [connector.entitlement()]
    membership = connector.membership(user["id"])
    assert membership.profile_id == connector.entitlement().partition(".")[2]
    assert membership.user.user_name == "Ann Lee"
    assert connector.user(user["id"]) == user
