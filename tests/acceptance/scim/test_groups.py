"""Stories of groups: members and names."""

from __future__ import annotations

import pytest

from tests.acceptance.scim.members import add, members, remove
from tests.acceptance.scim.people import ADDRESS
from tests.connector import DOCUSIGN, ok, refused

EXTENSION = f"{DOCUSIGN}Group"


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)


@pytest.fixture
def bob(connector):
    return connector.create("bob@acme.test")


@pytest.fixture
def group(connector):
    """The id of a new, empty group of the default account."""
    return ok(connector.post("/Groups", {"displayName": "Legal Senders", "members": []}), 201)["id"]


def test_a_member_joins_and_leaves(connector, ann, group):
    """W21, W22."""
    joined = ok(connector.patch(f"/Groups/{group}", add(ann)))

    assert joined["members"] == [
        {
            "value": ann["id"],
            "$ref": f"https://scim.acme.test/scim/v2/Users/{ann['id']}",
            "type": "User",
            "display": ADDRESS,
        }
    ]
    assert connector.group_members(group) == {ann["id"]}
    assert [item["value"] for item in connector.user(ann["id"])["groups"]] == [group]
    assert ok(connector.patch(f"/Groups/{group}", add(ann))) == joined

    left = ok(connector.patch(f"/Groups/{group}", remove(ann)))
    assert "members" not in left
    assert connector.group_members(group) == set()
    assert "groups" not in connector.user(ann["id"])
    assert ok(connector.patch(f"/Groups/{group}", remove(ann))) == left
    assert left["meta"]["version"] not in (joined["meta"]["version"], None)


@pytest.mark.parametrize("null_reference", [{"$ref": None}, {}])
def test_a_value_list_removes_only_those_listed(connector, ann, bob, group, null_reference):
    """W23, W63, W64."""
    ok(connector.patch(f"/Groups/{group}", add(ann, bob, op="Add")))

    operation = {
        "op": "Remove",
        "path": "members",
        "value": [{**null_reference, "value": ann["id"]}],
    }
    left = ok(connector.patch(f"/Groups/{group}", operation))

    assert members(left) == connector.group_members(group) == {bob["id"]}


def test_one_leaves_and_another_joins_in_one_change(connector, ann, bob, group):
    """W43."""
    ok(connector.patch(f"/Groups/{group}", add(ann)))

    ok(connector.patch(f"/Groups/{group}", remove(ann), add(bob)))

    assert connector.group_members(group) == {bob["id"]}


def test_the_list_can_be_replaced_and_cleared(connector, ann, bob, group):
    """W44, W67."""
    ok(connector.patch(f"/Groups/{group}", add(ann)))

    replaced = ok(connector.patch(f"/Groups/{group}", add(bob, op="replace")))
    assert members(replaced) == connector.group_members(group) == {bob["id"]}

    kept = {"op": "remove", "path": "members", "value": []}
    assert ok(connector.patch(f"/Groups/{group}", kept)) == replaced

    cleared = {"op": "replace", "path": "members", "value": None}
    assert members(ok(connector.patch(f"/Groups/{group}", cleared))) == set()
    assert connector.group_members(group) == set()


def test_an_unknown_member_is_refused_and_an_unknown_leaver_is_none(connector, ann, group):
    stranger = {"id": "11111111-1111-4111-8111-111111111111"}

    refused(connector.patch(f"/Groups/{group}", add(ann, stranger)), 400, "invalidValue")
    assert connector.group_members(group) == set()

    ok(connector.patch(f"/Groups/{group}", remove(stranger)))


def test_a_deleted_user_cannot_join(connector, ann, group):
    connector.delete(f"/Users/{ann['id']}")

    refused(connector.patch(f"/Groups/{group}", add(ann)), 400, "invalidValue")


def test_who_has_no_membership_in_the_account_cannot_join(connector, ann):
    foreign = connector.group(1)

    detail = refused(connector.patch(f"/Groups/{foreign}", add(ann)), 400, "invalidValue")

    assert "Grant an entitlement" in detail


def test_members_can_be_searched_and_left_out(connector, ann, group):
    """W59, W61."""
    ok(connector.patch(f"/Groups/{group}", add(ann)))

    found = ok(connector.get(f'/Groups?filter=id eq "{group}" and members eq "{ann["id"]}"'))
    assert [members(item) for item in found["Resources"]] == [{ann["id"]}]
    listed = ok(connector.get("/Groups?excludedAttributes=members&count=200"))
    assert all("members" not in item for item in listed["Resources"])
    assert "members" not in ok(connector.get(f"/Groups/{group}?attributes=displayName"))


def test_a_large_group_answers_a_patch_without_a_body(connect):
    connector = connect(scim={"members_in_patch_response": 1})
    people = [connector.create(f"p{number}@acme.test") for number in range(2)]
    group = connector.group()
    version = ok(connector.get(f"/Groups/{group}"))["meta"]["version"]

    response = connector.patch(f"/Groups/{group}", add(*people))

    assert response.status_code == 204
    assert response.headers["ETag"] != version
    assert response.headers["Location"].endswith(f"/Groups/{group}")
    assert {person["id"] for person in people} <= connector.group_members(group)


