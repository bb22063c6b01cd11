"""Wrong and strange values in every attribute, and operations that cannot be carried out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.bad_input.refusals import ADDRESS, refused_or_harmless, said_no
from tests.connector import Connector, ok

WRONG: dict[str, list[Any]] = {
    "string": [1, 1.5, True, {}, ["a"], {"value": "a"}],
    "reference": [1, True, {}, ["a"]],
    "boolean": ["perhaps", 7, {}, [True], 1.5],
    "integer": ["seven", {}, [1], 1.5],
    "decimal": ["seven", {}, [1]],
    "dateTime": ["yesterday", 7, {}, []],
    "binary": [7, {}, "no base64 !"],
    "complex": ["a", 7, True, [{}]],
}
STRANGE = ["\x00", "a\x00b", "\x01", "\x1f\x7f", "\ud800", "x" * 70_000, 10**400, -(10**30), 1e308]
"""Values that no database or no DocuSign holds."""


def writable(attributes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (item for item in attributes if item["mutability"] != "readOnly")


def wrong_values(attribute: dict[str, Any]) -> Iterator[Any]:
    """Return values that an attribute cannot have, its sub-attributes' too."""
    bad = [item for item in WRONG[attribute["type"]] if not isinstance(item, list)]
    if attribute["multiValued"]:
        # A single value is taken for a list of one, and a complex one by its value.
        tolerated = (str,) if attribute["type"] == "complex" else ()
        yield from (item for item in [7, True] if not isinstance(item, tolerated))
        yield from ([item] for item in bad if not isinstance(item, (str, dict)))
    else:
        yield from (item for item in WRONG[attribute["type"]] if item != {})
    for part in writable(attribute.get("subAttributes", [])):
        for value in WRONG[part["type"]]:
            if value in ({}, []):
                continue
            whole = {part["name"]: value}
            yield [whole] if attribute["multiValued"] else whole


def cases(connector: Connector, resource: str) -> Iterator[tuple[str, str | None, Any]]:
    """Return (attribute, extension or None, wrong value) for everything that can be written."""
    types = ok(connector.get("/ResourceTypes"))["Resources"]
    (found,) = [item for item in types if item["name"] == resource]
    for urn in [found["schema"], *(item["schema"] for item in found["schemaExtensions"])]:
        extension = None if urn == found["schema"] else urn
        for attribute in writable(ok(connector.get(f"/Schemas/{urn}"))["attributes"]):
            for value in wrong_values(attribute):
                yield attribute["name"], extension, value


@pytest.mark.parametrize("resource", ["User", "Group"])
def test_wrong_types_in_every_attribute(connector, ann, group, resource):
    target = f"/Users/{ann}" if resource == "User" else f"/Groups/{group}"
    base = {"userName": ADDRESS} if resource == "User" else {"displayName": "Hostile"}
    tried, taken = 0, []
    for name, extension, value in cases(connector, resource):
        body: dict[str, Any] = {**base}
        body.update({extension: {name: value}} if extension else {name: value})
        path = f"{extension}:{name}" if extension else name
        step = {"op": "replace", "path": path, "value": value}
        for response in (connector.put(target, body), connector.patch(target, step)):
            tried += 1
            if not refused_or_harmless(response, (path, value)):
                taken.append((path, value))
    assert tried > (100 if resource == "User" else 15)
    assert not (left := [item for item in taken if not tolerated(*item)]), left


def tolerated(path: str, value: Any) -> bool:
    """Whether a value of another form is read on purpose, because clients send it: a list of one as
    its element, a manager's id for the manager. An empty object is nothing at all."""
    return harmless(value) or (path.endswith(":manager") and isinstance(value, str))


def harmless(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict):
        return type(value[0]) is not int
    if isinstance(value, list):
        return all(map(harmless, value))
    return isinstance(value, dict) and all(map(harmless, value.values()))


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: repr(value)[:12])
def test_strange_values(connector, ann, group, value):
    for path in ("userName", "displayName", "name", "title", "externalId", "active", "roles"):
        refused_or_harmless(connector.post("/Users", {"userName": "x@y.test", path: value}), path)
        step = {"op": "replace", "path": path, "value": value}
        refused_or_harmless(connector.patch(f"/Users/{ann}", step), path)
    for path in ("displayName", "externalId", "members"):
        step = {"op": "replace", "path": path, "value": value}
        refused_or_harmless(connector.patch(f"/Groups/{group}", step), path)
    for element in ({"value": value}, {"$ref": value, "value": value}):
        body = {"userName": "x@y.test", "entitlements": [element]}
        refused_or_harmless(connector.post("/Users", body), element)
        step = {"op": "add", "path": "members", "value": [element]}
        refused_or_harmless(connector.patch(f"/Groups/{group}", step), element)


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"op": "destroy", "path": "title"},
        {"op": 1},
        {"op": "add"},
        {"op": "add", "path": 7, "value": "a"},
        {"op": "add", "path": "nickName", "value": "a"},
        {"op": "add", "path": "title.value", "value": "a"},
        {"op": "add", "path": "urn:nothing:title", "value": "a"},
        {"op": "replace", "path": 'emails[type eq "', "value": "a"},
        {"op": "replace", "path": "emails[" * 2000, "value": "a"},
        {"op": "remove"},
        {"op": "replace", "path": "id", "value": "a"},
        {"op": "replace", "path": "groups", "value": []},
        {"op": "remove", "path": "userName"},
        {"op": "add", "path": "\x00", "value": "a"},
        "add",
        None,
        [],
    ],
    ids=repr,
)
def test_an_impossible_operation(connector, ann, step):
    before = connector.user(ann)
    said_no(connector.patch(f"/Users/{ann}", step))
    assert connector.user(ann) == before
