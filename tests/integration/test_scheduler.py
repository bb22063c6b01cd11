"""The jobs tick where the lease is held, and nowhere else."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from connector.domain.ledger.job_runs import RunState
from connector.errors import BudgetUsedUpError, ConnectorError, TemporaryError
from connector.scheduler import JobScheduler
from connector.services.aggregation import SYNC_JOB
from connector.services.context import Actor
from connector.services.jobs.board import job_board
from connector.services.jobs.declared import JOBS, TAKEN_UP_AFTER, run_job
from connector.services.jobs.runner import JobRunner
from connector.services.monitoring.observation import Readiness, observe
from connector.settings import JobSettings, ScheduleSettings
from simulator.faults import Fault
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated

CLOCK = Actor("job:verify", "job", "c-1")
NOTHING = JobSettings(schedule=dict.fromkeys(JOBS, ScheduleSettings()))


def scheduled(**every_s):
    """Return settings in which only these jobs run."""
    given = {name: ScheduleSettings(every_s=seconds) for name, seconds in every_s.items()}
    return JobSettings(schedule={**NOTHING.schedule, **given})


SETTINGS = scheduled(verify=0.1, sync=3600)


@pytest.fixture
def connector(tmp_path):
    made = connected(tmp_path / "connector.db")
    yield made
    made.application.close()


@pytest.fixture
def one_clock(tmp_path):
    """A connector and a DocuSign for both of whom the same time passes."""
    clock = ManualClock()
    made = connected(tmp_path / "one.db", world=simulated(50, now=clock.now), clock=clock)
    yield made
    made.application.close()


def scheduler(connector, owner, settings, *, tenants=None, start=lambda *_: None):
    application = connector.application
    return JobScheduler(
        application.store,
        application.clock,
        owner,
        settings,
        tenants=tenants or application.tenants,
        start=start,
        waiting=application.waiting_runs,
    )


class Running:
    """A scheduler in a thread."""

    def __init__(self, connector, owner, settings=SETTINGS):
        application = connector.application
        self.stop = threading.Event()
        runner = JobRunner(application.served, application.acting, self.stop)
        self.scheduler = scheduler(connector, owner, settings, start=runner.run)
        self.thread = threading.Thread(target=self.scheduler.run, args=(self.stop,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def eventually(happened, timeout_s=90.0):
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def last_sync(connector):
    with connector.services.context.read() as uow:
        return uow.jobs.latest(SYNC_JOB)


def test_a_task_that_was_done_closes_by_itself(connector):
    user = connector.world.member().user
    operation = {"op": "add", "path": "roles", "value": [{"value": "organization-admin"}]}
    ok(connector.patch(f"/Users/{user.user_id}", operation))
    assert connector.services.work_items.list()
    user.is_organization_admin = True
    with Running(connector, "jobs:a"):
        eventually(lambda: not connector.services.work_items.list())


def test_an_aggregation_that_is_due_starts_at_once(connector):
    before = {run.run_id for run in connector.services.runs.history(SYNC_JOB)}
    connector.clock.advance(2)

    def is_done():
        runs = connector.services.runs.history(SYNC_JOB)
        return any(run.state is RunState.DONE and run.run_id not in before for run in runs)

    with Running(connector, "jobs:a", scheduled(sync=1)):
        eventually(is_done)


def test_a_fresh_mirror_waits_for_its_time(connector):
    before = last_sync(connector)
    with Running(connector, "jobs:a", scheduled(sync=3600)):
        time.sleep(6)
    assert last_sync(connector).run_id == before.run_id


def test_a_second_scheduler_waits_for_the_lease(connector):
    with Running(connector, "jobs:a") as first:
        eventually(first.scheduler._leads.is_set)
        with Running(connector, "jobs:b") as second:
            time.sleep(0.3)
            assert not second.scheduler._leads.is_set()


class Other:
    """A tenant besides."""

    def __init__(self, services, **jobs):
        jobs = replace(services.settings.jobs, **jobs)
        self.settings = replace(services.settings, name="another", jobs=jobs)
        self.runs = services.runs


def test_processes_that_know_other_tenants_share_the_lease(connector):
    other = Other(connector.services)
    first = scheduler(connector, "a", NOTHING, tenants=lambda: [other])
    second = scheduler(connector, "b", NOTHING)
    first._renew()
    second._renew()
    assert [first._leads.is_set(), second._leads.is_set()] == [True, False]


def planned(scheduler):
    """Return when each job runs next."""
    return {job.id: job.next_run_time for job in scheduler._scheduler.get_jobs()}


@pytest.fixture
def paused(connector):
    """Return schedulers that plan and do not tick."""
    started = []

    def start(**options):
        made = scheduler(connector, "a", SETTINGS, **options)
        made._scheduler.start(paused=True)
        started.append(made)
        return made

    yield start
    for made in started:
        made._scheduler.shutdown()


def test_tenants_that_come_change_and_leave_are_followed(connector, paused):
    tenants = [connector.services]
    made = paused(tenants=lambda: tenants)
    made.follow()
    assert set(planned(made)) == {"default:verify", "default:sync"}
    tenants.append(Other(connector.services))
    made.follow()
    assert "another:sync" in planned(made)
    tenants[1] = Other(connector.services, schedule={"sync": ScheduleSettings()})
    made.follow()
    assert "another:sync" not in planned(made)
    del tenants[1]
    made.follow()
    assert set(planned(made)) == {"default:verify", "default:sync"}


def test_a_schedule_that_cannot_be_read_takes_no_other_with_it(connector, paused):
    broken = Other(connector.services, schedule={"sync": ScheduleSettings(cron="nonsense")})
    made = paused(tenants=lambda: [broken, connector.services])
    made.follow()
    assert set(planned(made)) == {"default:verify", "default:sync", "another:verify"}


@pytest.mark.parametrize("by", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_clock_that_is_set_makes_no_job_wait_for_the_old_time(connector, paused, by):
    made = paused()
    made.follow()
    job = made._scheduler.get_job("default:verify")
    job.modify(next_run_time=datetime.now(UTC) - by)
    made._after(timedelta(seconds=15), 15.0)
    assert planned(made)["default:verify"] == job.next_run_time
    before = datetime.now(UTC)
    made._after(timedelta(seconds=15) + by, 15.0)
    after = datetime.now(UTC)
    assert before <= planned(made)["default:verify"] <= after + timedelta(seconds=3)


def test_runs_of_a_clock_that_was_ahead_make_no_job_wait(one_clock):
    connector = one_clock
    day = timedelta(days=1)
    connector.clock.advance(86_400)
    for name in ("sync", "verify"):
        run_job(name, connector.services, CLOCK)
    connector.clock.advance(-86_400)
    made = scheduler(connector, "a", SETTINGS)
    made._scheduler.start(paused=True)
    made.follow()
    made._after(timedelta(seconds=15) + day, 15.0)
    waits = {name: at - datetime.now(UTC) for name, at in planned(made).items()}
    made._scheduler.shutdown()
    assert waits["default:verify"] <= timedelta(seconds=3)
    assert waits["default:sync"] <= timedelta(seconds=3600)
    board = job_board(connector.services.context, connector.services.runs, SETTINGS)
    due = {view.job.name: view.next_at - connector.clock.now() for view in board if view.next_at}
    assert max(due.values()) <= timedelta(seconds=3600)


def test_a_sync_is_gone_on_with_and_grows_old_though_a_clock_was_ahead(one_clock):
    connector = one_clock
    services, application = connector.services, connector.application
    connector.clock.advance(86_400)
    connector.sync()
    connector.clock.advance(-86_400 + 7200)
    connector.world.faults.add(Fault("error", "GET", "/users$", nth=3, times=None, status=503))
    with pytest.raises(ConnectorError):
        connector.sync()
    connector.world.faults.clear()
    broken_off = services.runs.latest(SYNC_JOB)
    assert broken_off.state is RunState.FAILED
    now = connector.clock.now()
    seen = observe(application.store, "default", now)
    assert timedelta(hours=2) <= now - seen.synced_at < timedelta(hours=2.05)
    assert [run.run_id for run in seen.last_runs if run.job == SYNC_JOB] == [broken_off.run_id]
    names = lambda: ["default"]  # noqa: E731
    ready = Readiness(application.store, application.clock, names, lambda: ("1", "1"), 3600)
    assert "2.0 hours ago" in ready.of_tenant("default").problem
    assert services.aggregation.sync().run_id == broken_off.run_id


def test_whoever_takes_over_plans_by_what_ran_before(connector, paused):
    made = paused()
    made.follow()
    early = planned(made)["default:sync"]
    connector.clock.advance(1800)
    made._renew()
    assert timedelta(minutes=29) < early - planned(made)["default:sync"] < timedelta(minutes=31)


def leave_waiting(connector):
    """Let a sync that nobody's clock began run out of calls; return when it may go on."""
    connector.world.limits.use_up(connector.world.account.account_id, remaining=1)
    with pytest.raises(BudgetUsedUpError):
        connector.services.aggregation.sync()
    assert last_sync(connector).state is RunState.WAITING
    return connector.services.runs.latest(SYNC_JOB).goes_on_at


