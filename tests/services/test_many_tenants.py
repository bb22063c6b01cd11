"""Many tenants in one process: a few threads, and nothing wired before it is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connector.app import create_app
from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantState
from connector.scheduler import JobScheduler
from connector.services.jobs import schedules
from connector.settings import JobSettings, ObservingSettings, ScheduleSettings, Secret
from tests.connector import Connector, connected

N = 200
POOL = 10
"""Threads in which APScheduler runs jobs."""


@pytest.fixture(scope="module")
def connector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    made = connected(tmp_path_factory.mktemp("many") / "connector.db")
    now = made.clock.now()
    with made.application.store.write(INSTALLATION) as uow:
        for number in range(N):
            account = f"00000000-0000-4000-8000-{number:012x}"
            document = {"user_id": account, "accounts": [{"account_id": account}]}
            revision = uow.tenants.count_change()
            uow.tenants.put(
                TenantRecord(
                    f"t{number}", TenantState.ACTIVE, document, revision, now, "x", now, "x"
                )
            )
        uow.commit()
    made.application.catalogue.look()
    yield made
    made.close()


def test_each_is_wired_when_it_is_asked_for(connector: Connector) -> None:
    application = connector.application
    before = len(application._tenants)
    _, token = application.clients.add("t7", "iga")
    answer = connector.http.get("/t7/scim/v2/Users", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert len(application._tenants) == before + 1


def test_their_jobs_share_a_few_threads_and_all_have_their_turn(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "SOON", schedules.SOON * 0)
    monkeypatch.setattr("connector.scheduler._SPREAD_S", 0.0)
    started: set[str] = set()
    most = 0

    def start(tenant: str, job: str) -> None:
        nonlocal most
        started.add(tenant)
        most = max(most, threading.active_count())

    only_notify = JobSettings(
        schedule={
            name: ScheduleSettings(every_s=0)
            for name in ("settle", "verify", "people", "sync", "erase", "anchor")
        }
    )
    application = connector.application
    before, stop = threading.active_count(), threading.Event()
    scheduler = JobScheduler(
        application.store,
        connector.clock,
        application.owner,
        only_notify,
        tenants=application.tenants,
        start=start,
        waiting=application.waiting_runs,
    )
    thread = threading.Thread(target=scheduler.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 180
    while len(started) < N + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    monkeypatch.setattr("connector.scheduler.RENEW_EVERY_S", 0)
    thread.join(30)
    assert len(started) == N + 1
    # The pool, APScheduler's own thread and the one that runs the scheduler.
    assert most - before <= POOL + 2


def test_monitoring_tells_sums_of_many(connector: Connector) -> None:
    ready = connector.http.get("/readyz").json
    assert set(ready["checks"]) == {"database", "migrations", "tenants"}
    assert f"of {N + 1}." in ready["checks"]["tenants"]
    settings = connector.application.settings
    assert settings.observing == ObservingSettings()
    metered = replace(settings, observing=ObservingSettings(metrics_token=Secret("m" * 20)))
    connector.application.settings = metered
    try:
        http = create_app(connector.application).test_client()
        text = http.get("/metrics", headers={"Authorization": f"Bearer {'m' * 20}"}).text
    finally:
        connector.application.settings = settings
    assert f"docusign_iga_tenants {N + 1}.0" in text
    assert "docusign_iga_tenants_seen 50.0" in text
    assert 't7"' not in text
    assert 'mirror_size{kind="users",tenant="*"}' in text
    assert text.count("\n") < 400
