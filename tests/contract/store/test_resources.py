"""Pages, look-ups and counters of the rendered resources, on both databases."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import MembershipStatus
from connector.errors import InvalidOrderError
from connector.ports import GROUP, USER, GroupMember, ResourceQuery, StoredPage, UnitOfWork
from connector.store import SqlStore, engine
from connector.store.tables import BLOCK_SIZES
from scim.filters import AttributePath, Comparison, Filter, Operator
from tests.contract.store import people


def _ids(page: StoredPage) -> list[int]:
    return [int(item.scim_id.removeprefix("user-")) for item in page.resources]


def _fill(store: SqlStore, *numbers: int) -> None:
    with store.write("default") as unit:
        unit.resources.put([people.plain_row(number) for number in numbers])
        unit.commit()


def _eq(name: str, value: str) -> Filter:
    return Comparison(AttributePath(name), Operator.EQ, value)


def test_a_row_is_read_as_it_was_written(store: SqlStore) -> None:
    row = people.plain_row(1, display_key="d", given_key="g", family_key="f", visible=False)
    with store.write("default") as unit:
        unit.resources.put([row])
        unit.commit()
    with store.read("default") as unit:
        assert unit.resources.find_hidden(USER, row.scim_id) == row
        assert unit.resources.rows(USER, [row.scim_id, "none"]) == {row.scim_id: row}
        assert unit.resources.find(USER, row.scim_id) is None
        assert unit.resources.find_by_name(USER, row.name_key) is None


def test_what_is_not_committed_is_gone(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.resources.put([people.plain_row(1)])
    with store.read("default") as unit:
        assert unit.resources.search(ResourceQuery(USER)).total == 0


def test_an_external_id_finds_the_resource_of_the_reader_who_gave_it(store: SqlStore) -> None:
    _fill(store, 1, 2)
    with store.write("default") as unit:
        unit.attributes.put(ClientAttributes(USER, "user-00001", {"okta": "o1", "entra": "e1"}))
        unit.commit()
    with store.read("default") as unit:
        resources = unit.resources
        mine = ResourceQuery(USER, _eq("externalId", "o1"), external_id_scope="okta")
        assert _ids(resources.search(mine)) == [1]
        assert _ids(resources.search(replace(mine, external_id_scope="entra"))) == []


@pytest.mark.parametrize("scope", ["", "okta"])
def test_names_are_found_without_case(store: SqlStore, scope: str) -> None:
    _fill(store, 1, 2)
    query = ResourceQuery(USER, _eq("USERNAME", "PERSON2@EXAMPLE.COM"), external_id_scope=scope)
    with store.read("default") as unit:
        page = unit.resources.search(query)
        assert (page.total, _ids(page)) == (1, [2])
        assert unit.resources.search(replace(query, start_index=2)).total == 1
        assert unit.resources.search(replace(query, count=0)) == StoredPage(1, [])
        by_id = unit.resources.search(ResourceQuery(USER, _eq("id", "user-00001")))
        assert _ids(by_id) == [1]


def _go_on_behind_key(store: SqlStore, key: int) -> None:
    """Let the next resource's key be greater."""
    advance = {
        "sqlite": "UPDATE sqlite_sequence SET seq = :key WHERE name = 'resources'",
        "postgresql": "SELECT setval(pg_get_serial_sequence('resources', 'seq'), :key)",
    }
    with store.database.writing() as connection:
        connection.execute(text(advance[connection.dialect.name]), {"key": key})
        connection.commit()


