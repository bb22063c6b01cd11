"""Sorted pages by cursor, on both databases: the order of sorting, whoever comes and goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector.domain.ledger.resources import ClientAttributes
from connector.ports import GROUP, USER, ResourceQuery
from connector.settings import DatabaseSettings
from connector.store import SqlStore, open_database
from scim.filters import AttributePath, Present, parse_path
from tests.contract.store import people
from tests.contract.store.random_people import SCHEMAS, TEXTS, person

SCOPE = "identityiq"
ATTRIBUTES = (
    "id",
    "userName",
    "displayName",
    "title",
    "name.familyName",
    "externalId",
    "active",
    "emails",
    "emails.type",
    "meta.created",
    "meta.lastModified",
    *(f"{people.EXTENSION.id}:{name}" for name in ("joined", "count", "weight", "verified")),
    f"{people.EXTENSION.id}:tags",
    f"{people.EXTENSION.id}:memberships.since",
)
PEOPLE = 40


@pytest.fixture(scope="module")
def filled(module_database: DatabaseSettings) -> Iterator[SqlStore]:
    """People with values of every type, many of them equal, absent or empty."""
    store = open_database(module_database, SCHEMAS)
    store.migrate()
    chance = random.Random(11)
    with store.write("default") as unit:
        for number in range(PEOPLE):
            user, document = person(chance, number)
            unit.resources.put([people.user_row(document)])
            if value := chance.choice(TEXTS):
                unit.attributes.put(ClientAttributes(USER, user.user_id, {SCOPE: value}))
        unit.commit()
    yield store
    store.close()


def walk(
    store: SqlStore, query: ResourceQuery, between: Callable[[], None] = lambda: None
) -> list[str]:
    """Return the ids met on a walk; *between* is called after each page."""
    met: list[str] = []
    after, key = 0, None
    while True:
        with store.read("default") as unit:
            page = unit.resources.search(replace(query, after=after, after_key=key))
        met += [item.scim_id for item in page.resources]
        if page.next_after is None:
            return met
        assert len(page.resources) == query.count
        after, key = page.next_after, page.next_key
        between()


def order(attribute: str, **more: Any) -> ResourceQuery:
    sort_by = parse_path(attribute).path
    return ResourceQuery(USER, sort_by=sort_by, external_id_scope=SCOPE, **more)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_walk_meets_everybody_in_the_order_of_an_index(
    filled: SqlStore, attribute: str, descending: bool
) -> None:
    query = order(attribute, descending=descending)
    with filled.read("default") as unit:
        page = unit.resources.search(replace(query, count=PEOPLE))
    expected = [item.scim_id for item in page.resources]
    assert len(set(expected)) == PEOPLE
    for count in (1, 7, PEOPLE):
        assert walk(filled, replace(query, count=count)) == expected


def test_the_first_page_counts_what_the_filter_finds(filled: SqlStore) -> None:
    titled = Present(AttributePath("title"))
    query = order("title", filter=titled, count=3)
    with filled.read("default") as unit:
        first = unit.resources.search(replace(query, after=0))
        second = unit.resources.search(
            replace(query, after=first.next_after, after_key=first.next_key)
        )
        none = unit.resources.search(replace(query, after=0, count=0))
    assert first.total == none.total == len(walk(filled, query)) > 3
    assert (second.total, none.resources, none.next_after) == (0, [], None)


def test_groups_by_members_keep_their_usual_order(store: SqlStore) -> None:
    groups = [people.group(number) for number in (3, 1, 2)]
    with store.write("default") as unit:
        unit.resources.put([people.group_row(group) for group in groups])
        unit.commit()
    query = ResourceQuery(GROUP, sort_by=AttributePath("members"), descending=True, count=1)
    assert walk(store, query) == [group.scim_id for group in groups]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("attribute", ["userName", "displayName", "title", "meta.created"])
@pytest.mark.parametrize("seed", range(3))
def test_who_stays_is_met_once_whoever_comes_and_goes(
    store: SqlStore, attribute: str, descending: bool, seed: int
) -> None:
    chance = random.Random(seed)
    with store.write("default") as unit:
        unit.resources.put([_somebody(chance, number) for number in range(30)])
        unit.commit()
    everybody = [f"user-{number:05d}" for number in range(30)]
    gone: set[str] = set()
    new = iter(range(100, 200))

    def disturb() -> None:
        leaving = [user_id for user_id in chance.sample(everybody, 4) if int(user_id[-1]) % 2]
        with store.write("default") as unit:
            # Whoever the walk stands at goes for good, too.
            unit.resources.remove(USER, leaving)
            unit.resources.put([_somebody(chance, next(new)) for _ in range(2)])
            unit.commit()
        gone.update(leaving)

    met = walk(store, order(attribute, descending=descending, count=5), disturb)
    assert gone
    assert len(met) == len(set(met))
    assert set(everybody) - gone <= set(met)


def _somebody(chance: random.Random, number: int) -> Any:
    document = {
        "id": f"user-{number:05d}",
        "userName": f"{chance.choice('abc')}{number}@x.test",
        "meta": {"created": f"2026-01-{chance.randint(1, 9):02d}T00:00:00.000Z"},
        **{name: chance.choice(["", "a", "B", "b"]) for name in ("title", "displayName")},
    }
    return people.user_row(document)
