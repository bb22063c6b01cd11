"""What null and an empty list mean, for every attribute that a client can write (RFC 7643 §2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from connector.scim_handlers.schemas import GROUPS, USERS
from scim.resources import ResourceType
from scim.schemas import Attribute
from tests.acceptance.scim.people import ADDRESS, op
from tests.connector import USER, Connector, connected, ok, refused
from tests.simulated import simulated


class Place(NamedTuple):
    kind: ResourceType
    keys: tuple[str, ...]
    """What leads to the attribute in a body; ``[]`` is an element of a list."""
    attribute: Attribute

    def body(self, value: Any) -> dict[str, Any]:
        """Return an object in which the attribute has the value."""
        found: Any = value
        for key in reversed(self.keys):
            found = [{"value": "x", **found}] if key == "[]" else {key: found}
        return found

    def __str__(self) -> str:
        return f"{self.kind.name} {'.'.join(self.keys)[-45:]}"


def _places(kind: ResourceType) -> Iterator[Place]:
    """Yield every attribute that a client can write, sub-attributes included."""
    yield Place(kind, ("externalId",), Attribute("externalId"))
    for schema in (kind.schema, *kind.extensions):
        above = () if schema is kind.schema else (schema.id,)
        for attribute in schema.attributes:
            if attribute.read_only:
                continue
            here = (*above, attribute.name)
            yield Place(kind, here, attribute)
            element = ("[]",) if attribute.multi_valued else ()
            for sub in attribute.sub_attributes:
                if not sub.read_only:
                    yield Place(kind, (*here, *element, sub.name), sub)


PLACES = [*_places(USERS), *_places(GROUPS)]
# Of a member that joins by PATCH its value alone counts, whatever else is sent of it.
SINGLE = [
    (place, method)
    for place in PLACES
    for method in ("POST", "PUT", "PATCH")
    if not place.attribute.multi_valued and (place.keys[0], method) != ("members", "PATCH")
]
ACCOUNT = "account"
"""Of a group: immutable, and so not to be cleared."""


@pytest.fixture(scope="module")
def connector(tmp_path_factory) -> Iterator[Connector]:
    """One for all: nothing is changed but by a dry run."""
    made = connected(tmp_path_factory.mktemp("unassigned") / "c.db", world=simulated(20))
    yield made
    made.close()


@pytest.fixture(scope="module")
def there(connector) -> dict[str, dict[str, Any]]:
    """A user and a group, by kind."""
    user = connector.create("unassigned@northwind.example", title="Clerk")
    return {"User": user, "Group": ok(connector.get(f"/Groups/{connector.group()}"))}


def _send(connector: Connector, there: dict[str, Any], method: str, place: Place, value: Any):
    held = there[place.kind.name]
    path = f"/{place.kind.name}s"
    base = {"userName": ADDRESS} if place.kind is USERS else {"displayName": "Unassigned"}
    if method == "POST":
        return connector.post(f"{path}?dryRun=true", {**base, **place.body(value)})
    item = f"{path}/{held['id']}?dryRun=true"
    if method == "PUT":
        name = "userName" if place.kind is USERS else "displayName"
        return connector.put(item, {name: held[name], **place.body(value)})
    return connector.patch(item, op("replace", None, place.body(value)))


@pytest.mark.parametrize(("place", "method"), SINGLE, ids=str)
def test_an_empty_list_is_no_value_of_what_has_one(connector, there, place, method):
    detail = refused(_send(connector, there, method, place, []), 400, "invalidValue")

    assert place.attribute.name in detail
    assert "must be one value, not an empty list" in detail


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_null_is_the_same_as_leaving_it_out_or_clears(connector, there, method, place):
    answer = _send(connector, there, method, place, None)

    if place.attribute.required:
        assert f"{place.attribute.name} is required" in refused(answer, 400, "invalidValue")
    elif place.keys == ("active",) and method == "PATCH":
        assert "active always has a value" in refused(answer, 400, "invalidValue")
    elif ACCOUNT in place.keys and method == "PATCH":
        refused(answer, 400, "mutability")
    elif place.keys[-2:] == ("[]", "value"):
        assert answer.status_code == 400  # An element without its value is none.
    elif place.keys[-2:-1] == ("[]",):
        # "x" is no value of any list: it was read, and that alone is wrong with it.
        assert f"{place.attribute.name} must be" not in answer.get_data(as_text=True)
    else:
        ok(answer)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("value", [None, []])
def test_lists_are_cleared_by_null_and_by_an_empty_list_alike(connector, there, method, value):
    for place in (p for p in PLACES if p.attribute.multi_valued):
        ok(_send(connector, there, method, place, value))


def test_nobody_is_neither_active_nor_inactive(connector):
    user = connector.create("always@northwind.example")
    path = f"/Users/{user['id']}"

    for operation in (
        op("replace", "active") | {"value": None},
        op("add", "active") | {"value": None},
        op("replace", "active", ""),
        op("replace", None, {"active": None}),
        op("replace", f"{USER}:active") | {"value": None},
    ):
        assert "always has a value" in refused(
            connector.patch(path, operation), 400, "invalidValue"
        )
    detail = refused(connector.patch(path, op("remove", "active")), 400, "mutability")

    assert "replace it by the one it shall have" in detail
    assert connector.user(user["id"]) == user


def test_a_body_that_leaves_active_unassigned_says_nothing_of_it(connector):
    user = connector.create("silent@northwind.example", active=None)
    assert user["active"] is True
    inactive = op("replace", "active", False)
    ok(connector.patch(f"/Users/{user['id']}", inactive))

    again = ok(
        connector.put(f"/Users/{user['id']}", {"userName": user["userName"], "active": None})
    )

    assert again["active"] is False
