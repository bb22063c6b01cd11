"""A connector whose policy asks first."""

from __future__ import annotations

from typing import Any

import pytest

from connector.settings import ApprovalSettings
from tests.approvals import asking_first
from tests.connector import ManualClock, connected
from tests.simulated import simulated


@pytest.fixture
def start(tmp_path):
    """Start a connector whose policy asks for one profile, with these conditions."""
    started: list[Any] = []

    def run(database=None, *, rules=(), settings=None, **conditions):
        clock = ManualClock()
        world = simulated(10, now=clock.now)
        asked_for = world.entitlement()
        connector = connected(
            database or tmp_path / f"c{len(started)}.db",
            world=world,
            clock=clock,
            approvals=settings or ApprovalSettings(),
            entitlements=(*rules, asking_first(asked_for, **conditions)),
        )
        started.append(connector)
        return connector, asked_for

    yield run
    for connector in started:
        connector.close()
