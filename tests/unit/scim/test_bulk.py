"""Bulk requests (RFC 7644 §3.7)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scim.service import ScimConfig
from tests.unit.scim.memory_handler import BASE_URL, TOKEN, MemoryHandler, create_app

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def post(path, bulk_id, **data):
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def user(bulk_id, **more):
    return post("/Users", bulk_id, schemas=[USER], userName=f"{bulk_id}@acme.test", **more)


def group(bulk_id, *references):
    members = [{"value": f"bulkId:{name}"} for name in references]
    return post("/Groups", bulk_id, schemas=[GROUP], displayName=bulk_id, members=members)


@pytest.fixture
def client():
    return create_app().test_client()


def run(client, *operations, status=200, headers=TOKEN, **more):
    body = {"schemas": [BULK], "Operations": list(operations), **more}
    response = client.post("/scim/v2/Bulk", json=body, headers=headers)
    assert response.status_code == status, response.text
    return response.json["Operations"] if status == 200 else response.json


def get(client, path):
    return client.get(f"/scim/v2{path}", headers=TOKEN).json


def statuses(entries):
    return [entry["status"] for entry in entries]


def test_every_method_answers_with_its_entry(client):
    created, other = run(client, user("ann"), user("bob"))
    assert created == {
        "method": "POST",
        "bulkId": "ann",
        "version": get(client, "/Users/U1")["meta"]["version"],
        "location": f"{BASE_URL}/Users/U1",
        "status": "201",
    }
    replaced, patched, deleted = run(
        client,
        {"method": "put", "path": "/Users/U1", "data": {"userName": "ann@x.test"}},
        {
            "method": "PATCH",
            "path": "Users/U1",
            "data": {"Operations": [{"op": "add", "path": "title", "value": "Dr"}]},
        },
        {"method": "DELETE", "path": f"{BASE_URL}/Users/U2", "version": other["version"]},
    )
    assert (replaced["status"], patched["status"], deleted["status"]) == ("200", "200", "204")
    assert deleted["location"] == f"{BASE_URL}/Users/U2"
    shown = get(client, "/Users/U1")
    assert (shown["userName"], shown["title"]) == ("ann@x.test", "Dr")
    assert shown["meta"]["version"] == patched["version"] != replaced["version"]


def test_a_forward_reference_waits_for_its_target(client):
    entries = run(client, group("legal", "ann"), user("ann"))
    assert statuses(entries) == ["201", "201"]
    assert get(client, "/Groups/G1")["members"] == [{"value": "U1"}]


def test_references_stand_in_paths_extensions_and_patch_filters(client):
    entries = run(
        client,
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:legal",
            "data": {
                "Operations": [
                    {"op": "add", "path": "members", "value": [{"value": "bulkId:bob"}]},
                    {"op": "remove", "path": 'members[value eq "bulkId:ann"]'},
                ]
            },
        },
        group("legal", "ann"),
        user("bob", **{ENTERPRISE: {"manager": {"value": "bulkId:ann"}}}),
        user("ann"),
        {"method": "DELETE", "path": "/Users/bulkId:ann"},
    )
    assert statuses(entries) == ["200", "201", "201", "201", "204"]
    (bob,) = get(client, "/Users")["Resources"]
    assert get(client, "/Groups/G1")["members"] == [{"value": bob["id"]}]
    assert bob[ENTERPRISE]["manager"]["value"] != "bulkId:ann"


def test_circular_references_are_patched_in(client):
    entries = run(client, group("a", "b", "c"), group("b", "a"), user("c"))
    assert statuses(entries) == ["201", "201", "201"]
    first, second = get(client, "/Groups")["Resources"]
    members = {one["displayName"]: {m["value"] for m in one["members"]} for one in (first, second)}
    ids = {one["displayName"]: one["id"] for one in (first, second)}
    assert members == {"a": {ids["b"], "U1"}, "b": {ids["a"]}}
    assert {entry.get("version") for entry in entries[:2]} == {
        one["meta"]["version"] for one in (first, second)
    }


def test_managers_of_each_other_and_oneself_are_patched_in(client):
    boss = {ENTERPRISE: {"department": "Legal", "manager": {"value": "bulkId:bob"}}}
    entries = run(
        client,
        user("ann", **boss),
        user("bob", **{ENTERPRISE: {"manager": {"value": "bulkId:ann"}}}),
        user("eve", **{ENTERPRISE: {"manager": {"value": "bulkId:eve"}}}),
    )
    assert statuses(entries) == ["201", "201", "201"]
    by_name = {one["userName"][:3]: one for one in get(client, "/Users")["Resources"]}
    managers = {name: one[ENTERPRISE]["manager"]["value"] for name, one in by_name.items()}
    ids = {name: one["id"] for name, one in by_name.items()}
    assert managers == {"ann": ids["bob"], "bob": ids["ann"], "eve": ids["eve"]}
    assert by_name["ann"][ENTERPRISE]["department"] == "Legal"


def test_what_cannot_be_resolved_is_a_conflict_of_that_operation(client):
    broken = user("bad")
    broken["data"] = {}
    entries = run(
        client,
        group("legal", "nobody"),
        group("sales", "bad"),
        broken,
        {"method": "DELETE", "path": "/Users/bulkId:bad"},
        user("ann"),
    )
    assert statuses(entries) == ["409", "409", "400", "409", "201"]
    assert "nobody" in entries[0]["response"]["detail"]
    assert all("location" not in entry for entry in entries[:4])


def test_a_circle_whose_other_half_fails_is_a_conflict(client):
    half = group("b", "a")
    half["data"]["displayName"] = 7
    first, second = run(client, group("a", "b"), half)
    assert (first["status"], second["status"]) == ("409", "400")
    assert first["location"] == f"{BASE_URL}/Groups/G1"
    assert "created without" in first["response"]["detail"]


def test_an_unexpected_error_in_a_circle_hides_nothing(client, monkeypatch):
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(MemoryHandler, "patch", broken)
    first, second, third = run(client, group("a", "b"), group("b", "a"), user("c"))
    assert statuses([first, second, third]) == ["500", "201", "201"]
    assert first["location"] == f"{BASE_URL}/Groups/G1"
    assert "created without its references" in first["response"]["detail"]
    assert "The log tells more" in first["response"]["detail"]


def test_a_circle_for_which_no_time_is_left_can_be_closed_later():
    turns = iter([True])

    @contextmanager
    def within_time(*_: Any) -> Iterator[Callable[[], bool]]:
        yield lambda: next(turns, False)

    client = create_app(within_time=within_time).test_client()
    first, second = run(client, group("a", "b"), group("b", "a"))
    assert statuses([first, second]) == ["503", "503"]
    assert first["location"] == f"{BASE_URL}/Groups/G1"
    assert "created without its references" in first["response"]["detail"]
    assert "nothing of it was begun" in second["response"]["detail"]


@pytest.mark.parametrize(
    ("operation", "status", "scim_type"),
    [
        (7, "400", "invalidSyntax"),
        ({"path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "GET", "path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "DELETE"}, "400", "invalidSyntax"),
        ({"method": 7, "path": "/Users"}, "400", "invalidSyntax"),
        ({"method": "POST", "path": "/Users", "data": {}}, "400", "invalidValue"),
        (user("ann"), "400", "invalidValue"),
        ({"method": "DELETE", "path": "https://evil.test/Users/U1"}, "400", "invalidValue"),
        ({"method": "DELETE", "path": "/Nothing/1"}, "404", None),
        ({"method": "DELETE", "path": "/Users/U1/more"}, "404", None),
        ({"method": "DELETE", "path": "/Users/U%00"}, "404", None),
        ({"method": "DELETE", "path": "/Users"}, "405", None),
        ({"method": "PUT", "path": "/Users/U1"}, "400", "invalidSyntax"),
        ({"method": "DELETE", "path": "/Users/U1", "version": 'W/"old"'}, "412", None),
    ],
)
def test_what_is_wrong_with_one_operation_ends_only_that(client, operation, status, scim_type):
    first, wrong, last = run(client, user("ann"), operation, user("bob"))
    assert (first["status"], last["status"]) == ("201", "201")
    assert (wrong["status"], wrong["response"].get("scimType")) == (status, scim_type)
    assert wrong["response"]["status"] == status


def test_fail_on_errors_leaves_out_what_was_not_tried(client):
    missing = {"method": "DELETE", "path": "/Users/U9"}
    entries = run(client, missing, user("ann"), missing, user("bob"), failOnErrors=2)
    assert statuses(entries) == ["404", "201", "404"]
    assert len(run(client, missing, missing, failOnErrors=1)) == 1
    assert len(run(client, missing, missing)) == 2
    run(client, missing, failOnErrors=-1, status=400)


def test_limits_are_told_and_kept():
    client = create_app(ScimConfig(bulk_max_operations=2, bulk_max_bytes=2000)).test_client()
    announced = get(client, "/ServiceProviderConfig")["bulk"]
    assert announced == {"supported": True, "maxOperations": 2, "maxPayloadSize": 2000}
    assert "2 operations" in run(client, *[user(c) for c in "abc"], status=413)["detail"]
    assert "2000 bytes" in run(client, user("a", title="x" * 2000), status=413)["detail"]
    assert get(client, "/Users")["totalResults"] == 0


@pytest.mark.parametrize("body", [[], {}, {"Operations": []}, {"Operations": {}}])
def test_a_body_without_operations_is_refused(client, body):
    response = client.post("/scim/v2/Bulk", json=body, headers=TOKEN)
    assert (response.status_code, response.json["scimType"]) == (400, "invalidSyntax")


def test_readers_may_not(client):
    run(client, user("ann"), status=403, headers={"Authorization": "Bearer reader"})


def test_other_methods_are_refused(client):
    response = client.get("/scim/v2/Bulk", headers=TOKEN)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST, OPTIONS")


def test_deep_data_ends_its_operation(client):
    deep: Any = "bulkId:x"
    for _ in range(200):
        deep = [deep]
    assert statuses(run(client, user("ann", title=deep))) == ["400"]


def test_a_dry_run_answers_plans_and_changes_nothing(client):
    body = {"Operations": [user("ann")]}
    response = client.post("/scim/v2/Bulk?dryRun=true", json=body, headers=TOKEN)
    (entry,) = response.json["Operations"]
    assert (entry["status"], entry["response"]) == ("200", {"operations": ["create"]})
    assert get(client, "/Users")["totalResults"] == 0


@pytest.mark.parametrize(
    "referred, told",
    [
        (["ann"], "A dry run creates nothing, so what refers to bulkId ann cannot be planned"),
        (["amn"], "The reference to bulkId amn cannot be resolved: no operation created it."),
        (["ann", "amn"], "The reference to bulkId amn cannot be resolved"),
    ],
)
def test_a_dry_run_tells_a_bulk_id_that_nothing_defines_from_one_that_only_waits(
    client, referred, told
):
    body = {"Operations": [user("ann"), group("legal", *referred)]}
    response = client.post("/scim/v2/Bulk?dryRun=true", json=body, headers=TOKEN)
    assert told in response.json["Operations"][1]["response"]["detail"]