def test_every_page_of_every_size_is_right_whatever_was_removed(store: SqlStore) -> None:
    large, small = BLOCK_SIZES
    chance = random.Random(3)
    shown = set(range(4 * small + 300))
    _fill(store, *range(small))
    # The rest lies on both sides of the end of a large block, behind some that are empty.
    _go_on_behind_key(store, 4 * large - 2 * small)
    _fill(store, *range(small, len(shown)))
    hidden = chance.sample(sorted(shown), 700)
    removed = chance.sample(sorted(shown - set(hidden)), 700)
    with store.write("default") as unit:
        unit.resources.put([people.plain_row(number, visible=False) for number in hidden])
        unit.resources.remove(USER, [f"user-{number:05d}" for number in removed])
        unit.resources.put([people.plain_row(number) for number in hidden[:200]])
        unit.commit()
    expected = sorted(shown - set(removed) - set(hidden[200:]))
    with store.read("default") as unit:
        for start, count in [
            *((start, 100) for start in range(1, len(expected), 99)),
            *((1, 0), (len(expected), 5), (5000, 5)),
        ]:
            page = unit.resources.search(ResourceQuery(USER, start_index=start, count=count))
            assert page.total == len(expected)
            assert _ids(page) == expected[start - 1 : start - 1 + count]


def test_a_changed_resource_keeps_its_place(store: SqlStore) -> None:
    _fill(store, 3, 1, 2)
    _fill(store, 3, 9)
    with store.read("default") as unit:
        assert _ids(unit.resources.search(ResourceQuery(USER))) == [3, 1, 2, 9]


def test_totals_of_filtered_pages_count_all_matches(store: SqlStore) -> None:
    _fill(store, *range(30))
    starts = Comparison(AttributePath("userName"), Operator.SW, "PERSON1")
    with store.read("default") as unit:
        for start, count, expected in [(1, 5, 5), (9, 5, 3), (50, 5, 0), (1, 100, 11), (1, 0, 0)]:
            page = unit.resources.search(ResourceQuery(USER, starts, None, False, start, count))
            assert (page.total, len(page.resources)) == (11, expected)


def test_recent_changes_are_found(store: SqlStore) -> None:
    _fill(store, *range(50))
    since = (people.NOW + timedelta(seconds=47)).isoformat()
    recent = Comparison(AttributePath("meta", "lastModified"), Operator.GT, since)
    with store.read("default") as unit:
        assert _ids(unit.resources.search(ResourceQuery(USER, recent))) == [48, 49]


@pytest.mark.parametrize("attribute", ["userName", "title", "displayName"])
def test_missing_values_sort_last_and_first_when_descending(
    store: SqlStore, attribute: str
) -> None:
    texts = ["b", "A", "", "c"]
    documents = [
        {"id": f"user-{n:05d}", "userName": f"{text}x", **({attribute: text} if text else {})}
        for n, text in enumerate(texts)
    ]
    with store.write("default") as unit:
        unit.resources.put([people.user_row(document) for document in documents])
        unit.commit()
    last = [1, 0, 3] if attribute == "userName" else [1, 0, 3, 2]
    query = ResourceQuery(USER, sort_by=AttributePath(attribute))
    with store.read("default") as unit:
        assert [n for n in _ids(unit.resources.search(query)) if n in last] == last
        down = unit.resources.search(replace(query, descending=True))
        assert [n for n in _ids(down) if n in last] == last[::-1]


def test_multi_valued_attributes_sort_by_the_primary_element(store: SqlStore) -> None:
    emails = [
        [{"value": "a"}, {"value": "z", "primary": True}],
        [{"value": "m"}, {"value": "a"}],
        [],
    ]
    with store.write("default") as unit:
        unit.resources.put(
            [
                people.user_row({"id": f"user-{n:05d}", "userName": f"u{n}", "emails": found})
                for n, found in enumerate(emails)
            ]
        )
        unit.commit()
    with store.read("default") as unit:
        for path in (AttributePath("emails"), AttributePath("emails", "value")):
            assert _ids(unit.resources.search(ResourceQuery(USER, sort_by=path))) == [1, 0, 2]


def test_sorting_by_nothing_known_is_refused(store: SqlStore) -> None:
    with store.read("default") as unit:
        for path in (AttributePath("nope"), AttributePath("name")):
            with pytest.raises(InvalidOrderError):
                unit.resources.search(ResourceQuery(USER, sort_by=path))


