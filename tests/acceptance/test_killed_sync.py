"""``kill -9`` in the middle of a full aggregation: the next one goes on at the page it reached."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.app import create_app
from connector.bootstrap import Application, build, owner_prefix
from connector.config import load_settings
from connector.domain.ledger.job_runs import RunState
from connector.services.aggregation import SYNC_JOB
from tests import databases
from tests.acceptance.agreement import disagreements
from tests.acceptance.processes import on_socket, write_config
from tests.connector import ok
from tests.ports import free_port
from tests.simulated import Simulated, simulated

N_USERS = 700
PAGE_TAKES_S = 0.1
GIVE_UP_AFTER_S = 60.0


@pytest.fixture
def world() -> Iterator[Simulated]:
    world = simulated(N_USERS)
    world.latency.read_s = PAGE_TAKES_S
    with on_socket(world):
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, world: Simulated, tmp_path: Path) -> Iterator[Path]:
    if request.param == "sqlite":
        yield write_config(tmp_path, world, free_port())
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "killed_sync") as settings:
        url = settings.url.replace("postgresql://", "postgresql+psycopg://")
        yield write_config(tmp_path, world, free_port(), database={"url": url})


def test_a_killed_sync_is_gone_on_with_at_its_page(world: Simulated, config: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "connector.cli", "sync", "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    application = build(load_settings(config), role="cli")
    try:
        try:
            reached = _wait_for_a_page(application)
        finally:
            process.kill()
            process.wait()
        services = application.tenant("default")
        killed = services.runs.latest(SYNC_JOB)
        assert killed is not None
        assert killed.state is RunState.RUNNING
        # What the next start of the same machine does; others wait for the lease's two minutes.
        with application.store.write("default") as uow:
            uow.locks.release_owner(owner_prefix("cli"))
            uow.commit()
        seen: list[int] = []
        directory = services.context.directory
        walk = directory.iter_users

        def noted(account_id: str, start: int = 0) -> Any:
            seen.append(start)
            return walk(account_id, start)

        vars(directory)["iter_users"] = noted
        run = services.aggregation.sync()
        assert (run.run_id, run.state) == (killed.run_id, RunState.DONE)
        assert seen[0] >= reached > 0
        assert run.counts.get("vanished", 0) == 0
        assert _disagreements(world, application) == []
    finally:
        application.close()


def _wait_for_a_page(application: Application) -> int:
    """Return the position that the run has written, once it has written one."""
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    while time.monotonic() < deadline:
        run = application.tenant("default").runs.latest(SYNC_JOB)
        if run is not None and (position := run.cursor.get("position")):
            return int(position)
        time.sleep(0.02)
    raise AssertionError("the sync wrote no page")


def _disagreements(world: Simulated, application: Application) -> Any:
    _, token = application.clients.add("default", "checker")
    http = create_app(application).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    return disagreements(
        world.state, application, lambda path: ok(http.get(f"/scim/v2{path}", headers=headers))
    )