def test_a_sync_that_waits_is_taken_up_whoever_began_it(connector, paused):
    started = []
    made = paused(start=lambda *what: started.append(what))
    made.follow()
    made._renew()
    made.take_up()
    assert "default:sync:again" not in planned(made)
    at = leave_waiting(connector)
    made.take_up()
    due = planned(made)["default:sync:again"]
    wait = at + TAKEN_UP_AFTER - connector.clock.now()
    assert abs(due - datetime.now(UTC) - wait) < timedelta(minutes=1)
    board = job_board(connector.services.context, connector.services.runs, SETTINGS)
    (view,) = [item for item in board if item.job.name == SYNC_JOB]
    assert view.next_at == at + TAKEN_UP_AFTER
    made._scheduler.remove_job("default:sync:again")
    made.take_up()
    assert "default:sync:again" not in planned(made), "what was begun once is begun once"
    made._tick_again("default", SYNC_JOB)
    assert started == [("default", SYNC_JOB)]


def go_on_now(made):
    """Do what was scheduled to go on, as though its time had come."""
    made._scheduler.remove_job("default:sync:again")
    made._tick_again("default", SYNC_JOB)


@pytest.mark.parametrize("when", ["before it is taken up", "until it goes on"])
def test_a_sync_that_waits_is_taken_up_once_its_job_is_resumed(connector, paused, when):
    started = []
    runs = connector.services.runs
    made = paused(start=lambda *what: started.append(what))
    made.follow()
    made._renew()
    leave_waiting(connector)
    if when == "until it goes on":
        made.take_up()
    runs.pause(SYNC_JOB, CLOCK)
    if when == "until it goes on":
        go_on_now(made)
    made.take_up()
    assert "default:sync:again" not in planned(made)
    runs.resume(SYNC_JOB, CLOCK)
    made.take_up()
    go_on_now(made)
    assert started == [("default", SYNC_JOB)]


