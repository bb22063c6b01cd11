"""A connector in front of a simulated DocuSign, on either database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.settings import DatabaseSettings
from tests.acceptance.drift.native import Native
from tests.clocks import ManualClock
from tests.connector import connected
from tests.simulated import simulated


@pytest.fixture
def start(new_database: Callable[[str], DatabaseSettings]) -> Iterator[Callable[..., Native]]:
    """A function that starts a connector over a dozen people; keyword arguments are settings.

    ``database="postgresql"`` for the other database.
    """
    started: list[Native] = []

    def begin(database: str = "sqlite", **options: Any) -> Native:
        settings = new_database(database)
        started.append(
            Native(connected(settings, world=simulated(12), clock=ManualClock(), **options))
        )
        return started[-1]

    yield begin
    for native in started:
        native.connector.close()
