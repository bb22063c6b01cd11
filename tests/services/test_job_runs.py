"""Runs of jobs are kept with what they did; paused jobs are passed by."""

import threading
import time
from datetime import timedelta

import pytest

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.mirror.hints import Hint, HintSource
from connector.errors import ConflictingWriteError, TemporaryError
from connector.progress import report_progress, reporting_to
from connector.services.aggregation import SYNC_JOB
from connector.services.context import Actor
from connector.services.jobs import runs as job_runs
from connector.services.jobs.board import job_board, progress_of
from connector.services.jobs.declared import JOBS, run_job
from connector.services.jobs.runner import JobRunner
from connector.services.jobs.runs import BROKEN_OFF
from connector.services.locks import SYNC_KEY
from connector.settings import JobSettings
from simulator.faults import Fault
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


def job_view(connector, name):
    board = job_board(connector.services.context, connector.services.runs, JobSettings())
    return next(view for view in board if view.job.name == name)


def shown(connector):
    with connector.services.context.read() as uow:
        return uow.jobs.latest(SYNC_JOB)


def test_a_run_is_kept_with_its_counts_and_calls(connector, runs):
    user = connector.world.member().user
    operation = {"op": "add", "path": "roles", "value": [{"value": "organization-admin"}]}
    ok(connector.patch(f"/Users/{user.user_id}", operation))
    run_job("verify", connector.services, ACTOR)
    [run] = runs.history("verify")
    assert (run.state, run.counts["checked"], run.actor) == (RunState.DONE, 1, "user:ann")
    assert run.calls >= 1
    assert run.duration_s >= 0


def test_a_run_that_found_nothing_to_do_is_listed_on_request(connector, runs):
    run_job("settle", connector.services, ACTOR)
    assert runs.history("settle") == []
    [run] = runs.history("settle", with_idle=True)
    assert (run.state, run.is_idle, run.correlation_id) == (RunState.DONE, True, "c-1")


def test_a_job_runs_once_at_a_time(runs):
    def again():
        runs.run("verify", ACTOR, dict)

    with pytest.raises(ConflictingWriteError, match="The job verify of this tenant is running"):
        runs.run("verify", ACTOR, again)
    assert runs.run("verify", ACTOR, lambda: {"checked": 3}) == {"checked": 3}


def test_the_progress_of_a_run_is_seen_while_it_goes_on(connector, runs):
    def work():
        report_progress(3, 12)
        seen.extend(runs.history("verify"))
        [view] = [
            item
            for item in job_board(connector.services.context, runs, JobSettings())
            if item.job.name == "verify"
        ]
        assert view.is_running
        return {"checked": 12}

    seen: list[JobRun] = []
    runs.run("verify", ACTOR, work)
    [during], [after] = seen, runs.history("verify")
    assert (during.state, progress_of(during)) == (RunState.RUNNING, "3 of 12 (25 %)")
    assert (after.run_id, after.state) == (during.run_id, RunState.DONE)


def test_a_run_whose_process_was_killed_is_told_by_the_next(connector, runs):
    killed = JobRun("r-1", "verify", RunState.RUNNING, connector.clock.now(), done=1, total=9)
    with connector.services.context.write() as uow:
        uow.jobs.add(killed)
        uow.commit()
    connector.clock.advance(60)
    runs.run("verify", ACTOR, lambda: {"checked": 1})
    _, before = runs.history("verify")
    assert (before.run_id, before.state, before.error) == ("r-1", RunState.FAILED, BROKEN_OFF)


def test_a_run_that_lasts_is_seen_though_it_tells_nothing(connector, runs, monkeypatch):
    monkeypatch.setattr(job_runs, "_SHOW_EVERY_S", 0.05)
    seen: list[JobRun] = []

    def work():
        deadline = time.monotonic() + 120
        while not seen and time.monotonic() < deadline:
            seen.extend(runs.history("verify"))
            time.sleep(0.02)
        return {"checked": 1}

    runs.run("verify", ACTOR, work)
    [during], [after] = seen, runs.history("verify")
    assert (during.state, during.actor, during.done) == (RunState.RUNNING, "user:ann", None)
    assert (after.run_id, after.state) == (during.run_id, RunState.DONE)


@pytest.mark.parametrize(("job", "lease"), [("verify", "run:verify:all"), (SYNC_JOB, SYNC_KEY)])
def test_a_killed_run_does_not_run_until_the_next_begins(connector, runs, job, lease):
    now = connector.clock.now() + timedelta(seconds=10)
    killed = JobRun("r-1", job, RunState.RUNNING, now, done=286, total=286)
    with connector.services.context.write() as uow:
        uow.jobs.add(killed)
        uow.locks.acquire([lease], "dead", now + timedelta(seconds=120), now)
        uow.commit()
    connector.clock.advance(20)
    assert job_view(connector, job).is_running
    connector.clock.advance(180)
    view = job_view(connector, job)
    assert (view.is_running, view.last.error) == (False, BROKEN_OFF)
    assert view.next_at is not None
    assert runs.history(job)[0].state is RunState.FAILED


