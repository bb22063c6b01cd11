"""What is exported: well-formed, without secrets, and never apart from what is served."""

import json
import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from connector.domain.authentication.api_clients import Method
from connector.exports import (
    PRODUCTS,
    RETRYABLE_ERRORS,
    TOKEN_PLACEHOLDER,
    Target,
    base_url,
    render,
)
from connector.exports.attributes import (
    account_leaves,
    object_leaves,
    scalar_leaves,
    source_table,
    writable_leaves,
)
from connector.scim_handlers.schemas import USERS
from connector.scim_handlers.service import build_scim_service
from connector.settings import ServerSettings, Settings, TenantSettings
from scim.dialects import DIALECTS

TARGET = Target("https://iga.example.com/scim/v2", "default", "suite")
XML = ("identityiq", "midpoint")
JSON = ("isc", "entra", "okta")
HOSTILE = Target('https://x/?a=1&b="<>', "</a>&'\"--", '"]]><evil/>&{{ 7*7 }}')
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"


@pytest.fixture(scope="module")
def identityiq():
    return ET.fromstring(render("identityiq", TARGET))


@pytest.fixture(scope="module")
def isc():
    return json.loads(render("isc", TARGET))


@pytest.fixture(scope="module")
def okta():
    return json.loads(render("okta", TARGET))


@pytest.fixture(scope="module")
def entra():
    return json.loads(render("entra", TARGET))


def test_there_is_a_document_for_each_product_and_each_has_a_dialect():
    assert set(PRODUCTS) == {*XML, *JSON}
    assert set(PRODUCTS) <= set(DIALECTS)


@pytest.mark.parametrize("target", [TARGET, HOSTILE])
@pytest.mark.parametrize("product", XML)
def test_xml_is_well_formed_whatever_the_names(product, target):
    text = render(product, target)
    values = {*ET.fromstring(text).itertext()}
    values |= {value for node in ET.fromstring(text).iter() for value in node.attrib.values()}
    assert any(target.base_url in value for value in values)
    assert any(target.client in value for value in values)


@pytest.mark.parametrize("target", [TARGET, HOSTILE])
@pytest.mark.parametrize("product", JSON)
def test_json_is_json_whatever_the_names(product, target):
    text = json.dumps(json.loads(render(product, target)))
    assert json.dumps(target.base_url).strip('"') in text
    assert json.dumps(target.client).strip('"') in text


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_placeholder_stands_for_the_token(product):
    text = render(product, TARGET)
    assert "dsiga_" not in text
    assert product == "isc" or TOKEN_PLACEHOLDER in text


@pytest.mark.parametrize("product", PRODUCTS)
def test_what_is_not_confirmed_is_marked(product):
    assert "not confirmed" in render(product, TARGET).lower()


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_the_address_is_the_one_that_is_served(tenant):
    settings = Settings(
        server=ServerSettings(public_url="https://iga.example.com/"),
        tenants={tenant: TenantSettings(name=tenant)},
    )
    served = build_scim_service(
        SimpleNamespace(
            settings=settings,
            clients=None,
            throttle=None,
            offered=frozenset({Method.TOKEN}),
            token_verifier=None,
            request=None,
            catalogue=SimpleNamespace(find=lambda _name: SimpleNamespace(is_active=True)),
        )
    ).base_url(tenant)
    assert base_url(settings.server, tenant) == served


# ------------------------------------------------------------------------------ no drift


def test_every_writable_attribute_has_a_decided_source_and_nothing_else_has_one():
    assert set(source_table()) == {leaf.path for leaf in writable_leaves()}


def test_sources_name_known_products_only():
    assert {name for row in source_table().values() for name in row} <= set(PRODUCTS)


