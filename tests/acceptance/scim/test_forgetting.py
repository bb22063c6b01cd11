"""What was taken from somebody inactive does not come back, in whatever words it was taken."""

from __future__ import annotations

import pytest

from simulator.state import memberships
from simulator.state.model import Status
from tests.acceptance.scim.people import ADDRESS, op, values
from tests.connector import ok, refused

DISABLED = op("replace", "active", False)
ENABLED = op("replace", "active", True)
BOTH = "both@acme.test"


def display(connector, entitlement):
    """Return the name that clients see of an entitlement."""
    return ok(connector.get(f"/Entitlements/{entitlement}"))["displayName"]


def close_natively(connector, user_id, accounts=(0,)):
    """Close memberships in DocuSign itself: nothing of them is remembered."""
    for account in accounts:
        memberships.close(connector.world.state, connector.membership(user_id, account))
    connector.sync()


def closed(connector, ann, how):
    """Return the path of somebody inactive who held an elevated profile."""
    path = f"/Users/{ann['id']}"
    ok(connector.patch(path, op("add", "entitlements", [{"value": connector.entitlement()}])))
    if how == "by the connector":
        ok(connector.patch(path, DISABLED))
    else:
        close_natively(connector, ann["id"])
    assert connector.user(ann["id"])["active"] is False
    return path


CLOSED = pytest.mark.parametrize("how", ["by the connector", "natively"])
TAKING = {
    "by value": lambda c: [op("remove", f'entitlements[value eq "{c.entitlement()}"]')],
    "by display": lambda c: [
        op("remove", f'entitlements[display eq "{display(c, c.entitlement())}"]')
    ],
    "by type": lambda c: [op("remove", 'entitlements[type eq "permissionProfile"]')],
    "all": lambda c: [op("remove", "entitlements")],
    "an empty list": lambda c: [op("replace", "entitlements", [])],
    "an empty list without path": lambda c: [op("replace", None, {"entitlements": []})],
    "an empty list of null": lambda c: [{"op": "replace", "path": "entitlements", "value": None}],
}


@CLOSED
@pytest.mark.parametrize("words", TAKING)
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
def test_what_a_patch_took_does_not_come_back(connector, ann, how, words, together):
    path, taking = closed(connector, ann, how), TAKING[words](connector)

    if together:
        again = ok(connector.patch(path, *taking, ENABLED))
    else:
        assert ok(connector.patch(path, *taking))["active"] is False
        again = ok(connector.patch(path, ENABLED))

    assert values(again["entitlements"]) == [connector.baseline()]
    assert connector.membership(ann["id"]).profile_id == connector.baseline().partition(".")[2]


@CLOSED
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
def test_an_empty_list_that_is_put_clears_what_would_come_back(connector, ann, how, together):
    path = closed(connector, ann, how)
    body = {"userName": ADDRESS, "active": together, "entitlements": []}

    again = ok(connector.put(path, body))
    if not together:
        again = ok(connector.patch(path, ENABLED))

    assert values(again["entitlements"]) == [connector.baseline()]


@CLOSED
def test_what_a_put_omits_comes_back(connector, ann, how):
    """W38: Okta sends what it knows."""
    path = closed(connector, ann, how)

    ok(connector.put(path, {"userName": ADDRESS, "active": False, "groups": []}))
    again = ok(connector.put(path, {"userName": ADDRESS, "active": True, "groups": []}))

    assert values(again["entitlements"]) == [connector.entitlement()]


@CLOSED
def test_another_name_takes_nothing(connector, ann, how):
    path = closed(connector, ann, how)
    other = display(connector, connector.baseline())

    ok(connector.patch(path, op("remove", f'entitlements[display eq "{other}"]')))
    again = ok(connector.patch(path, ENABLED))

    assert values(again["entitlements"]) == [connector.entitlement()]


@CLOSED
def test_what_is_not_touched_comes_back_however_much_else_is_changed(connector, ann, how):
    path = closed(connector, ann, how)

    ok(connector.patch(path, op("replace", "externalId", "e-7")))
    again = ok(connector.patch(path, op("add", None, {"active": True, "title": "Counsel"})))

    assert values(again["entitlements"]) == [connector.entitlement()]


@pytest.fixture
def both(connector):
    """Return the path of somebody with a profile in each of two accounts, and the profiles."""
    held = [connector.entitlement(0), connector.entitlement(1)]
    user = connector.create(
        BOTH, externalId="e-1", entitlements=[{"value": value} for value in held]
    )
    return f"/Users/{user['id']}", held


