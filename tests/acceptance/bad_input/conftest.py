"""One connector for each file and database: nothing that is refused may leave a trace in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.services.context import Actor
from connector.settings import DatabaseSettings
from tests import databases
from tests.acceptance.agreement import disagreements
from tests.acceptance.bad_input.refusals import ADDRESS
from tests.connector import Connector, ManualClock, connected, ok
from tests.simulated import simulated

PATIENT = {"wait_s": 60.0}
"""Of twenty who race, the last waits for all others."""


@pytest.fixture(scope="module")
def connector(module_database: DatabaseSettings) -> Iterator[Connector]:
    with databases.opened(module_database) as store:
        store.migrate()
    clock = ManualClock()
    started = connected(
        module_database, world=simulated(50, now=clock.now), clock=clock, provisioning=PATIENT
    )
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