def test_a_group_is_created_renamed_and_deleted(connector, ann):
    """W41, W42, W45, W62."""
    body = {
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:Group",
            "http://schemas.microsoft.com/x",
        ],
        "displayName": "Legal",
        "externalId": "g-1",
        "members": [{"value": ann["id"]}],
    }
    created = ok(connector.post("/Groups", body), 201)
    assert created["externalId"] == "g-1"
    assert created[EXTENSION]["type"] == "custom"
    assert members(created) == connector.group_members(created["id"]) == {ann["id"]}

    path = f"/Groups/{created['id']}"
    rename = {"op": "replace", "value": {"id": created["id"], "displayName": "Legal Senders"}}
    renamed = ok(connector.patch(path, rename))
    assert renamed["displayName"] == "Legal Senders"
    assert renamed["externalId"] == "g-1"
    number = created["id"].partition(".g")[2]
    assert connector.world.account.groups[number].name == "Legal Senders"
    assert connector.user(ann["id"])["groups"][0]["display"] == "Legal Senders"

    assert connector.delete(path).status_code == 204
    refused(connector.get(path), 404)
    assert number not in connector.world.account.groups
    assert "groups" not in connector.user(ann["id"])


def test_a_group_is_created_in_the_account_that_it_names(connector):
    second = connector.world.accounts[1]
    for number, name in enumerate((second.account_id, second.name)):
        body = {"displayName": f"Legal {number}", EXTENSION: {"account": {"value": name}}}

        created = ok(connector.post("/Groups", body), 201)

        assert created[EXTENSION]["account"]["value"] == second.account_id
        assert created["id"].partition(".g")[2] in second.groups


def test_a_group_with_a_refused_member_is_not_created(connector):
    before = len(connector.world.account.groups)
    body = {"displayName": "Legal", "members": [{"value": "nobody"}]}

    refused(connector.post("/Groups", body), 400, "invalidValue")

    assert len(connector.world.account.groups) == before


def test_a_name_is_unique_within_the_account(connector, group):
    refused(connector.post("/Groups", {"displayName": "LEGAL SENDERS"}), 409, "uniqueness")


def test_put_replaces_members_only_where_they_are_listed(connector, ann, bob, group):
    ok(connector.patch(f"/Groups/{group}", add(ann)))
    path = f"/Groups/{group}"

    kept = ok(connector.put(path, {"displayName": "Renamed", "externalId": "g-9"}))
    assert (kept["displayName"], kept["externalId"]) == ("Renamed", "g-9")
    assert members(kept) == {ann["id"]}
    assert ok(connector.put(path, kept)) == kept

    listed = {"displayName": "Renamed", "members": [{"value": bob["id"]}]}
    replaced = ok(connector.put(path, listed))
    assert members(replaced) == connector.group_members(group) == {bob["id"]}
    assert "externalId" not in replaced


def test_a_stale_list_of_members_is_refused(connect):
    """W102: SailPoint sends back the version that it read, in the body alone."""
    connector = connect()
    ann = connector.create(ADDRESS)
    path = f"/Groups/{connector.group()}"
    sailpoint = connector.client_token("sailpoint", settings={"check_body_version": True})
    stale = ok(connector.get(path))
    ok(connector.patch(path, add(ann)))

    refused(connector.send("PUT", path, stale, token=sailpoint), 412)
    current = ok(connector.get(path))
    assert ok(connector.send("PUT", path, current, token=sailpoint)) == current
    refused(connector.patch(path, remove(ann), if_match=stale["meta"]["version"]), 412)
    refused(connector.delete(path, if_match=stale["meta"]["version"]), 412)


def test_group_writes_can_be_forbidden(connect):
    connector = connect(scim={"group_writes": False})

    refused(connector.post("/Groups", {"displayName": "Legal"}), 403)
    refused(connector.delete(f"/Groups/{connector.group()}"), 403)


def test_built_in_groups_are_read_only(connect):
    connector = connect(scim={"builtin_groups": "read_only"})
    ann = connector.create(ADDRESS)
    found = ok(connector.get(f'/Groups?filter={EXTENSION}:type eq "everyone"&count=1'))

    path = f"/Groups/{found['Resources'][0]['id']}"

    refused(connector.patch(path, add(ann)), 403)


def test_a_dry_run_changes_nothing(connector, ann, group):
    before = ok(connector.get(f"/Groups/{group}"))

    joined = ok(connector.patch(f"/Groups/{group}?dryRun=true", add(ann)))
    body = {"displayName": "New", "members": [{"value": ann["id"]}]}
    created = ok(connector.post("/Groups?dryRun=true", body))
    deleted = ok(connector.delete(f"/Groups/{group}?dryRun=true"))

    assert [item["kind"] for item in joined["operations"]] == ["add_group_members"]
    assert [item["kind"] for item in created["operations"]] == ["create_group", "add_group_members"]
    assert [item["kind"] for item in deleted["operations"]] == ["delete_group"]
    assert ok(connector.get(f"/Groups/{group}")) == before
    assert connector.group_members(group) == set()


def test_a_member_whom_docusign_does_not_know_is_a_wrong_value_and_not_a_missing_group(connector):
    account = connector.world.account
    user = connector.world.member().user
    groups = [item for item in account.groups.values() if item.kind == "customGroup"]
    group = next(item for item in groups if user.user_id not in item.members)
    path = f"/Groups/{account.account_id}.g{group.group_id}"
    # Gone behind the connector's back: the mirror still has them.
    del account.members[user.user_id]

    operation = {"op": "add", "path": "members", "value": [{"value": user.user_id}]}
    refused(connector.patch(path, operation), 400, "invalidValue")
    ok(connector.get(f"{path}?excludedAttributes=members"))


def test_the_urn_of_the_schema_stands_for_all_of_it(connector):
    group = connector.group()
    whole = ok(connector.get(f"/Groups/{group}"))
    urn = "urn:ietf:params:scim:schemas:core:2.0:Group"
    shown = ok(connector.get(f"/Groups/{group}?attributes={urn}"))
    assert shown["members"] == whole["members"]
    assert shown["displayName"] == whole["displayName"]
    assert "meta" not in shown
