"""What a database can never hold is refused for good, and stands in nobody's way afterwards."""

from __future__ import annotations

import random

import pytest

from connector.errors import InvalidRequestError
from connector.ports import USER, ResourceQuery
from connector.store import SqlStore

_CHANCE = random.Random(5)
# No database compresses it to less than an entry of an index may have.
LONG = "".join(chr(_CHANCE.randrange(0x4E00, 0x9FFF)) for _ in range(4000))
SURROGATE, NUL, HUGE = "\ud800", "a\x00b", 2**70


@pytest.mark.parametrize(
    ("name", "refused_by"),
    [(SURROGATE, ["sqlite", "postgresql"]), (NUL, ["postgresql"]), (LONG, ["postgresql"])],
    ids=["half a surrogate pair", "NUL", "too long for an index"],
)
def test_a_text_is_refused_or_kept(store: SqlStore, name: str, refused_by: list[str]) -> None:
    def put() -> None:
        with store.write("default") as unit:
            unit.put_fact(name, "a")
            unit.commit()

    if store.database.engine.dialect.name in refused_by:
        with pytest.raises(InvalidRequestError, match="too long, out of range or no text"):
            put()
    else:
        put()
    _still_works(store)


def test_a_number_beyond_64_bits_is_refused(store: SqlStore) -> None:
    for query in (
        ResourceQuery(USER, count=HUGE),
        ResourceQuery(USER, start_index=HUGE),
        ResourceQuery(USER, after=HUGE),
    ):
        with pytest.raises(InvalidRequestError), store.read("default") as unit:
            unit.resources.search(query)
    _still_works(store)


@pytest.mark.parametrize("text", [SURROGATE, NUL])
def test_nobody_is_found_by_what_is_no_text(store: SqlStore, text: str) -> None:
    try:
        with store.read("default") as unit:
            assert unit.resources.find_by_name(USER, text) is None
    except InvalidRequestError:
        pass
    _still_works(store)


def _still_works(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.put_fact("after", "well")
        unit.commit()
    with store.read("default") as unit:
        assert unit.facts().get("after") == "well"
