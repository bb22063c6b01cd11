"""A query string that is read once means what it says wherever it is sent, as things are now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scim.errors import InvalidPath, InvalidValue
from scim.parameters import read_query_string
from scim.service import ScimConfig
from tests.unit.scim.memory_handler import GROUPS, USERS

SMALL = ScimConfig(max_page_size=5)


def test_it_is_read_once():
    assert read_query_string("startIndex=3") is read_query_string("startIndex=3")
    query = read_query_string("startIndex=3").query(SMALL, USERS)
    assert read_query_string("startIndex=3").query(SMALL, USERS) is query


def test_it_is_held_to_what_the_type_knows():
    sorted_by_name = read_query_string("sortBy=userName")
    assert sorted_by_name.query(SMALL, USERS).sort_by
    with pytest.raises(InvalidPath):
        sorted_by_name.query(SMALL, GROUPS)


def test_a_changed_page_size_holds_at_once():
    all_of_it = read_query_string("count=1000")
    assert all_of_it.query(SMALL, USERS).count == 5
    assert all_of_it.query(replace(SMALL, max_page_size=7), USERS).count == 7


def test_it_passes_through_where_this_request_may():
    plain = read_query_string("count=2")
    assert [plain.query(SMALL, USERS, joined=joined).joined for joined in (True, False)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("raw", ["dryRun=perhaps", "attributes=id&excludedAttributes=name"])
def test_a_wrong_one_is_refused_each_time(raw):
    for _ in range(2):
        with pytest.raises(InvalidValue):
            read_query_string(raw)


def test_long_ones_are_not_kept():
    raw = f"filter=title+eq+%22{'x' * 500}%22"
    assert read_query_string(raw) is not read_query_string(raw)
    assert read_query_string(raw).values["filter"].startswith("title eq")
