"""Real processes for tests: a simulator on a socket, and ``serve`` with everything it starts."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from simulator.server import SimulatorServer
from simulator.state.organization import utc_now
from tests.simulated import Simulated

_ENDS_WITHIN_S = 60
"""Processes of a machine that stands still for a while, too."""


@contextlib.contextmanager
def on_socket(world: Simulated) -> Iterator[SimulatorServer]:
    """Serve a simulated DocuSign on a socket, for processes whose time is the machine's, and its
    too from then on; its ``base_url`` is that address."""
    world.dial.now = utc_now
    with SimulatorServer(world.app) as server:
        world.base_url = server.url
        yield server


def write_config(directory: Path, world: Simulated, port: int, **sections: Any) -> Path:
    """Write a configuration for this DocuSign; *sections* are added to it."""
    details = world.details
    key = directory / "private-key.pem"
    key.write_text(details["private_key_pem"])
    docusign = {name: details[name] for name in ("oauth_url", "admin_url", "jwt_audience")}
    accounts = [
        {"account_id": item["account_id"], "baseline_profile": item["baseline_profile"]}
        for item in details["accounts"]
    ]
    content = {
        "server": {"port": port},
        "database": {"url": f"sqlite:///{directory / 'connector.db'}"},
        "docusign": {
            "environment": "custom",
            "integration_key": details["integration_key"],
            "private_key_file": str(key),
            **docusign,
        },
        "tenants": {
            "default": {
                "user_id": details["user_id"],
                "organization_id": details["organization_id"],
                "accounts": accounts,
            }
        },
        **sections,
    }
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


class Running:
    """A command of ``docusign-iga`` in processes of its own."""

    def __init__(self, command: str, config: Path, log: Path) -> None:
        self._command = command
        self._config = config
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "connector.cli",
                    self._command,
                    "--config",
                    str(self._config),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The id of the process that was started."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        if self._process is None:
            return
        family = _family(self._process.pid)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(_ENDS_WITHIN_S)
        psutil.wait_procs(family, timeout=_ENDS_WITHIN_S)

    def kill_main(self) -> None:
        """End the one that was started, and nothing that it started."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_ENDS_WITHIN_S)

    def children(self) -> list[psutil.Process]:
        """Return everything that the process started."""
        assert self._process is not None
        return _family(self._process.pid)[1:]

    def stop(self) -> None:
        """End it politely, and by force what does not go."""
        if self._process is None or self._process.poll() is not None:
            return
        family = _family(self._process.pid)
        self._process.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs(family, timeout=_ENDS_WITHIN_S)
        for process in alive:
            process.kill()
        self._process.wait(_ENDS_WITHIN_S)
        assert not alive, f"still there after SIGTERM: {alive}"


class Serving(Running):
    """``docusign-iga serve`` in processes of its own."""

    def __init__(self, config: Path, port: int, log: Path) -> None:
        super().__init__("serve", config, log)
        self.url = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        wait_until(self._answers, 120)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=30).ok
        return False


def _family(pid: int) -> list[psutil.Process]:
    """Return a process with all that descend from it."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def within_tries(happened: Callable[[], bool], tries: int = 3) -> None:
    """Play a scene until what it is about happened: on a machine that stands still for a while it
    may not, which is no word about the program."""
    assert any(happened() for _ in range(tries)), f"not once in {tries} tries"


def wait_until(is_so: Callable[[], bool], timeout_s: float) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s"
        time.sleep(0.05)
