"""No lock runs out while DocuSign is asked under it, however slow it is and how often asked."""

from types import SimpleNamespace

import pytest

from connector.docusign import session as session_module
from connector.docusign.errors import NoAnswerError, UnavailableError
from connector.services.context import Actor
from connector.services.locks import LEASE, address_key, user_key
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
