"""Documents reach their reader without being parsed."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from connector.ports import BASE_URL_MARK, GroupMember, StoredResource
from connector.scim_handlers.rendering import render

BASE = "https://scim.acme.test/scim/v2"
TEXT = f'{{"id":"u1","meta":{{"location":"{BASE_URL_MARK}/Users/u1"}}}}'


def stored(external_id=None, document=TEXT):
    return StoredResource("u1", document, 'W/"1"', datetime(2026, 1, 1, tzinfo=UTC), external_id)


def test_the_base_url_takes_the_place_of_the_mark():
    assert orjson.loads(render(stored(), BASE).document) == {
        "id": "u1",
        "meta": {"location": f"{BASE}/Users/u1"},
    }


def test_an_external_id_may_contain_anything():
    external_id = f'"\\{BASE_URL_MARK}é\n'

    assert orjson.loads(render(stored(external_id), BASE).document)["externalId"] == external_id


def test_members_are_joined_in():
    members = [GroupMember("u2", 'Ann "A" Lee')]

    assert orjson.loads(render(stored("e"), BASE, members).document)["members"] == [
        {"value": "u2", "$ref": f"{BASE}/Users/u2", "type": "User", "display": 'Ann "A" Lee'}
    ]


def test_no_members_are_no_attribute():
    assert "members" not in orjson.loads(render(stored(), BASE, []).document)
