"""Whoever alters the record is found out, on both databases; who has a right to be forgotten is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from connector.domain.audit.chain import ERASED, ChainCheck
from connector.domain.audit.events import AuditEvent, AuditFilter, AuditHead
from connector.ports import UnitOfWork
from connector.store import SqlStore
from connector.store.tables import audit_actors, audit_details, audit_events, audit_heads
from tests.contract.store import records
from tests.contract.store.people import NOW

COUNT = 9


@pytest.fixture
def chain(store: SqlStore) -> SqlStore:
    """A store with nine events, the even ones by a person."""
    for number in range(1, COUNT + 1):
        actor = "client:iiq" if number % 2 else "user:ann"
        with store.write("default") as unit:
            unit.audit.append(records.event(f"a.{number}", actor=actor))
            unit.commit()
    return store


def first_break(store: SqlStore, anchors: dict[int, str] | None = None) -> int | None:
    check = ChainCheck(anchors or {})
    with store.read("default") as unit:
        for event in unit.audit.walk():
            check.take(event)
        broken = check.finish(unit.audit.head())
    return broken.sequence if broken else None


def head(store: SqlStore) -> AuditHead:
    with store.read("default") as unit:
        return unit.audit.head()


def tamper(store: SqlStore, act: Callable[[Connection], Any]) -> None:
    with store.database.writing() as connection:
        act(connection)
        connection.commit()


def at(sequence: int) -> Any:
    return audit_events.c.sequence == sequence


def test_an_untouched_chain_holds(chain: SqlStore) -> None:
    last = head(chain)
    assert last.sequence == COUNT
    assert first_break(chain, {last.sequence: last.hash}) is None


@pytest.mark.parametrize(
    "column, value",
    [
        ("actor", "client:other"),
        ("action", "plan.done"),
        ("subject", "user-00002"),
        ("correlation_id", "c2"),
        ("data", {"plan": "plan-2"}),
        ("at", NOW + timedelta(hours=1)),
        ("previous_hash", "0" * 64),
        ("hash", "0" * 64),
        ("personal_digest", ""),
    ],
)
def test_a_changed_event_is_the_first_break(chain: SqlStore, column: str, value: object) -> None:
    tamper(chain, lambda c: c.execute(update(audit_events).where(at(4)).values({column: value})))
    assert first_break(chain) == 4


def test_changed_personal_data_is_a_break(chain: SqlStore) -> None:
    forged = {"operation": {"email": "forged@example.com"}}
    row = audit_details.c.sequence == 5
    tamper(chain, lambda c: c.execute(update(audit_details).where(row).values(personal=forged)))
    assert first_break(chain) == 5


@pytest.mark.parametrize(
    "forged",
    [{"name": "user:bob"}, {"name": "user:bob", "salt": ""}, {"salt": ""}, {"salt": "0"}],
    ids=", ".join,
)
def test_another_name_behind_a_pseudonym_is_a_break(chain: SqlStore, forged: Any) -> None:
    tamper(chain, lambda c: c.execute(update(audit_actors).values(**forged)))
    assert first_break(chain) == 2


def test_a_name_for_an_actor_who_is_no_person_is_a_break(chain: SqlStore) -> None:
    named = {"tenant": "default", "pseudonym": "client:iiq", "name": "user:bob", "salt": ""}
    tamper(chain, lambda c: c.execute(insert(audit_actors).values(**named)))
    assert first_break(chain) == 1


def test_a_deleted_event_breaks_the_chain_at_the_next(chain: SqlStore) -> None:
    tamper(chain, lambda c: c.execute(delete(audit_events).where(at(3))))
    assert first_break(chain) == 4


def test_an_inserted_event_is_a_break(chain: SqlStore) -> None:
    def insert_one(connection: Connection) -> None:
        for number in range(COUNT, 5, -1):
            connection.execute(update(audit_events).where(at(number)).values(sequence=number + 1))
            details = update(audit_details).where(audit_details.c.sequence == number)
            connection.execute(details.values(sequence=number + 1))
        columns = [column.name for column in audit_events.columns if column.name != "sequence"]
        copied = select(text("6"), *(audit_events.c[name] for name in columns)).where(at(5))
        connection.execute(insert(audit_events).from_select(["sequence", *columns], copied))

    tamper(chain, insert_one)
    assert first_break(chain) == 6


def test_exchanged_events_are_a_break(chain: SqlStore) -> None:
    def exchange(connection: Connection) -> None:
        for old, new in ((3, 100), (4, 3), (100, 4)):
            connection.execute(update(audit_events).where(at(old)).values(sequence=new))

    tamper(chain, exchange)
    assert first_break(chain) == 3


def _cut(connection: Connection, *, keep: int) -> None:
    connection.execute(delete(audit_events).where(audit_events.c.sequence > keep))


def test_a_cut_tail_is_found_by_the_head(chain: SqlStore) -> None:
    tamper(chain, lambda c: _cut(c, keep=6))
    assert first_break(chain) == 7


def test_a_cut_tail_with_its_head_is_found_by_an_anchor_alone(chain: SqlStore) -> None:
    anchor = head(chain)

    def cut(connection: Connection) -> None:
        last = connection.execute(select(audit_events.c.hash).where(at(6))).scalar_one()
        _cut(connection, keep=6)
        connection.execute(update(audit_heads).values(sequence=6, hash=last))

    tamper(chain, cut)
    assert first_break(chain) is None
    assert first_break(chain, {anchor.sequence: anchor.hash}) == 7


def test_a_chain_written_anew_is_found_by_an_anchor_alone(chain: SqlStore) -> None:
    anchor = head(chain)

    def begin_anew(connection: Connection) -> None:
        for table in (audit_events, audit_details, audit_actors, audit_heads):
            connection.execute(delete(table))

    tamper(chain, begin_anew)
    with chain.write("default") as unit:
        unit.audit.append(*(records.event("forged") for _ in range(COUNT + 1)))
        unit.commit()
    assert first_break(chain) is None
    assert first_break(chain, {anchor.sequence: anchor.hash}) == anchor.sequence


def test_personal_data_is_not_in_the_chain_itself(chain: SqlStore) -> None:
    with chain.database.reading() as connection:
        rows = connection.execute(select(audit_events)).all()
    assert "example.com" not in str(rows)
    assert "ann" not in str(rows)
    with chain.read("default") as unit:
        shown = unit.audit.events()
    assert {event.actor for event in shown} == {"client:iiq", "user:ann"}
    assert shown[0].data == records.event().data


def _erase(unit: UnitOfWork) -> None:
    actors = unit.audit.erase([2, 3], ["user:ann"])
    data = {"events": [2, 3], "actors": list(actors)}
    unit.audit.append(AuditEvent(NOW, "user:dpo", ERASED, "user-00001", "c9", data))


def test_erased_data_is_gone_and_the_chain_holds(chain: SqlStore) -> None:
    with chain.write("default") as unit:
        _erase(unit)
        unit.commit()
    assert first_break(chain) is None
    with chain.read("default") as unit:
        second, third, fourth = unit.audit.events(after=1, limit=3)
    assert "email" not in second.data["operation"]
    assert second.is_erased and third.is_erased and not fourth.is_erased
    assert second.actor == fourth.actor != "user:ann"


def test_erasure_that_nobody_recorded_is_a_break(chain: SqlStore) -> None:
    tamper(chain, lambda c: c.execute(delete(audit_details).where(audit_details.c.sequence == 5)))
    assert first_break(chain) == 5
    tamper(chain, lambda c: c.execute(delete(audit_actors)))
    assert first_break(chain) == 2


def test_a_person_who_was_erased_gets_another_pseudonym(chain: SqlStore) -> None:
    with chain.write("default") as unit:
        _erase(unit)
        unit.audit.append(records.event("again", actor="user:ann"))
        unit.commit()
    with chain.read("default") as unit:
        events = unit.audit.events()
    assert events[-1].actor == "user:ann"
    assert events[-1].seal.actor != events[1].seal.actor


def test_events_are_found_by_everything_at_once(chain: SqlStore) -> None:
    later = NOW + timedelta(hours=1)
    with chain.write("default") as unit:
        unit.audit.append(records.event("b.1", subject="x", correlation_id="c2", at=later))
        unit.commit()

    def found(**wanted: Any) -> list[int]:
        with chain.read("default") as unit:
            return [event.sequence for event in unit.audit.events(wanted=AuditFilter(**wanted))]

    assert found(actor="user:ann") == [2, 4, 6, 8]
    assert found(actor="user:*", action="a.4") == [4]
    assert found(action="b.*") == found(since=later) == found(subjects=("x",)) == [10]
    assert found(until=later, subjects=("x",)) == []
    assert found(correlation_ids=("c1",)) == list(range(1, 10))
    assert found(subjects=("x",), correlation_ids=("c1",)) == []
    assert found(subjects=("x",), request="c1") == []
    assert found(subjects=("x",), request="c2") == [10]
    with chain.read("default") as unit:
        newest = unit.audit.events(newest_first=True, limit=2)
        assert [event.sequence for event in newest] == [10, 9]
        older = unit.audit.events(newest_first=True, after=9, limit=1)
        assert [event.sequence for event in older] == [8]
