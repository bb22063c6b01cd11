"""A DocuSign that answers slowly, over real sockets: reads go on, and no write waits for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
import yaml

from simulator.faults import Latency
from simulator.state.model import Status
from tests.acceptance.processes import Serving, on_socket, wait_until, within_tries, write_config
from tests.acceptance.provisioners import prepared
from tests.connector import PATCH_OP
from tests.ports import free_port
from tests.simulated import Simulated, simulated

THREADS = 4
WAIT_S = 5
MARGIN_S = 50
"""For everything but DocuSign, on a machine that stands still for a while."""


class Slow(NamedTuple):
    serving: Serving
    world: Simulated
    token: str

    def send(self, method: str, path: str, **body: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.serving.url}/scim/v2{path}"
        return requests.request(method, url, json=body or None, headers=headers, timeout=120)

    def set_title(self, user_id: str, title: str) -> requests.Response:
        operation = {"op": "replace", "path": "title", "value": title}
        return self.send("PATCH", f"/Users/{user_id}", schemas=[PATCH_OP], Operations=[operation])

    def use_latency(self, latency: Latency) -> None:
        for name, value in vars(latency).items():
            setattr(self.world.latency, name, value)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    directory: Path = tmp_path_factory.mktemp("slow")
    world = simulated(30)
    with on_socket(world):
        port = free_port()
        server = {"port": port, "threads": THREADS}
        config = write_config(directory, world, port, server=server, jobs={"enabled": False})
        content = yaml.safe_load(config.read_text())
        # What is read again before a change waits for DocuSign too.
        content["tenants"]["default"]["provisioning"] = {"wait_s": WAIT_S, "fresh_for_s": 0}
        config.write_text(yaml.safe_dump(content))
        token = prepared(config)
        serving = Serving(config, port, directory / "serve.log")
        serving.start()
        yield Slow(serving, world, token)
        serving.stop()


@pytest.fixture(autouse=True)
def quick_again(slow: Slow) -> Iterator[None]:
    yield
    slow.use_latency(Latency())


def people(slow: Slow, number: int) -> list[str]:
    roster = [
        member
        for member in slow.world.account.roster
        if member.status is Status.ACTIVE
        and not member.is_admin
        and member.user is not slow.world.service_user
    ]
    return [member.user.user_id for member in roster[:number]]


def test_reads_go_on_while_writes_wait_for_docusign(slow: Slow) -> None:
    ids = people(slow, 2 * THREADS)
    slow.send("GET", f"/Users/{ids[0]}").raise_for_status()
    slow.use_latency(Latency.uniform(2))
    refused: list[requests.Response] = []

    def is_read_meanwhile() -> bool:
        """A machine that stands still lets the writes give up before anything is read: then they
        are sent again. Reads that wait for writes never come first."""
        with ThreadPoolExecutor(len(ids)) as pool:
            writing = [pool.submit(slow.set_title, user_id, "Slow") for user_id in ids]
            wait_until(lambda: sum(item.done() for item in writing) >= len(ids) - THREADS, 60)
            for _ in range(5):
                slow.send("GET", f"/Users/{ids[0]}").raise_for_status()
            are_waiting = not all(item.done() for item in writing)
            answers = [item.result() for item in writing]
        refused[:] = [item for item in answers if "server.threads" in item.text]
        return are_waiting and len(refused) >= len(ids) - THREADS

    within_tries(is_read_meanwhile)
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "temporarily unavailable" in answer.json()["detail"]


@pytest.mark.parametrize(
    "latency",
    [Latency.uniform(20), Latency(write_s=20, admin_write_s=20), Latency.uniform(4)],
    ids=["all calls", "writes", "the sum of many calls"],
)
def test_no_write_waits_longer_than_it_may(slow: Slow, latency: Latency) -> None:
    (user_id,) = people(slow, 1)
    slow.use_latency(latency)

    for send in (
        lambda: slow.set_title(user_id, f"Waits {latency}"[:60]),
        lambda: slow.send("POST", "/Users", userName="new@partner.example"),
    ):
        started = time.monotonic()
        answer = send()
        assert time.monotonic() - started < WAIT_S + MARGIN_S
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "temporarily unavailable" in answer.json()["detail"]
