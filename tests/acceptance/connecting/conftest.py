"""A simulated DocuSign in which nobody has agreed yet, and connectors that sign in to it."""

from __future__ import annotations

import pytest

from tests.acceptance.connecting.site import (
    CALLBACK,
    Site,
    application_of,
)
from tests.connector import ManualClock
from tests.databases import new_sqlite
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
    database = new_sqlite(tmp_path / "connector.db")

    def start(**docusign):
        started.append(Site(database, clock, world, **docusign))
        return started[-1]

    yield start
    for site in started:
        site.close()


@pytest.fixture
def site(sites):
    return sites()
