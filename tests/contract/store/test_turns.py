"""Plans stand in queues, one for each resource, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.ledger.plans import OperationState, PlanState, WaitingChange
from connector.ports import UnitOfWork
from connector.store import SqlStore
from tests.contract.store import records
from tests.contract.store.people import NOW

LATER = NOW + timedelta(minutes=5)
FLYING = {"state": OperationState.IN_FLIGHT, "owner": "host:1:x"}


def queued(unit: UnitOfWork, plan_id: str, *resources: str) -> None:
    unit.plans.add(records.plan(plan_id, state=PlanState.QUEUED), [])
    unit.turns.take(plan_id, resources, NOW)


def ahead(unit: UnitOfWork, *resources: str, before: str | None = None) -> list[str]:
    return [plan.plan_id for plan in unit.turns.ahead(resources, NOW, before=before)]


def test_plans_stand_in_the_order_in_which_they_came(store: SqlStore) -> None:
    with store.write("default") as unit:
        queued(unit, "z-first", "user:1", "group:1")
        queued(unit, "second", "user:1")
        queued(unit, "a-third", "group:1", "user:2")
        assert ahead(unit, "user:1") == ["z-first", "second"]
        assert ahead(unit, "user:2", "user:1") == ["z-first", "second", "a-third"]
        assert ahead(unit, "user:3") == []
        assert [plan.plan_id for plan in unit.turns.ahead(None, NOW)] == [
            "z-first",
            "second",
            "a-third",
        ]


def test_only_what_stands_in_front_counts(store: SqlStore) -> None:
    with store.write("default") as unit:
        for plan_id in ("first", "second", "third"):
            queued(unit, plan_id, "user:1")
        assert ahead(unit, "user:1", before="second") == ["first"]
        assert ahead(unit, "user:1", before="first") == []
        assert ahead(unit, "user:1", before="stands nowhere") == []


def test_who_changes_queues_keeps_the_place(store: SqlStore) -> None:
    with store.write("default") as unit:
        queued(unit, "first", "address:a")
        queued(unit, "second", "user:1")
        unit.turns.take("first", ["user:1"], LATER)
        assert ahead(unit, "user:1") == ["first", "second"]
        assert ahead(unit, "address:a") == []


@pytest.mark.parametrize("state", [PlanState.DONE, PlanState.FAILED])
def test_a_plan_that_ended_stands_in_nobodys_way(store: SqlStore, state: PlanState) -> None:
    with store.write("default") as unit:
        queued(unit, "first", "user:1")
        plan, _ = unit.plans.get("first")
        unit.plans.save_plan(replace(plan, state=state, finished_at=NOW))
        unit.plans.save_plan(plan)
        assert ahead(unit, "user:1") == []


def test_a_plan_that_somebody_works_on_is_waited_for_where_it_is_locked(store: SqlStore) -> None:
    with store.write("default") as unit:
        for plan_id, lease in (("alive", LATER), ("dead", NOW), ("in doubt", None)):
            flying = records.operation(plan_id, plan_id, lease_until=lease, **FLYING)
            unit.plans.add(records.plan(plan_id), [flying])
            unit.turns.take(plan_id, ["user:1", "user:*"], NOW)
        assert ahead(unit, "user:1") == ["alive", "dead", "in doubt"]
        for everybody in (["user:*"], None):
            found = unit.turns.ahead(everybody, NOW, locked=["user:2"])
            assert [plan.plan_id for plan in found] == ["dead", "in doubt"]
        for named in (["user:*", "user:1"], None):
            found = unit.turns.ahead(named, NOW, locked=["user:1"])
            assert [plan.plan_id for plan in found] == ["alive", "dead", "in doubt"]


def test_a_plan_that_waits_for_people_is_not_waited_for(store: SqlStore) -> None:
    with store.write("default") as unit:
        waiting = records.operation(state=OperationState.WAITING)
        unit.plans.add(records.plan(), [waiting])
        unit.turns.take("plan-1", ["user:1"], NOW)
        assert ahead(unit, "user:1") == []


def test_a_request_is_planned_in_its_place(store: SqlStore) -> None:
    with store.write("default") as unit:
        queued(unit, "first", "user:1")
        queued(unit, "second", "user:1")
        plan, _ = unit.plans.get("first")
        step = records.operation("op-1", "first")
        unit.plans.refill(replace(plan, summary="planned"), [step])
        assert unit.plans.get("first") == (replace(plan, summary="planned"), [step])
        unit.plans.refill(plan, [])
        assert unit.plans.get("first") == (plan, [])
        assert ahead(unit, "user:1") == ["first", "second"]
        assert unit.plans.abandoned(NOW) == ["first", "second"]


def test_who_waits_for_long_is_told_of_once(store: SqlStore) -> None:
    with store.write("default") as unit:
        queued(unit, "first", "user:1", "group:1")
        unit.plans.add(records.plan("second", state=PlanState.QUEUED), [])
        unit.turns.take("second", ["user:1"], LATER)
        first, second = (
            WaitingChange(unit.plans.get(plan_id)[0], since)
            for plan_id, since in (("first", NOW), ("second", LATER))
        )
        assert unit.turns.waiting(NOW) == [first]
        assert unit.turns.waiting(LATER, untold=True) == [first, second]
        unit.turns.mark_told(["first"], LATER)
        unit.turns.take("first", ["user:1"], LATER)
        assert unit.turns.waiting(LATER, untold=True) == [second]
        assert unit.turns.waiting(LATER) == [first, second]
        assert unit.turns.waiting(LATER, limit=1) == [first]
        assert (unit.turns.count_waiting(NOW), unit.turns.count_waiting(LATER)) == (1, 2)
        assert unit.totals.waits_since() == NOW


def test_what_waits_for_people_or_has_ended_is_not_late(store: SqlStore) -> None:
    with store.write("default") as unit:
        assert unit.totals.waits_since() is None
        unit.plans.add(records.plan(), [records.operation(state=OperationState.WAITING)])
        unit.turns.take("plan-1", ["user:1"], NOW)
        queued(unit, "ended", "user:1")
        ended, _ = unit.plans.get("ended")
        unit.plans.save_plan(replace(ended, state=PlanState.DONE, finished_at=NOW))
        assert unit.turns.waiting(LATER) == []
        assert unit.totals.waits_since() is None
