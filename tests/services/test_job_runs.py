"""Runs of jobs are kept with what they did; paused jobs are passed by."""

import pytest

from connector.domain.ledger import RunState
from connector.errors import TemporaryError
from connector.scheduler import JobScheduler
from connector.services.aggregation import SYNC_JOB
from connector.services.context import Actor
from connector.services.jobs import JOBS, run_job
from tests.connector import connected, ok

ACTOR = Actor("user:ann", "cli", "c-1")


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "connector.db")
    yield running
    running.close()


@pytest.fixture
def runs(connector):
    return connector.services.runs


def test_a_run_is_kept_with_its_counts_and_calls(connector, runs):
    user = connector.world.member().user
    operation = {"op": "add", "path": "roles", "value": [{"value": "organization-admin"}]}
    ok(connector.patch(f"/Users/{user.user_id}", operation))
    run_job("verify", connector.services, ACTOR)
    [run] = runs.history("verify")
    assert (run.state, run.counts["checked"], run.actor) == (RunState.DONE, 1, "user:ann")
    assert run.calls >= 1
    assert run.duration_s >= 0


def test_a_run_that_found_nothing_to_do_leaves_no_trace(connector, runs):
    run_job("settle", connector.services, ACTOR)
    assert runs.history("settle") == []


def test_a_failure_is_kept_with_its_kind(runs):
    def fail():
        raise TemporaryError("DocuSign is away")

    with pytest.raises(TemporaryError):
        runs.run("verify", ACTOR, fail)
    [run] = runs.history("verify")
    assert (run.state, run.error, run.cause) == (
        RunState.FAILED,
        "DocuSign is away",
        "TemporaryError",
    )


def test_a_sync_keeps_one_record_with_its_calls(connector, runs):
    before = len(runs.history(SYNC_JOB))
    run_job(SYNC_JOB, connector.services, ACTOR)
    latest, *_ = history = runs.history(SYNC_JOB)
    assert len(history) == before + 1
    assert latest.calls > 5


def test_a_paused_job_is_known_until_it_is_resumed(runs):
    runs.pause("sync", ACTOR)
    assert runs.paused()["sync"]["by"] == "user:ann"
    runs.resume("sync", ACTOR)
    assert runs.paused() == {}


def test_the_history_of_all_jobs_is_newest_first(connector, runs):
    runs.run("verify", ACTOR, lambda: {"checked": 1})
    connector.clock.advance(5)
    runs.run("settle", ACTOR, lambda: {"settled": 2})
    assert [run.job for run in runs.history()][:2] == ["settle", "verify"]


def test_every_job_says_what_it_does():
    assert all(job.what for job in JOBS.values())


def test_the_clock_passes_a_paused_job_by(connector, runs):
    application = connector.application
    scheduler = JobScheduler(application.store, application.clock, "o", application.settings.jobs)
    scheduler._leads.set()
    before = len(runs.history(SYNC_JOB))
    runs.pause(SYNC_JOB, ACTOR)
    scheduler._tick(SYNC_JOB, connector.services)
    assert len(runs.history(SYNC_JOB)) == before
    runs.resume(SYNC_JOB, ACTOR)
    scheduler._tick(SYNC_JOB, connector.services)
    assert len(runs.history(SYNC_JOB)) == before + 1
