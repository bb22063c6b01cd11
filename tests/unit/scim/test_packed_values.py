"""What Entra ID packs is unpacked, and nothing else is touched."""

import json

import pytest

from scim.packed_values import unpacked

PACKED = json.dumps({"id": "06b0", "value": "admin", "displayName": "Admin"})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"roles": [{"value": PACKED}]}, {"roles": [{"value": "admin"}]}),
        ({"Roles": {"Value": PACKED}}, {"Roles": {"Value": "admin"}}),
        ({"roles": PACKED}, {"roles": "admin"}),
        ({"title": PACKED}, {"title": PACKED}),
        ({"roles": [{"value": "{no json"}]}, {"roles": [{"value": "{no json"}]}),
        ({"roles": [{"value": '{"id": 1}'}]}, {"roles": [{"value": '{"id": 1}'}]}),
        ({"roles": [{"value": '{"value": 1}'}]}, {"roles": [{"value": '{"value": 1}'}]}),
        ({"roles": [1, None]}, {"roles": [1, None]}),
        ("text", "text"),
        (None, None),
    ],
)
def test_a_resource(document, expected):
    assert unpacked(document) == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "Add", "path": "roles", "value": [{"value": PACKED}]}, [{"value": "admin"}]),
        ({"path": 'roles[primary eq "True"].value', "value": PACKED}, "admin"),
        (
            {"path": "urn:ietf:params:scim:schemas:core:2.0:User:roles", "value": PACKED},
            "admin",
        ),
        ({"path": "displayName", "value": PACKED}, PACKED),
        ({"path": "rolesOfMine", "value": PACKED}, PACKED),
        ({"path": 7, "value": PACKED}, PACKED),
        ({"value": {"roles": PACKED, "title": PACKED}}, {"roles": "admin", "title": PACKED}),
        ({"path": "", "value": {"roles": [PACKED]}}, {"roles": ["admin"]}),
    ],
)
def test_an_operation(operation, expected):
    (after,) = unpacked({"operations": [operation]})["operations"]
    assert after["value"] == expected


def test_operations_that_are_none_stay_as_they_are():
    body = {"Operations": [1, "x", None]}
    assert unpacked(body) == body
