"""What is too long for an index of PostgreSQL is refused before anything is done, and a request
that was refused stands in no other's way."""

from __future__ import annotations

import random

import pytest

from scim.text import LONGEST_ID, LONGEST_TEXT
from tests.connector import ENTERPRISE, ok, refused


def text(length: int) -> str:
    """Return text that cannot be compressed, of three bytes a character."""
    chosen = random.Random(7)
    return "".join(chr(chosen.randrange(0x4E00, 0x9FFF)) for _ in range(length))


LONG = text(3000)
ATTRIBUTES = ["externalId", "displayName", "title", f"{ENTERPRISE}:department"]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_text_has_a_longest_length(connector, ann, name):
    path = f"/Users/{ann}"
    before = ok(connector.get(path))

    detail = refused(connector.patch(path, put(name, LONG)), 400, "invalidValue")

    assert f"{LONGEST_TEXT} characters at most" in detail
    assert ok(connector.get(path)) == before


def test_what_is_not_too_long_is_kept_and_found(connector, ann):
    longest = text(LONGEST_TEXT)
    changes = [put(name, longest) for name in ("externalId", "displayName")]

    shown = ok(connector.patch(f"/Users/{ann}", *changes))

    assert (shown["externalId"], shown["displayName"]) == (longest, longest)
    search = {"filter": f'externalId eq "{longest}" and displayName eq "{longest}"'}
    assert ok(connector.post("/Users/.search", search))["totalResults"] == 1


@pytest.mark.parametrize("name", ["externalId", "displayName"])
def test_nobody_is_created_with_too_long_a_text(connector, name):
    users = len(connector.world.state.users)
    body = {"userName": "long@acme.test", "name": {"givenName": "L"}, name: LONG}

    refused(connector.post("/Users", body), 400, "invalidValue")

    assert len(connector.world.state.users) == users


def test_no_resource_has_so_long_an_id(connector, ann):
    change = put("title", "x")
    for _ in range(3):
        refused(connector.patch(f"/Users/{text(900)}", change), 404)
        refused(connector.delete(f"/Groups/{text(900)}"), 404)
        refused(connector.post(f"/Nothing/{text(900)}", {}), 404)
    # The notes of the refused requests are in the audit, and in no other request's way.
    assert ok(connector.patch(f"/Users/{ann}", change))["title"] == "x"


def test_no_member_has_so_long_an_id(connector, ann, group):
    path = f"/Groups/{group}"
    ok(connector.patch(path, {"op": "add", "path": "members", "value": [{"value": ann}]}))

    add = {"op": "add", "path": "members", "value": [{"value": LONG}]}
    detail = refused(connector.patch(path, add), 400, "invalidValue")
    assert f"{LONGEST_ID} characters" in detail

    left = ok(connector.patch(path, {"op": "remove", "path": f'members[value eq "{LONG}"]'}))
    assert [item["value"] for item in left["members"]] == [ann]


def put(path: str, value: str) -> dict[str, str]:
    return {"op": "replace", "path": path, "value": value}
