"""Hostile requests and a DocuSign in trouble: the right status, a useful error, and agreement."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connector.services.context import Actor
from simulator.faults import Fault, burst_limit, hourly_limit
from tests.acceptance.agreement import disagreements
from tests.connector import BASE, USER, Connector, ManualClock, connected, ok, refused
from tests.simulated import simulated

ADDRESS = "ann@northwind-freight.example"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
DEEP = 100_000


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    """One connector for the whole table: nothing that is refused may leave a trace in it."""
    clock = ManualClock()
    world = simulated(50, now=clock.now)
    started = connected(tmp_path_factory.mktemp("bad") / "bad.db", world=world, clock=clock)
    yield started
    started.close()


@pytest.fixture(scope="module")
def ann(connector: Connector) -> str:
    return str(connector.create(ADDRESS)["id"])


@pytest.fixture(scope="module")
def group(connector: Connector) -> str:
    return str(ok(connector.post("/Groups", {"displayName": "Hostile"}), 201)["id"])


@pytest.fixture(autouse=True)
def agreement(connector: Connector) -> Iterator[None]:
    """DocuSign, mirror, SCIM and ledger agree after each request."""
    yield
    connector.world.faults.clear()
    connector.world.limits.next_hour()
    connector.clock.advance(3700)
    connector.services.settlement.settle_all(Actor("job:test", "job", "test"))
    assert agreed(connector) == []


def agreed(connector: Connector) -> list[str]:
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def send_raw(connector: Connector, method: str, path: str, body: bytes, **headers: str) -> Any:
    return connector.http.open(
        BASE + path,
        method=method,
        data=body,
        headers={
            "Authorization": f"Bearer {connector.token}",
            "Content-Type": "application/scim+json",
            **headers,
        },
    )


def said_no(response: Any, *statuses: int) -> str:
    """Return the ``detail`` of a refusal that a person can use."""
    text = response.get_data(as_text=True)
    assert response.status_code in (statuses or (400,)), text
    body = json.loads(text)
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(response.status_code)
    assert len(body["detail"]) > 10
    assert "Traceback" not in text
    assert "sqlalchemy" not in text.lower()
    return str(body["detail"])


# bodies that are no JSON ------------------------------------------------------------------

BROKEN = {
    "nothing": b"",
    "blank": b"   ",
    "cut off": b'{"userName":"a@b.test"',
    "no JSON": b"userName=a@b.test",
    "not UTF-8": b'{"userName":"\xff\xfe@b.test"}',
    "UTF-16": '{"userName":"a@b.test"}'.encode("utf-16"),
    "a NUL after it": b'{"userName":"a@b.test"}\x00',
    "two values": b"{}{}",
    "NaN": b'{"userName":NaN}',
    "Infinity": b'{"active":Infinity}',
    "an array": b"[]",
    "a string": b'"userName"',
    "a number": b"1",
    "null": b"null",
    "deep arrays": b"[" * DEEP,
    "deep objects": b'{"name":' * DEEP,
    "deep and closed": b'{"userName":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a raw control character": b'{"userName":"a\x01@b.test"}',
    "a lone surrogate": b'{"userName":"\\ud800@b.test"}',
    "an escaped NUL": b'{"userName":"a\\u0000@b.test"}',
    "a huge number": b'{"userName":' + b"9" * 5000 + b"}",
    "a huge exponent": b'{"userName":1e999999}',
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_cannot_be_read(connector, ann, method, body):
    path = "/Users" if method == "POST" else f"/Users/{ann}"
    said_no(send_raw(connector, method, path, body))
    search = send_raw(connector, "POST", "/Users/.search", body)
    assert search.status_code in (200, 400)


def test_a_body_beyond_the_limit(connector):
    body = b'{"userName":"' + b"a" * 1_100_000 + b'@b.test"}'
    said_no(send_raw(connector, "POST", "/Users", body), 413)


def test_a_body_of_another_kind(connector):
    said_no(
        send_raw(connector, "POST", "/Users", b"<user/>", **{"Content-Type": "text/xml"}), 400, 415
    )


# wrong types, from the schemas that are served --------------------------------------------

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


def refused_or_harmless(response: Any, what: Any) -> bool:
    """Whether a request was refused, in the right way; a tolerated one changes nothing bad."""
    text = response.get_data(as_text=True)
    assert response.status_code in (200, 201, 204, 400, 409), (what, text[:500])
    if response.status_code < 400:
        return False
    said_no(response, 400, 409)
    return True


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


# queries ----------------------------------------------------------------------------------

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


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["Users", "Groups"])
@pytest.mark.parametrize(
    "strange",
    [
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
    ],
)
def test_an_unknown_id(connector, method, kind, strange):
    body: Any = {"userName": "x@y.test", "displayName": "x"}
    if method == "PATCH":
        body = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    said_no(connector.send(method, f"/{kind}/{strange}", body), 404, 400)


# DocuSign in trouble ----------------------------------------------------------------------

TROUBLES: dict[str, tuple[Callable[[], Fault], set[int]]] = {
    "down": (lambda: Fault("error", times=None, status=503), {503}),
    "refusing connections": (lambda: Fault("drop", times=None), {503}),
    "slow": (lambda: Fault("drop", times=None, timed_out=True), {503}),
    "failing": (lambda: Fault("error", times=None, status=500), {503, 502}),
    "out of its hourly budget": (lambda: hourly_limit(times=None), {503}),
    "out of its hourly budget, told the old way": (
        lambda: hourly_limit(status=400, times=None),
        {503},
    ),
    "out of its burst budget": (lambda: burst_limit(times=None), {503}),
    "out of its burst budget, told the old way": (
        lambda: burst_limit(status=400, times=None),
        {503},
    ),
    "behind a proxy that answers HTML": (lambda: Fault("html", times=None, status=200), {502, 503}),
    "behind a proxy that fails in HTML": (
        lambda: Fault("html", times=None, status=502),
        {502, 503},
    ),
    "losing its answers": (lambda: Fault("lose_answer", times=None), {503}),
}


@pytest.mark.parametrize(("make", "statuses"), TROUBLES.values(), ids=TROUBLES)
def test_docusign_in_trouble(connector, ann, group, make, statuses):
    connector.clock.advance(120)  # The mirror's copies are old: DocuSign has to be asked.
    connector.world.faults.add(make())
    requests = [
        ("POST", "/Users", {"userName": "new@northwind-freight.example"}),
        ("PATCH", f"/Users/{ann}", _operation("title", "Counsel")),
        ("PATCH", f"/Users/{ann}", _operation("active", False)),
        ("POST", "/Groups", {"displayName": "Trouble"}),
        ("PATCH", f"/Groups/{group}", _operation("members", [{"value": ann}])),
        ("DELETE", f"/Users/{ann}", None),
        ("DELETE", f"/Groups/{group}", None),
    ]
    for method, path, body in requests:
        response = connector.send(method, path, body)
        detail = said_no(response, *statuses)
        assert "<html" not in detail.lower()
        if response.status_code == 503:
            assert int(response.headers["Retry-After"]) >= 1
    ok(connector.get(f"/Users/{ann}"))
    ok(connector.get("/Users?count=5"))


def test_lost_consent(connector, ann):
    connector.world.faults.add(Fault("revoke_consent"))
    application = next(iter(connector.world.state.applications.by_key.values()))
    consents = {user: set(scopes) for user, scopes in application.consents.items()}
    admin = set(application.admin_consent)
    connector.clock.advance(120)
    try:
        detail = said_no(
            connector.patch(f"/Users/{ann}", _operation("title", "x")["Operations"][0]), 502
        )
        assert "consent" in detail
    finally:
        application.consents.update(consents)
        application.admin_consent.update(admin)


def _operation(path: str, value: Any) -> dict[str, Any]:
    return {"Operations": [{"op": "replace", "path": path, "value": value}]}


# races ------------------------------------------------------------------------------------


def test_twenty_threads_race_to_create_one_person(connector):
    racers = 20
    line = threading.Barrier(racers)
    body = {"schemas": [USER], "userName": "race@northwind-freight.example"}

    def create(_: int) -> int:
        line.wait()
        return int(connector.post("/Users", body).status_code)

    with ThreadPoolExecutor(racers) as pool:
        statuses = sorted(pool.map(create, range(racers)))

    assert statuses == [201] + [409] * (racers - 1)
    assert len(connector.world.state.on_address("race@northwind-freight.example")) == 1


def test_twenty_threads_race_to_create_one_group(connector):
    racers = 20
    line = threading.Barrier(racers)

    def create(_: int) -> int:
        line.wait()
        return int(connector.post("/Groups", {"displayName": "Race"}).status_code)

    with ThreadPoolExecutor(racers) as pool:
        statuses = sorted(pool.map(create, range(racers)))

    assert statuses == [201] + [409] * (racers - 1)
    names = [item.name for item in connector.world.account.groups.values()]
    assert names.count("Race") == 1
    assert refused(connector.post("/Groups", {"displayName": "race"}), 409, "uniqueness")
