"""What aggregations and reconciliations cost: calls to DocuSign, seconds, and peak memory."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from connector.services.expectations import BASELINE

CHANGED = 100
"""Users who are changed in DocuSign itself before the delta; fewer where there are not so many."""

DIFFERENCES = 1_000
"""Users of whom something else is expected before the last reconciliation."""


@dataclass(frozen=True)
class Aggregation:
    """One run, in a process of its own."""

    name: str
    calls: int
    seconds: float
    peak_mib: float


def measured(config: Path, details: dict[str, Any]) -> list[Aggregation]:
    """Fill the mirror, read everything again, and read what changed of a few; then compare
    everybody with what is expected."""
    found = [_run("first full", config, "sync", ["sync"])]
    found.append(_run("full again, nothing changed", config, "sync", ["sync"]))
    number = _change_some(config, details)
    found.append(_run(f"delta of {number} changes", config, "delta", ["sync", "--delta"]))
    # A sync compares as well: the baseline is taken again, in a process of its own.
    _expect_nothing(config)
    found.append(_run("reconciliation, the baseline", config, "reconcile", ["reconcile"]))
    found.append(_run("reconciliation, nothing changed", config, "reconcile", ["reconcile"]))
    number = _expect_otherwise(config)
    name = f"reconciliation, {number:,} new findings"
    found.append(_run(name, config, "reconcile", ["reconcile"]))
    return found


def _run(name: str, config: Path, job: str, words: Sequence[str]) -> Aggregation:
    started = time.perf_counter()
    command = [sys.executable, "-m", "connector.cli", *words, "--config", str(config)]
    log = config.with_name("sync.log")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    # Only wait4 tells the peak memory of this one child.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {log.read_text()[-2000:]}")
    seconds = time.perf_counter() - started
    return Aggregation(name, _calls(config, job), seconds, usage.ru_maxrss / 1024)


def _calls(config: Path, job: str) -> int:
    command = [sys.executable, "-m", "connector.cli", "jobs", "history", "--config", str(config)]
    answer = subprocess.run(
        [*command, "--job", job, "--limit", "1", "--json"], capture_output=True, check=True
    )
    [run] = json.loads(answer.stdout)
    return int(run["calls"])


def _change_some(config: Path, details: dict[str, Any]) -> int:
    """Rename users as a person in DocuSign does; return how many."""
    base = details["oauth_url"]
    account = details["accounts"][0]["account_id"]
    # From the mirror: the memory of this process would count as that of the next child.
    with closing(sqlite3.connect(config.with_name("connector.db"))) as database:
        found = database.execute(
            "SELECT user_id FROM memberships WHERE account_id = ? AND status = 'active' "
            "AND user_id <> ? ORDER BY user_id LIMIT ?",
            (account, details["user_id"], CHANGED),
        )
        ids = [user_id for (user_id,) in found]
    for number, user_id in enumerate(ids):
        url = f"{base}/_simulator/accounts/{account}/users/{user_id}"
        body = {"user_name": f"Renamed Natively {number}"}
        requests.patch(url, json=body, timeout=60).raise_for_status()
    return len(ids)


def _expect_nothing(config: Path) -> None:
    with closing(sqlite3.connect(config.with_name("connector.db"))) as database, database:
        for table in ("findings", "expectations", "known_entitlements"):
            database.execute(f"DELETE FROM {table}")
        database.execute("DELETE FROM facts WHERE key = ?", (BASELINE,))


def _expect_otherwise(config: Path) -> int:
    """Let other job titles be expected of some and another profile of as many, so that what
    DocuSign shows of them are findings; return how many."""
    holders = (
        "SELECT user_id FROM memberships WHERE account_id = ? AND status = 'active' "
        "AND profile_id <> ? ORDER BY user_id LIMIT ?"
    )
    with closing(sqlite3.connect(config.with_name("connector.db"))) as database, database:
        [(account_id, other)] = database.execute(
            "SELECT account_id, profile_id FROM profiles ORDER BY account_id, profile_id LIMIT 1"
        )
        found = database.execute(holders, (account_id, other, DIFFERENCES))
        ids = [user_id for (user_id,) in found]
        half = len(ids) // 2
        titles = [("$.person.job_title", "Other", user_id) for user_id in ids[:half]]
        place = f'$.memberships."{account_id}"[1]'
        profiles = [(place, other, user_id) for user_id in ids[half:]]
        database.executemany(
            "UPDATE expectations SET expected = json_set(expected, ?, ?) WHERE user_id = ?",
            titles + profiles,
        )
        return len(ids)
