"""A connector in front of a simulated DocuSign, with its own SQLite file, all in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connector import Connector, connected


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., Connector]]:
    """A function that starts connectors; see :func:`tests.connector.connected`."""
    started: list[Connector] = []

    def start(**options: Any) -> Connector:
        started.append(connected(tmp_path / f"connector{len(started)}.db", **options))
        return started[-1]

    yield start
    for connector in started:
        connector.close()


@pytest.fixture
def connector(connect: Callable[..., Connector]) -> Connector:
    """A connector with default settings over fifty people."""
    return connect()
