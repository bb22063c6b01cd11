"""A client whose searches look at every resource neither starves the others nor waits for ever."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from connector.app import share_threads
from connector.domain.authentication.api_clients import Scope
from connector.store import long_searches, time_limit
from connector.store.search import FilteredSearch
from tests.connector import BASE, ok, refused

WITHIN_S = 120
DEAR = 'title co "a" or title co "b"'


@pytest.fixture
def bounded(connector, monkeypatch):
    """A connector as it is served, to which every search is a long one that no index answers."""
    share_threads(connector.http.application, connector.application)
    monkeypatch.setattr(long_searches, "A_MOMENT_S", 0)
    monkeypatch.setattr(time_limit, "STEPS", 100)
    return connector


@pytest.fixture
def held(monkeypatch):
    """Keeps long searches from ending until it is set."""
    end, found = threading.Event(), FilteredSearch._found

    def find(self, *asked):
        page = found(self, *asked)
        if "title" in str(self._query.filter):
            end.wait(WITHIN_S)
        return page

    monkeypatch.setattr(FilteredSearch, "_found", find)
    yield end
    end.set()


def test_a_client_with_dear_filters_leaves_the_threads_to_others(bounded, held):
    okta, entra = (
        bounded.client_token(name, scopes=frozenset({Scope.READ})) for name in ("okta", "entra")
    )
    user = ok(bounded.get("/Users?count=1"))["Resources"][0]

    def send(path, token):
        client = bounded.http.application.test_client()
        return client.get(BASE + path, headers={"Authorization": f"Bearer {token}"})

    with ThreadPoolExecutor(7) as pool:
        greedy = [pool.submit(send, filtered(DEAR), okta) for _ in range(6)]
        eventually(lambda: sum(one.done() for one in greedy) == 2)
        for path in ("/Users", f"/Users/{user['id']}"):
            ok(send(path, entra))
        for text in (f'userName eq "{user["userName"]}"', 'userName sw "a" and active eq true'):
            ok(send(filtered(text), entra))
        other = pool.submit(send, filtered(DEAR), entra)
        # One of those that wait makes room for a client that has none.
        eventually(lambda: sum(one.done() for one in greedy) == 3)
        assert not other.done()
        held.set()

    ok(other.result())
    answers = [one.result() for one in greedy]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [503] * 3
    for answer in answers:
        if answer.status_code != 200:
            detail = refused(answer, 503)
            assert "userName eq" in detail and "temporarily unavailable" in detail
            assert int(answer.headers["Retry-After"]) > 0


def test_a_search_without_end_is_told_what_to_do(bounded, monkeypatch):
    monkeypatch.setattr(bounded.application.store.long_searches, "_timeout_s", 0)
    for path in (
        filtered(DEAR),
        "/Users?sortBy=title",
        "/Groups?filter=members.display%20co%20%22a%22",
    ):
        detail = refused(bounded.get(path), 400, "tooMany")
        assert "server.search_timeout_s" in detail and "userName eq" in detail
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": DEAR,
    }
    for path in ("/Users/.search", "/.search"):
        refused(bounded.post(path, body), 400, "tooMany")
    ok(bounded.get("/Users"))


def filtered(text):
    return f"/Users?filter={quote(text)}"


def eventually(is_so):
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
