"""Work items are found by people's words, on both databases; counts and pages are of what fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.work_items.items import REFUSED, WorkItem, WorkItemFilter, WorkItemState
from connector.store import SqlStore
from tests.contract.store import people, records
from tests.contract.store.people import NOW

OPEN = [state for state in WorkItemState if state.is_open]


@pytest.fixture
def items(store: SqlStore) -> SqlStore:
    """Seven tasks: of Ann, of Bob with four entitlements, of somebody unknown, of nobody."""
    ann = people.user(1, user_name="Ann-Marie Weiß", email="ann.weiss@acme.test")
    bob = people.user(2, user_name="Bob 100%", email="bob@acme.test")
    of_bob = [
        {"subject_id": bob.user_id, "entitlement": f"account.{number}", "requester": "user:Root"}
        for number in range(4)
    ]
    made: list[dict[str, Any]] = [
        {"subject_id": ann.user_id, "entitlement": "account.1"},
        *of_bob,
        {"subject_id": "user-gone", "entitlement": "organization-admin"},
        {"subject_id": "", "entitlement": f"{REFUSED}p1", "title": "Change of the group LEGAL"},
    ]
    with store.write("default") as unit:
        unit.mirror.put_users([ann, bob], NOW)
        for number, changes in enumerate(made):
            at = NOW + timedelta(seconds=number)
            unit.work_items.add(records.work_item(f"item-{number}", created_at=at, **changes))
        unit.commit()
    return store


def found(
    store: SqlStore, person: str = "", what: str = "", asked_by: str = "", **more: Any
) -> list[int]:
    wanted = WorkItemFilter(person, what, asked_by, **more)
    with store.read("default") as unit:
        paged: list[WorkItem] = []
        after = ""
        while page := unit.work_items.page(OPEN, wanted=wanted, after=after, limit=2):
            paged += page
            after = page[-1].work_item_id
        assert unit.work_items.count(OPEN, wanted=wanted) == len(paged)
        assert list(unit.work_items.search(states=OPEN, wanted=wanted)) == paged
    return [int(item.work_item_id.partition("-")[2]) for item in paged]


def test_by_whom_it_is_about(items: SqlStore) -> None:
    assert found(items, "ANN") == found(items, "weiss marie") == found(items, "weiß") == [0]
    assert found(items, "ann.weiss@ACME.test") == [0]
    assert found(items, "acme") == [0, 1, 2, 3, 4]
    assert found(items, "USER-GONE") == [5], "who is unknown is found by the id"
    assert found(items, "ann bob") == found(items, "nobody") == []
    assert found(items, "100%") == [1, 2, 3, 4] and found(items, "1%0") == []


def test_by_what_it_gives_and_takes(items: SqlStore) -> None:
    assert found(items, "", "account.1") == [0, 2]
    assert found(items, "", "signer", entitlements=("account.1", "account.3")) == [0, 2, 4]
    assert found(items, "", "legal group") == [6], "a refused change by its title"
    assert found(items, "", "grant") == [], "titles name people: what is given is no title"
    many = tuple(f"account.{number}" for number in range(3, 2_000))
    assert found(items, "", "x", entitlements=many) == [4]


def test_by_who_asked_and_by_all_at_once(items: SqlStore) -> None:
    assert found(items, "", "", "user:root") == found(items, "", "", "ROOT") == [1, 2, 3, 4]
    assert found(items, "bob", "account.1", "root") == [2]
    assert found(items, "ann", "account.1", "root") == []
    assert found(items) == list(range(7))


def test_others_are_no_part_of_it(items: SqlStore) -> None:
    with items.write("acme") as unit:
        unit.work_items.add(replace(records.work_item("item-9"), subject_id="user-00001"))
        unit.commit()
        assert unit.work_items.count(OPEN, wanted=WorkItemFilter("ann")) == 0
        assert unit.work_items.count(OPEN, wanted=WorkItemFilter("user-00001")) == 1
