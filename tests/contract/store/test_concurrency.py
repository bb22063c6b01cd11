"""Threads and processes race for the same rows; readers keep their view."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.audit.chain import find_break
from connector.errors import TemporaryError, UniquenessError
from connector.ports import USER, ResourceQuery
from connector.settings import DatabaseSettings
from connector.store import SqlStore, open_database
from tests import databases
from tests.contract.store import people, records
from tests.contract.store.people import ACCOUNT, NOW

RACERS = 20


def _race(runner: Callable[[int], Any]) -> list[Any]:
    """Run the same thing in many threads that start together."""
    start = threading.Barrier(RACERS)

    def run(number: int) -> Any:
        start.wait()
        return runner(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))


def test_one_of_many_gets_the_lock(store: SqlStore) -> None:
    def take(number: int) -> bool:
        keys = ["a", "b"] if number % 2 else ["b", "a"]
        with store.write("default") as unit:
            taken = unit.locks.acquire(keys, f"owner-{number}", NOW + timedelta(hours=1), NOW)
            unit.commit()
        return taken

    assert _race(take).count(True) == 1


@pytest.mark.parametrize("way", ["forget_ended", "release_owner"])
def test_who_deletes_leases_takes_them_in_the_order_of_all(store: SqlStore, way: str) -> None:
    for key in ("b", "a"):
        with store.write("default") as unit:
            assert unit.locks.acquire([key], "gone", NOW, NOW - timedelta(hours=1))
            unit.commit()

    def delete() -> None:
        with store.write("default") as unit:
            if way == "forget_ended":
                unit.locks.forget_ended(NOW + timedelta(seconds=1))
            else:
                unit.locks.release_owner("gone")
            unit.commit()

    until = NOW + timedelta(hours=1)
    with ThreadPoolExecutor(1) as pool:
        with store.lease("default") as unit:
            assert unit.locks.acquire(["a"], "taker", until, NOW)
            deleting = pool.submit(delete)
            with pytest.raises(TimeoutError):
                deleting.result(timeout=1)
            assert unit.locks.acquire(["b"], "taker", until, NOW), "nobody waits for the other"
            unit.commit()
        deleting.result(timeout=60)
    with store.read("default") as unit:
        assert {unit.locks.owner_of(key) for key in "ab"} == {"taker"}


def test_leases_on_several_keys_are_given_out_to_one_at_a_time(store: SqlStore) -> None:
    """Those who want some of the same keys in any order do not wait for each other for ever."""
    held: set[str] = set()
    guard = threading.Lock()

    def work(number: int) -> int:
        owner, taken = f"owner-{number}", 0
        for turn in range(6):
            keys = [f"k{(number + turn * step) % 7}" for step in (1, 2, 3)]
            with store.lease("default") as unit:
                if not unit.locks.acquire(keys, owner, NOW + timedelta(hours=1), NOW):
                    continue
                unit.commit()
            with guard:
                assert not held & set(keys)
                held.update(keys)
            with store.write("default") as unit:
                unit.locks.prolong(keys[::-1], owner, NOW + timedelta(hours=2))
                unit.commit()
            with guard:
                held.difference_update(keys)
            with store.lease("default") as unit:
                unit.locks.release(keys[::-1], owner)
                unit.commit()
            taken += 1
        return taken

    assert sum(_race(work)) > 0
    with store.read("default") as unit:
        assert unit.locks.live(NOW) == []


def test_a_lease_is_taken_while_somebody_else_writes(store: SqlStore) -> None:
    if store.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")

    def take() -> bool:
        with store.lease("default") as unit:
            taken = unit.locks.acquire(["a"], "me", NOW + timedelta(hours=1), NOW)
            unit.commit()
        return taken

    with store.write("default") as unit, ThreadPoolExecutor(1) as pool:
        unit.put_fact("count", 1)
        assert pool.submit(take).result(timeout=20)


def test_a_lease_takes_no_audit_events_along(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain's head is for those whose turn it is."""
    asked: list[str] = []

    class Pending:
        def take(self, tenant: str, least: int) -> list[Any]:
            asked.append(tenant)
            return []

    monkeypatch.setattr(store, "_pending", Pending())
    with store.lease("default") as unit:
        unit.locks.acquire(["a"], "me", NOW + timedelta(hours=1), NOW)
        unit.commit()
    assert asked == []
    with store.write("default") as unit:
        unit.locks.release(["a"], "me")
        unit.commit()
    assert asked == ["default"]


