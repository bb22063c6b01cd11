"""What remains when one process of `serve` is killed, and the others are not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import requests

from connector.bootstrap import build, owner_prefix
from connector.cli.leases import release_dead
from connector.config import load_settings
from connector.services.locks import LEASE
from tests.acceptance.processes import Serving, on_socket, wait_until, write_config
from tests.connector import connected
from tests.ports import free_port
from tests.simulated import simulated

JOBS = {"schedule": {"settle": {"every_s": 1}, "sync": {}, "verify": {}}}
WITHIN_S = 60


@pytest.fixture
def world():
    world = simulated(10)
    with on_socket(world):
        yield world


@pytest.fixture
def served(world, tmp_path: Path):
    port = free_port()
    config = write_config(tmp_path, world, port, jobs=JOBS)
    application = build(load_settings(config), role="cli")
    try:
        application.tenant("default").aggregation.sync()
        token = application.clients.add("default", "iga")[1]
    finally:
        application.close()
    serving = Serving(config, port, tmp_path / "serve.log")
    serving.start()
    try:
        yield serving, token
    finally:
        serving.kill()


def test_children_end_with_a_parent_that_was_killed(world, served):
    serving, token = served
    wait_until(lambda: len(serving.children()) >= 2, WITHIN_S)  # A web worker, and the jobs.
    children = serving.children()
    sent = threading.Thread(target=_create, args=(serving, token), daemon=True)
    sent.start()
    serving.kill_main()
    _, alive = psutil.wait_procs(children, timeout=WITHIN_S)
    assert not alive
    sent.join(WITHIN_S)

    serving.start()
    wait_until(lambda: _create(serving, token) in {201, 409}, WITHIN_S)
    assert len(world.state.on_address("ann@northwind-freight.example")) == 1


def test_a_successor_starts_while_the_orphans_are_still_ending(served):
    serving, token = served
    serving.kill_main()
    serving.start()  # an orphan may be the one that answers
    wait_until(lambda: len(serving.children()) >= 2, WITHIN_S)
    wait_until(lambda: _create(serving, token) in {201, 409}, WITHIN_S)


def test_a_jobs_process_that_ends_is_started_anew(served):
    serving, _ = served
    wait_until(lambda: _jobs(serving) is not None, WITHIN_S)
    jobs = _jobs(serving)
    assert jobs is not None
    jobs.kill()
    wait_until(lambda: (found := _jobs(serving)) is not None and found.pid != jobs.pid, WITHIN_S)


def test_the_lease_of_a_living_process_is_not_ended(tmp_path: Path):
    connector = connected(tmp_path / "connector.db")
    now = connector.clock.now()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        owners = {pid: f"{owner_prefix('jobs')}{pid}:boot:x" for pid in (living.pid, os.getpid())}
        with connector.services.context.write() as uow:
            for pid, owner in owners.items():
                assert uow.locks.acquire([f"user:{pid}"], owner, now + LEASE, now)
            uow.commit()
        release_dead(connector.application, ["jobs"], wait_s=0.2)
        left = connector.services.settlement.lease_owners(owner_prefix("jobs"))
        assert left == {owners[living.pid]}
        living.communicate(b"\n")
    release_dead(connector.application, ["jobs"], wait_s=0.2)
    assert not connector.services.settlement.lease_owners(owner_prefix("jobs"))


def _create(serving: Serving, token: str) -> int:
    body = {
        "userName": "ann@northwind-freight.example",
        "name": {"givenName": "Ann", "familyName": "Lee"},
    }
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = requests.post(
            f"{serving.url}/scim/v2/Users", json=body, headers=headers, timeout=60
        )
    except requests.RequestException:
        return 0
    return answer.status_code


def _jobs(serving: Serving) -> psutil.Process | None:
    for process in serving.children():
        try:
            if "jobs" in process.cmdline():
                return process
        except psutil.NoSuchProcess:
            continue
    return None
