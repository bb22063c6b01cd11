"""Hostile requests in one table: the right status, a SCIM error without a trace of our insides, a
bounded amount of work, and nothing changed, here or in DocuSign."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import sqlalchemy

from connector.settings import DatabaseSettings
from tests import databases
from tests.acceptance.scim.hostile import CASES, Case, bulk, write
from tests.connector import BASE, Connector, ManualClock, connected, ok
from tests.simulated import simulated

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
MOST_STATEMENTS = 70
"""Of SQL, for one refused request: a few more than where it reads a user from DocuSign anew, and
below the number of users."""
INSIDES = ("Traceback", "sqlalchemy", "sqlite", "psycopg", "/site-packages/", "[SQL", 'File "')


class Watched:
    """A connector whose SQL statements and DocuSign calls are counted."""

    def __init__(self, connector: Connector, writes: list[str]) -> None:
        self.connector = connector
        self.writes = writes
        """Calls that changed something in DocuSign."""
        self.shown: Any = None
        """What clients read after the request before."""
        self.names = {
            "U": str(connector.create("target@northwind-freight.example")["id"]),
            "G": str(ok(connector.post("/Groups", {"displayName": "Target"}), 201)["id"]),
        }

    def has_changed(self) -> bool:
        """Whether clients read anything else than after the request before."""
        before, self.shown = self.shown, self._everything()
        return bool(before != self.shown)

    def _everything(self) -> Any:
        """Return all that clients can read, versions and times included."""
        lists = ("Users", "Groups", "Entitlements", "Roles", "Tombstones")
        return [ok(self.connector.get(f"/{name}?count=200")) for name in lists], [
            item.work_item_id for item in self.connector.services.work_items.list()
        ]

    def send(self, case: Case) -> Any:
        method, path, body, headers, _ = case
        for name, value in self.names.items():
            path = path.replace(f"{{{name}}}", value)
        sent = {"Authorization": f"Bearer {self.connector.token}"} | headers
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/scim+json")
        return self.connector.http.open(BASE + path, method=method, data=data, headers=sent)


@pytest.fixture(scope="module")
def watched(module_database: DatabaseSettings) -> Iterator[Watched]:
    with databases.opened(module_database) as store:
        store.migrate()
    clock = ManualClock()
    world = simulated(80, now=clock.now)
    writes: list[str] = []

    def note() -> None:
        if flask.request.method != "GET" and flask.request.path != "/oauth/token":
            writes.append(f"{flask.request.method} {flask.request.path}")

    world.app.before_request(note)
    started = connected(module_database, world=world, clock=clock)
    watched = Watched(started, writes)
    watched.has_changed()
    yield watched
    started.close()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements that are executed from now on."""
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def test_there_are_enough_cases():
    assert len(CASES) > 200


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_request(watched: Watched, statements: list[str], case: Case) -> None:
    watched.writes.clear()
    statements.clear()

    response = watched.send(case)

    assert len(statements) <= MOST_STATEMENTS
    text = response.get_data(as_text=True)
    assert response.status_code in case[-1], text[:500]
    assert "Set-Cookie" not in response.headers
    assert not [word for word in INSIDES if word in text]
    if response.status_code == 200:
        assert response.json["totalResults"] == 0
    else:
        assert response.content_type.startswith("application/scim+json")
        assert response.json["schemas"] == [ERROR]
        assert response.json["status"] == str(response.status_code)
        assert len(response.json["detail"]) > 10
        assert len(text) < 3000
    assert watched.writes == []
    assert not watched.has_changed()


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({}, "400"),
        ("POST", "400"),
        (None, "400"),
        ({"method": "GET", "path": "/Users/x"}, "400"),
        ({"method": 1, "path": "/Users/x"}, "400"),
        ({"method": "DELETE"}, "400"),
        ({"method": "DELETE", "path": 7}, "400"),
        ({"method": "DELETE", "path": "/Users"}, "405"),
        ({"method": "DELETE", "path": "/Nothing/x"}, "404"),
        ({"method": "DELETE", "path": "https://evil.test/scim/v2/Users/x"}, "400"),
        ({"method": "DELETE", "path": "/Users/../Groups/x"}, "404"),
        ({"method": "DELETE", "path": "/Users/bulkId:nobody"}, "409"),
        ({"method": "DELETE", "path": "/Users/{U}", "version": 'W/"old"'}, "412"),
        ({"method": "POST", "path": "/Users", "data": {"userName": "a@x.test"}}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "a"}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "a", "data": []}, "400"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "a", "data": {}}, "404"),
        ({"method": "POST", "path": "/Roles", "bulkId": "a", "data": {}}, "405"),
        ({"method": "PUT", "path": "/Users/nobody", "data": {"userName": "a@x.test"}}, "404"),
        ({"method": "PATCH", "path": "/Users/{U}", "data": {}}, "400"),
    ],
    ids=repr,
)
def test_a_hostile_operation_in_a_bulk_request(watched, statements, operation, status):
    watched.writes.clear()
    statements.clear()
    text = json.dumps(bulk(operation)).replace("{U}", watched.names["U"])
    response = watched.send(write("POST", "/Bulk", text.encode()))
    assert len(statements) <= MOST_STATEMENTS
    if response.status_code == 200:
        [entry] = response.json["Operations"]
        assert entry["status"] == status
        assert entry["response"]["schemas"] == [ERROR]
    else:
        assert (str(response.status_code), response.json["schemas"]) == (status, [ERROR])
    assert watched.writes == []
    assert not watched.has_changed()
