"""``kill -9`` between a call to DocuSign and our commit: nothing lost, nothing done twice."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.acceptance.processes import Serving, on_socket, write_config
from tests.acceptance.provisioners import Client, check, prepared, slow_world
from tests.ports import free_port

KILLS = int(os.environ.get("KILLS", "3"))
CLIENTS = 3


@pytest.fixture
def world():
    world = slow_world()
    with on_socket(world):
        yield world


@pytest.mark.parametrize(
    ("sync_interval_s", "longest_life_s"),
    # The first sync begins two seconds after its process.
    [(0, 1.2), (1, 3.5)],
    ids=["alone", "with syncs"],
)
def test_killed_at_random_instants(world, tmp_path: Path, sync_interval_s, longest_life_s):
    port = free_port()
    every_s = {"settle": 1, "sync": sync_interval_s, "verify": 0}
    jobs = {"schedule": {name: {"every_s": seconds} for name, seconds in every_s.items()}}
    config = write_config(tmp_path, world, port, jobs=jobs)
    token = prepared(config)
    serving = Serving(config, port, tmp_path / "serve.log")
    clients = [Client(name, serving.url, token, world) for name in ("ann", "bob", "cy")[:CLIENTS]]
    stop = threading.Event()
    try:
        serving.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            working = [pool.submit(client.work, stop) for client in clients]
            try:
                for _ in range(KILLS):
                    time.sleep(random.uniform(0.3, longest_life_s))
                    serving.kill()
                    serving.start()
            finally:
                stop.set()
            for item in working:
                item.result()
        # The last word belongs to a crash too.
        serving.kill()
    finally:
        stop.set()
        serving.kill()
    assert sum(len(client.done) for client in clients) >= CLIENTS
    check(world, config, clients)
