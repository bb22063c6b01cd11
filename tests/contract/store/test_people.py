"""Terms, history, evidence and delegations are read as they were written, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.plan import SetProfile
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Act, Evidence, WorkItemEvent
from connector.domain.work_items.items import ApprovalTerms, Direction, WorkItemKind, WorkItemState
from connector.errors import NotFoundError, UniquenessError
from connector.store import SqlStore
from mappings.model import Approvers
from tests.contract.store import records
from tests.contract.store.people import ACCOUNT, NOW

TERMS = ApprovalTerms(
    Approvers(("bob",), ("Owners",), manager=True),
    2,
    "escalate",
    Approvers(("chief",)),
    True,
    "ann@acme.test",
)
EVIDENCE = Evidence("e-1", "item-1", "shot.png", "image/png", 3, "ab" * 32, "user:olga", NOW)
DELEGATION = Delegation(
    "d-1",
    "bob",
    "carl",
    NOW,
    NOW + timedelta(days=7),
    "Leave",
    "user:bob",
    NOW,
    ("Owners",),
    True,
    is_local=True,
)


def approval(work_item_id: str = "item-1", **changes: Any) -> Any:
    made = records.work_item(
        work_item_id,
        kind=WorkItemKind.APPROVAL,
        verification="",
        checksum="c" * 64,
        risk="high",
        owner="it@acme.test",
        rule="rule 1 of the tenant",
        terms=TERMS,
        expires_at=NOW + timedelta(days=14),
        reminded_at=NOW,
        escalated_at=NOW,
        completed_by="user:olga",
    )
    return replace(made, **changes)


def test_an_approval_is_read_with_its_terms(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.work_items.add(approval())
        assert unit.work_items.get("item-1") == approval()
        unit.work_items.save(approval(state=WorkItemState.APPROVED))
        unit.commit()
    with store.read("default") as unit:
        assert unit.work_items.get("item-1").state is WorkItemState.APPROVED


def test_an_approved_item_still_stands_in_the_way_of_another(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.work_items.add(approval(state=WorkItemState.APPROVED))
        with pytest.raises(UniquenessError):
            unit.work_items.add(approval("item-2"))
        unit.work_items.add(approval("item-3", kind=WorkItemKind.MANUAL_TASK, terms=None))


def test_items_are_found_by_kind(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.work_items.add(approval())
        unit.work_items.add(records.work_item("task"))
        found = unit.work_items.search(kind=WorkItemKind.APPROVAL, direction=Direction.GRANT)
        assert [item.work_item_id for item in found] == ["item-1"]


def test_history_keeps_its_order(store: SqlStore) -> None:
    events = [
        WorkItemEvent("item-1", NOW, "user:bob", act, "ä", {"n": [1]})
        for act in (Act.OPENED, Act.APPROVED, Act.CLOSED)
    ]
    with store.write("default") as unit:
        for event in events:
            unit.work_items.add_event(event)
        unit.work_items.add_event(replace(events[0], work_item_id="item-2"))
        found = unit.work_items.events("item-1")
    assert found == [replace(event, sequence=n) for n, event in enumerate(events, 1)]


def test_evidence_is_kept_byte_for_byte(store: SqlStore) -> None:
    content = bytes(range(256))
    with store.write("default") as unit:
        unit.work_items.add_evidence(EVIDENCE, content)
        assert unit.work_items.evidence("item-1") == [EVIDENCE]
        assert unit.work_items.evidence_content("e-1") == (EVIDENCE, content)
        with pytest.raises(NotFoundError):
            unit.work_items.evidence_content("e-2")


def test_a_delegation_is_overwritten(store: SqlStore) -> None:
    ended = replace(DELEGATION, revoked_at=NOW)
    with store.write("default") as unit:
        unit.work_items.put_delegation(DELEGATION)
        assert unit.work_items.delegations() == [DELEGATION]
        unit.work_items.put_delegation(ended)
        assert unit.work_items.delegations() == [ended]


@pytest.mark.parametrize(
    "look",
    [
        lambda unit: unit.work_items.events("item-1"),
        lambda unit: unit.work_items.evidence("item-1"),
        lambda unit: unit.work_items.delegations(),
        lambda unit: list(unit.plans.since(NOW - timedelta(days=1))),
    ],
)
def test_nothing_of_another_tenant_is_seen(store: SqlStore, look: Callable[[Any], Any]) -> None:
    with store.write("default") as unit:
        unit.work_items.add_event(WorkItemEvent("item-1", NOW, "user:bob", Act.OPENED))
        unit.work_items.add_evidence(EVIDENCE, b"x")
        unit.work_items.put_delegation(DELEGATION)
        unit.plans.add(records.plan(), [records.operation()])
        unit.commit()
    with store.read("other") as unit:
        assert look(unit) == []
    with store.read("default") as unit:
        assert look(unit) != []


def test_plans_are_walked_from_a_time_on_in_order(store: SqlStore) -> None:
    with store.write("default") as unit:
        for number in range(3):
            plan = records.plan(f"plan-{number}", created_at=NOW + timedelta(hours=number))
            steps = [
                records.operation(f"op-{number}-{place}", plan.plan_id, position=place)
                for place in range(2)
            ]
            unit.plans.add(plan, steps)
        found = list(unit.plans.since(NOW + timedelta(minutes=1)))
    assert [plan.plan_id for plan, _ in found] == ["plan-1", "plan-2"]
    assert found[0][1] == [SetProfile(ACCOUNT, "user-00001", "2", "1")] * 2