def test_identityiq_has_exactly_the_attributes_of_the_schemas(identityiq):
    for schema in identityiq.iter("Schema"):
        kind = schema.get("objectType")
        leaves = account_leaves() if kind == "account" else object_leaves(kind)
        names = [item.get("name") for item in schema.iter("AttributeDefinition")]
        assert names == [leaf.path for leaf in scalar_leaves(leaves)]
        assert {schema.get("identityAttribute"), schema.get("displayAttribute")} <= set(names)


def test_isc_has_exactly_the_attributes_of_the_schemas(isc):
    for part in isc["schemas"]:
        kind = part["body"]["name"]
        leaves = account_leaves() if kind == "account" else object_leaves(kind)
        names = [item["name"] for item in part["body"]["attributes"]]
        assert names == [leaf.path for leaf in scalar_leaves(leaves)]


def test_a_new_attribute_of_the_schema_appears(monkeypatch):
    from dataclasses import replace

    from connector.exports import attributes
    from scim.schemas import Attribute

    users = replace(USERS, schema=USERS.schema.plus(Attribute("nickName")))
    monkeypatch.setattr(attributes, "USERS", users)
    assert "nickName" in {leaf.path for leaf in account_leaves()}
    assert set(source_table()) != {leaf.path for leaf in writable_leaves()}


# ------------------------------------------------------------------------------ IdentityIQ


def test_identityiq_maps_what_is_held_under_the_names_that_its_connector_knows(identityiq):
    held = {
        item.get("name"): item.get("schemaObjectType")
        for item in identityiq.find("Schemas/Schema[@objectType='account']")
        if item.get("entitlement") == "true"
    }
    assert held == {"groups": "group", "entitlements": "entitlement", "roles": "role"}
    for kind in held.values():
        schema = identityiq.find(f"Schemas/Schema[@objectType='{kind}']")
        assert schema.get("aggregationType") == "group"
        assert schema.get("identityAttribute") == "id"


def test_identityiq_has_a_form_for_each_operation(identityiq):
    forms = {form.get("type"): form for form in identityiq.iter("Form")}
    assert set(forms) == {"Create", "Update", "Enable", "Disable", "Delete"}
    fields = {field.get("name") for field in forms["Create"].iter("Field")}
    assert {"userName", "active", "entitlements", "externalId"} <= fields
    served = {leaf.path for leaf in writable_leaves()}
    assert {field.get("name") for field in identityiq.iter("Field")} <= served


def test_identityiq_settings(identityiq):
    entries = {entry.get("key"): entry for entry in identityiq.find("Attributes/Map")}
    assert entries["usePatch"].find("value/Boolean").text == "true"
    assert entries["skipGrpUpdate"].get("value") == "false"
    listed = [item.text for item in entries["retryableErrors"].iter("String")]
    assert listed == list(RETRYABLE_ERRORS)
    assert {item.get("key") for item in entries["rateLimitHeaders"].find("value/Map")} == {
        "limitHeader",
        "remainingHeader",
        "limitResetHeader",
        "retryAfterHeader",
    }


def test_no_retryable_text_can_be_part_of_an_id():
    assert not any(character.isdigit() for text in RETRYABLE_ERRORS for character in text)


# ------------------------------------------------------------------------------ the others


def test_isc_asks_for_the_address(isc):
    required = [
        field["name"]
        for field in isc["provisioningPolicy"]["body"]["fields"]
        if field["isRequired"]
    ]
    assert required == ["userName"]


def test_entra_matches_by_the_address_and_the_group_by_its_name(entra):
    for kind, path in (("users", "userName"), ("groups", "displayName")):
        rows = entra["attributeMappings"][kind]
        assert [row["target"] for row in rows if row["matchingPrecedence"] == 1] == [path]
    targets = {row["target"] for row in entra["attributeMappings"]["users"]}
    assert 'emails[type eq "work"].value' in targets
    assert f"{ENTERPRISE}manager" in targets


def test_entra_s_default_table_asks_for_no_role(entra):
    """Everybody assigned to an enterprise application has an app role, mostly none of ours."""
    assert not any("roles" in row["target"] for row in entra["attributeMappings"]["users"])
    (row,) = entra["attributeMappings"]["appRoles"]
    assert row["target"] == 'roles[primary eq "True"].value'


