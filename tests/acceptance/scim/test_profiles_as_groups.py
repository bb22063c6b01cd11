"""Stories of permission profiles that are shown as groups."""

from __future__ import annotations

import pytest

from connector.domain.audit.story import Outcome
from connector.domain.work_items.items import Direction
from connector.services.context import Actor
from simulator.faults import Fault
from tests.acceptance.scim.members import add, members, remove
from tests.acceptance.scim.people import ADDRESS
from tests.connector import ok, refused


@pytest.fixture
def with_profiles(connect):
    return connect(scim={"show_as_groups": ("profiles",)})


def as_group(entitlement):
    return entitlement.replace(".", ".p")


def test_joining_a_profile_replaces_the_one_held(with_profiles):
    """W24: the removal of the old one that follows takes nothing away."""
    connector = with_profiles
    ann = connector.create(ADDRESS)
    old, new = as_group(connector.baseline()), as_group(connector.entitlement())

    joined = ok(connector.patch(f"/Groups/{new}", add(ann)))
    assert ann["id"] in members(joined)
    after = connector.user(ann["id"])
    assert [item["value"] for item in after["groups"]] == [new]
    assert [item["value"] for item in after["entitlements"]] == [connector.entitlement()]

    ok(connector.patch(f"/Groups/{old}", remove(ann)))
    assert connector.user(ann["id"]) == after
    held = connector.membership(ann["id"]).profile_id
    assert held == connector.entitlement().partition(".")[2]

    ok(connector.patch(f"/Groups/{new}", remove(ann)))
    assert connector.membership(ann["id"]).profile_id == connector.world.account.default_profile_id


def test_of_each_who_joined_a_profile_together_it_is_told_why_they_have_it(
    with_profiles,
):
    connector = with_profiles
    ann, bob, eve = (connector.create(f"{name}@acme.test") for name in ("ann", "bob", "eve"))
    path = f"/Groups/{as_group(connector.entitlement())}"
    ok(connector.patch(path, add(ann, bob)))
    ok(connector.patch(path, remove(bob), add(eve)))

    def told(user):
        explained = connector.services.audit.explain(user["id"], connector.entitlement())
        return [(story.direction, story.outcome) for story in explained.stories]

    assert told(ann) == [(Direction.GRANT, Outcome.DONE)]
    assert told(bob) == [(Direction.GRANT, Outcome.DONE), (Direction.REVOKE, Outcome.DONE)]
    assert told(eve) == [(Direction.GRANT, Outcome.DONE)]


def test_nobody_joins_a_profile_where_one_is_refused(with_profiles):
    connector = with_profiles
    ann, bob = connector.create(ADDRESS), connector.create("bob@acme.test")
    ok(connector.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": False}))

    path = f"/Groups/{as_group(connector.entitlement())}"
    refused(connector.patch(path, add(ann, bob)), 400, "invalidValue")

    assert connector.membership(ann["id"]).profile_id == connector.world.account.default_profile_id


def test_joining_a_profile_is_undone_for_everybody_where_docusign_refuses_one(with_profiles):
    connector = with_profiles
    people = sorted(
        (connector.create(f"p{number}@acme.test") for number in range(3)), key=lambda one: one["id"]
    )
    fault = Fault("error", "PUT", f"/users/{people[2]['id']}$", status=400, times=None)
    connector.world.faults.add(fault)
    path = f"/Groups/{as_group(connector.entitlement())}"

    detail = refused(connector.patch(path, add(*people)), 502)

    assert detail.count("profile") >= 2
    assert "Undone" in detail
    for one in people:
        baseline = connector.world.account.default_profile_id
        assert connector.membership(one["id"]).profile_id == baseline
        shown = connector.user(one["id"])["entitlements"]
        assert [item["value"] for item in shown] == [connector.baseline()]


def test_many_join_a_profile_later_in_one_plan(with_profiles):
    connector = with_profiles
    people = [connector.create(f"p{number}@acme.test") for number in range(3)]
    path = f"/Groups/{as_group(connector.entitlement())}"

    answer = connector.patch(path, add(*people), prefer="respond-async")
    assert answer.status_code == 202
    connector.services.settlement.settle_all(Actor("job:settle", "job", "c-1"))

    assert {one["id"] for one in people} <= set(members(ok(connector.get(path))))


def test_replacing_many_holders_of_a_profile_needs_a_persons_word(connect):
    connector = connect(
        scim={"show_as_groups": ("profiles",)},
        guards={"max_affected_min": 2, "max_affected_pct": 0},
    )
    people = [connector.create(f"p{number}@acme.test") for number in range(3)]

    path = f"/Groups/{as_group(connector.entitlement())}"
    detail = refused(connector.patch(path, add(*people)), 403)

    assert "guards.max_affected_pct" in detail
    assert ok(connector.patch(f"{path}?dryRun=true", add(*people[:2])))["operations"]


def test_profiles_shown_as_groups_keep_their_name_and_stay(with_profiles):
    connector = with_profiles
    path = f"/Groups/{as_group(connector.entitlement())}"

    refused(
        connector.patch(path, {"op": "replace", "path": "displayName", "value": "X"}),
        400,
        "mutability",
    )
    refused(connector.delete(path), 403)
    kept = ok(connector.patch(path, {"op": "add", "path": "externalId", "value": "x-1"}))
    assert kept["externalId"] == "x-1"
