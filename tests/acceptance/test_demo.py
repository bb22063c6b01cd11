"""``docusign-iga demo``: starts, shows lines that work when pasted, ends cleanly."""

from __future__ import annotations

import contextlib
import csv
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

START_WITHIN_S = 120
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
    with running(tmp_path, "--users", "60") as demo:
        yield demo


@contextlib.contextmanager
def running(tmp_path: Path, *options: str) -> Iterator[Demo]:
    """Run a demo; it ends with the block."""
    printed, ready = tmp_path / "printed.txt", tmp_path / "ready.json"
    command = [sys.executable, "-m", "connector.cli", "demo", "--port", "0", *options]
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
    process.wait(120)
    _, alive = psutil.wait_procs(family, timeout=60)
    for one in alive:
        one.kill()
    return alive


def _signed_in_page(ready: dict[str, Any]) -> str:
    """Return the page of the console that follows the sign-in."""
    with requests.Session() as browser:
        door = browser.get(f"{ready['console_url']}/", timeout=60)
        token = re.findall(r'name="csrf_token" value="([^"]+)"', door.text)[0]
        login = {"login": ready["console_login"], "password": ready["console_password"]}
        entered = browser.post(door.url, data={"csrf_token": token, **login}, timeout=60)
        return entered.text


@pytest.mark.timeout(400)  # Each of some thirty commands is a process of its own.
def test_the_guide_works_when_pasted_and_the_demo_ends_cleanly(demo: Demo, tmp_path: Path):
    ready = demo.ready
    assert {"scim_url", "token", "simulator_url", "pids"} <= ready.keys()
    assert all(map(psutil.pid_exists, ready["pids"].values()))
    assert "Inbox" in _signed_in_page(ready)
    assert ready["console_password"] in demo.printed.read_text()
    headers = {"Authorization": f"Bearer {ready['token']}"}
    page = requests.get(f"{ready['scim_url']}/Users?count=1", headers=headers, timeout=60).json()
    # Of several closed users on one address SCIM shows the last.
    assert 50 <= page["totalResults"] <= 60

    assert 'revert $FINDING --reason "Nobody asked for the removal"' in demo.guide()
    printed = _paste(demo, tmp_path)
    assert "organization-admin" in printed
    assert "/console/approvals/" in printed and '"may_decide": true' in printed
    assert "given at the request of client:iga" in printed
    assert "New head of the office" in printed
    assert "lost the group" in printed and "1 reverted." in printed
    assert _end(demo.process) == []
    assert demo.process.returncode == 0


def _paste(demo: Demo, tmp_path: Path) -> str:
    """Run the lines of the guide, and return what they print."""
    script = tmp_path / "guide.sh"
    script.write_text(f"set -euo pipefail\n{demo.guide()}")
    pasted = subprocess.run(
        ["bash", str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert pasted.returncode == 0, pasted.stderr + pasted.stdout
    assert pasted.stderr == ""
    errors = [line for line in pasted.stdout.splitlines() if '"detail":' in line]
    assert len(errors) == 1, errors  # what was deleted is not found
    return pasted.stdout


def test_an_export_with_one_profile_and_no_group_is_enough(tmp_path: Path):
    row = {
        "SiteID": "3",
        "AccountID": "11111111-1111-4111-8111-111111111111",
        "AccountName": "Contoso",
        "APIUserName": "22222222-2222-4222-8222-222222222222",
        "FullName": "Ada Byron",
        "UserEmail": "ada@contoso.example",
        "UserStatus": "active",
        "MembershipStatus": "Active",
        "eSignPermissionProfile": "Sender",
        "eSignPermissionProfileID": "777",
    }
    namesake = {**row, "AccountID": "33333333-3333-4333-8333-333333333333"}
    export = tmp_path / "Contoso.csv"
    with export.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows([row, namesake])
    with running(tmp_path, "--export", str(export)) as demo:
        assert "Add them to the group" not in demo.guide()
        assert "organization-admin" in _paste(demo, tmp_path)


def test_nothing_outlives_a_demo_that_is_killed(demo: Demo):
    family = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(family) >= 3
    demo.process.kill()
    demo.process.wait(60)
    _, alive = psutil.wait_procs(family, timeout=60)
    for one in alive:
        one.kill()
    assert alive == []


def test_a_second_demo_on_the_same_directory_leaves_the_first_alone(demo: Demo) -> None:
    database = Path(demo.ready["config"]).with_name("connector.db")
    before = database.stat().st_ino
    command = [sys.executable, "-m", "connector.cli", "demo", "--port", "0", "--users", "10"]
    second = subprocess.run(
        [*command, "--data-dir", str(database.parent)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert second.returncode == 1
    assert "Another `docusign-iga demo` runs on" in second.stderr
    assert database.stat().st_ino == before
    users = requests.get(
        f"{demo.ready['scim_url']}/Users?count=1",
        headers={"Authorization": f"Bearer {demo.ready['token']}"},
        timeout=60,
    )
    assert users.json()["totalResults"] > 0


def test_consent_can_be_given_in_the_demo(demo: Demo) -> None:
    command = [sys.executable, "-m", "connector.cli", "consent", "url", "--json"]
    told = subprocess.run(
        [*command, "--config", demo.ready["config"]], capture_output=True, check=True, text=True
    )
    page = requests.get(json.loads(told.stdout)["url"], timeout=60)
    assert page.status_code == 200
    assert "asks for access" in page.text
