"""A connector in front of a simulated DocuSign, on either database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import databases
from tests.acceptance.drift.native import Native
from tests.connector import ManualClock, connected
from tests.simulated import simulated


@pytest.fixture
def start(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Iterator[Callable[..., Native]]:
    """A function that starts a connector over a dozen people; keyword arguments are settings.

    ``database="postgresql"`` for the other database.
    """
    started: list[Native] = []

    def begin(database: str = "sqlite", **options: Any) -> Native:
        if database == "sqlite":
            path = tmp_path / f"{len(started)}.db"
            shutil.copyfile(sqlite_template, path)
            settings = databases.sqlite_settings(path)
        else:
            request.getfixturevalue("postgresql_store")
            settings, _ = request.getfixturevalue("_postgresql_store")
        clock = ManualClock()
        world = simulated(12, now=clock.now)
        started.append(Native(connected(settings, world=world, clock=clock, **options)))
        return started[-1]

    yield begin
    for native in started:
        native.connector.close()
