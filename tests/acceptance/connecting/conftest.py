"""A simulated DocuSign in which nobody has agreed yet, and connectors that sign in to it."""

from __future__ import annotations

import pytest

from tests.acceptance.connecting.site import (
    CALLBACK,
    Site,
    application_of,
)
from tests.connector import ManualClock
from tests.databases import sqlite_settings
from tests.simulated import simulated


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def world(clock):
    world = simulated(50, now=clock.now)
    application_of(world).redirect_uris.add(CALLBACK)
    world.app.extensions["simulator"].revoke_consent()
    return world


@pytest.fixture
def sites(tmp_path, clock, world):
    started = []

    def start(**docusign):
        database = sqlite_settings(tmp_path / "connector.db")
        started.append(Site(database, clock, world, **docusign))
        return started[-1]

    yield start
    for site in started:
        site.close()


@pytest.fixture
def site(sites):
    return sites()
