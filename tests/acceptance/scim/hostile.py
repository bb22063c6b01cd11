"""Hostile requests: what is sent, and which statuses are right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from tests.connector import PATCH_OP

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    '" OR 1=1 --',
    "1) UNION SELECT token_hash FROM api_tokens --",
    "$$; SELECT pg_sleep(10); $$",
    "%' ESCAPE '%",
    "\\\\' OR 1=1 --",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "../../../../etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "$.[?(@.id)]",
)
IMPOSSIBLE_TEXTS = {
    "NUL": "\x00",
    "NUL amid a text": "a\x00b",
    "a high surrogate": "\ud800",
    "a low surrogate": "a\udfff",
    "surrogates in the wrong order": "\udc00\ud800",
}
IMPOSSIBLE_MOMENTS = (
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "2026-01-01T00:00:00+99:99",
    "99999999999999999999-01-01T00:00:00Z",
    "infinity",
    "now",
)

Case = tuple[str, str, Any, dict[str, str], set[int]]
"""Method, path, body (bytes go out as they are), headers, the statuses that are right."""


def get(path: str, *statuses: int, **headers: str) -> Case:
    return "GET", path, None, headers, set(statuses) or {400}


def write(method: str, path: str, body: Any, *statuses: int, **headers: str) -> Case:
    return method, path, body, headers, set(statuses) or {400}


def bulk(*operations: Any, **more: Any) -> dict[str, Any]:
    return {"schemas": [BULK], "Operations": list(operations), **more}


def patch(*operations: Any) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def _cases() -> Iterator[tuple[str, Case]]:
    yield from _bulk_cases()
    yield from _cursor_cases()
    yield from _header_cases()
    yield from _encoding_cases()
    yield from _injection_cases()
    yield from _impossible_cases()


def _bulk_cases() -> Iterator[tuple[str, Case]]:
    user = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "b@x.test"}}
    bodies: dict[str, tuple[Any, int]] = {
        "no operations": ({"schemas": [BULK]}, 400),
        "operations as an object": ({"Operations": {"0": user}}, 400),
        "operations as text": ({"Operations": "POST"}, 400),
        "a body that is a list": ([user], 400),
        "too many operations": (bulk(*[user] * 101), 413),
        "a body too large": (bulk(user, x="x" * 1_100_000), 413),
        "failOnErrors as text": (bulk(user, failOnErrors="one"), 400),
        "failOnErrors below 0": (bulk(user, failOnErrors=-1), 400),
        "failOnErrors with a fraction": (bulk(user, failOnErrors=1.5), 400),
        "failOnErrors true": (bulk(user, failOnErrors=True), 400),
    }
    for name, (body, status) in bodies.items():
        yield f"bulk: {name}", write("POST", "/Bulk", body, status)
    for method in ("GET", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
        yield f"bulk: {method}", write(method, "/Bulk", bulk(user), 405)


def _cursor_cases() -> Iterator[tuple[str, Case]]:
    for token in (
        "x",
        "A" * 5000,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "!!!!",
        "%00",
        "%F0%9F%96%8B",
        "..%2F..%2F",
        "1",
        "-1",
        "bnVsbA==",
    ):
        yield f"cursor {token[:12]}", get(f"/Users?cursor={token}&count=5")
    yield "cursor in a search", write("POST", "/Users/.search", {"cursor": "forged"})
    yield "cursor that is a number", write("POST", "/Users/.search", {"cursor": 7})
    yield "cursor that is a list", write("POST", "/Users/.search", {"cursor": ["a"]})
    yield "cursor at the root", get("/?filter=id%20pr&cursor=forged")
    for query in (
        "cursor=&startIndex=1",
        "cursor=&sortBy=nothing",
        "cursor=&sortBy=password",
        "cursor=&sortBy=userName&sortOrder=sideways",
        "cursor=&count=201",
        "cursor=&count=many",
    ):
        yield f"contradictory {query}", get(f"/Users?{query}")


def _header_cases() -> Iterator[tuple[str, Case]]:
    title = patch({"op": "replace", "path": "title", "value": "Hostile"})
    user = {"userName": "hostile@x.test"}
    old = 'W/"old"'
    yield "a stale If-Match", write("PATCH", "/Users/{U}", title, 412, **{"If-Match": old})
    yield "If-Match without quotes", write("PUT", "/Users/{U}", user, 412, **{"If-Match": "x"})
    yield "If-None-Match: *", write("PATCH", "/Users/{U}", title, 412, **{"If-None-Match": "*"})
    both = {"If-Match": "*", "If-None-Match": "*"}
    yield "If-Match against If-None-Match", write("PATCH", "/Users/{U}", title, 412, **both)
    yield (
        "a stale If-Match of DELETE",
        write("DELETE", "/Users/{U}", None, 412, **{"If-Match": old}),
    )
    group = write("DELETE", "/Groups/{G}", None, 412, **{"If-Match": old})
    yield "a stale If-Match of a group", group
    for kind in ("text/html", "image/png", "application/scim+json;q=0", "text/*"):
        yield f"Accept {kind}", get("/Users?count=1", 406, Accept=kind)
    for kind in (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
    ):
        yield f"Content-Type {kind}", write("POST", "/Users", user, 415, **{"Content-Type": kind})
    for value in (
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer " + "x" * 20_000,
        "Basic !!!",
        "Basic YTpi",
        "Digest username=a",
        "Negotiate",
        "bearer null",
    ):
        yield f"Authorization {value[:20]}", get("/Users", 401, Authorization=value)
    yield (
        "a gzip body",
        write("POST", "/Users", b"\x1f\x8b\x08\x00", 415, **{"Content-Encoding": "gzip"}),
    )


def _encoding_cases() -> Iterator[tuple[str, Case]]:
    for query in ("filter=%", "filter=%zz", "filter=%ff", "filter=%C3%28", "count=%EF%BC%91"):
        yield f"query {query}", get(f"/Users?{query}")
    many = "&".join(f"p{number}=1" for number in range(60))
    yield "parameters without end", get(f"/Users?{many}")
    for codec in ("utf-16", "utf-32", "cp037"):
        text = '{"userName":"zoë@x.test"}'.encode(codec)
        yield f"a body in {codec}", write("POST", "/Users", text)
    for name, body in {
        "latin-1": '{"userName":"zoë@x.test"}'.encode("latin-1"),
        "an overlong slash": b'{"userName":"\xc0\xaf@x.test"}',
        "a surrogate in UTF-8": b'{"userName":"\xed\xa0\x80@x.test"}',
        "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
        "a key twice": b'{"userName":"a@x.test","userName":"b@x.test"}',
        "a key in two cases": b'{"userName":"a@x.test","USERNAME":"b@x.test"}',
        "a comment": b'{"userName":"a@x.test"/**/}',
        "a comma too many": b'{"userName":"a@x.test",}',
        "single quotes": b"{'userName':'a@x.test'}",
        "many braces": b"{" * 50_000,
        "a deep name": b'{"name":' + b'{"name":' * 5000 + b"1" + b"}" * 5001,
    }.items():
        yield f"a body with {name}", write("POST", "/Users", body)


def _injection_cases() -> Iterator[tuple[str, Case]]:
    for text in INJECTIONS:
        said = json.dumps(text)
        yield f"filter {text}", get(f"/Users?filter={quote(text)}")
        yield f"filter value {text}", get(f"/Users?{_filtered(f'userName eq {said}')}", 200)
        yield f"group filter {text}", get(f"/Groups?{_filtered(f'displayName co {said}')}", 200)
        yield f"sortBy {text}", get(f"/Users?{urlencode({'sortBy': text})}")
        yield f"attributes {text}", get(f"/Users/nobody?{urlencode({'attributes': text})}", 404)
        yield f"id {text}", get(f"/Users/{quote(text, safe='')}", 404)
        step: dict[str, Any] = {"op": "replace", "path": text, "value": "x"}
        yield f"path {text}", write("PATCH", "/Users/{U}", patch(step))
        step = {"op": "remove", "path": f"emails[value eq {said}].nothing"}
        yield f"value path {text}", write("PATCH", "/Users/{U}", patch(step))
        step = {"op": "add", "path": "members", "value": [{"value": text}]}
        yield f"member {text}", write("PATCH", "/Groups/{G}", patch(step))
        body = {"userName": text, "displayName": text}
        yield f"userName {text}", write("POST", "/Users", body)
        granted: dict[str, Any] = {"userName": "x@y.test", "entitlements": [{"value": text}]}
        yield f"entitlement {text}", write("POST", "/Users", granted)


def _impossible_cases() -> Iterator[tuple[str, Case]]:
    """What one of the databases cannot hold, or holds otherwise than the other."""
    for name, text in IMPOSSIBLE_TEXTS.items():
        said = json.dumps(text)
        for attribute in ("userName", "externalId", "id", "title", "emails.value", "groups.value"):
            test = _filtered(f"{attribute} eq {said}")
            yield f"{attribute} eq {name}", get(f"/Users?{test}")
        for attribute in ("displayName", "externalId", "members.value"):
            test = _filtered(f"{attribute} sw {said}")
            yield f"group {attribute} sw {name}", get(f"/Groups?{test}")
        yield f"userName of {name}", write("POST", "/Users", {"userName": f"{text}@x.test"})
        yield f"group of {name}", write("POST", "/Groups", {"displayName": text})
        for attribute in ("externalId", "title", "displayName", "name.familyName"):
            step: dict[str, Any] = {"op": "replace", "path": attribute, "value": text}
            yield f"{attribute} of {name}", write("PATCH", "/Users/{U}", patch(step))
        step = {"op": "add", "path": "members", "value": [{"value": text}]}
        yield f"member of {name}", write("PATCH", "/Groups/{G}", patch(step))
        yield f"search of {name}", write("POST", "/Users/.search", {"filter": said})
    for number in ("9" * 400, "-" + "9" * 20, "1e999", "1e-999", "NaN", "18446744073709551616"):
        yield f"active eq {number[:9]}", get(f"/Users?{_filtered(f'active eq {number}')}")
        yield f"title eq {number[:9]}", get(f"/Users?{_filtered(f'title eq {number}')}")
        body = b'{"userName":"a@x.test","title":' + number.encode() + b"}"
        yield f"title of {number[:9]}", write("POST", "/Users", body)
    for moment in IMPOSSIBLE_MOMENTS:
        for operator in ("gt", "le", "eq"):
            test = _filtered(f'meta.lastModified {operator} "{moment}"')
            yield f"changed {operator} {moment}", get(f"/Users?{test}")


def _filtered(text: str) -> str:
    return urlencode({"filter": text})


CASES = dict(_cases())
