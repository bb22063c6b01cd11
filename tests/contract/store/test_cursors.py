"""Pages by cursor, on both databases, while resources come, go and change."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.ports import USER, ResourceQuery, StoredPage
from connector.store import SqlStore
from scim.filters import AttributePath, Comparison, Filter, Operator, Present
from tests.contract.store import people

FILTERS = [
    None,
    Present(AttributePath("userName")),
    Comparison(AttributePath("userName"), Operator.CO, "person"),
]


def _fill(store: SqlStore, *numbers: int, visible: bool = True) -> None:
    with store.write("default") as unit:
        unit.resources.put([people.plain_row(number, visible=visible) for number in numbers])
        unit.commit()


def _ids(page: StoredPage) -> list[int]:
    return [int(item.scim_id.removeprefix("user-")) for item in page.resources]


def _sweep(
    store: SqlStore, query: ResourceQuery, between: Callable[[], None] = lambda: None
) -> Iterator[list[int]]:
    after: int | None = 0
    while after is not None:
        with store.read("default") as unit:
            page = unit.resources.search(replace(query, after=after))
        yield _ids(page)
        after = page.next_after
        between()


@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize("count", [1, 3, 7, 8])
def test_cursors_lead_through_everything_once(
    store: SqlStore, filter_: Filter | None, count: int
) -> None:
    _fill(store, *range(1, 8))
    pages = list(_sweep(store, ResourceQuery(USER, filter_, count=count)))
    assert [number for page in pages for number in page] == list(range(1, 8))
    assert all(len(page) == count for page in pages[:-1])
    assert pages[-1]


@pytest.mark.parametrize("filter_", FILTERS)
def test_the_first_page_counts_and_the_others_do_not(
    store: SqlStore, filter_: Filter | None
) -> None:
    _fill(store, *range(1, 8))
    with store.read("default") as unit:
        first = unit.resources.search(ResourceQuery(USER, filter_, count=3, after=0))
        second = unit.resources.search(
            ResourceQuery(USER, filter_, count=3, after=first.next_after)
        )
        none = unit.resources.search(ResourceQuery(USER, filter_, count=0, after=0))
    assert (first.total, second.total, none.total) == (7, 0, 7)
    assert (_ids(none), none.next_after) == ([], None)


def test_a_joined_page_leads_on_like_any_other(store: SqlStore) -> None:
    _fill(store, 1, 2, 3, 4, 5)
    with store.read("default") as unit:
        first = unit.resources.joined_behind(USER, "", 0, 2)
        plain = unit.resources.search(ResourceQuery(USER, count=2, after=0))
        assert (first.total, first.size, first.next_after) == (5, 2, plain.next_after)
        second = unit.resources.joined_behind(USER, "", first.next_after or 0, 2)
        third = unit.resources.joined_behind(USER, "", second.next_after or 0, 2)
        behind = unit.resources.joined_behind(USER, "", 10**9, 2)
    assert [second.size, third.size, behind.size] == [2, 1, 0]
    assert (third.next_after, behind.next_after) == (None, None)
    assert b"erson5" in third.documents


def test_an_equal_name_is_found_by_cursor_too(store: SqlStore) -> None:
    _fill(store, 1, 2)
    equal = Comparison(AttributePath("userName"), Operator.EQ, "Person2@Example.com")
    assert list(_sweep(store, ResourceQuery(USER, equal, count=1))) == [[2]]


@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize("seed", range(5))
def test_what_stays_is_met_once_whatever_changes(
    store: SqlStore, filter_: Filter | None, seed: int
) -> None:
    dice = random.Random(seed)
    _fill(store, *range(1, 41))
    gone: set[int] = set()
    new = iter(range(100, 200))

    def change() -> None:
        leaving = {number for number in dice.sample(range(1, 41), 3) if number % 2}
        gone.update(leaving)
        if leaving:
            _fill(store, *leaving, visible=False)
        _fill(store, next(new), next(new))
        touched = people.plain_row(dice.choice(range(2, 41, 2)))
        with store.write("default") as unit:
            later = touched.last_modified_at + timedelta(seconds=dice.randint(1, 99))
            unit.resources.put([replace(touched, version="W/x", last_modified_at=later)])
            unit.commit()

    met = []
    for page in _sweep(store, ResourceQuery(USER, filter_, count=7), change):
        met += page
        if len(met) > 60:
            break
    assert len(met) == len(set(met))
    assert set(range(1, 41)) - gone <= set(met)


def test_writers_at_the_same_time_hide_nothing(store: SqlStore) -> None:
    """A key that was given out before must be committed before, or a reader would pass it by."""
    _fill(store, *range(1, 11))
    done = threading.Event()

    def write(first: int) -> None:
        for number in range(first, first + 20):
            _fill(store, number)

    writers = [threading.Thread(target=write, args=(first,)) for first in (100, 200, 300)]
    for writer in writers:
        writer.start()
    met: list[int] = []
    after = 0
    while True:
        finished = done.is_set()
        with store.read("default") as unit:
            page = unit.resources.search(ResourceQuery(USER, count=4, after=after))
        met += _ids(page)
        if page.next_after is not None:
            after = page.next_after
        elif finished:
            break
        else:
            # The end for now: the last page again, until the writers are done.
            met = met[: len(met) - len(page.resources)]
            if not any(writer.is_alive() for writer in writers):
                done.set()
    for writer in writers:
        writer.join()
    assert len(met) == len(set(met)) == 70
