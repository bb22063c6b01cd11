"""Events are found for those whom they name, on both databases; nothing of that is in the chain."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select

from connector.domain.audit.chain import ChainCheck, event_hash
from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.plan import AddGroupMembers
from connector.store import SqlStore
from connector.store.tables import audit_people
from tests.contract.store import records

ANN, BOB, EVE = "user-ann", "user-bob", "user-eve"
GROUP = "account.g1"


def event(action: str, subject: str, request: str = "c1", **data: Any) -> AuditEvent:
    return records.event(action, subject=subject, correlation_id=request, data=data)


def members(*user_ids: str) -> dict[str, Any]:
    return AddGroupMembers("account", "1", user_ids).to_dict()


@pytest.fixture
def told(store: SqlStore) -> SqlStore:
    """A store in which a group got members, and other things happened."""
    with store.write("default") as unit:
        step = AddGroupMembers("account", "1", (ANN,))
        unit.plans.add(
            records.plan("plan-g", subject_kind="Group", subject_id=GROUP),
            [records.operation(plan_id="plan-g", operation=step)],
        )
        unit.audit.append(
            event("request.received", GROUP, method="PATCH"),  # 1
            event("plan.recorded", GROUP, plan="p", operations=[members(ANN, BOB)]),  # 2
            event("docusign.called", "", method="PUT"),  # 3
            event("operation.done", GROUP, plan="p", operation=members(ANN, BOB)),  # 4
            event("work_item.opened", EVE),  # 5
            event("operation.done", ANN, "c2", operation={"kind": "x", "user_id": ANN}),  # 6
            event("operation.done", EVE, "c3", operation={"user_id": EVE, "to_user_id": ANN}),  # 7
            event("plan.failed", GROUP, "c4", plan="plan-g", reason="Refused"),  # 8
            event("docusign.called", "", "", method="GET"),  # 9
        )
        unit.commit()
    return store


def found(store: SqlStore, **wanted: Any) -> list[int]:
    with store.read("default") as unit:
        return [item.sequence for item in unit.audit.events(wanted=AuditFilter(**wanted))]


def test_what_names_somebody_is_found_with_what_is_about_them(told: SqlStore) -> None:
    assert found(told, people=(ANN,)) == [2, 4, 6, 7, 8]
    assert found(told, people=(BOB,)) == [2, 4]
    assert found(told, people=(EVE,)) == [5, 7]
    assert found(told, people=(ANN, EVE)) == [2, 4, 5, 6, 7, 8]
    assert found(told, people=("nobody",)) == []
    assert found(told, people=(ANN,), action="operation.*", request="c1") == [4]


def test_what_led_to_it_is_found_too(told: SqlStore) -> None:
    assert found(told, people=(BOB,), with_requests=True) == [1, 2, 3, 4]
    assert found(told, people=("nobody",), with_requests=True) == []


def test_pages_are_those_of_the_person(told: SqlStore) -> None:
    with told.read("default") as unit:
        wanted = AuditFilter(people=(ANN,))
        first = unit.audit.events(wanted=wanted, newest_first=True, limit=2)
        rest = unit.audit.events(wanted=wanted, newest_first=True, after=first[-1].sequence)
    assert [item.sequence for item in (*first, *rest)] == [8, 7, 6, 4, 2]


def test_another_tenant_has_an_index_of_its_own(told: SqlStore) -> None:
    with told.write("acme") as unit:
        unit.audit.append(event("operation.done", GROUP, operation=members(ANN)))
        unit.commit()
        assert [item.sequence for item in unit.audit.walk(AuditFilter(people=(ANN,)))] == [1]
    assert found(told, people=(ANN,)) == [2, 4, 6, 7, 8]


def test_a_person_takes_their_index_along(told: SqlStore) -> None:
    with told.write("default") as unit:
        unit.erasures.forget_person(ANN, "ann@example.com")
        unit.commit()
    with told.database.reading() as connection:
        left = set(connection.scalars(select(audit_people.c.user_id)))
    assert left == {BOB}
    assert found(told, people=(BOB,)) == [2, 4]


def test_the_chain_knows_nothing_of_the_index(told: SqlStore) -> None:
    with told.database.writing() as connection:
        connection.execute(delete(audit_people))
        connection.commit()
    check = ChainCheck()
    with told.read("default") as unit:
        for item in unit.audit.walk():
            assert item.hash == event_hash(item)
            check.take(item)
        assert check.finish(unit.audit.head()) is None
