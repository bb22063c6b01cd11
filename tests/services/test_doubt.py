"""Creations in doubt: what comes next finds them, and none of them happens twice."""

import pytest

from connector.services.locks import LEASE
from tests.connector import ManualClock, connected, ok
from tests.services.test_crash import differences, killed_during, settled
from tests.simulated import simulated

ANSWERED = ("executor", "perform", True, 1)
"""DocuSign has done it, and the process dies before it can note that down."""
GROUP = {"displayName": "Crash", "externalId": "x-1"}


@pytest.fixture
def start(tmp_path):
    running = []

    def start(**variants):
        clock = ManualClock()
        world = simulated(10, now=clock.now, **variants)
        running.append(connected(tmp_path / "c.db", world=world, clock=clock))
        return running[-1]

    yield start
    for connector in running:
        connector.close()


def die(connector, monkeypatch, act):
    """Run *act* and die once DocuSign has done its first operation; the leases run out."""
    killed_during(connector, ANSWERED, monkeypatch, act)
    connector.clock.advance(LEASE.total_seconds() + 1)


def names(connector):
    return [item.name for item in connector.world.account.groups.values()]


@pytest.mark.parametrize("duplicates", [False, True])
def test_a_group_that_a_sync_saw_first_keeps_what_its_client_said(start, monkeypatch, duplicates):
    connector = start(duplicate_group_names=duplicates)
    die(connector, monkeypatch, lambda: connector.post("/Groups", GROUP))
    connector.sync()
    settled(connector)
    assert names(connector).count("Crash") == 1
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert group["externalId"] == "x-1"
    assert differences(connector) == []


@pytest.mark.parametrize("duplicates", [False, True])
def test_a_repeated_creation_of_a_group_finds_the_first_one(start, monkeypatch, duplicates):
    connector = start(duplicate_group_names=duplicates)
    die(connector, monkeypatch, lambda: connector.post("/Groups", GROUP))
    assert connector.post("/Groups", GROUP).status_code == 409
    settled(connector)
    assert names(connector).count("Crash") == 1
    assert differences(connector) == []
