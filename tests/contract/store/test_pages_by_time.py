"""Lists by time in pages, on every database: each item once, whatever shares an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.notifications import Delivery, DeliveryState, Notice

NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)


def deliveries():
    return [
        Delivery(
            delivery_id=f"d{number}",
            notice=Notice.TASK_OPENED,
            channel="hook",
            recipient="",
            about="w1",
            subject_id="",
            payload={},
            state=DeliveryState.DEAD if number % 2 else DeliveryState.WAITING,
            # Three of an instant.
            created_at=NOW + timedelta(seconds=number // 3),
            next_attempt_at=NOW,
        )
        for number in range(8)
    ]


def test_deliveries_come_newest_first_and_each_once(store):
    with store.write("t1") as uow:
        uow.notifications.add(*deliveries())
        uow.commit()
    with store.read("t1") as uow:
        whole = uow.notifications.search()
        found, after = [], None
        while page := uow.notifications.search([], 3, after):
            found += page
            after = page[-1].created_at, page[-1].delivery_id
        assert [item.delivery_id for item in found] == [item.delivery_id for item in whole]
        dead = uow.notifications.search([DeliveryState.DEAD], 10, (NOW, "d1"))
        assert [item.delivery_id for item in dead] == []
        dead = uow.notifications.search([DeliveryState.DEAD], 1, (NOW + timedelta(seconds=1), "d3"))
        assert [item.delivery_id for item in dead] == ["d5"]
    with store.read("t2") as uow:
        assert uow.notifications.search([], 3, (NOW + timedelta(days=1), "")) == []


def test_runs_come_newest_first_and_each_once(store):
    runs = [
        JobRun(f"r{number}", "sync", RunState.DONE, NOW + timedelta(seconds=number // 3))
        for number in range(8)
    ]
    with store.write("t1") as uow:
        for run in runs:
            uow.jobs.add(run)
        uow.commit()
    with store.read("t1") as uow:
        found, after = [], None
        while page := uow.jobs.list(3, "sync", after=after):
            found += page
            after = page[-1].started_at, page[-1].run_id
        assert [run.run_id for run in found] == [
            f"r{number}" for number in (7, 6, 5, 4, 3, 2, 1, 0)
        ]
        assert uow.jobs.list(3, "settle", after=(NOW + timedelta(days=1), "")) == []