@pytest.mark.parametrize("how", ["by the connector", "natively", "by the list itself"])
def test_an_account_that_a_list_leaves_out_stays_closed(connector, both, how):
    path, (kept, _) = both
    user_id = path.rpartition("/")[2]
    if how == "by the connector":
        ok(connector.patch(path, DISABLED))
    elif how == "natively":
        close_natively(connector, user_id, (0, 1))
    body = {"userName": BOTH, "active": False, "entitlements": [{"value": kept}]}

    for _ in range(2):
        assert ok(connector.put(path, body))["active"] is False
    again = ok(connector.patch(path, ENABLED))

    assert values(again["entitlements"]) == [kept]
    assert connector.membership(user_id, 1).status is Status.CLOSED


def test_a_list_of_more_than_would_come_back_is_refused(connector, both):
    path, (kept, _) = both
    ok(connector.patch(path, DISABLED))
    more = [{"value": kept}, {"value": connector.entitlement(2)}]

    body = {"userName": BOTH, "active": False, "entitlements": more}
    assert "active=true" in refused(connector.put(path, body), 400, "invalidValue")


def test_taking_one_of_two_leaves_the_other(connector, both):
    path, (taken, kept) = both
    close_natively(connector, path.rpartition("/")[2], (0, 1))

    ok(connector.patch(path, op("remove", f'entitlements[value eq "{taken}"]')))
    again = ok(connector.patch(path, ENABLED))

    assert values(again["entitlements"]) == sorted([connector.baseline(0), kept])


def test_who_comes_back_by_a_creation_keeps_nothing_from_before(connector, both):
    path, _ = both
    user_id = path.rpartition("/")[2]
    ok(connector.patch(path, DISABLED))

    again = connector.create(BOTH, externalId="e-1")
    assert again["id"] == user_id
    assert values(again["entitlements"]) == [connector.baseline(0)]
    ok(connector.patch(path, DISABLED))
    later = ok(connector.patch(path, ENABLED))

    assert values(later["entitlements"]) == [connector.baseline(0)]
    assert connector.membership(user_id, 1).status is Status.CLOSED


def test_who_comes_back_inactive_is_enabled_to_what_the_creation_said(connector, both):
    path, (_, wanted) = both
    ok(connector.patch(path, DISABLED))

    connector.create(BOTH, externalId="e-1", active=False, entitlements=[{"value": wanted}])
    later = ok(connector.patch(path, ENABLED))

    assert values(later["entitlements"]) == [wanted]


@CLOSED
@pytest.mark.parametrize("people", [1, 2])
def test_who_is_taken_out_of_a_profile_shown_as_group_does_not_get_it_back(connect, how, people):
    connector = connect(scim={"show_as_groups": ("profiles",)})
    elevated = connector.entitlement()
    group = elevated.replace(".", ".p")
    users = [
        connector.create(f"{number}@acme.test", entitlements=[{"value": elevated}])["id"]
        for number in range(people)
    ]
    for user_id in users:
        if how == "by the connector":
            ok(connector.patch(f"/Users/{user_id}", DISABLED))
        else:
            close_natively(connector, user_id)

    members = [{"value": user_id} for user_id in users]
    ok(connector.patch(f"/Groups/{group}", op("remove", "members", members)))

    for user_id in users:
        again = ok(connector.patch(f"/Users/{user_id}", ENABLED))
        assert values(again["entitlements"]) == [connector.baseline()]


def taken_from(connector):
    """Return the id of somebody who was in two accounts, of which the second was taken."""
    both = [{"value": connector.entitlement()}, {"value": connector.baseline(1)}]
    user_id = connector.create(BOTH, entitlements=both)["id"]
    taking = op("remove", f'entitlements[value eq "{connector.baseline(1)}"]')
    left = ok(connector.patch(f"/Users/{user_id}", taking))
    assert values(left["entitlements"]) == [connector.entitlement()]
    assert connector.membership(user_id, 1).status is Status.CLOSED
    return user_id


def test_what_was_taken_from_somebody_active_does_not_come_back_with_what_was_held_last(connector):
    user_id = taken_from(connector)
    close_natively(connector, user_id)
    again = ok(connector.patch(f"/Users/{user_id}", ENABLED))
    assert values(again["entitlements"]) == [connector.entitlement()]
    assert connector.membership(user_id, 1).status is Status.CLOSED


def test_what_was_taken_and_held_again_since_does_come_back(connector):
    user_id = taken_from(connector)
    memberships.reopen(connector.world.state, connector.membership(user_id, 1), Status.ACTIVE)
    connector.sync()
    close_natively(connector, user_id, (0, 1))
    again = ok(connector.patch(f"/Users/{user_id}", ENABLED))
    assert values(again["entitlements"]) == sorted([connector.entitlement(), connector.baseline(1)])