def test_a_sync_beside_another_says_who_began_it_and_where_to_look(connector):
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        uow.locks.acquire([SYNC_KEY], "serve", now + timedelta(seconds=120), now)
        uow.commit()
    with pytest.raises(
        ConflictingWriteError, match=r"`serve` and .* `docusign-iga jobs list` .* Wait"
    ):
        connector.services.aggregation.sync()


def test_a_sync_has_one_progress_over_all_accounts(connector):
    seen: list[tuple[int, int]] = []

    def report(_):
        run = shown(connector)
        seen.append((run.done, run.total))

    connector.services.aggregation.sync(report)
    assert len(seen) >= len(connector.world.accounts) > 1
    (done, total), last = seen[0], seen[-1]
    assert done < total
    assert [step[0] for step in seen] == sorted(step[0] for step in seen)
    assert last[0] == last[1]


def test_a_delta_and_a_reconciliation_tell_how_far_they_are(connector):
    told: list[tuple[int, int]] = []
    with reporting_to(lambda *step: told.append(step)):
        run_job("reconcile", connector.services, ACTOR)
    assert told[-1][0] == told[-1][1] > 0
    told.clear()
    account = connector.world.account
    users = [item.user.user_id for item in account.roster[:3]]
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        uow.hints.add([Hint(account.account_id, key, HintSource.LIST, now) for key in users])
        uow.commit()
    with reporting_to(lambda *step: told.append(step)):
        run_job("delta", connector.services, ACTOR)
    assert told[0] == (0, 3)
    assert (2, 3) in told


def test_retention_deletes_old_runs_and_keeps_the_last_that_succeeded(connector, runs):
    runs.run("verify", ACTOR, lambda: {"checked": 1})
    runs.run("settle", ACTOR, dict)
    connector.clock.advance(3 * 86_400)
    runs.run("settle", ACTOR, dict)
    counts = run_job("retention", connector.services, ACTOR)
    assert (counts["idle_runs"], counts["runs"]) == (1, 0)
    connector.clock.advance(100 * 86_400)
    runs.run("verify", ACTOR, lambda: {"checked": 2})
    assert run_job("retention", connector.services, ACTOR)["runs"] == 1
    assert [run.counts for run in runs.history("verify")] == [{"checked": 2}]
    assert len(runs.history("settle", with_idle=True)) == 1


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
    runner = runner_of(connector)
    before = len(runs.history(SYNC_JOB))
    runs.pause(SYNC_JOB, ACTOR)
    runner.run("default", SYNC_JOB)
    assert len(runs.history(SYNC_JOB)) == before
    runs.resume(SYNC_JOB, ACTOR)
    runner.run("default", SYNC_JOB)
    assert len(runs.history(SYNC_JOB)) == before + 1


def test_a_sync_that_had_to_pause_goes_on_sooner_than_its_schedule_says(connector):
    connector.world.faults.add(Fault("error", "GET", "/users$", times=None, status=503))
    assert 60 <= runner_of(connector).run("default", SYNC_JOB) <= 3600
    assert runner_of(connector).run("default", "verify") is None


def test_a_job_of_a_process_that_is_stopped_ends_before_its_next_call(connector, runs):
    stop = threading.Event()
    stop.set()
    before = connector.services.runs.latest(SYNC_JOB)
    runner_of(connector, stop).run("default", SYNC_JOB)
    stopped = runs.latest(SYNC_JOB)
    assert (stopped.run_id != before.run_id, stopped.cause) == (True, "StoppedError")
    runner_of(connector).run("default", SYNC_JOB)
    assert runs.latest(SYNC_JOB).state is RunState.DONE
    with connector.services.context.read() as uow:
        assert not any(event.action == "job.failed" for event in uow.audit.events())


def test_settlement_of_a_process_that_is_stopped_ends_between_two_plans(connector, runs):
    for name in ("ann", "bob", "cy"):
        body = {"userName": f"{name}@partner.example"}
        assert connector.post("/Users", body, prefer="respond-async").status_code == 202
    stop = threading.Event()

    def told(done, _total):
        if done == 1:
            stop.set()

    with reporting_to(told):
        runner_of(connector, stop).run("default", "settle")
    [stopped] = runs.history("settle")
    assert (stopped.state, stopped.cause, stopped.done) == (RunState.FAILED, "StoppedError", 1)
    runner_of(connector).run("default", "settle")
    assert runs.latest("settle").counts == {"settled": 2, "waiting": 0, "failed": 0}


def test_nobody_runs_jobs_of_a_tenant_that_is_not_served(connector, runs):
    before = len(runs.history(with_idle=True))
    assert runner_of(connector).run("gone", "settle") is None
    assert len(runs.history(with_idle=True)) == before


def test_a_run_that_is_due_is_told_apart_from_one_that_comes(connector, runs):
    context, settings = connector.services.context, JobSettings()

    def due():
        return {view.job.name for view in job_board(context, runs, settings) if view.is_due}

    run_job("settle", connector.services, ACTOR)
    assert "verify" in due() and "settle" not in due()
    connector.clock.advance(60)
    assert "settle" in due()


def runner_of(connector, stop=None):
    application = connector.application
    return JobRunner(application.served, application.acting, stop or threading.Event())
