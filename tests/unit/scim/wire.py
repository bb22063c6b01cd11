"""Requests on the wire, and the resources that are there before them."""

import json

from tests.unit.scim.memory_handler import TOKEN

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ANN = {
    "schemas": [USER],
    "userName": "ann.lee@acme.test",
    "active": True,
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "emails": [{"value": "ann.lee@acme.test", "type": "work", "primary": True}],
}
KIM = {
    "schemas": [USER],
    "userName": "kim.o@acme.test",
    "externalId": "00uabc123",
    "emails": [{"value": "kim.o@acme.test", "type": "work", "primary": True}],
    "groups": [],
    "password": "x7Kq",
    "active": True,
}
LEGAL = {"schemas": [GROUP], "displayName": "Legal", "members": [{"value": "U1"}]}


def P(*operations):  # noqa: N802
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations),
    }


def send(client, method, url, body=None, **headers):
    headers = TOKEN | {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    if data is not None:
        headers.setdefault("Content-Type", "application/scim+json")
    return client.open(f"/scim/v2{url}", method=method, data=data, headers=headers)
