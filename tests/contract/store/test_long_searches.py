"""Searches that no index answers are bounded, on both databases; the others pass unnoticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from connector.errors import InvalidFilterError, SearchTooLongError
from connector.ports import GROUP, USER, ResourceQuery
from connector.store import SqlStore, long_searches, time_limit
from connector.store.scim_filter import is_answered_by_index
from connector.store.scim_sources import Context
from connector.store.search import MAX_SLOW_TERMS
from scim.filters import AttributePath, parse_filter
from tests.contract.store import people
from tests.contract.store.random_people import SCHEMAS

MANY = 2000
DEAR = parse_filter(" or ".join(f'title co "x{number}" or title eq "7"' for number in range(9)))
ASKED = ResourceQuery(USER, DEAR, count=5, asked_by="okta")


class Places:
    """Gives everybody a place, and remembers who had one."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.given: list[str] = []

    def has_some(self, whom: str) -> bool:
        return whom in self.known

    @contextmanager
    def place(self, whom: str) -> Iterator[None]:
        self.given.append(whom)
        yield


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    with store.write("default") as unit:
        rows = [people.plain_row(number) for number in range(MANY)]
        titled = [{**json.loads(row.document), "title": str(n)} for n, row in enumerate(rows)]
        unit.resources.put(
            [
                replace(row, document=json.dumps(document))
                for row, document in zip(rows, titled, strict=True)
            ]
        )
        unit.commit()
    return store


@pytest.fixture
def bound(filled: SqlStore, monkeypatch: pytest.MonkeyPatch):
    """Return what bounds the searches of the filled store until the end of the test."""
    monkeypatch.setattr(time_limit, "STEPS", 100)

    def bind(timeout_s: float, *known: str, moment_s: float = 30.0) -> Places:
        places = Places(*known)
        monkeypatch.setattr(long_searches, "A_MOMENT_S", moment_s)
        monkeypatch.setattr(filled.long_searches, "_places", places)
        monkeypatch.setattr(filled.long_searches, "_timeout_s", timeout_s)
        return places

    return bind


def _found(store: SqlStore, query: ResourceQuery) -> list[str]:
    with store.read("default", single=True) as unit:
        return [item.scim_id for item in unit.resources.search(query).resources]


def test_a_search_that_takes_too_long_is_ended(filled: SqlStore, bound) -> None:
    places = bound(0.001)
    with pytest.raises(SearchTooLongError, match=r"0\.001 seconds .server\.search_timeout_s"):
        _found(filled, ASKED)
    assert places.given == ["default/okta"]

    assert _found(filled, replace(ASKED, asked_by="")) == ["user-00007"]
    bound(30)
    assert _found(filled, ASKED) == ["user-00007"]


def test_what_is_read_behind_a_bounded_search_is_not_ended(filled: SqlStore, bound) -> None:
    bound(30)
    with filled.read("default") as unit:
        assert unit.resources.search(ASKED).total == 1
        bound(0)
        assert len(unit.resources.search(replace(ASKED, asked_by="")).resources) == 1
        assert unit.resources.search(ResourceQuery(USER)).total == MANY


def test_a_search_that_is_over_in_a_moment_needs_no_place(filled: SqlStore, bound) -> None:
    places = bound(30)
    assert _found(filled, ASKED) == ["user-00007"]
    assert places.given == []


@pytest.mark.parametrize("single", [True, False])
def test_a_longer_one_begins_again_once_it_has_its_place(
    filled: SqlStore, bound, single: bool
) -> None:
    places = bound(30, moment_s=0.001)
    with filled.read("default", single=single) as unit:
        page = unit.resources.search(ASKED)
        assert [item.scim_id for item in page.resources] == ["user-00007"]
        assert unit.resources.search(ResourceQuery(USER)).total == MANY
    assert places.given == ["default/okta"]


def test_who_searches_for_long_waits_before_the_next_begins(filled: SqlStore, bound) -> None:
    places = bound(30, "default/okta")
    assert _found(filled, ASKED) == ["user-00007"]
    assert places.given == ["default/okta"]
    assert _found(filled, replace(ASKED, asked_by="entra")) == ["user-00007"]
    assert places.given == ["default/okta"]


def test_what_an_index_answers_is_not_bounded(filled: SqlStore, bound) -> None:
    places = bound(0, "default/okta")
    for text in ('id eq "user-00007"', 'userName eq "person7@example.com"'):
        assert _found(filled, replace(ASKED, filter=parse_filter(text))) == ["user-00007"]
        both = parse_filter(f'{text} and not (title co "8")')
        assert _found(filled, replace(ASKED, filter=both)) == ["user-00007"]
    for sort_by in (None, AttributePath("userName"), AttributePath("meta", "lastModified")):
        assert len(_found(filled, replace(ASKED, filter=None, sort_by=sort_by))) == 5
    assert places.given == []

    with pytest.raises(SearchTooLongError):
        _found(filled, replace(ASKED, filter=None, sort_by=AttributePath("title")))


