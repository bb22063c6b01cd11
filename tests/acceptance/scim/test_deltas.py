"""Reading what changed: lastModified that only grows, and tombstones of what is gone."""

from __future__ import annotations

from itertools import pairwise

from tests.connector import ok, refused


def since(connector, path, moment):
    page = ok(connector.get(f'{path}?filter=meta.lastModified gt "{moment}"'))
    return page["Resources"]


def modified(resource):
    return resource["meta"]["lastModified"]


def test_each_change_is_later_than_all_before_it(connector):
    times = [modified(connector.create(f"p{number}@acme.test")) for number in range(5)]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_who_is_deleted_leaves_a_tombstone_and_takes_it_away_on_return(connector):
    user = connector.create("ann@acme.test", externalId="e1")
    assert ok(connector.get("/Tombstones"))["totalResults"] == 0
    ok_status = connector.delete(f"/Users/{user['id']}").status_code
    assert ok_status == 204

    [gone] = since(connector, "/Tombstones", modified(user))
    assert (gone["resourceType"], gone["resourceId"]) == ("User", user["id"])
    assert ok(connector.get(f"/Tombstones/{gone['id']}")) == gone
    found = ok(connector.get('/Tombstones?filter=resourceType eq "User"'))
    assert found["Resources"] == [gone]

    connector.create("ann@acme.test", externalId="e1")
    assert ok(connector.get("/Tombstones"))["totalResults"] == 0


def test_a_deleted_group_leaves_a_tombstone(connector):
    group = ok(connector.post("/Groups", {"displayName": "Short"}), 201)
    connector.clock.advance(1)  # What clients see of times ends with milliseconds.
    connector.delete(f"/Groups/{group['id']}")
    [gone] = since(connector, "/Tombstones", modified(group))
    assert (gone["resourceType"], gone["resourceId"]) == ("Group", group["id"])


def test_tombstones_are_read_only(connector):
    refused(connector.post("/Tombstones", {"resourceId": "x"}), 405)


def test_a_group_that_was_renamed_or_joined_is_not_changed_again_by_a_sync(connector):
    path = f"/Groups/{connector.group()}"
    user = connector.create("ann@acme.test")
    connector.patch(path, {"op": "replace", "path": "displayName", "value": "Renamed"})
    connector.patch(path, {"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    connector.patch(path, {"op": "replace", "path": "displayName", "value": "Renamed again"})
    before = ok(connector.get(path))["meta"]

    connector.clock.advance(100)
    connector.services.aggregation.sync()

    assert ok(connector.get(path))["meta"] == before


def test_an_external_id_changes_the_version_of_a_profile_shown_as_a_group(connect):
    connector = connect(scim={"show_as_groups": ("profiles",)})
    account_id, _, profile_id = connector.entitlement().partition(".")
    path = f"/Groups/{account_id}.p{profile_id}"
    before = ok(connector.get(path))["meta"]["version"]
    kept = ok(connector.patch(path, {"op": "add", "path": "externalId", "value": "x-1"}))
    assert kept["meta"]["version"] != before
