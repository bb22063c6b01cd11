"""What clients send on the wire, request by request, and what they need back.

A case is a request and the essential part of its answer. SailPoint, Okta, Entra ID, ConductorOne,
midPoint, Ping and OneLogin are the senders.
"""

# Tables of cases read best with one case a line.
# ruff: noqa: E501, PLR0917

from urllib.parse import quote

import pytest

from tests.unit.scim.memory_handler import BASE_URL
from tests.unit.scim.wire import ANN, ENTERPRISE, GROUP, KIM, USER, P, send


def includes(actual, expected):
    """Return whether *actual* has at least what *expected* has."""
    if isinstance(expected, dict):
        return all(k in actual and includes(actual[k], v) for k, v in expected.items())
    return actual == expected


def q(text):
    return quote(text)


READS = [
    ("W01", "/ServiceProviderConfig", {"patch": {"supported": True}, "bulk": {"supported": True, "maxOperations": 100, "maxPayloadSize": 1048576}, "filter": {"supported": True, "maxResults": 200}}),
    ("W02", "/ServiceProviderConfigs", {"etag": {"supported": True}}),
    ("W03", "/ResourceTypes", {"totalResults": 2}),
    ("W04", "/ResourceTypes/User", {"id": "User", "endpoint": "/Users", "schema": USER}),
    ("W05", "/ResourceTypes/Group", {"id": "Group", "meta": {"location": f"{BASE_URL}/ResourceTypes/Group"}}),
    ("W07", f"/Schemas/{USER}", {"id": USER}),
    ("W07 escaped", f"/Schemas/{quote(USER, safe='')}", {"id": USER}),
    ("W08", "/Users?startIndex=1&count=100", {"totalResults": 2, "startIndex": 1, "itemsPerPage": 2}),
    ("W10", "/Users?filter=username+sw+%22Ann%22&startIndex=1&count=100", {"totalResults": 1}),
    ("W11", "/Groups?filter=" + q('DisplayName sw "leg"'), {"totalResults": 1}),
    ("W13", "/Users?filter=" + q('meta.lastModified gt "2020-01-22T24:15:30Z" and userName sw "a"'), {"totalResults": 1}),
    ("W16", "/Users/U1", {"id": "U1", "userName": "ann.lee@acme.test", "active": True}),
    ("W34", "/Users?startIndex=1&count=2", {"itemsPerPage": 2}),
    ("W35", "/Users?filter=" + q('userName eq "nobody@acme.test"') + "&startIndex=1&count=100", {"totalResults": 0, "Resources": []}),
    ("W48", "/Users?filter=" + q('emails[type eq "work"].value eq "ANN.lee@acme.test"'), {"totalResults": 1}),
    ("W49", "/Users?filter=" + q('externalId eq "00uabc123"'), {"totalResults": 1}),
    ("W49 exact", "/Users?filter=" + q('externalId eq "00UABC123"'), {"totalResults": 0}),
    ("W61", "/Groups?attributes=id&filter=" + q('id eq "G1" and members eq "U1"'), {"totalResults": 1, "Resources": [{"schemas": [GROUP], "id": "G1"}]}),
    ("W65", "/Users?aadOptscim062020&filter=" + q('userName eq "x"'), {"totalResults": 0}),
    ("W73", "/Users?startIndex=2&count=25", {"totalResults": 2, "itemsPerPage": 1}),
    ("W74", "/Users?filter=username%20Eq%20%22kim.o%40acme.test%22", {"totalResults": 1}),
    ("W77", "/Users?count=0", {"totalResults": 2, "Resources": []}),
    ("W78", "/Users?startIndex=-5&count=-1", {"startIndex": 1, "Resources": []}),
    ("W79", "/Users?startIndex=99999", {"totalResults": 2, "Resources": []}),
    ("W80", "/Users?filter=" + q('not (active eq false) and (userName co "ann" or emails[type eq "work" and value ew "@nowhere"])'), {"totalResults": 1}),
    ("W81", "/Users?filter=" + q('userName pr or userName sw "a" and active eq false'), {"totalResults": 2}),
    ("W100", "/Users?filter=userName+eq+%22kim.o%40acme.test%22&", {"totalResults": 1}),
    ("sorted", "/Users?sortBy=userName&sortOrder=descending&count=1", {"totalResults": 2}),
    ("huge", f"/Users?startIndex={'9' * 400}&count={'9' * 400}", {"totalResults": 2, "Resources": []}),
    ("root", "/?filter=" + q('meta.resourceType eq "Group" or userName sw "a"'), {"totalResults": 2}),
    ("slashes", "//Users//U1/", {"id": "U1"}),
]  # fmt: skip


