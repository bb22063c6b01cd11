"""Hints wait until they are followed, and a hint that comes meanwhile is not lost."""

from datetime import timedelta

from connector.domain.mirror.hints import MOST_ATTEMPTS
from tests.contract.store import records
from tests.contract.store.people import NOW

TENANT = "default"


def add(store, *hints):
    with store.write(TENANT) as uow:
        uow.hints.add(hints)
        uow.commit()


def due(store):
    with store.read(TENANT) as uow:
        return uow.hints.due()


def test_hints_at_one_place_are_one_and_wait_in_the_order_of_the_last(store):
    add(store, records.hint(), records.hint(user_id="user-2", hinted_at=NOW + timedelta(1)))
    add(store, records.hint(hinted_at=NOW + timedelta(2)))
    assert [(hint.user_id, hint.times) for hint in due(store)] == [("user-2", 1), ("user-00001", 2)]


def test_one_that_is_heard_of_again_while_it_is_followed_stays(store):
    add(store, records.hint())
    [read] = due(store)
    # Its clock went back meanwhile: what counts is that it was heard of.
    add(store, records.hint(hinted_at=NOW - timedelta(1)))
    with store.write(TENANT) as uow:
        uow.hints.followed(read)
        uow.commit()
    assert len(due(store)) == 1
    with store.write(TENANT) as uow:
        uow.hints.followed(due(store)[0])
        uow.commit()
    assert due(store) == []


def follow_in_vain(store, times):
    for _ in range(times):
        [read] = due(store)
        with store.write(TENANT) as uow:
            uow.hints.in_vain(read)
            uow.commit()


def test_what_is_never_shown_is_given_up_until_it_is_heard_of_again(store):
    add(store, records.hint())
    follow_in_vain(store, MOST_ATTEMPTS)
    with store.read(TENANT) as uow:
        assert (uow.hints.due(), uow.hints.count(), uow.hints.count_members()) == ([], 0, 0)
    add(store, records.hint())
    follow_in_vain(store, 1)
    assert due(store) == []
    with store.write(TENANT) as uow:
        uow.hints.cover("run-1")
        uow.hints.covered("run-1")
        uow.commit()
    add(store, records.hint())
    assert [hint.attempts for hint in due(store)] == [0], "a full run has read it"


def test_a_place_in_the_organization_that_is_given_up_is_forgotten(store):
    add(store, records.hint(account_id=""))
    follow_in_vain(store, MOST_ATTEMPTS)
    add(store, records.hint(account_id=""))
    assert [hint.attempts for hint in due(store)] == [0]


def test_a_full_run_covers_what_was_hinted_at_when_it_began(store):
    add(store, records.hint(), records.hint(user_id="user-2"))
    with store.write(TENANT) as uow:
        uow.hints.cover("run-1")
        uow.commit()
    add(store, records.hint(user_id="user-2"), records.hint(user_id="user-3"))
    with store.write(TENANT) as uow:
        uow.hints.covered("run-1")
        uow.commit()
    assert {hint.user_id for hint in due(store)} == {"user-2", "user-3"}


def test_what_a_full_run_did_not_read_it_does_not_cover(store):
    add(
        store,
        records.hint(account_id="a"),
        records.hint(account_id="a", user_id=""),
        records.hint(account_id="b"),
        records.hint(account_id=""),
    )
    with store.write(TENANT) as uow:
        assert uow.hints.count_members() == 2
        uow.hints.cover("run-1")
        uow.hints.covered("run-1", without_members_of=["a"])
        uow.commit()
    assert {(hint.account_id, hint.user_id) for hint in due(store)} == {
        ("a", "user-00001"),
        ("", "user-00001"),
    }


def test_many_hints_are_added_at_once(store):
    add(store, *(records.hint(user_id=f"user-{number}") for number in range(1200)))
    with store.read(TENANT) as uow:
        assert uow.hints.count() == 1200
        assert len(uow.hints.due(limit=7)) == 7
