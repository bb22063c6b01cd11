"""No lock runs out while DocuSign is asked under it, however slow it is and how often asked."""

import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from connector.docusign import session as session_module
from connector.docusign.errors import NoAnswerError, UnavailableError
from connector.errors import ConflictingWriteError
from connector.services.aggregation.runs import SYNC_JOB
from connector.services.context import Actor
from connector.services.job_lease import give_back, holding_lease, lease_key
from connector.services.locks import LEASE, SYNC_KEY, address_key, user_key
from connector.store.locks import SqlLocks
from simulator.faults import Fault
from tests.connector import ManualClock, connected, ok
from tests.services.test_crash import killed_during, settled
from tests.services.test_queued_changes import DISABLED, LATER
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "slow@partner.example"
BEFORE = ("executor", "perform", False, 1)
"""DocuSign has not heard of it."""


@pytest.fixture
def connector(tmp_path, monkeypatch):
    clock = ManualClock()
    watch = SimpleNamespace(monotonic=lambda: clock.now().timestamp())
    monkeypatch.setattr("connector.patience.time", watch)
    running = connected(tmp_path / "c.db", world=simulated(10, now=clock.now), clock=clock)
    yield running
    running.close()


@pytest.fixture
def hangs(connector, monkeypatch):
    """Let DocuSign answer nothing from the first call of a method on; return what was asked then,
    each with whether a lock lived when it was given up."""
    answered = session_module.answered

    def hangs(key, since=""):
        asked: list[tuple[str, bool]] = []

        def hang(session, what, method, url, *, timeout, **request):
            if not asked and since not in ("", method):
                return answered(session, what, method, url, timeout=timeout, **request)
            connector.clock.advance(max(timeout))
            with connector.services.context.read() as uow:
                asked.append((what, key in uow.locks.live(connector.clock.now())))
            raise UnavailableError(what) if method == "GET" else NoAnswerError(what)

        monkeypatch.setattr(session_module, "answered", hang)
        return asked

    yield hangs
    monkeypatch.setattr(session_module, "answered", answered)


def is_held(asked):
    return len(asked) > 1 and all(lived for _, lived in asked)


def test_what_is_looked_up_after_a_crash(connector, monkeypatch, hangs):
    user_id = connector.create(ADDRESS)["id"]
    killed_during(connector, BEFORE, monkeypatch, lambda: connector.delete(f"/Users/{user_id}"))
    connector.clock.advance(LEASE.total_seconds() + 1)
    asked = hangs(user_key(user_id))
    connector.services.settlement.settle_all(ACTOR)
    assert is_held(asked)


@pytest.mark.parametrize("since", ["GET", "DELETE"])
def test_what_is_carried_out_later(connector, hangs, since):
    """Reading before the change, and reading back a write whose answer is lost."""
    user_id = connector.create(ADDRESS)["id"]
    assert connector.patch(f"/Users/{user_id}", DISABLED, **LATER).status_code == 202
    connector.clock.advance(LEASE.total_seconds() + 1)
    asked = hangs(user_key(user_id), since)
    connector.services.settlement.settle_all(ACTOR)
    assert is_held(asked)


def test_what_is_undone_later(connector, hangs, monkeypatch):
    last = max(item.account_id for item in connector.world.accounts[:2])
    connector.world.faults.add(Fault("error", "POST", f"{last}/users$", times=None, status=400))
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    ok(connector.post("/Users", {"userName": ADDRESS, "entitlements": wanted}, **LATER), 202)
    connector.clock.advance(LEASE.total_seconds() + 1)
    asked = hangs(address_key(ADDRESS), "DELETE")
    connector.services.settlement.settle_all(ACTOR)
    assert is_held(asked)
    monkeypatch.undo()
    settled(connector)
    assert not any(user.is_open for user in connector.world.state.on_address(ADDRESS))


