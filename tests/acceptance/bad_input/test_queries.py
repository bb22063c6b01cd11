"""Impossible filters, contradictory parameters and ids of nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.bad_input.refusals import said_no
from tests.connector import BASE

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

IMPOSSIBLE = [
    "userName",
    "userName eq",
    "eq eq eq",
    'userName xx "a"',
    'userName eq "a" and',
    '(userName eq "a"',
    'userName eq "a")',
    "not userName pr",
    "active gt true",
    'active eq "perhaps"',
    'meta.created gt "yesterday"',
    'nickName eq "a"',
    'urn:nothing:userName eq "a"',
    'emails[type eq "work"',
    "userName eq 'a'",
    "(" * 5000 + 'userName eq "a"' + ")" * 5000,
    " or ".join(['userName eq "a"'] * 5000),
    'userName eq "a\x00b"',
    'userName eq "\\ud800"',
    "userName eq " + "9" * 5000,
    'password eq "a"',
]


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
@pytest.mark.parametrize("text", IMPOSSIBLE, ids=lambda text: text[:20])
def test_an_impossible_filter(connector, path, text):
    name = "displayName" if path == "/Groups" else "userName"
    text = text.replace("userName", name)
    for response in (
        connector.http.get(
            f"{BASE}{path}",
            query_string={"filter": text},
            headers={"Authorization": f"Bearer {connector.token}"},
        ),
        connector.post(f"{path}/.search", {"filter": text}),
    ):
        assert response.status_code in (200, 400, 413, 414), response.get_data(as_text=True)
        if response.status_code != 200:
            said_no(response, 400, 413, 414)
        else:
            # Some are only strange: no resource is like that.
            assert response.json["totalResults"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "attributes=userName&excludedAttributes=emails",
        "startIndex=one",
        "count=many",
        "count=1.5",
        "sortBy=nickName",
        "sortOrder=sideways&sortBy=userName",
        "filter=",
        "attributes=nickName",
        "filter=userName%20pr&filter=active%20pr",
    ],
)
def test_contradictory_parameters(connector, query):
    response = connector.get(f"/Users?{query}")
    if response.status_code != 200:
        said_no(response)


@pytest.mark.parametrize(
    "query",
    [
        f"startIndex={10**30}",
        f"startIndex=-{10**30}",
        f"count={10**30}",
        f"count=-{10**30}",
        "startIndex=0&count=0",
        "startIndex=" + "9" * 5000,
    ],
    ids=lambda query: query[:24],
)
def test_numbers_out_of_bounds(connector, query):
    response = connector.get(f"/Users?{query}")
    if response.status_code != 200:
        said_no(response)
    else:
        assert response.json["schemas"] == [LIST]


STRANGE = [
    "nobody",
    "%00",
    "a%0Ab",
    "%0A",
    "a%0D%0Ab",
    "%C2%85",
    "%E2%80%A8",
    "%ff%fe",
    "a%2Fb",
    "%ED%A0%80",
    "x" * 3000,
    "'%20or%201=1--",
    "🙂",
]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["Users", "Groups"])
@pytest.mark.parametrize("strange", STRANGE)
def test_an_unknown_id(connector, method, kind, strange):
    body: Any = {"userName": "x@y.test", "displayName": "x"}
    if method == "PATCH":
        body = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    said_no(connector.send(method, f"/{kind}/{strange}", body), 404, 400)


@pytest.mark.parametrize("strange", STRANGE)
def test_an_unknown_request(connector, strange):
    said_no(connector.get(f"/Requests/{strange}"), 404, 400)


@pytest.mark.parametrize("path", ["/Users", ""])
def test_nothing_is_sorted_by_a_filter(connector, path):
    asked = {"sortBy": "emails[type eq 1]", "schemas": [SEARCH]}
    response = connector.post(f"{path}/.search", asked)
    assert "sortBy" in said_no(response, 400)
    assert response.json["scimType"] == "invalidPath"