def test_entra_job_schema_repeats_the_direct_mappings_of_the_table(entra):
    (rule,) = entra["synchronizationSchema"]["synchronizationRules"]
    for part, kind in zip(rule["objectMappings"], ("users", "groups"), strict=True):
        direct = [
            row["target"]
            for row in entra["attributeMappings"][kind]
            if row["mappingType"] == "Direct"
        ]
        assert [item["targetAttributeName"] for item in part["attributeMappings"]] == direct


def test_okta_maps_each_attribute_that_it_adds(okta):
    added = okta["appUserSchema"]["body"]["definitions"]["custom"]["properties"]
    mapped = okta["profileMapping"]["body"]["properties"]
    assert set(added) <= set(mapped)
    paths = {f"{item['externalNamespace']}:{item['externalName']}" for item in added.values()}
    assert f"{ENTERPRISE}department" in paths
    titles = {name: item["title"] for name, item in added.items()}
    assert (titles["middleName"], titles["costCenter"]) == ("Middle name", "Cost center")
    assert (titles["managerValue"], titles["managerDisplayName"]) == (
        "Manager",
        "Manager display name",
    )
    assert added["middleName"]["description"] == "The middle names."


def test_identityiq_has_the_form_of_its_own_exports(identityiq):
    """Elements in the order in which the product writes them, fields in sections."""
    assert render("identityiq", TARGET).count('<!DOCTYPE Application PUBLIC "sailpoint.dtd"') == 1
    assert [child.tag for child in identityiq] == sorted(child.tag for child in identityiq)
    assert {field.tag for form in identityiq.iter("Form") for field in form} == {"Section"}
    known = {"AllowedValuesDefinition", "Script"}
    assert {part.tag for field in identityiq.iter("Field") for part in field} == known
    for definition in identityiq.iter("AttributeDefinition"):
        assert [part.tag for part in definition] == ["Description"]


def test_midpoint_keeps_to_the_sequence_of_its_schema():
    """ResourceType of common-provisioning-3.xsd, behind what every object begins with."""
    sequence = [
        *("name", "description", "connectorRef", "connectorConfiguration", "schema"),
        *("schemaHandling", "capabilities", "consistency", "synchronization"),
    ]
    resource = ET.fromstring(render("midpoint", TARGET))
    namespaces = {child.tag.partition("}")[0] for child in resource}
    assert namespaces == {"{http://midpoint.evolveum.com/xml/ns/public/common/common-3"}
    found = [child.tag.partition("}")[2] for child in resource]
    assert found == [name for name in sequence if name in found]


def test_midpoint_can_parse_every_path():
    """Prism splits a path at slashes and a segment at its colon: a prefix and a name, no more."""
    common = "{http://midpoint.evolveum.com/xml/ns/public/common/common-3}"
    resource = ET.fromstring(render("midpoint", TARGET))
    refs = [item.text for item in resource.iter(f"{common}ref")]
    assert all(re.fullmatch(r"(ri|icfs):[A-Za-z_][\w.-]*", str(ref)) for ref in refs), refs
    base = "urn_x3aietf_x3aparams_x3ascim_x3aschemas_x3aextension_x3aenterprise_x3a2.0_x3aUser"
    assert {f"ri:{base}_x3aemployeeNumber", f"ri:{base}_x3acostCenter"} <= set(refs)
    assert "ri:name.familyName" in refs


def test_midpoint_maps_enable_and_disable_and_groups():
    common = "{http://midpoint.evolveum.com/xml/ns/public/common/common-3}"
    account = ET.fromstring(render("midpoint", TARGET)).find(f"{common}schemaHandling/*[1]")
    assert account.find(f"{common}activation/{common}administrativeStatus") is not None
    assert account.find(f"{common}association/{common}ref").text == "ri:groups"