def _place_members(unit: UnitOfWork) -> None:
    held = people.member(people.ACCOUNT, "1")
    closed = people.member(people.ACCOUNT, "1", status=MembershipStatus.CLOSED)
    unit.mirror.put_groups(people.ACCOUNT, [people.group(1)])
    unit.mirror.put_users(
        [
            people.user(1, memberships=held, is_organization_admin=True),
            people.user(2, memberships=held),
            people.user(3, memberships=closed),
            people.user(4, memberships=held),
        ],
        people.NOW,
    )
    unit.resources.put([people.plain_row(number) for number in (1, 2, 3)])
    unit.resources.put([people.plain_row(4, visible=False), people.group_row(people.group(1))])
    unit.commit()


@pytest.mark.parametrize(
    ("group_id", "members"),
    [
        (people.in_group(1), [1, 2]),
        (f"{people.ACCOUNT}.p1", [1, 2]),
        ("role.organization-admin", [1]),
        ("role.other", []),
        ("nothing", []),
        (f"{people.ACCOUNT}.x1", []),
    ],
)
def test_visible_members_of_groups_of_any_origin(
    store: SqlStore, group_id: str, members: list[int]
) -> None:
    with store.write("default") as unit:
        _place_members(unit)
    expected = [GroupMember(f"user-{n:05d}", f"Person {n}") for n in members]
    asked = ["user-00002", "user-00004", "unknown"]
    with store.read("default") as unit:
        resources = unit.resources
        assert resources.members(group_id) == expected
        assert resources.members(group_id, limit=1) == expected[:1]
        among = [member for member in expected if member.user_id in asked]
        assert resources.members(group_id, among=asked) == among


def test_groups_are_found_by_their_members(store: SqlStore) -> None:
    with store.write("default") as unit:
        _place_members(unit)
    query = ResourceQuery(GROUP, _eq("members", "user-00002"))
    with store.read("default") as unit:
        assert [item.scim_id for item in unit.resources.search(query).resources] == [
            people.in_group(1)
        ]
        hidden = replace(query, filter=_eq("members", "user-00004"))
        assert unit.resources.search(hidden).total == 0


def test_groups_are_found_by_the_names_that_their_members_have_now(store: SqlStore) -> None:
    def named(part: str) -> list[str]:
        filter_ = Comparison(AttributePath("members", "display"), Operator.CO, part)
        with store.read("default") as unit:
            found = unit.resources.search(ResourceQuery(GROUP, filter_)).resources
        return [item.scim_id for item in found]

    with store.write("default") as unit:
        _place_members(unit)
        unit.commit()
    first = people.in_group(1)
    assert named("PERSON 2") == [first]

    with store.write("default") as unit:
        user = unit.mirror.get_users(["user-00002"])["user-00002"]
        unit.mirror.put_users([replace(user, user_name="Jürgen Öz")], people.NOW)
        unit.commit()
    assert named("PERSON 2") == []
    assert named("jÜRGEN ö") == [first]


def test_sqlite_folds_what_is_ascii_by_itself(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python is asked by one thread at a time."""
    folded: list[str] = []

    def fold(text: str) -> str:
        folded.append(text)
        return text.casefold()

    monkeypatch.setattr(engine, "fold", fold)
    titles = {1: "CLERK", 2: "Übersetzer", 3: None, 4: "clerk\tone"}
    with sqlite_store.write("default") as unit:
        rows = {number: people.plain_row(number) for number in titles}
        unit.resources.put(
            [
                replace(row, document=json.dumps({**json.loads(row.document), "title": title}))
                for row, title in zip(rows.values(), titles.values(), strict=True)
            ]
        )
        unit.commit()
    for part, found in (("clerk", [1, 4]), ("ÜBER", [2])):
        contains = Comparison(AttributePath("title"), Operator.CO, part)
        with sqlite_store.read("default") as unit:
            assert _ids(unit.resources.search(ResourceQuery(USER, contains))) == found
    assert set(folded) == {"Übersetzer"}