def test_a_sync_that_could_not_be_started_is_taken_up_again(connector, paused):
    started = []

    def start(*what):
        started.append(what)
        if len(started) == 1:
            raise TemporaryError("The queue cannot be used just now.")

    made = paused(start=start)
    made.follow()
    made._renew()
    leave_waiting(connector)
    for _ in range(2):
        made.take_up()
        go_on_now(made)
    assert started == [("default", SYNC_JOB)] * 2


def test_a_tenant_that_cannot_be_read_leaves_what_waits_of_others_taken_up(connector, paused):
    class Unreadable:
        def last_starts(self, _):
            return {}

        def paused(self):
            raise TemporaryError("It cannot be read just now.")

    other = Other(connector.services)
    other.runs = Unreadable()
    made = paused(tenants=lambda: [other, connector.services])
    made.follow()
    leave_waiting(connector)
    with connector.application.store.write("another") as uow:
        uow.jobs.add(replace(connector.services.runs.latest(SYNC_JOB), run_id="another"))
        uow.commit()
    made.take_up()
    assert "default:sync:again" in planned(made)
    assert "another:sync:again" not in planned(made)


def test_what_waits_of_many_tenants_is_read_at_once(connector, paused):
    class Unasked:
        def last_starts(self, _):
            return {}

    others = [Other(connector.services) for _ in range(5)]
    for number, other in enumerate(others):
        other.settings = replace(other.settings, name=f"other-{number}")
        other.runs = Unasked()
    made = paused(tenants=lambda: [*others, connector.services])
    made.follow()
    leave_waiting(connector)
    reads = []
    listen = (connector.application.store.database.engine, "before_cursor_execute")
    event.listen(*listen, lambda *what: reads.append(what[2]))
    made.take_up()
    assert "default:sync:again" in planned(made)
    assert len([sql for sql in reads if sql.startswith("SELECT")]) == 2, "and whether it is paused"


def test_a_sync_that_somebody_else_went_on_with_is_not_begun_anew(one_clock):
    started = []
    start = lambda *what: started.append(what)  # noqa: E731
    made = scheduler(one_clock, "a", SETTINGS, start=start)
    made._scheduler.start(paused=True)
    made.follow()
    made._renew()
    leave_waiting(one_clock)
    made.take_up()
    one_clock.world.limits.next_hour()
    one_clock.clock.advance(3601)
    one_clock.sync()
    made._tick_again("default", SYNC_JOB)
    made._scheduler.shutdown()
    assert started == []


def test_a_database_that_is_away_leaves_the_clock_ticking(connector, paused, monkeypatch):
    def away(*_):
        raise TemporaryError("The database cannot be used just now.")

    made = paused()
    made._renew()
    monkeypatch.setattr(connector.application.store, "write", away)
    made._renew()
    made._give_up()
    assert not made._leads.is_set()
    monkeypatch.undo()
    made._renew()
    assert made._leads.is_set()
