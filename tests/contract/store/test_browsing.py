"""What the console's lists ask of the store, on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.model import Account, MembershipStatus, Profile
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.errors import InvalidFilterError
from connector.ports import USER, ResourceQuery
from scim.filters import AttributePath, Comparison, Operator
from tests.contract.store import people, records
from tests.contract.store.people import ACCOUNT, NOW

OPEN = [state for state in WorkItemState if state.is_open]


def _items(count):
    """Return items of which pairs were created at the same time."""
    first = records.work_item()
    return [
        replace(
            first,
            work_item_id=f"item-{number:02}",
            subject_id=f"user-{number}",
            created_at=NOW + timedelta(seconds=number // 2),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_of_work_items_hold_each_once_in_order(store, newest_first):
    wanted = _items(7)
    with store.write("t1") as uow:
        for item in wanted:
            uow.work_items.add(item)
        uow.commit()
    found, after = [], ""
    with store.read("t1") as uow:
        assert uow.work_items.count(OPEN) == 7
        while page := uow.work_items.page(OPEN, newest_first=newest_first, after=after, limit=3):
            assert len(page) <= 3
            found += page
            after = page[-1].work_item_id
    assert found == (wanted[::-1] if newest_first else wanted)


def test_a_page_holds_the_kind_the_state_and_the_assignee_asked_for(store):
    one, two, three = _items(3)
    with store.write("t1") as uow:
        uow.work_items.add(replace(one, kind=WorkItemKind.APPROVAL))
        uow.work_items.add(replace(two, assignee="user:ann", kind=WorkItemKind.MANUAL_TASK))
        uow.work_items.add(replace(three, state=WorkItemState.DONE))
        uow.commit()

    def ids(states, **more):
        with store.read("t1") as uow:
            return [item.work_item_id for item in uow.work_items.page(states, **more)]

    assert ids(OPEN, kind=WorkItemKind.APPROVAL) == ["item-00"]
    assert ids(OPEN, assignee="user:ann") == ["item-01"]
    assert ids([WorkItemState.DONE]) == ["item-02"]
    assert ids(OPEN, after="item-unknown") == ["item-00", "item-01"]


@pytest.mark.parametrize("few", [1, 1000])
def test_holders_of_profiles_and_groups_are_found_page_by_page(store, monkeypatch, few):
    """However many they are: a page is made in two ways."""
    monkeypatch.setattr("connector.store.search.FEW", few)
    closed = MembershipStatus.CLOSED
    users = [people.user(number, memberships=people.member(ACCOUNT, "7")) for number in range(7)]
    users.append(people.user(7, memberships=people.member(profile_id="2")))
    users.append(people.user(8, memberships=people.member(status=closed)))
    with store.write("t1") as uow:
        uow.mirror.put_accounts([Account(ACCOUNT, "First")])
        uow.mirror.put_groups(ACCOUNT, [people.group(7)])
        uow.mirror.put_users(users, NOW)
        uow.resources.put([people.plain_row(number, visible=number != 3) for number in range(9)])
        uow.commit()

    def found(*holding, **more):
        ids, after = [], 0
        with store.read("t1") as uow:
            while after is not None:
                query = ResourceQuery(USER, holding=holding, count=2, after=after, **more)
                page = uow.resources.search(query)
                totals.append(page.total)
                ids += [item.scim_id for item in page.resources]
                after = page.next_after
        return [int(id_.partition("-")[2]) for id_ in ids]

    totals: list[int] = []
    assert found(f"{ACCOUNT}.1") == [0, 1, 2, 4, 5, 6] and totals[0] == 6
    assert found(f"{ACCOUNT}.g7") == [0, 1, 2, 4, 5, 6]
    assert found(f"{ACCOUNT.upper()}.2") == [7]
    assert found(f"{ACCOUNT}.2", f"{ACCOUNT}.g7") == found("nobody.1") == found("x") == []
    name = Comparison(AttributePath("userName"), Operator.SW, "person5")
    assert found(f"{ACCOUNT}.1", f"{ACCOUNT}.g7", filter=name) == [5]
    with pytest.raises(InvalidFilterError):
        found("a\0.1")


def test_memberships_are_counted_by_status_and_open_ones_by_profile(store):
    closed, active = MembershipStatus.CLOSED, MembershipStatus.ACTIVE
    with store.write("t1") as uow:
        uow.mirror.put_accounts([Account(ACCOUNT, "A")])
        uow.mirror.put_profiles(ACCOUNT, [Profile(ACCOUNT, "1", "P"), Profile(ACCOUNT, "2", "Q")])
        held = [("1", active), ("1", active), ("2", active), ("2", closed)]
        users = [
            people.user(number, memberships=people.member(profile_id=profile, status=status))
            for number, (profile, status) in enumerate(held)
        ]
        uow.mirror.put_users(users, NOW)
        assert uow.mirror.count_memberships(ACCOUNT) == {active: 3, closed: 1}
        assert uow.mirror.count_profile_holders(ACCOUNT) == {"1": 2, "2": 1}
        assert uow.mirror.count_memberships("another") == {}


def test_who_was_deleted_is_found_alone_and_among_all(store):
    rows = [people.plain_row(number, visible=number > 2) for number in range(1, 6)]
    with store.write("t1") as uow:
        uow.resources.put(rows)
        uow.attributes.add_tombstone(records.tombstone("user-00001"))
        uow.attributes.add_tombstone(records.tombstone("user-00004"))  # Came back since.
        uow.commit()
    begins = Comparison(AttributePath("userName"), Operator.SW, "person")
    exact = Comparison(AttributePath("userName"), Operator.EQ, "person1@example.com")
    by_id = Comparison(AttributePath("id"), Operator.EQ, "user-00001")

    def numbers(filter_, deleted):
        found, after = [], 0
        with store.read("t1") as uow:
            while after is not None:
                query = ResourceQuery(USER, filter_, deleted=deleted, count=2, after=after)
                page = uow.resources.search(query)
                found += [int(item.scim_id[-5:]) for item in page.resources]
                after = page.next_after
            assert uow.resources.search(replace(query, after=None)).total == len(found)
        return found

    for filter_ in (None, begins):
        assert numbers(filter_, deleted=False) == [3, 4, 5]
        assert numbers(filter_, deleted=True) == [1]
    assert numbers(begins, deleted=None) == [1, 2, 3, 4, 5]
    for filter_ in (exact, by_id):
        assert numbers(filter_, deleted=False) == []
        assert numbers(filter_, deleted=True) == numbers(filter_, deleted=None) == [1]
