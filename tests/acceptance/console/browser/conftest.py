"""Consoles in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.console.browser.site import Site
from tests.browsers import browser, served
from tests.connector import connected
from tests.simulated import simulated
from tests.visitors import (
    add_account,
    ask_to_forget,
    guarded,
    joined_by_hand,
    lively,
    operate,
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def _site(chromium: Any, path: Path, world: Any) -> Iterator[Site]:
    connector = connected(path, world=world, **guarded())
    ids = lively(connector)
    ids["erasure"] = ask_to_forget(connector)
    for login, role in (("ann", "administrator"), ("dora", "approver"), ("olga", "operator")):
        add_account(connector, login, role)
    with served(connector.http.application) as address:
        yield Site(connector, f"{address}/console", chromium, ids)
    connector.close()


@pytest.fixture(scope="module")
def site(chromium, tmp_path_factory) -> Iterator[Site]:
    """A console that tests only look at."""
    path = tmp_path_factory.mktemp("site") / "connector.db"
    for site in _site(chromium, path, simulated(150)):
        site.ids["finding"] = joined_by_hand(site.connector)
        operate(site.connector)
        yield site


@pytest.fixture
def own_site(chromium, tmp_path) -> Iterator[Site]:
    """A console that a test changes."""
    yield from _site(chromium, tmp_path / "connector.db", simulated(50))