def test_one_of_many_opens_the_work_item(store: SqlStore) -> None:
    def add(number: int) -> bool:
        try:
            with store.write("default") as unit:
                unit.work_items.add(records.work_item(f"item-{number}"))
                unit.commit()
        except UniquenessError:
            return False
        return True

    assert _race(add).count(True) == 1


def test_a_transaction_lends_its_connection_to_the_reads_of_its_thread(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.put_fact("a", 1)
        with store.reads_of(unit), store.read("default") as read, store.read("other") as other:
            assert read.facts() == {"a": 1}
            assert other.facts() == {}
        with store.read("default") as read:
            assert read.facts() == {}  # A connection of its own again.


def test_the_audit_chain_has_no_fork(store: SqlStore) -> None:
    def append(number: int) -> None:
        with store.write("default") as unit:
            unit.audit.append(records.event(f"a.{number}"))
            unit.commit()

    _race(append)
    with store.read("default") as unit:
        events = unit.audit.events()
    assert len(events) == RACERS
    assert find_break(events) is None


def test_counters_stay_right_under_concurrent_writes(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.mirror.put_groups(ACCOUNT, [people.group(1)])
        unit.commit()

    def write(number: int) -> None:
        with store.write("default") as unit:
            unit.resources.put([people.plain_row(n) for n in (0, number)])
            unit.mirror.add_group_members(ACCOUNT, "1", ["same", f"own-{number}"])
            unit.commit()

    _race(write)
    with store.read("default") as unit:
        assert unit.resources.search(ResourceQuery(USER)).total == RACERS
        assert unit.mirror.group_size(ACCOUNT, "1") == RACERS + 1


def test_a_reader_keeps_its_view(store: SqlStore) -> None:
    query = ResourceQuery(USER)
    with store.read("default") as reader:
        assert reader.resources.search(query).total == 0
        with store.write("default") as writer:
            writer.resources.put([people.plain_row(1)])
            writer.commit()
        assert reader.resources.search(query).total == 0
        assert reader.resources.find(USER, "user-00001") is None
    with store.read("default") as reader:
        assert reader.resources.search(query).total == 1


def test_a_reader_does_not_wait_for_a_writer(sqlite_store: SqlStore) -> None:
    with sqlite_store.write("default") as writer:
        writer.resources.put([people.plain_row(1)])
        with sqlite_store.read("default") as reader:
            assert reader.resources.search(ResourceQuery(USER)).total == 0


def test_a_writer_that_waits_too_long_may_try_again(sqlite_store: SqlStore) -> None:
    url = str(sqlite_store.database.engine.url)
    impatient = open_database(DatabaseSettings(url=url, busy_timeout_s=0.05))
    for busy in (sqlite_store, impatient):
        with busy.write("default"), pytest.raises(TemporaryError), impatient.write("default"):
            pass
    impatient.close()


@dataclass(frozen=True)
class _Turn:
    settings: DatabaseSettings
    number: int


def _take_turn(turn: _Turn) -> int:
    """Count up under the lock, as a process of its own."""
    done = 0
    with databases.opened(turn.settings) as store:
        while done < 10:
            with store.write("default") as unit:
                if not unit.locks.acquire(["k"], str(turn.number), NOW + timedelta(hours=1), NOW):
                    continue
                unit.commit()
            with store.read("default") as unit:
                count = unit.facts().get("count", 0)
            with store.write("default") as unit:
                unit.put_fact("count", count + 1)
                unit.locks.release(["k"], str(turn.number))
                unit.commit()
            done += 1
    return done


def test_processes_take_turns(store: SqlStore) -> None:
    url = store.database.engine.url.render_as_string(hide_password=False)
    settings = DatabaseSettings(url=url, pool_size=2)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(_take_turn, [_Turn(settings, number) for number in range(3)]) == [10] * 3
    with store.read("default") as unit:
        assert unit.facts() == {"count": 30}
