"""DocuSign takes its time over a queued change: who comes meanwhile is accepted behind it."""

import threading
from contextlib import contextmanager

import pytest

from connector.services.context import Actor
from connector.services.locks import WriteLocks, address_key, user_key
from tests.connector import ManualClock, connected, ok
from tests.services.test_queued_changes import ADDRESS, DISABLED, ENABLED, LATER, pending
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
NEWCOMER = {"userName": "slow@partner.example", "displayName": "Slow"}
PATIENCE_S = 0.3


@pytest.fixture
def start(tmp_path):
    started = []

    def make(on_unavailable="queue"):
        clock = ManualClock()
        started.append(
            connected(
                tmp_path / "connector.db",
                world=simulated(10, now=clock.now),
                clock=clock,
                provisioning={"on_unavailable": on_unavailable, "wait_s": PATIENCE_S},
            )
        )
        return started[-1]

    yield make
    for running in started:
        running.close()


@contextmanager
def settling(connector, method):
    """Settle what waits, in front of a DocuSign that answers no such call before the block ends."""
    called, go_on = threading.Event(), threading.Event()
    answer = connector.world.app.wsgi_app

    def slow(environ, start_response):
        if environ["REQUEST_METHOD"] == method and "/users" in environ["PATH_INFO"].lower():
            called.set()
            assert go_on.wait(120)
        return answer(environ, start_response)

    connector.world.app.wsgi_app = slow
    thread = threading.Thread(target=connector.services.settlement.settle_all, args=[ACTOR])
    thread.start()
    try:
        assert called.wait(120)
        yield
    finally:
        go_on.set()
        thread.join(120)
        connector.world.app.wsgi_app = answer


def settle(connector):
    connector.clock.advance(130)
    return connector.services.settlement.settle_all(ACTOR)


def test_a_change_is_accepted_behind_the_one_that_is_being_settled(start):
    connector = start()
    path = f"/Users/{connector.create(ADDRESS)['id']}"
    assert connector.patch(path, DISABLED, **LATER).status_code == 202
    with settling(connector, "DELETE"):
        answer = ok(connector.patch(path, ENABLED))
        assert answer["active"] is True, "DocuSign has confirmed nothing yet"
        assert "queued_change" in pending(answer)
    assert ok(connector.get(path))["active"] is False
    settle(connector)
    assert ok(connector.get(path))["active"] is True
    assert pending(ok(connector.get(path))) == []


def test_a_deletion_is_accepted_behind_the_change_that_is_being_settled(start):
    connector = start()
    path = f"/Users/{connector.create(ADDRESS)['id']}"
    assert connector.patch(path, DISABLED, **LATER).status_code == 202
    with settling(connector, "DELETE"):
        assert connector.delete(path).status_code == 202
    settle(connector)
    assert connector.get(path).status_code == 404


def test_a_creation_sent_again_while_it_is_being_settled_is_the_same(start):
    connector = start()
    first = connector.post("/Users", NEWCOMER, **LATER)
    with settling(connector, "POST"):
        again = connector.post("/Users", NEWCOMER)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Location"] == first.headers["Location"]
    settle(connector)
    assert len(connector.world.state.on_address(NEWCOMER["userName"])) == 1


def test_where_the_tenant_does_not_queue_the_client_is_told_to_come_again(start):
    connector = start(on_unavailable="fail")
    path = f"/Users/{connector.create(ADDRESS)['id']}"
    assert connector.patch(path, DISABLED, **LATER).status_code == 202
    with settling(connector, "DELETE"):
        answer = connector.patch(path, ENABLED)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@contextmanager
def another_process_plans(connector, key):
    """Hold a lock as a process does that has recorded nothing yet."""
    with WriteLocks(connector.services.context).hold([key], 1.0):
        yield


def test_a_change_is_accepted_while_another_process_plans_one(start):
    connector = start()
    user_id = connector.create(ADDRESS)["id"]
    with another_process_plans(connector, user_key(user_id)):
        assert pending(ok(connector.patch(f"/Users/{user_id}", DISABLED))) == ["queued_change"]
    settle(connector)
    assert connector.user(user_id)["active"] is False


def test_a_creation_is_not_kept_twice_while_another_process_plans_it(start):
    connector = start()
    with another_process_plans(connector, address_key(NEWCOMER["userName"])):
        assert connector.post("/Users", NEWCOMER).status_code == 503
    assert connector.services.settlement.settle_all(ACTOR)["settled"] == 0
    ok(connector.post("/Users", NEWCOMER), 201)
