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
        first = world.accounts[0]
        profile = next(
            item.profile_id
            for item in first.profiles.values()
            if not item.is_admin and item.profile_id != first.default_profile_id
        )
        asked_for = f"{first.account_id}.{profile}"
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
