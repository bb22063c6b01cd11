"""The ledger gives back what was put in, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connector.domain.audit.chain import find_break
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.ledger.plans import OperationState, PlanState
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.work_items.items import Direction, WorkItemState
from connector.errors import NotFoundError, UniquenessError
from connector.ports import USER
from connector.store import SqlStore
from connector.store.jobs import waiting_runs
from connector.store.tables import audit_events
from tests.contract.store import people, records
from tests.contract.store.people import NOW

LATER = NOW + timedelta(minutes=5)


def test_a_plan_is_read_with_its_operations_in_order(store: SqlStore) -> None:
    plan = records.plan()
    steps = [records.operation("op-b", position=0), records.operation("op-a", position=1)]
    with store.write("default") as unit:
        unit.plans.add(plan, steps[::-1])
        assert unit.plans.get("plan-1") == (plan, steps)
        done = replace(plan, state=PlanState.DONE, finished_at=LATER)
        step = replace(steps[0], state=OperationState.DONE, attempts=2, error="e", owner="o")
        unit.plans.save_plan(done)
        unit.plans.save_operation(step)
        assert unit.plans.get("plan-1") == (done, [step, steps[1]])
        with pytest.raises(NotFoundError):
            unit.plans.get("unknown")


def test_a_plan_is_abandoned_when_nobody_works_on_it(store: SqlStore) -> None:
    flying = {"state": OperationState.IN_FLIGHT, "owner": "host:1:x"}
    steps = {
        "alive": [records.operation("o1", "alive", lease_until=LATER, **flying)],
        "dead": [records.operation("o2", "dead", lease_until=NOW, **flying)],
        "planned": [records.operation("o3", "planned")],
        "waiting": [records.operation("o4", "waiting", state=OperationState.WAITING)],
    }
    with store.write("default") as unit:
        for plan_id, operations in steps.items():
            unit.plans.add(records.plan(plan_id), operations)
        unit.plans.add(
            records.plan("done", state=PlanState.DONE), [records.operation("o5", "done")]
        )
        assert unit.plans.abandoned(NOW + timedelta(seconds=1)) == ["dead", "planned"]
        assert unit.plans.abandoned(NOW, until=NOW, in_flight=True) == ["dead"]
        assert unit.plans.abandoned(NOW, until=NOW) == ["dead", "planned"]
        assert unit.plans.abandoned(NOW, until=NOW - timedelta(seconds=1)) == []
        assert unit.plans.abandoned(NOW, after=NOW) == []
        assert unit.plans.abandoned(NOW, after=NOW - timedelta(seconds=1)) == ["dead", "planned"]
        assert unit.plans.lease_owners("host:") == ["host:1:x"]
        assert unit.plans.lease_owners("host:2") == []
        unit.plans.release_leases("host:2")
        assert "alive" not in unit.plans.abandoned(NOW)
        unit.plans.release_leases("host:1")
        assert "alive" in unit.plans.abandoned(NOW)
        assert unit.plans.lease_owners("host:") == []


def test_open_plans_of_a_subject_are_listed_oldest_first(store: SqlStore) -> None:
    plans = [
        records.plan("new", created_at=LATER, state=PlanState.QUEUED),
        records.plan("old"),
        records.plan("done", state=PlanState.DONE),
        records.plan("other", subject_id="user-00002"),
    ]
    with store.write("default") as unit:
        for plan in plans:
            unit.plans.add(plan, [])
        assert unit.plans.open_for_subject(USER, "user-00001") == [plans[1], plans[0]]


def test_what_is_under_way_is_read_again_only_where_it_changed(store: SqlStore) -> None:
    waits = records.plan("waits", state=PlanState.QUEUED)
    with store.write("default") as unit:
        unit.plans.add(records.plan(), [records.operation()])
        unit.plans.add(waits, [])
        unit.plans.add(records.plan("over", state=PlanState.DONE), [records.operation("o", "over")])
        before = unit.plans.in_progress_marks()
        assert before.keys() == {"plan-1", "waits"}
        assert unit.plans.in_progress_marks() == before
        unit.plans.refill(waits, [records.operation("op-w", "waits")])
        planned = unit.plans.in_progress_marks()
        assert planned["plan-1"] == before["plan-1"]
        assert planned["waits"] != before["waits"]
        found = {plan.plan_id: len(steps) for plan, steps in unit.plans.in_progress(planned)}
        assert found == {"plan-1": 1, "waits": 1}
        unit.plans.save_operation(records.operation(state=OperationState.DONE))
        assert unit.plans.in_progress_marks().keys() == {"waits"}


def test_the_provenance_of_many_is_read_at_once(store: SqlStore) -> None:
    with store.write("default") as unit:
        for user_id in ("a", "b"):
            unit.attributes.put_provenance(replace(records.provenance(), user_id=user_id))
        found = unit.attributes.provenance_of(["a", "b", "c"])
        assert {key: [item.user_id for item in known] for key, known in found.items()} == {
            "a": ["a"],
            "b": ["b"],
        }
        assert unit.attributes.provenance("c") == ()


def test_one_open_work_item_at_most(store: SqlStore) -> None:
    item = records.work_item()
    with store.write("default") as unit:
        unit.work_items.add(item)
        with pytest.raises(UniquenessError):
            unit.work_items.add(records.work_item("item-2", direction=Direction.REVOKE))
        unit.work_items.save(replace(item, state=WorkItemState.AWAITING_VERIFICATION))
        with pytest.raises(UniquenessError):
            unit.work_items.add(records.work_item("item-2"))
        unit.work_items.save(replace(item, state=WorkItemState.DONE))
        unit.work_items.add(records.work_item("item-2"))
        unit.commit()


def test_no_work_item_is_left_out_of_a_search(store: SqlStore) -> None:
    with store.write("default") as unit:
        for number in range(201):
            unit.work_items.add(records.work_item(f"item-{number}", entitlement=f"role-{number}"))
        assert len(unit.work_items.search(subject_ids=[records.work_item("x").subject_id])) == 201


def test_work_items_are_found_by_a_prefix_that_only_they_have(store: SqlStore) -> None:
    item = records.work_item("abc-1")
    other = records.work_item("abc-12", subject_id="user-00002")
    with store.write("default") as unit:
        unit.work_items.add(item)
        unit.work_items.add(other)
        assert unit.work_items.get("abc-1") == item
        assert unit.work_items.get("abc-12") == other
        for asked in ("abc", "x", "", "%"):
            with pytest.raises(NotFoundError):
                unit.work_items.get(asked)


def test_work_items_are_searched_by_everything_at_once(store: SqlStore) -> None:
    first = records.work_item("a", state=WorkItemState.DONE, created_at=LATER)
    second = records.work_item("b", direction=Direction.REVOKE)
    third = records.work_item("c", subject_id="user-00002", entitlement="other")
    with store.write("default") as unit:
        for item in (first, second, third):
            unit.work_items.add(item)
        search = unit.work_items.search
        assert search() == [second, third, first]
        assert search(states=[WorkItemState.DONE]) == [first]
        assert search(subject_ids=["user-00002", "x"]) == [third]
        assert search(entitlement="other", direction=Direction.REVOKE) == []
        assert search(direction=Direction.REVOKE) == [second]


def test_work_items_are_searched_by_when_they_ended(store: SqlStore) -> None:
    first, second = (
        records.work_item(name, entitlement=name, state=WorkItemState.REJECTED, closed_at=at)
        for name, at in (("a", NOW), ("b", LATER))
    )
    with store.write("default") as unit:
        for item in (first, second, records.work_item("open")):
            unit.work_items.add(item)
        search = unit.work_items.search
        assert search(closed_after=NOW) == [second]
        assert search(closed_until=NOW) == [first]
        assert search(closed_after=NOW, closed_until=NOW) == []


def test_clients_and_tokens(store: SqlStore) -> None:
    client, token = records.client(), records.token()
    newer = records.token("token-2", token_hash="cd" * 32, created_at=LATER)
    with store.write("default") as unit:
        clients = unit.clients
        clients.add(client)
        clients.add(records.client("a"))
        with pytest.raises(UniquenessError):
            clients.add(client)
        clients.add_token(token)
        clients.add_token(newer)
        assert clients.tokens("iiq") == [newer, token]
        assert clients.find_by_token_hash(token.token_hash) == (client, token)
        assert clients.find_by_token_hash("00") is None
        revoked = replace(client, revoked_at=NOW), replace(token, revoked_at=NOW)
        clients.save(revoked[0])
        clients.save_token(revoked[1])
        assert clients.find_by_token_hash(token.token_hash) == revoked
        assert [item.client_id for item in clients.list()] == ["a", "iiq"]
        assert clients.get("iiq") == revoked[0]
        with pytest.raises(NotFoundError):
            clients.get("unknown")


def test_attributes_are_replaced_as_a_whole(store: SqlStore) -> None:
    first = ClientAttributes(USER, "u", {"a": "1", "b": "2"}, {"urn:x": {"department": "ä"}})
    second = ClientAttributes(USER, "u", {"b": "3"})
    with store.write("default") as unit:
        unit.attributes.put(first)
        assert unit.attributes.get(USER, ["u", "v"]) == {"u": first}
        unit.attributes.put(second)
        assert unit.attributes.get(USER, ["u"]) == {"u": second}
        unit.attributes.remove(USER, "u")
        assert unit.attributes.get(USER, ["u"]) == {}


def test_tombstones_and_provenance(store: SqlStore) -> None:
    old, new = records.tombstone("a"), records.tombstone("b", deleted_at=LATER)
    with store.write("default") as unit:
        kept = unit.attributes
        kept.add_tombstone(old)
        kept.add_tombstone(new)
        assert kept.tombstones("person1@example.com") == [new, old]
        assert kept.is_deleted(USER, ["a", "x"]) == {"a"}
        assert kept.external_ids_of_deleted(USER, ["a", "x"]) == {"a": old.external_ids}
        kept.remove_tombstone(USER, "a")
        assert kept.tombstones("person1@example.com") == [new]
        for entitlement in ("y", "x", "x"):
            kept.put_provenance(records.provenance(entitlement))
        assert kept.provenance("user-00001") == [records.provenance(name) for name in "xy"]
        kept.remove_provenance("user-00001", "x")
        assert kept.provenance("user-00001") == [records.provenance("y")]


def test_earlier_addresses_are_kept_until_the_person_is_erased(store: SqlStore) -> None:
    again = people.user(2, email="Person1@example.com")
    nameless = [people.user(number, email="") for number in (3, 4)]
    with store.write("default") as unit:
        unit.mirror.put_users([people.user(1), again, *nameless], people.NOW)
        for _ in range(2):
            unit.attributes.add_earlier_addresses({"user-00001": "a@x", "user-00004": "d@x"})
        unit.attributes.add_earlier_addresses({"user-00001": "b@x", "user-gone": "c@x"})
        unit.attributes.add_earlier_addresses({})
        ids = [*(f"user-0000{number}" for number in range(1, 5)), "user-gone", "x"]
        assert unit.attributes.earlier_addresses(ids) == {
            "user-00001": {"a@x", "b@x"},
            "user-00002": {"a@x", "b@x"},  # On the same address by another id.
            "user-00004": {"d@x"},
            "user-gone": {"c@x"},
        }
        assert unit.attributes.addresses_left("user-00001") == {"a@x", "b@x"}
        assert unit.attributes.addresses_left("user-00002") == set()
        assert unit.attributes.who_left(["a@x", "c@x", "z@x"]) == {
            "a@x": {"user-00001"},
            "c@x": {"user-gone"},
        }
        unit.erasures.forget_person("user-00001", "person1@example.com")
        assert unit.attributes.earlier_addresses(ids).keys() == {"user-00004", "user-gone"}


def test_the_audit_chain_holds_until_something_is_altered(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.audit.append(*(records.event(f"a.{number}") for number in range(5)))
        unit.commit()
    with store.read("default") as unit:
        events = list(unit.audit.events())
        assert unit.audit.events(after=3, limit=1) == [events[3]]
    assert [event.data for event in events] == [records.event().data] * 5
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5]
    assert find_break(events) is None
    assert find_break(events[2:], previous=events[1]) is None
    assert find_break([*events[:2], *events[3:]]) == 4
    with store.database.writing() as connection:
        changed = update(audit_events).where(audit_events.c.sequence == 3).values(actor="nobody")
        connection.execute(changed)
        connection.commit()
    with store.read("default") as unit:
        assert find_break(unit.audit.events()) == 3


def test_job_runs(store: SqlStore) -> None:
    first, second = records.run(), records.run("run-2", started_at=LATER)
    with store.write("default") as unit:
        assert unit.jobs.latest("sync") is None
        unit.jobs.add(first)
        unit.jobs.add(second)
        done = replace(first, state=RunState.DONE, finished_at=LATER, cursor={})
        unit.jobs.save(done)
        assert unit.jobs.list() == [second, done]
        assert unit.jobs.list(limit=1) == [second]
        assert unit.jobs.latest("sync") == second
        assert unit.jobs.latest("verify") is None


def test_runs_that_wait_are_found_of_all_tenants_where_none_came_after(store: SqlStore) -> None:
    waits = records.run(state=RunState.WAITING)
    after = records.run("run-2", started_at=LATER, state=RunState.DONE)
    runs: dict[str, list[JobRun]] = {
        "one": [waits],
        "two": [waits, after],
        "three": [replace(waits, run_id="a"), replace(waits, job="delta"), records.run("run-3")],
        "four": [replace(waits, started_at=LATER)],
    }
    for tenant, given in runs.items():
        with store.write(tenant) as unit:
            for run in given:
                unit.jobs.add(run)
            unit.commit()
    found = waiting_runs(store.database, NOW)
    assert found.keys() == {("one", "sync"), ("two", "sync"), ("three", "delta")}
    assert found["one", "sync"] == waits
    assert ("two", "sync") not in waiting_runs(store.database, LATER)
    assert waiting_runs(store.database, LATER)["four", "sync"].started_at == LATER


def test_locks_are_taken_together_or_not_at_all(store: SqlStore) -> None:
    with store.write("default") as unit:
        locks = unit.locks
        assert locks.acquire(["a", "b"], "p1:x", LATER, NOW)
        assert not locks.acquire(["b", "c"], "p2:x", LATER, NOW)
        assert locks.acquire(["c"], "p2:x", LATER, NOW), "c was left free"
        assert locks.acquire(["a", "d"], "p1:x", LATER, NOW), "the owner's own is renewed"
        locks.release(["a", "c"], "p1:x")
        assert not locks.acquire(["c"], "p3", LATER, NOW), "another's lock is left alone"
        assert locks.acquire(["a"], "p3", LATER, NOW)
        assert locks.acquire(["b"], "p3", LATER + timedelta(hours=1), LATER), "b has run out"
        locks.prolong(["c", "d"], "p2:", LATER + timedelta(hours=1))
        assert not locks.acquire(["c"], "p4", LATER, LATER), "c was prolonged"
        assert locks.acquire(["d"], "p4", LATER, LATER), "d is another's and was not"
        assert locks.owners("p2:") == ["p2:x"]
        locks.release_owner("p2:")
        assert locks.owners("p2:") == []
        assert locks.acquire(["c"], "p4", LATER, NOW)
        assert locks.acquire([], "p5", LATER, NOW)


def test_only_the_owner_itself_renews_a_lease(store: SqlStore) -> None:
    """Whose name begins with the owner's is somebody else."""
    with store.write("default") as unit:
        locks = unit.locks
        assert locks.acquire(["a"], "p1:xy", LATER, NOW)
        assert not locks.renew("a", "p1:x", LATER + timedelta(hours=1))
        assert locks.acquire(["a"], "p2", LATER + timedelta(hours=1), LATER), "a has run out"
        assert locks.owner_of("a") == "p2"
        assert locks.renew("a", "p2", LATER + timedelta(hours=2))
        assert not locks.acquire(["a"], "p3", LATER, LATER + timedelta(hours=1)), "a was renewed"
        assert not locks.renew("b", "p2", LATER)
        assert locks.owner_of("b") is None


