"""With ``logging.format: json`` every line of a long-running process is JSON, to its very end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from tests.acceptance.processes import Running, Serving, on_socket, wait_until, write_config
from tests.acceptance.provisioners import prepared
from tests.acceptance.test_workers import configured
from tests.databases import postgresql_database
from tests.ports import free_port
from tests.simulated import simulated

LOGGING = {"format": "json", "level": "debug"}


def lines(log: Path) -> list[dict[str, object]]:
    """Return what stands in a log; a line that is no JSON fails the test with its text."""
    found = []
    for line in log.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            pytest.fail(f"no JSON: {line!r}")
    return found


def test_serve_logs_json_from_its_first_line_to_its_last(tmp_path):
    world, log = simulated(10), tmp_path / "serve.log"
    with on_socket(world):
        port = free_port()
        serving = Serving(write_config(tmp_path, world, port, logging=LOGGING), port, log)
        serving.start()
        requests.get(f"{serving.url}/scim/v2/Users", timeout=60)
        serving.stop()

    events = [line["event"] for line in lines(log)]
    assert "serving SCIM" in events
    assert "Shutting down granian" in events


def test_a_worker_logs_json_to_its_end(tmp_path, postgresql_server):
    world, log = simulated(10), tmp_path / "worker.log"
    with on_socket(world), postgresql_database(postgresql_server, "lines") as database:
        config = write_config(
            tmp_path,
            world,
            free_port(),
            logging=LOGGING,
            database={"url": configured(database.url)},
        )
        prepared(config)
        worker = Running("worker", config, log)
        worker.start()
        wait_until(lambda: "docusign call" in log.read_text(), 120)
        worker.stop()

    assert any(line["event"] == "docusign call" for line in lines(log))
