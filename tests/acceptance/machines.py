"""Runs hypothesis state machines on a fresh database for each example."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from connector.settings import DatabaseSettings
from tests import databases

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A failure takes minutes to shrink: left to whoever looks into it."""

OpenDatabase = Callable[[], DatabaseSettings]


class OnDatabase(RuleBasedStateMachine):
    """A machine that opens a database of its own."""

    open_database: OpenDatabase


def run_on_sqlite(machine: type[OnDatabase], directory: Path, chosen: settings) -> None:
    """Run a machine on SQLite files in a directory."""
    numbers = count()

    def open_database() -> DatabaseSettings:
        return databases.new_sqlite(directory / f"{next(numbers)}.db")

    _run(machine, open_database, chosen)


def run_on_postgresql(machine: type[OnDatabase], server: str, name: str, chosen: settings) -> None:
    """Run a machine on one database of a PostgreSQL server, emptied for each example."""
    with databases.postgresql_database(server, name) as database:
        store = databases.open_database(database)
        store.migrate()
        store.close()

        def open_database() -> DatabaseSettings:
            databases.empty(database)
            return database

        _run(machine, open_database, chosen)


def _run(machine: type[OnDatabase], open_database: OpenDatabase, chosen: settings) -> None:
    on_database = type("Machine", (machine,), {"open_database": staticmethod(open_database)})
    patient = settings(chosen, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(on_database, settings=patient)
