"""Which processes run with another version of their configuration file."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.tenants.records import INSTALLATION
from connector.parentage import knows_its_dead, machine
from connector.ports import RunningProcess
from connector.services.monitoring.running import GONE_AFTER, Heartbeat, checksum_of, outdated
from tests.acceptance.processes import wait_until
from tests.clocks import ManualClock

FILE = Path("/etc/docusign-iga/config.yaml")


def running(clock, process_id="p1", **changes):
    now = clock.now()
    made = RunningProcess(
        process_id, "serve", "web1", "other", os.getpid(), str(FILE), "old", now, now
    )
    return replace(made, **changes)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def told(sqlite_store, clock):
    """Put processes; return a function that returns what is told of them."""

    def told(*processes):
        for process in processes:
            Heartbeat(sqlite_store, clock, process).tell()
        return outdated(sqlite_store, "new", FILE, clock.now())

    return told


def test_one_line_for_each_server_says_since_when(told, clock):
    clock.advance(60)
    lines = told(
        running(clock),
        running(clock, "p2", pid=1),
        running(clock, "p3", role="jobs"),
        running(clock, "p4", host="web2"),
        running(clock, "p5", host="web3", checksum="new"),
        running(clock, "p6", host="web4", config_path="/tmp/config.yaml"),
    )
    assert [line.partition(" runs since ")[0] for line in lines] == [
        "`serve` on web1",
        "The jobs process (of `serve`, or a `worker`) on web1",
        "`serve` on web2",
    ]
    assert f"since {clock.now():%Y-%m-%d %H:%M} UTC with another version of {FILE}" in lines[0]


def test_a_process_that_is_not_seen_any_more_is_not_told_and_forgotten(told, clock, sqlite_store):
    assert told(running(clock))
    clock.advance(GONE_AFTER.total_seconds() - 10)
    assert told()
    clock.advance(20)
    assert not told()
    told(running(clock, "p2", checksum="new"))
    with sqlite_store.read(INSTALLATION) as uow:
        assert [process.process_id for process in uow.processes.list()] == ["p2"]


@pytest.mark.skipif(not knows_its_dead(), reason="this system does not tell containers apart")
def test_a_killed_process_of_this_machine_is_not_told(told, clock):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert told(running(clock, machine=machine()))
    assert not told(running(clock, machine=machine(), pid=child.pid))


def test_a_heartbeat_says_that_it_ends(sqlite_store, clock):
    heartbeat = Heartbeat(sqlite_store, clock, running(clock))
    heartbeat.start()
    assert outdated(sqlite_store, "new", FILE, clock.now() + timedelta(seconds=1))
    heartbeat.stop()
    assert not outdated(sqlite_store, "new", FILE, clock.now())


def test_a_process_is_told_of_as_long_as_it_lives(sqlite_store, clock, monkeypatch):
    monkeypatch.setattr("connector.services.monitoring.running.SEEN_EVERY_S", 0.01)

    def is_seen_now():
        with sqlite_store.read(INSTALLATION) as uow:
            (process,) = uow.processes.list()
        return process.seen_at > clock.now() - GONE_AFTER

    heartbeat = Heartbeat(sqlite_store, clock, running(clock))
    heartbeat.start()
    for _ in range(2):
        clock.advance(GONE_AFTER.total_seconds() + 1)
        wait_until(is_seen_now, 60)
    heartbeat.stop()


def test_a_file_that_cannot_be_read_tells_nothing(sqlite_store, clock, tmp_path):
    Heartbeat(sqlite_store, clock, running(clock)).tell()
    assert checksum_of(tmp_path / "none.yaml") == ""
    assert not outdated(sqlite_store, "", FILE, clock.now())
