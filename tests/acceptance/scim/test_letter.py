"""Where the RFCs are easily missed by a letter: each case was wrong once, here or elsewhere."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from connector.domain.authentication.api_clients import Scope
from tests.connector import ENTERPRISE, PUBLIC_URL, ok, refused

ADDRESS = "ann.lee@acme.test"
READ_ONLY = "GET, HEAD, OPTIONS"


@pytest.fixture
def ann(connector):
    name = {"givenName": "Ann", "familyName": "Lee"}
    manager = {"value": "m1", "$ref": f"{PUBLIC_URL}/scim/v2/Users/m1"}
    return connector.create(ADDRESS, name=name, **{ENTERPRISE: {"manager": manager}})


@pytest.fixture
def group(connector, ann):
    body = {"displayName": "Legal", "members": [{"value": ann["id"]}]}
    return ok(connector.post("/Groups", body), 201)["id"]


def found(connector, filter_, endpoint="/Users"):
    return ok(connector.get(f"{endpoint}?count=0&filter={quote(filter_)}"))["totalResults"]


# filters ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filter_", "number"),
    [
        ('name[givenName eq "ann" and familyName eq "LEE"]', 1),
        ('name[givenName eq "ann" and not (familyName pr)]', 0),
        ('userName[value eq "ann.lee@acme.test"]', 1),
        (f'{ENTERPRISE}:manager[value eq "m1" and $ref pr]', 1),
        (f'{ENTERPRISE}:manager[not (value eq "m1")]', 0),
    ],
)
def test_brackets_follow_attributes_of_one_value_too(connector, ann, filter_, number):
    """RFC 7644 §3.4.2.2: valuePath = attrPath "[" valFilter "]", whatever the attribute."""
    assert found(connector, filter_) == number


@pytest.mark.parametrize(
    ("operator", "text", "holds"),
    [
        ("sw", "https://", True),
        ("sw", f"{PUBLIC_URL}/scim/v2/Users/", True),
        ("sw", "http://", False),
        ("co", "acme.test", True),
        ("co", "/v2/Users/", True),
        ("co", "/v2/Groups/", False),
        ("ew", "{id}", True),
        ("ew", "v2/Users/{id}", True),
        ("ew", f"{PUBLIC_URL}/scim/v2/Users/{{id}}", True),
        ("ew", "v3/Users/{id}", False),
        ("gt", "https://a", True),
        ("gt", "https://z", False),
        ("lt", "https://z", True),
        ("ge", f"{PUBLIC_URL}/scim/v2/Users/{{id}}", True),
        ("ne", f"{PUBLIC_URL}/scim/v2/Users/{{id}}", False),
        ("eq", "/scim/v2/Users/{id}", False),
    ],
)
def test_addresses_are_compared_as_clients_see_them(connector, ann, operator, text, holds):
    text = text.format(id=ann["id"])
    asked = f'userName eq "{ADDRESS}" and meta.location {operator} "{text}"'
    assert found(connector, asked) == holds


def test_an_address_that_the_client_wrote_is_compared_as_it_was_written(connector, ann):
    address = f"{PUBLIC_URL}/scim/v2/Users/m1"
    assert found(connector, f'{ENTERPRISE}:manager.$ref eq "{address}"') == 1
    assert found(connector, f'{ENTERPRISE}:manager.$ref sw "{PUBLIC_URL}"') == 1


def test_addresses_of_members_and_groups_are_compared_so_too(connector, ann, group):
    user = f"{PUBLIC_URL}/scim/v2/Users/{ann['id']}"
    assert found(connector, f'members.$ref eq "{user}"', "/Groups") == 1
    assert found(connector, f'members[$ref co "v2/Users/{ann["id"]}"]', "/Groups") == 1
    assert found(connector, f'groups[$ref ew "v2/Groups/{group}"]') == 1


# userName -----------------------------------------------------------------------------


@pytest.mark.parametrize("domain_is_claimed", [True, False])
def test_a_user_name_in_another_case_is_the_same(connector, domain_is_claimed):
    """RFC 7643 §4.1.1: caseExact is false. DocuSign refuses the change in other domains."""
    domain = "northwind-freight.example" if domain_is_claimed else "acme.test"
    user = connector.create(f"zed@{domain}")
    other = f"ZED@{domain.title()}"
    change = {"op": "replace", "path": "userName", "value": other}
    assert ok(connector.patch(f"/Users/{user['id']}", change)) == user
    assert ok(connector.put(f"/Users/{user['id']}", {**user, "userName": other})) == user


# members ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        'members[value eq "{id}" and type eq "User"]',
        'members[type eq "user" and value eq "{id}"]',
        'members[display sw "Ann"]',
        'members[$ref ew "{id}"]',
        'members[not (value eq "{bea}")]',
    ],
)
def test_members_are_selected_by_any_filter(connector, ann, group, path):
    """RFC 7644 §3.5.2: PATH = valuePath, with every filter that a valuePath can have."""
    bea = connector.create("bea@acme.test")
    both = {"op": "add", "path": "members", "value": [{"value": bea["id"]}]}
    ok(connector.patch(f"/Groups/{group}", both))
    remove = {"op": "remove", "path": path.format(id=ann["id"], bea=bea["id"])}
    after = ok(connector.patch(f"/Groups/{group}", remove))
    assert [item["value"] for item in after["members"]] == [bea["id"]]
    assert connector.group_members(group) == {bea["id"]}


def test_a_selected_member_is_replaced(connector, ann, group):
    bea = connector.create("bea@acme.test")
    path, value = f'members[value eq "{ann["id"]}"]', {"value": bea["id"]}
    ok(connector.patch(f"/Groups/{group}", {"op": "replace", "path": path, "value": value}))
    assert connector.group_members(group) == {bea["id"]}
    again = connector.patch(f"/Groups/{group}", {"op": "replace", "path": path, "value": value})
    refused(again, 400, "noTarget")


def test_a_filter_on_what_members_do_not_have_is_named(connector, group):
    remove = {"op": "remove", "path": 'members[phone eq "1"]'}
    refused(connector.patch(f"/Groups/{group}", remove), 400, "invalidFilter")


def test_a_name_given_twice_in_different_case_is_refused(connector, ann):
    """Which of the two counts would be a guess, in a PATCH without path as in a POST."""
    for value in ({"title": "A", "Title": "B"}, {ENTERPRISE: {"division": "A", "DIVISION": "B"}}):
        patch = {"op": "replace", "value": value}
        refused(connector.patch(f"/Users/{ann['id']}", patch), 400, "invalidSyntax")


# preconditions ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "GET"])
def test_an_if_match_without_any_tag_lets_nothing_through(connector, ann, method):
    path = f"/Users/{ann['id']}"
    refused(connector.send(method, path, dict(ann), if_match=","), 400, "invalidSyntax")
    assert connector.user(ann["id"]) == ann


def test_a_read_has_preconditions_as_well(connector, ann):
    """RFC 9110 §13.1.1."""
    path, version = f"/Users/{ann['id']}", ann["meta"]["version"]
    refused(connector.get(path, if_match='W/"old"'), 412)
    for tags in (version, f'"x", {version}', "*"):
        ok(connector.get(path, if_match=tags))


# methods ------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", ["Roles", "Entitlements", "Tombstones"])
@pytest.mark.parametrize(
    ("method", "item"),
    [
        ("POST", ""),
        ("PUT", "/x"),
        ("PATCH", "/x"),
        ("DELETE", "/x"),
        ("DELETE", ""),
        ("POST", "/x"),
    ],
)
def test_what_is_read_only_takes_no_writes_whatever_they_say(connector, type_, method, item):
    for body in (None, {"no": "PatchOp"}):
        response = connector.send(method, f"/{type_}{item}", body)
        refused(response, 405)
        assert response.headers["Allow"] == READ_ONLY


def test_options_of_a_path_that_is_none(connector):
    refused(connector.send("OPTIONS", "/Users/a/b"), 404)


# headers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("application/scim+json; charset=utf-8", "application/scim+json; charset=utf-8"),
        ("application/scim+json;charset=UTF-8;q=0.9, */*;q=0.1", "application/scim+json"),
        ("application/json; charset=utf-8", "application/json; charset=utf-8"),
        ('application/json; odata="minimal"', "application/json"),
        ("application/scim+json; charset=utf-8; q=0, application/json", "application/json"),
    ],
)
def test_parameters_of_accepted_media_types_do_not_matter(connector, accept, answered):
    response = connector.get("/Users?count=0", accept=accept)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(answered)


def test_a_missing_scope_is_told_in_a_challenge(connector):
    """RFC 6750 §3.1."""
    reader = connector.client_token("reader", scopes=frozenset({Scope.READ}))
    people = connector.client_token("people", scopes=frozenset({Scope.READ, Scope.WRITE_USERS}))
    for token, path in ((reader, "/Users"), (people, "/Groups")):
        response = connector.send("POST", path, {"userName": ADDRESS}, token=token)
        refused(response, 403)
        assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("path", "status", "scim_type"),
    [
        ("/scim", 404, None),
        ("/scim/Users", 404, None),
        ("/tenant/scim/Users/1", 404, None),
        ("/scim/v3/Users", 400, "invalidVers"),
        ("/scim/v1", 400, "invalidVers"),
        ("/scim/vault", 404, None),
    ],
)
def test_an_address_without_the_version_is_answered_as_scim(connector, path, status, scim_type):
    """RFC 7644 §3.13. It is what comes of a base address that was entered too short."""
    assert "/scim/v2" in refused(connector.http.get(path), status, scim_type)


# messages -----------------------------------------------------------------------------


def test_names_in_a_search_are_read_in_any_case(connector, ann):
    """RFC 7643 §2.1; passed over, a filter would have every user returned."""
    body = {"Filter": f'userName eq "{ADDRESS}"', "COUNT": 1, "Attributes": ["userName"]}
    answer = ok(connector.post("/Users/.search", body))
    assert (answer["totalResults"], answer["Resources"][0]["userName"]) == (1, ADDRESS)
    assert "emails" not in answer["Resources"][0]


@pytest.mark.parametrize("path", ["/Users/.search", "/.search", "/Bulk"])
def test_a_strict_client_is_held_to_the_schemas_of_every_message(connector, path):
    strict = connector.client_token("strict", settings={"strict_schemas": True})
    operation = {"method": "DELETE", "path": "/Users/none"}
    body = {"count": 0, "Operations": [operation]}
    detail = refused(connector.send("POST", path, body, token=strict), 400, "invalidSyntax")
    urn = detail.rpartition(" ")[2].rstrip(".")
    ok(connector.send("POST", path, {"schemas": [urn], **body}, token=strict))


def test_excluding_members_of_another_schema_excludes_none_of_ours(connector, group):
    assert ok(connector.get(f"/Groups/{group}?excludedAttributes=urn:x:members"))["members"]
    core = "urn:ietf:params:scim:schemas:core:2.0:Group:members"
    assert "members" not in ok(connector.get(f"/Groups/{group}?excludedAttributes={core}"))
