"""``docusign-iga demo``: starts, shows lines that work when pasted, ends cleanly."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.acceptance.processes import wait_until

START_WITHIN_S = 60
INVITATION = "from top to bottom:"

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("bash", "curl"))), reason="the guide needs bash and curl"
)


@dataclass
class Demo:
    """A running demo."""

    process: subprocess.Popen[bytes]
    ready: dict[str, Any]
    printed: Path

    def guide(self) -> str:
        """Return the lines to be pasted."""
        _, invited, lines = self.printed.read_text().partition(INVITATION)
        assert invited
        return lines


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    printed, ready = tmp_path / "printed.txt", tmp_path / "ready.json"
    command = [sys.executable, "-m", "connector.cli", "demo", "--port", "0", "--users", "60"]
    places = ["--data-dir", str(tmp_path / "data"), "--ready-file", str(ready)]
    with printed.open("wb") as output:
        process = subprocess.Popen([*command, *places], stdout=output, stderr=output)
    try:
        wait_until(lambda: ready.exists() or process.poll() is not None, START_WITHIN_S)
        assert ready.exists(), printed.read_text()
        yield Demo(process, json.loads(ready.read_text()), printed)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """End a demo politely and return those of its processes that stayed, which are killed then."""
    if process.poll() is not None:
        return []
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    process.send_signal(signal.SIGTERM)
    process.wait(40)
    _, alive = psutil.wait_procs(family, timeout=5)
    for one in alive:
        one.kill()
    return alive


def _signed_in_page(ready: dict[str, Any]) -> str:
    """Return the page of the console that follows the sign-in."""
    with requests.Session() as browser:
        door = browser.get(f"{ready['console_url']}/", timeout=20)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', door.text)[0]
        login = {"login": ready["console_login"], "password": ready["console_password"]}
        entered = browser.post(door.url, data={"csrf_token": token, **login}, timeout=20)
        return entered.text


def test_the_guide_works_when_pasted_and_the_demo_ends_cleanly(demo: Demo, tmp_path: Path):
    ready = demo.ready
    assert {"scim_url", "token", "simulator_url", "pids"} <= ready.keys()
    assert all(map(psutil.pid_exists, ready["pids"].values()))
    assert "Inbox" in _signed_in_page(ready)
    assert ready["console_password"] in demo.printed.read_text()
    headers = {"Authorization": f"Bearer {ready['token']}"}
    page = requests.get(f"{ready['scim_url']}/Users?count=1", headers=headers, timeout=10).json()
    # Of several closed users on one address SCIM shows the last.
    assert 50 <= page["totalResults"] <= 60

    script = tmp_path / "guide.sh"
    script.write_text(f"set -euo pipefail\n{demo.guide()}")
    pasted = subprocess.run(
        ["bash", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )

    assert pasted.returncode == 0, pasted.stderr + pasted.stdout
    assert pasted.stderr == ""
    errors = [line for line in pasted.stdout.splitlines() if '"detail":' in line]
    assert len(errors) == 1, errors  # what was deleted is not found
    assert "organization-admin" in pasted.stdout
    assert "/console/approvals/" in pasted.stdout and '"may_decide": true' in pasted.stdout
    assert "given at the request of client:iga" in pasted.stdout
    assert "New head of the office" in pasted.stdout
    assert _end(demo.process) == []
    assert demo.process.returncode == 0


def test_nothing_outlives_a_demo_that_is_killed(demo: Demo):
    family = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(family) >= 3
    demo.process.kill()
    demo.process.wait(10)
    _, alive = psutil.wait_procs(family, timeout=15)
    for one in alive:
        one.kill()
    assert alive == []
