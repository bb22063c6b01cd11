"""``kill -9`` in the middle of a full aggregation: the next one goes on at the page it reached."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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
from tests.acceptance.processes import on_socket, wait_until, write_config
from tests.connector import ok
from tests.ports import free_port
from tests.simulated import Simulated, simulated

N_USERS = 700
GIVE_UP_AFTER_S = 180.0


@pytest.fixture
def world() -> Iterator[Simulated]:
    world = simulated(N_USERS)
    with on_socket(world):
        yield world


@contextmanager
def _stopping(world: Simulated, application: Application) -> Iterator[None]:
    """Let DocuSign give no page of users in the block once a position is written down."""
    answer, go_on = world.app.wsgi_app, threading.Event()

    def stopping(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"].endswith("/users") and _position(application):
            go_on.wait(GIVE_UP_AFTER_S)
        return answer(environ, start_response)

    world.app.wsgi_app = stopping  # type: ignore[method-assign]  # as Flask documents it
    try:
        yield
    finally:
        world.app.wsgi_app = answer  # type: ignore[method-assign]
        go_on.set()


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
    application = build(load_settings(config), role="cli")
    try:
        with _stopping(world, application):
            reached = _killed_in_the_middle(config, application)
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


def _killed_in_the_middle(config: Path, application: Application) -> int:
    """Kill a sync once it has written a position down, and return that."""
    process = subprocess.Popen(
        [sys.executable, "-m", "connector.cli", "sync", "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _position(application) > 0, GIVE_UP_AFTER_S)
    finally:
        process.kill()
        process.wait()
    return _position(application)


def _position(application: Application) -> int:
    """Return the position that the latest sync has written down, 0 where it has none."""
    run = application.tenant("default").runs.latest(SYNC_JOB)
    return int(run.cursor.get("position") or 0) if run is not None else 0


def _disagreements(world: Simulated, application: Application) -> Any:
    _, token = application.clients.add("default", "checker")
    http = create_app(application).test_client()
    headers = {"Authorization": f"Bearer {token}"}
    return disagreements(
        world.state, application, lambda path: ok(http.get(f"/scim/v2{path}", headers=headers))
    )
