"""Who waits for DocuSign leaves threads to those who do not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from connector.errors import TemporaryError
from connector.patience import take_place
from connector.web.slow_writes import SlowWrites

WITHIN_S = 30
"""For what happens at once, on a machine that is busy."""


class Slow:
    """An application whose paths with ``docusign`` wait until DocuSign answers."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.waiting = threading.Semaphore(0)

    def __call__(self, environ, start_response):
        request = Request(environ)
        status, text = 200, "done"
        is_read = request.method == "GET" or request.path.endswith(".search")
        if "docusign" in request.path or ("scim" in request.path and not is_read):
            try:
                take_place()
                take_place()  # Each call to DocuSign asks; one place is enough.
                self.waiting.release()
                self.answered.wait(WITHIN_S)
            except TemporaryError as error:
                status, text = 503, str(error)
        return Response(text, status)(environ, start_response)


@pytest.fixture
def slow():
    made = Slow()
    yield made
    made.answered.set()


@pytest.fixture
def send(slow, monkeypatch) -> Callable[[str, str], Response]:
    monkeypatch.setattr("connector.web.slow_writes._PATIENCE_S", 0.01)
    client = Client(SlowWrites(slow, threads=4))
    return lambda method, path: client.open(path, method=method)


@pytest.mark.parametrize(
    "path", ["/console/approvals/1/docusign", "/acme/api/v1/docusign", "/scim/v2/Users"]
)
def test_whoever_waits_for_docusign_leaves_two_threads(slow, send, path):
    with ThreadPoolExecutor(2) as pool:
        first = [pool.submit(send, "POST", path) for _ in range(2)]
        for _ in first:
            assert slow.waiting.acquire(timeout=WITHIN_S)

        refused = send("POST", "/console/tasks/1/docusign")
        written = send("POST", "/scim/v2/Users")
        others = [
            send("GET", "/scim/v2/Users"),
            send("POST", "/scim/v2/Users/.search"),
            send("POST", "/console/sign-in"),
            send("GET", "/console/"),
        ]
        slow.answered.set()

    assert [answer.result().status_code for answer in first] == [200, 200]
    assert (refused.status_code, written.status_code) == (503, 503)
    assert "server.threads" in refused.text
    assert int(written.headers["Retry-After"]) > 0
    assert "server.threads" in written.json["detail"]
    assert {answer.status_code for answer in others} == {200}


def test_a_place_is_free_again_afterwards(slow, send):
    slow.answered.set()
    for _ in range(10):
        assert send("POST", "/console/approvals/1/docusign").status_code == 200
        assert send("POST", "/scim/v2/Users").status_code == 200


def test_a_place_goes_to_whoever_has_waited_longest(slow, monkeypatch):
    monkeypatch.setattr("connector.web.slow_writes._PATIENCE_S", WITHIN_S)
    monkeypatch.setattr("connector.web.slow_writes._SLOW_AFTER_S", WITHIN_S)
    places, entered = SlowWrites(slow, threads=3), []
    assert places.enter()

    def wait(name):
        entered.append(name if places.enter() else "nobody")

    waiting = []
    for name in ("first", "second"):
        waiting.append(threading.Thread(target=wait, args=(name,)))
        waiting[-1].start()
        eventually(lambda: len(places._places._waiting) == len(waiting))
    for number, thread in enumerate(waiting, 1):
        places.leave()
        # Whoever leaves comes back at once, and is behind those who wait.
        monkeypatch.setattr("connector.web.slow_writes._PATIENCE_S", 0)
        assert not places.enter()
        thread.join(WITHIN_S)
        assert entered == ["first", "second"][:number]


def eventually(is_so):
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_without_a_server_nobody_counts():
    take_place()