def is_renewed(connector, key, within_s=60.0):
    """Wait until a lease lasts for nearly as long as after a renewal just now."""
    ends_at = time.monotonic() + within_s
    later = connector.clock.now() + LEASE - timedelta(seconds=10)
    while time.monotonic() < ends_at:
        with connector.services.context.read() as uow:
            if key in uow.locks.live(later):
                return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("path", ["/users$", "/users/"])
def test_a_sync_that_waits_for_longer_than_its_lease_is_still_the_only_one(
    connector, monkeypatch, path
):
    """For a page, and for those one by one whom the lists do not show."""
    user_id = connector.create(ADDRESS)["id"]
    connector.world.state.remove_membership(connector.membership(user_id))
    monkeypatch.setattr("connector.services.job_lease.RENEW_EVERY_S", 0.01)
    answered = session_module.answered
    hung: list[bool] = []

    def hang(session, what, method, url, **request):
        if len(hung) < 3 and (url.endswith("/users") if path == "/users$" else path in url):
            connector.clock.advance(75)
            hung.append(is_renewed(connector, SYNC_KEY))
            with pytest.raises(ConflictingWriteError):
                connector.sync()
            raise UnavailableError(what)
        return answered(session, what, method, url, **request)

    monkeypatch.setattr(session_module, "answered", hang)
    connector.sync()
    assert hung == [True] * 3
    history = connector.services.runs.history(SYNC_JOB)
    assert history[0].state == "done"


@pytest.fixture
def passes(monkeypatch):
    """Let leases be renewed all the time; return what waits until one was tried to renew, from the
    call on."""
    monkeypatch.setattr("connector.services.job_lease.RENEW_EVERY_S", 0.001)
    renew, tried = SqlLocks.renew, []

    def noted(self, key, *more):
        found = renew(self, key, *more)
        tried.append(key)
        return found

    monkeypatch.setattr(SqlLocks, "renew", noted)

    def wait(within_s=60.0):
        # The first may have begun before what the caller did.
        ends_at, wanted = time.monotonic() + within_s, len(tried) + 2
        keepers = [item for item in threading.enumerate() if item.name.startswith("run:")]
        while len(tried) < wanted and any(item.is_alive() for item in keepers):
            assert time.monotonic() < ends_at, "nobody renewed it"
            time.sleep(0.001)
        assert tried, "nobody renewed it"

    return wait


def losses(logged):
    """Return the levels of what was logged about a lease that is kept no longer."""
    told = ("was given back", "was lost")
    return [item["log_level"] for item in logged if any(text in item["event"] for text in told)]


def test_what_is_given_back_is_not_taken_again(connector, passes, logged):
    context, key = connector.services.context, lease_key("people")
    with holding_lease(context, key, lambda _: None) as owner:
        with context.write() as uow:
            give_back(uow, key, owner)
            uow.commit()
        passes()
        with context.read() as uow:
            assert uow.locks.owner_of(key) is None
    assert losses(logged) == ["debug"]


def test_a_lease_that_another_took_over_is_left_to_it(connector, passes, logged):
    """Even once it has run out: who has it may be as slow."""
    context, key = connector.services.context, lease_key("people")
    with holding_lease(context, key, lambda _: None) as owner:
        with context.write() as uow:
            uow.locks.release([key], owner)
            now = connector.clock.now()
            assert uow.locks.acquire([key], "other", now + timedelta(seconds=1), now)
            uow.commit()
        connector.clock.advance(2)
        passes()
        with context.read() as uow:
            assert uow.locks.owner_of(key) == "other"
    assert losses(logged) == ["warning"]


def test_a_lease_that_ran_out_is_told_though_the_other_run_is_over(connector, passes, logged):
    context, key = connector.services.context, lease_key("people")
    with holding_lease(context, key, lambda _: None) as owner:
        with context.write() as uow:
            connector.clock.advance(LEASE.total_seconds() + 60)
            uow.locks.release([key], owner)
            uow.commit()
        passes()
    assert losses(logged) == ["warning"]