def test_old_runs_are_deleted_save_the_last_of_each_job_that_succeeded(store: SqlStore) -> None:
    def run(run_id: str, job: str, at: datetime, **more: Any) -> JobRun:
        return records.run(run_id, job=job, started_at=at, **{"state": RunState.DONE, **more})

    with store.write("default") as unit:
        for item in (
            run("sync-1", "sync", NOW),
            run("sync-2", "sync", LATER),
            run("sync-3", "sync", NOW, state=RunState.RUNNING),
            run("idle-1", "settle", NOW, is_idle=True),
            run("idle-2", "settle", LATER, is_idle=True),
        ):
            unit.jobs.add(item)
        end = LATER + timedelta(days=1)
        assert unit.jobs.forget(end, only_idle=True) == 1
        assert unit.jobs.forget(NOW) == 0
        assert unit.jobs.forget(end) == 1
        left = {item.run_id for item in unit.jobs.list(with_idle=True)}
    assert left == {"sync-2", "sync-3", "idle-2"}


def test_leases_that_are_over_are_deleted(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.locks.acquire(["old"], "a", NOW, NOW)
        unit.locks.acquire(["new"], "b", LATER, NOW)
        assert unit.locks.count_live("n", NOW) == 1
        assert unit.locks.count_live("n", LATER) == 0
        assert unit.locks.forget_ended(LATER) == 1
        assert [*unit.locks.owners("a"), *unit.locks.owners("b")] == ["b"]
