"""What no database holds, in every id and every parameter that the description has: refused as a
problem, on SQLite and on PostgreSQL, and never a defect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.settings import DatabaseSettings
from tests import databases
from tests.acceptance.api.operations import READS, described
from tests.connector import Connector, connected
from tests.programs import PROBLEM, Program, program
from tests.simulated import simulated

FOR_ALL = {name: read for name, read in READS.items() if not name.startswith("tenants.")}
"""Of tenants the operator alone knows."""
IDS = ("%00", "a%00b", "%ED%A0%80", "9" * 40, "-1", "x" * 3000, "%F0%9F%96%8B", "..", "'--")
VALUES = (
    "\x00",
    "a\x00b",
    "9" * 40,
    "-1",
    "1e999",
    "10000-01-01T00:00Z",
    "0001-01-01T00:00+23:59",
    "2026-02-30T00:00Z",
    "x" * 3000,
    "AAAA",
    "\U0001f58b",
    "%_\\",
)


@pytest.fixture(scope="module")
def connector(module_database: DatabaseSettings) -> Iterator[Connector]:
    with databases.opened(module_database) as store:
        store.migrate()
    started = connected(module_database, world=simulated(10))
    yield started
    started.close()


@pytest.fixture(scope="module")
def root(connector: Connector) -> Program:
    return program(connector, "administrator", login="root")


@pytest.mark.parametrize("name", [name for name, (_, path, _) in FOR_ALL.items() if "{" in path])
def test_an_id_that_nothing_can_have(root: Program, name: str) -> None:
    _, path, query = READS[name]
    before, _, rest = path.partition("{")
    for forged in IDS:
        answer = root.get(f"{before}{forged}{rest.partition('}')[2]}", **query)
        assert answer.status_code in (400, 404, 422), (forged, answer.get_data(as_text=True)[:300])
        assert answer.content_type == PROBLEM


def test_a_parameter_that_nothing_can_have(connector: Connector, root: Program) -> None:
    operations, _ = described(connector)
    tried = 0
    for name, (_, path, query) in FOR_ALL.items():
        if "{" in path:
            continue
        for parameter in operations[name][2].get("parameters", ()):
            if parameter.get("in") != "query":
                continue
            for value in VALUES:
                answer = root.get(path, **query | {parameter["name"]: value})
                text = answer.get_data(as_text=True)
                tried += 1
                assert answer.status_code < 500, (path, parameter["name"], value[:20], text[:300])
                if answer.status_code >= 400:
                    assert answer.content_type == PROBLEM
    assert tried > 300
