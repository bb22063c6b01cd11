"""What discovery says is true: every schema is complete, and every resource keeps to its own."""

from __future__ import annotations

import pytest

from tests.connector import ORGANIZATION_ADMIN, ok

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
CHARACTERISTICS = {
    *("name", "type", "multiValued", "description", "required"),
    *("caseExact", "mutability", "returned", "uniqueness"),
}
TYPES = {"boolean": bool, "complex": dict, "integer": int}
COMMON = {"schemas", "meta"}
"""RFC 7643 §3.1 takes these for granted."""


@pytest.fixture
def schemas(connector):
    return {item["id"]: item for item in ok(connector.get("/Schemas"))["Resources"]}


def every(attributes, path=""):
    """Yield each attribute and sub-attribute with its path."""
    for attribute in attributes:
        yield f"{path}{attribute['name']}", attribute
        yield from every(attribute.get("subAttributes", ()), f"{path}{attribute['name']}.")


def problems(value, attribute, path):
    """Yield where a value is not what its attribute says."""
    if attribute.get("multiValued") is not isinstance(value, list):
        yield f"{path}: one or many"
    for one in value if isinstance(value, list) else [value]:
        if attribute["returned"] == "never" or not isinstance(
            one, TYPES.get(attribute["type"], str)
        ):
            yield f"{path}: {one!r}"
        elif attribute["type"] == "complex":
            yield from misfits(one, attribute["subAttributes"], path)
        elif one not in attribute.get("canonicalValues", [one]):
            yield f"{path}: {one!r} is no canonical value"


def misfits(values, attributes, path=""):
    known = {attribute["name"]: attribute for attribute in attributes}
    for name, value in values.items():
        if name not in known:
            yield f"{path}.{name} is not described"
        else:
            yield from problems(value, known[name], f"{path}.{name}")
    yield from (
        f"{path}.{n} is missing" for n, a in known.items() if a["required"] and n not in values
    )


def test_every_attribute_is_described_with_every_characteristic(schemas):
    """RFC 7643 §7; "service providers MUST specify the description"."""
    for urn, schema in schemas.items():
        for path, attribute in every(schema["attributes"]):
            where = f"{urn}:{path}"
            assert attribute.keys() >= CHARACTERISTICS, where
            assert attribute["description"].endswith("."), where
            assert (attribute["type"] == "complex") == ("subAttributes" in attribute), where
            assert (attribute["type"] == "reference") == ("referenceTypes" in attribute), where
            is_text = attribute["type"] in ("string", "reference", "binary")
            assert is_text or not attribute["caseExact"], where


def test_every_resource_keeps_to_its_schemas(connector, schemas):
    person = connector.create("ann.lee@acme.test", title="Counsel", roles=[ORGANIZATION_ADMIN])
    connector.delete(f"/Users/{connector.create('gone@acme.test')['id']}")
    assert person
    for resource_type in ok(connector.get("/ResourceTypes"))["Resources"]:
        listed = ok(connector.get(f"{resource_type['endpoint']}?count=200"))["Resources"]
        assert listed, resource_type["name"]
        extensions = {item["schema"] for item in resource_type["schemaExtensions"]}
        for resource in listed:
            assert set(resource["schemas"]) <= {resource_type["schema"], *extensions}
            held = {urn: resource.pop(urn) for urn in extensions & resource.keys()}
            assert {*held, resource_type["schema"]} == set(resource.pop("schemas"))
            assert not [*misfits(resource, schemas[resource_type["schema"]]["attributes"])]
            for urn, values in held.items():
                assert not [*misfits(values, schemas[urn]["attributes"])]


@pytest.mark.parametrize(
    "path", ["ServiceProviderConfig", "ResourceTypes/User", "Schemas/" + CORE + "User"]
)
def test_discovery_documents_keep_to_their_schemas(connector, schemas, path):
    document = ok(connector.get(f"/{path}"))
    (urn,) = document["schemas"]
    shown = {name: value for name, value in document.items() if name not in COMMON}
    assert not [*misfits(shown, schemas[urn]["attributes"])]
    assert document["meta"]["location"].endswith(f"/{path}")


def test_what_the_configuration_says_is_kept(connector):
    config = ok(connector.get("/ServiceProviderConfig"))
    largest = config["filter"]["maxResults"]
    assert largest == config["pagination"]["maxPageSize"]
    page = ok(connector.get(f"/Groups?count={largest + 50}"))
    assert page["itemsPerPage"] == min(largest, page["totalResults"])
    operations = [{"method": "DELETE", "path": "/Users/x"}] * (config["bulk"]["maxOperations"] + 1)
    assert connector.post("/Bulk", {"Operations": operations}).status_code == 413
    tag = connector.get("/Users?count=1").json["Resources"][0]["meta"]["version"]
    assert config["etag"]["supported"]
    assert tag.startswith('W/"')
    (scheme, *_) = config["authenticationSchemes"]
    assert scheme["primary"]
    assert sum(item["primary"] for item in config["authenticationSchemes"]) == 1


def test_roles_and_entitlements_are_announced_where_that_is_set(connect):
    """draft-ietf-scim-roles-entitlements-01, section 3.1."""
    plain, announcing = connect(), connect(scim={"announce_roles": True, "announce_async": True})
    assert "RolesAndEntitlements" not in ok(plain.get("/ServiceProviderConfig"))
    config = ok(announcing.get("/ServiceProviderConfig"))
    urn = f"{CORE}ServiceProviderConfig"
    described = ok(announcing.get(f"/Schemas/{urn}"))["attributes"]
    shown = {name: value for name, value in config.items() if name not in COMMON}
    assert not [*misfits(shown, described)]
    for name, endpoint in (("roles", "/Roles"), ("entitlements", "/Entitlements")):
        listed = ok(announcing.get(endpoint))["Resources"]
        told = config["RolesAndEntitlements"][name]
        assert told["supported"]
        assert {item["type"] for item in listed} == set(told["types"])


@pytest.mark.parametrize(
    ("names", "answers"),
    [
        (("ServiceProviderConfig",), (200, 401, 401)),
        (("ServiceProviderConfig", "ResourceTypes", "Schemas"), (200, 200, 200)),
        ((), (401, 401, 401)),
    ],
)
def test_what_is_read_without_a_credential_is_set(connect, names, answers):
    connector = connect(scim={"anonymous_discovery": names})
    paths = ("ServiceProviderConfig", "ResourceTypes", f"Schemas/{CORE}User")
    read = [connector.http.get(f"/scim/v2/{path}").status_code for path in paths]
    assert tuple(read) == answers
    assert connector.http.get("/scim/v2/Users").status_code == 401
    assert connector.http.get("/nobody/scim/v2/Schemas").status_code in (401, 404)