def test_an_impossible_filter_is_told_as_such(filled: SqlStore, bound) -> None:
    bound(0)
    with pytest.raises(InvalidFilterError):
        _found(filled, replace(ASKED, filter=parse_filter('title co 7 or title co "x"')))


SLOW = [
    (USER, 'title co "x"', 1),
    (USER, 'title eq "x"', 1),
    (USER, 'userName EW "x"', 1),
    (USER, 'userName ne "x"', 1),
    (USER, "userName pr", 1),
    (USER, 'not (userName eq "x")', 1),
    (USER, 'not (emails[type eq "work" and value eq "x"])', 2),
    (USER, 'emails[value co "x" or display co "x"]', 2),
    (USER, 'active eq true and title co "x"', 1),
    (GROUP, 'members.display eq "x"', 1),
    (GROUP, 'members[value sw "x"]', 1),
    (GROUP, "members pr", 1),
]
QUICK = [
    (USER, 'emails.value eq "x"'),
    (USER, 'emails[type eq "work" and value eq "x"]'),
    (USER, 'userName sw "x"'),
    (USER, 'id eq "x" and not (title co "x")'),
    (GROUP, 'members eq "x"'),
    (GROUP, 'members[VALUE eq "x"]'),
]


def _asked(kind: str, *terms: str) -> ResourceQuery:
    return replace(ASKED, kind=kind, filter=parse_filter(" or ".join(terms)))


@pytest.mark.parametrize(("kind", "term", "each"), SLOW)
def test_terms_that_no_index_answers_are_few(
    store: SqlStore, kind: str, term: str, each: int
) -> None:
    most = MAX_SLOW_TERMS // each
    assert _found(store, _asked(kind, *[term] * most)) == []
    with pytest.raises(InvalidFilterError, match=f"{MAX_SLOW_TERMS} comparisons at most"):
        _found(store, _asked(kind, *[term] * (most + 1)))


@pytest.mark.parametrize(("kind", "term"), QUICK)
def test_terms_that_an_index_answers_are_many(store: SqlStore, kind: str, term: str) -> None:
    assert _found(store, _asked(kind, *[term] * 50)) == []


def test_what_is_narrowed_to_a_few_may_have_many_terms(store: SqlStore) -> None:
    slow = " or ".join(['title co "x"'] * (MAX_SLOW_TERMS + 1))
    assert _found(store, _asked(USER, f'id eq "user-00007" and ({slow})')) == []
    with pytest.raises(InvalidFilterError, match=f"this one has {MAX_SLOW_TERMS + 1}"):
        _found(store, _asked(USER, f'userName sw "x" and ({slow})'))


ANSWERED = [
    'userName sw "a"',
    'userName sw "a" and active eq true',
    'displayName eq "a" or name.familyName ge "b"',
    'externalId eq "x"',
    'meta.lastModified gt "2026-01-01T00:00:00Z"',
    'emails eq "a@x.com"',
    'emails[type eq "work" and value eq "a@x.com"]',
    'emails.value eq "a@x.com" and title co "x"',
    '(id eq "a" or id eq "b") and title co "x"',
    f'groups.value eq "{people.in_group(1)}"',
    f'groups[value eq "{people.in_group(1)}"] and active eq true',
    f'entitlements eq "{people.ACCOUNT}.1" or userName eq "a"',
    'roles.value eq "organization-admin"',
]
NOT_ANSWERED = [
    'userName co "a"',
    'userName ne "a"',
    'not (userName eq "a")',
    "userName pr",
    'title eq "x"',
    'title sw "x"',
    "title eq null",
    'id eq "a" or title eq "x"',
    'active eq true and title co "x"',
    'userName sw "a" and title co "x"',
    'meta.created sw "2026"',
    'emails.type eq "work"',
    'emails[type eq "work"]',
    'groups.display eq "a"',
    f'groups.value eq "{people.in_group(1)}" and title co "x"',
    f'groups[value eq "{people.in_group(1)}" and display co "x"]',
    'roles.value eq "auditor" and title co "x"',
    f'groups.value eq "{people.ACCOUNT}.p1"',
    f'groups.value sw "{people.ACCOUNT}"',
]
OF_GROUPS = [
    ('displayName eq "a"', True),
    ('members eq "user-00001"', True),
    ('members[value eq "user-00001"]', True),
    ('members[value eq "user-00001" and display co "x"]', True),
    ('members.display eq "a"', False),
    ('members.value sw "user"', False),
    ("members pr", False),
]


@pytest.mark.parametrize(
    ("kind", "text", "is_answered"),
    [
        *((USER, text, True) for text in ANSWERED),
        *((USER, text, False) for text in NOT_ANSWERED),
        *((GROUP, text, is_answered) for text, is_answered in OF_GROUPS),
    ],
)
def test_which_searches_an_index_answers(kind: str, text: str, is_answered: bool) -> None:
    context = Context("default", kind, SCHEMAS[kind], "sqlite")
    assert is_answered_by_index(parse_filter(text), context) is is_answered
