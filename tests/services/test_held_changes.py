"""Changes from before a database was restored wait for a person, and cost DocuSign nothing."""

import pytest

from connector.services.context import Actor
from connector.services.locks import LEASE
from connector.services.provisioning import settlement
from connector.services.restored import declare_restored, go_on_after_restoring
from simulator.faults import Fault
from tests.connector import ManualClock, connected
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A connector whose process died just before DocuSign heard of a deletion."""
    clock = ManualClock()
    running = connected(tmp_path / "connector.db", world=simulated(10, now=clock.now), clock=clock)
    user_id = running.create("held@partner.example")["id"]

    def dying(*_):
        raise Killed

    executor = running.services.settlement._turns._fulfilment._attempts._executor
    with monkeypatch.context() as patch:
        patch.setattr(executor, "perform", dying)
        with pytest.raises(Killed):
            running.delete(f"/Users/{user_id}")
    clock.advance(LEASE.total_seconds() + 1)
    yield running
    running.close()


def settled(connector):
    connector.clock.advance(15)
    return connector.services.settlement.settle_all(ACTOR)


def unreachable(connector):
    connector.world.faults.add(Fault("error", "GET", "", times=None, status=503))


def waits_told(events):
    return [item["plans"] for item in events if "db restored --go-on" in item["event"]]


def test_what_is_held_is_looked_up_once_and_told_once(begun, logged):
    declare_restored(begun.services.context, ACTOR)
    assert settled(begun)["held"] == 1
    unreachable(begun)  # Whoever asks now would have to wait.
    for _ in range(3):
        assert settled(begun) == {"settled": 0, "waiting": 0, "failed": 0, "held": 1}
    assert waits_told(logged) == [1]


def test_where_docusign_does_not_answer_the_look_is_repeated_after_a_growing_pause(begun):
    declare_restored(begun.services.context, ACTOR)
    unreachable(begun)
    looks = [settled(begun)["waiting"] for _ in range(20)]
    assert sum(looks[:2]) == 2
    assert sum(looks) < 8
    begun.world.faults.clear()
    begun.clock.advance(3600)
    assert settled(begun)["held"] == 1
    unreachable(begun)
    begun.clock.advance(3600)
    assert settled(begun)["waiting"] == 0, "it was answered"


def test_a_look_that_breaks_is_repeated_after_a_growing_pause_too(begun, monkeypatch):
    declare_restored(begun.services.context, ACTOR)
    finder = begun.services.settlement._turns._fulfilment._attempts._finder
    with monkeypatch.context() as patch:
        patch.setattr(finder, "find_effect", lambda _: {}["no such key"])
        looks = [settled(begun)["failed"] for _ in range(20)]
    assert sum(looks[:2]) == 2
    assert sum(looks) < 8
    begun.clock.advance(3600)
    assert settled(begun) == {"settled": 0, "waiting": 0, "failed": 0, "held": 1}


def test_a_second_restoring_is_looked_up_again(begun):
    declare_restored(begun.services.context, ACTOR)
    settled(begun)
    declare_restored(begun.services.context, ACTOR)
    unreachable(begun)
    assert settled(begun)["waiting"] == 1


def test_what_is_held_calls_no_further_workers(begun, monkeypatch):
    monkeypatch.setattr(settlement, "_MUCH", 1)
    assert begun.services.settlement.is_much()
    declare_restored(begun.services.context, ACTOR)
    assert not begun.services.settlement.is_much()
    go_on_after_restoring(begun.services.context, ACTOR)
    assert begun.services.settlement.is_much()
    assert settled(begun)["settled"] == 1


def test_of_several_workers_one_looks_at_what_is_held(begun):
    declare_restored(begun.services.context, ACTOR)
    unreachable(begun)
    parts = [
        begun.services.settlement.settle_all(ACTOR, part=part)["waiting"]
        for part in range(settlement.SETTLING_PARTS)
    ]
    assert parts == [1] + [0] * (settlement.SETTLING_PARTS - 1)
