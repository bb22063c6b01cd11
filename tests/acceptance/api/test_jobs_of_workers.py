"""A job that is started over the API runs at a worker, where there are workers (PostgreSQL)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connector.bootstrap import migrate
from connector.services.job_lease import give_back, holding_lease, lease_key
from connector.services.jobs.runner import JobRunner
from connector.services.locks import SYNC_KEY
from connector.settings import DatabaseSettings
from connector.store import SqlStore
from tests import databases
from tests.acceptance.processes import wait_until
from tests.connector import Connector, connected
from tests.programs import problem, program

pytest.importorskip("procrastinate", reason="comes with the extra postgresql")

from connector.queue import QueueWorker


@pytest.fixture
def connector(postgresql_server: str) -> Iterator[Connector]:
    """A connector on PostgreSQL, without a worker."""
    with databases.postgresql_database(postgresql_server, "apijobs") as settings:
        with databases.opened(settings) as store:
            assert isinstance(store, SqlStore)
            migrate(store, settings)
        running = connected(settings)
        yield running
        running.close()


def work(connector: Connector, settings: DatabaseSettings, until: Any) -> None:
    """Let a worker run what waits, until something is so."""
    stop, application = threading.Event(), connector.application
    queue = application.queue
    assert queue is not None
    runner = JobRunner(application.served, application.acting, stop, queue)
    worker = QueueWorker(settings, runner.run, queue, threads=1)
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    try:
        wait_until(until, 120)
    finally:
        stop.set()
        thread.join()


def test_a_worker_runs_it_for_whoever_asked_even_while_it_is_paused(connector: Connector) -> None:
    root, settings = program(connector, "administrator"), connector.application.settings.database
    assert root.post("/jobs/retention/pause").status_code == 200
    answer = root.post("/jobs/retention/run", x_request_id="asked-1")
    assert answer.status_code == 202 and answer.json["last"] is None
    assert root.read("/jobs/retention")["last"] is None, "this process runs no job"
    told = problem(root.post("/jobs/retention/run"), 409, "closed")
    assert told == "The job retention was asked for already; it waits for a worker."
    work(connector, settings, lambda: root.read("/jobs/retention")["last"])
    last = root.read("/jobs/retention")["last"]
    assert (last["state"], last["started_by"]) == ("done", "user:robot")
    assert last["correlation_id"] == answer.headers["X-Request-Id"]
    assert root.post("/jobs/retention/run").status_code == 202


@pytest.mark.parametrize("job", ["people", "sync"])
def test_one_that_goes_on_is_not_put_behind_itself(connector: Connector, job: str) -> None:
    robot, context = program(connector, "operator"), connector.services.context
    key = SYNC_KEY if job == "sync" else lease_key(job)
    with holding_lease(context, key, lambda _: None) as owner:
        told = problem(robot.post(f"/jobs/{job}/run"), 409, "closed")
        assert told == f"The job {job} of this tenant is running."
        with context.write() as uow:
            give_back(uow, key, owner)
            uow.commit()
    assert robot.post(f"/jobs/{job}/run").status_code == 202
