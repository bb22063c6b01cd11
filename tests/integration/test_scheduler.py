"""The jobs tick where the lease is held, and nowhere else."""

import threading
import time
from dataclasses import replace

import pytest

from connector.domain.ledger import RunState
from connector.scheduler import JobScheduler
from connector.services.aggregation import SYNC_JOB
from connector.services.jobs import JOBS
from connector.settings import JobSettings, ScheduleSettings
from tests.connector import connected, ok

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


class Running:
    """A scheduler in a thread."""

    def __init__(self, connector, owner, settings=SETTINGS):
        application = connector.application
        self.scheduler = JobScheduler(application.store, application.clock, owner, settings)
        self.scheduler.add(connector.services)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.scheduler.run, args=(self.stop,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def eventually(happened, timeout_s=20.0):
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
    before = last_sync(connector)
    with Running(connector, "jobs:a", scheduled(sync=1)):
        eventually(lambda: last_sync(connector).run_id != before.run_id)
        eventually(lambda: last_sync(connector).state is RunState.DONE)


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
    """A tenant besides, without jobs."""

    def __init__(self, services):
        self.settings = replace(services.settings, name="another")
        self.runs = services.runs


def test_processes_that_name_the_tenants_in_another_order_share_the_lease(connector):
    application = connector.application
    tenants = [connector.services, Other(connector.services)]
    schedulers = [
        JobScheduler(application.store, application.clock, owner, NOTHING) for owner in ("a", "b")
    ]
    for scheduler, ordered in zip(schedulers, (tenants, tenants[::-1]), strict=True):
        for tenant in ordered:
            scheduler.add(tenant)
        scheduler._renew()
    assert [scheduler._leads.is_set() for scheduler in schedulers] == [True, False]
