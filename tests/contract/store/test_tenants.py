"""Tenants never see each other, whatever method is asked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from connector import ports
from connector.errors import NotFoundError
from connector.ports import UnitOfWork
from connector.store import SqlStore
from connector.store.tables import metadata
from tests.contract.store.every_method import ID, READS, WRITES, fill
from tests.contract.store.people import NOW


def _answer(unit: UnitOfWork, read: Callable[[UnitOfWork], Any]) -> Any:
    try:
        return read(unit)
    except NotFoundError:
        return None


def test_another_tenant_sees_nothing(store: SqlStore) -> None:
    with store.write("one") as unit:
        fill(unit)
        unit.commit()
    for name, reads in READS.items():
        for number, read in enumerate(reads):
            with store.read("one") as own, store.read("two") as other:
                if (name, number) not in {("plans", 1), ("plans", 2)}:
                    assert _answer(own, read), f"{name} {number} finds its own"
                assert not _answer(other, read), f"{name} {number} finds another's"


def test_another_tenant_changes_nothing(store: SqlStore) -> None:
    with store.write("one") as unit:
        fill(unit)
        unit.commit()
    with store.read("one") as unit:
        before = [_answer(unit, read) for reads in READS.values() for read in reads]
    with store.write("two") as unit:
        for write in WRITES:
            write(unit)
        unit.commit()
    with store.read("one") as unit:
        assert [_answer(unit, read) for reads in READS.values() for read in reads] == before
    with store.write("one") as unit:
        assert not unit.locks.acquire(["key"], "thief", NOW.replace(year=2100), NOW)


REPOSITORIES = {
    place: kind for place, kind in vars(UnitOfWork)["__annotations__"].items() if place != "tenant"
}


@pytest.mark.parametrize(("place", "kind"), REPOSITORIES.items(), ids=REPOSITORIES)
def test_every_method_of_every_port_is_asked(place: str, kind: str) -> None:
    asked: set[str] = set()
    for call in [*WRITES, *(read for reads in READS.values() for read in reads)]:
        names = call.__code__.co_names
        asked |= {name for before, name in pairwise(names) if before == place}
    methods = {name for name in vars(getattr(ports, kind)) if not name.startswith("_")}
    assert methods - asked == set()


def test_every_table_has_a_row_that_the_others_must_not_see(store: SqlStore) -> None:
    with store.write("one") as unit:
        fill(unit)
        unit.commit()
    with store.database.reading() as connection:
        empty = [
            table.name
            for table in metadata.sorted_tables
            if not connection.scalar(select(func.count()).select_from(table))
        ]
    assert empty == []


def test_every_row_says_whose_it_is() -> None:
    for table in metadata.sorted_tables:
        assert not table.c.tenant.nullable, table.name


def test_a_tenant_is_deleted_whole_and_alone(store: SqlStore) -> None:
    for name in ("one", "two"):
        with store.write(name) as unit:
            fill(unit)
            unit.commit()
    with store.write("one") as unit:
        counted = unit.holdings.count()
        unit.holdings.delete()
        unit.commit()
    with store.read("one") as gone, store.read("two") as kept:
        assert gone.holdings.count() == {}
        assert kept.holdings.count() == counted
        assert kept.audit.head().sequence == 3


def test_a_walk_over_everything_shows_nothing_that_gives_access(store: SqlStore) -> None:
    with store.write("one") as unit:
        fill(unit)
        unit.commit()
    with store.read("one") as unit:
        rows = list(unit.holdings.walk())
        tables = {name for name, _ in rows}
        assert {"users", "audit_events", "work_item_evidence"} <= tables
        assert tables & {"api_tokens", "console_sessions", "tenants"} == set()
    assert not any("password_hash" in row or "token_hash" in row for _, row in rows)
    user = next(row for name, row in rows if name == "users")
    assert user["user_id"] == ID