@pytest.mark.parametrize(("url", "expected"), [case[1:] for case in READS])
def test_read(client, url, expected):
    response = send(client, "GET", url)
    assert response.status_code == 200
    assert response.content_type == "application/scim+json; charset=utf-8"
    assert includes(response.json, expected), response.json


EMAIL_WORK = {"type": "work", "primary": True}
WRITES = [
    ("W18", "PATCH", "/Users/U1", P({"op": "replace", "path": "emails", "value": [{"value": "n@acme.test"}]}), 200, {"emails": [{"value": "n@acme.test", **EMAIL_WORK}]}),
    ("W19", "PATCH", "/Users/U1", P({"op": "replace", "path": "active", "value": False}), 200, {"active": False}),
    ("W20", "PUT", "/Users/U1", {**ANN, "title": "Dr", "groups": [{"value": "G1"}], "meta": {}, "id": "U9"}, 200, {"title": "Dr", "id": "U1"}),
    ("W21", "PATCH", "/Groups/G1", P({"op": "add", "path": "members", "value": [{"value": "U2"}]}), 200, {"members": [{"value": "U1"}, {"value": "U2"}]}),
    ("W21 again", "PATCH", "/Groups/G1", P({"op": "add", "path": "members", "value": [{"value": "U1"}]}), 200, {"members": [{"value": "U1"}]}),
    ("W22", "PATCH", "/Groups/G1", P({"op": "remove", "path": 'members[value eq "U1"]'}), 200, {"id": "G1"}),
    ("W22 again", "PATCH", "/Groups/G1", P({"op": "remove", "path": 'members[value eq "U2"]'}), 200, {"members": [{"value": "U1"}]}),
    ("W23", "PATCH", "/Groups/G1", P({"op": "remove", "path": "members", "value": [{"value": "U2"}]}), 200, {"members": [{"value": "U1"}]}),
    ("W26", "PATCH", "/Users/U1", P({"op": "add", "path": "entitlements", "value": [{"value": "P2"}]}), 200, {"entitlements": [{"value": "P2"}]}),
    ("W27", "PATCH", "/Users/U1", P({"op": "remove", "path": 'entitlements[value eq "P2"]'}), 200, {"id": "U1"}),
    ("W28", "PATCH", "/Users/U1", P({"op": "add", "path": "roles", "value": "P2"}), 200, {"roles": [{"value": "P2"}]}),
    ("W29", "PATCH", "/Users/U1", P({"op": "add", "path": "groups", "value": [{"value": "G1"}]}), 400, {"scimType": "mutability"}),
    ("W31", "DELETE", "/Users/none", None, 404, {"status": "404"}),
    ("W37", "POST", "/Users", KIM, 409, {"scimType": "uniqueness", "status": "409"}),
    ("W38", "PUT", "/Users/U2", {**KIM, "name": {"middleName": "J"}}, 200, {"name": {"middleName": "J"}}),
    ("W39", "PATCH", "/Users/U2", P({"op": "replace", "value": {"active": False}}), 200, {"active": False}),
    ("W41", "POST", "/Groups", {"schemas": [GROUP], "displayName": "Senders", "members": []}, 201, {"displayName": "Senders"}),
    ("W42", "PATCH", "/Groups/G1", P({"op": "replace", "value": {"id": "G1", "displayName": "New"}}), 200, {"displayName": "New"}),
    ("W43", "PATCH", "/Groups/G1", P({"op": "remove", "path": 'members[value eq "U1"]'}, {"op": "add", "path": "members", "value": [{"value": "U2", "display": "k"}]}), 200, {"members": [{"value": "U2"}]}),
    ("W44", "PATCH", "/Groups/G1", P({"op": "replace", "path": "members", "value": [{"value": "U2", "display": "b"}]}), 200, {"members": [{"value": "U2"}]}),
    ("W50", "POST", "/Users", {"schemas": [USER, ENTERPRISE], "userName": "lee@acme.test", "meta": {"resourceType": "User"}, "roles": []}, 201, {"schemas": [USER]}),
    ("W51", "PATCH", "/Users/U1", P({"op": "Replace", "path": "active", "value": "False"}), 200, {"active": False}),
    ("W53", "PATCH", "/Users/U1", P({"op": "Replace", "path": 'emails[type eq "work"].value', "value": "l2@acme.test"}, {"op": "Replace", "path": "name.familyName", "value": "Li"}), 200, {"emails": [{"value": "l2@acme.test", **EMAIL_WORK}], "name": {"familyName": "Li"}}),
    ("W54", "PATCH", "/Users/U1", P({"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555 0100"}), 200, {"phoneNumbers": [{"type": "mobile", "value": "+1 555 0100"}]}),
    ("W55", "PATCH", "/Users/U1", P({"op": "Replace", "path": f"{ENTERPRISE}:employeeNumber", "value": "1207"}), 200, {ENTERPRISE: {"employeeNumber": "1207"}}),
    ("W56", "PATCH", "/Users/U1", P({"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "U2"}), 200, {ENTERPRISE: {"manager": {"value": "U2"}}}),
    ("W57", "PATCH", "/Users/U1", P({"op": "replace", "value": {"displayName": "L", "name.givenName": "Lin", f"{ENTERPRISE}:department": "Legal"}}), 200, {"displayName": "L", "name": {"givenName": "Lin", "familyName": "Lee"}, ENTERPRISE: {"department": "Legal"}}),
    ("W58", "PATCH", "/Users/U1", P({"op": "Replace", "path": 'roles[primary eq "True"].value', "value": "P2"}), 200, {"roles": [{"primary": True, "value": "P2"}]}),
    ("W62", "POST", "/Groups", {"schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"], "externalId": "8bb0", "displayName": "L"}, 201, {"externalId": "8bb0", "schemas": [GROUP]}),
    ("W64", "PATCH", "/Groups/G1", P({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "U2"}]}), 200, {"members": [{"value": "U1"}]}),
    ("W67", "PATCH", "/Groups/G1", P({"op": "replace", "path": "members", "value": None}), 200, {"displayName": "Legal"}),
    ("W68", "PATCH", "/Users/U1", {**P({"op": "add", "path": "roles", "value": [{"value": "P2"}]}), "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]}, 200, {"roles": [{"value": "P2"}]}),
    ("W69", "PATCH", "/Users/U1", P({"op": "remove", "path": "roles", "value": []}), 200, {"id": "U1"}),
    ("W70", "PATCH", "/Users/U1", P({"op": "replace", "path": "roles.value", "value": [{"value": "P2"}]}), 200, {"roles": [{"value": "P2"}]}),
    ("W71", "POST", "/Users", {"userName": "zed@acme.test", "active": True}, 201, {"schemas": [USER]}),
    ("W72", "PUT", "/Users/U1", {"id": "U1", "displayName": "Only This"}, 400, {"scimType": "invalidValue", "detail": "userName is required."}),
    ("W75", "POST", "/Users", {"schemas": [USER], "userName": "one@acme.test", "unknownKey": {"a": 1}}, 201, {"userName": "one@acme.test"}),
    ("W76", "POST", "/Users/.search", {"filter": 'userName sw "ANN"', "attributes": ["userName"], "count": 10}, 200, {"totalResults": 1, "Resources": [{"schemas": [USER], "userName": "ann.lee@acme.test", "id": "U1"}]}),
    ("root search", "POST", "/.search", {"filter": 'members.value eq "U1" or externalId pr', "attributes": "id"}, 200, {"totalResults": 2}),
    ("W86", "PATCH", "/Users/U1", P({"op": "remove"}), 400, {"scimType": "noTarget"}),
    ("W87", "PATCH", "/Users/U1", P({"op": "replace", "path": "id", "value": "X"}), 400, {"scimType": "mutability"}),
    ("W89", "PATCH", "/Users/U1", P({"op": "add", "path": "emails", "value": [{"value": "b@x", "primary": True}]}), 200, {"emails": [{**ANN["emails"][0], "primary": False}, {"value": "b@x", "primary": True}]}),
    ("W91", "POST", "/Users", b'{"userName":', 400, {"scimType": "invalidSyntax"}),
    ("W92", "POST", "/Users", {"schemas": [USER]}, 400, {"scimType": "invalidValue"}),
    ("W93", "POST", "/Users", {"userName": "KIM.O@acme.test"}, 409, {"scimType": "uniqueness"}),
    ("W94", "POST", "/Schemas", {}, 405, {"status": "405"}),
    ("W94", "PUT", "/ResourceTypes", {}, 405, {"status": "405"}),
    ("W96", "GET", "/Me", None, 501, {"status": "501"}),
    ("W97", "POST", "/Bulk", {}, 400, {"scimType": "invalidSyntax"}),
    ("dry run", "POST", "/Users?dryRun=true", {"userName": "new@x"}, 200, {"operations": ["create"]}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url", "body", "status", "expected"), [case[1:] for case in WRITES])  # fmt: skip
def test_write(client, method, url, body, status, expected):
    response = send(client, method, url, body)
    assert response.status_code == status, response.json
    assert response.content_type == "application/scim+json; charset=utf-8"
    assert includes(response.json, expected), response.json


REFUSED = [
    ("W82", "GET", "/Users?filter=userName%20xx%20%22a%22", None, 400, "invalidFilter"),
    ("W83", "GET", "/Schemas?filter=name%20eq%20%22User%22", None, 403, None),
    ("W95", "GET", "/no-such-thing", None, 404, None),
    ("", "GET", "/Users/U1/x", None, 404, None),
    ("", "GET", "/Users/U%001", None, 404, None),
    ("", "GET", "/Schemas/urn:x", None, 404, None),
    ("", "GET", "/ServiceProviderConfig/x", None, 404, None),
    ("", "GET", "/Users?filter=", None, 400, "invalidFilter"),
    ("", "GET", "/Users?filter=unknown%20pr", None, 400, "invalidFilter"),
    ("", "GET", "/Users?filter=password%20eq%20%22x%22", None, 400, "invalidFilter"),
    ("", "GET", "/Users?filter=%zz", None, 400, "invalidSyntax"),
    ("", "GET", "/Users?filter=%ff", None, 400, "invalidSyntax"),
    ("", "GET", "/Users?startIndex=one", None, 400, "invalidValue"),
    ("", "GET", "/Users?count=--1", None, 400, "invalidValue"),
    ("", "GET", "/Users?sortBy=unknown", None, 400, "invalidPath"),
    ("", "GET", "/Users?sortBy=userName&sortOrder=up", None, 400, "invalidValue"),
    ("", "GET", "/Users?attributes=id&excludedAttributes=meta", None, 400, "invalidValue"),
    ("", "GET", "/", None, 403, None),
    ("", "DELETE", "/Users", None, 405, None),
    ("", "POST", "/Users/U1", {}, 405, None),
    ("", "GET", "/Users/.search", None, 405, None),
    ("", "TRACE", "/Users", None, 405, None),
    ("", "POST", "/Users", b"", 400, "invalidSyntax"),
    ("", "POST", "/Users", b"[]", 400, "invalidSyntax"),
    ("", "POST", "/Users", b"null", 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":"a","userName":"b"}', 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":"a","USERNAME":"b"}', 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":"\xff"}', 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":"\\ud800"}', 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":"a\\u0000"}', 400, "invalidValue"),
    ("", "POST", "/Users", b'{"userName":NaN}', 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"userName":1' + b"0" * 5000 + b"}", 400, "invalidSyntax"),
    ("", "POST", "/Users", b"[" * 100_000, 400, "invalidSyntax"),
    ("", "POST", "/Users", b'{"a":' * 1000 + b"1" + b"}" * 1000, 400, None),
    ("", "POST", "/Users", b'{"a":' * 900 + b"1" + b"}" * 900, 400, None),
    ("", "PATCH", "/Users/U1", {}, 400, "invalidSyntax"),
    ("", "PATCH", "/Users/U1", {"Operations": []}, 400, "invalidSyntax"),
    ("", "PATCH", "/Users/U1", {"Operations": [1]}, 400, "invalidSyntax"),
    ("", "PATCH", "/Users/U1", P({"op": "move", "path": "x"}), 400, "invalidSyntax"),
    ("", "PATCH", "/Users/U1", P({"op": "add", "path": 1, "value": 1}), 400, "invalidSyntax"),
    ("", "PATCH", "/Users/U1", P(*[{"op": "add", "path": "title", "value": "x"}] * 1001), 413, None),
    ("", "PATCH", "/Users/none", P({"op": "add", "path": "title", "value": "x"}), 404, None),
    ("", "POST", "/Users/.search", {"attributes": 7}, 400, "invalidValue"),
    ("", "POST", "/Users/.search", {"filter": 7}, 400, "invalidValue"),
    ("", "POST", "/Users/.search", {"count": "x"}, 400, "invalidValue"),
    ("", "POST", "/Users/.search", [], 400, "invalidSyntax"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url", "body", "status", "scim_type"), [case[1:] for case in REFUSED])  # fmt: skip
def test_refusal_is_a_scim_error(client, method, url, body, status, scim_type):
    response = send(client, method, url, body)
    assert response.status_code == status, response.data
    assert response.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert response.json["status"] == str(status)
    if scim_type:
        assert response.json["scimType"] == scim_type
    assert response.json["detail"]
