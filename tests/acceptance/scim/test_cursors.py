"""Pages by cursor (RFC 9865) through a whole connector, while people come, change and go."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.connector import ok, refused
from tests.simulated import simulated


@pytest.fixture
def connector(connect):
    return connect(world=simulated(30))


def page(connector, path, cursor="", **headers):
    return ok(connector.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}", **headers))


def walk(connector, path, between=lambda number: None):
    """Return the ids met on a walk; *between* is called after each page."""
    met, cursor, number = [], "", 0
    while cursor is not None:
        shown = page(connector, path, cursor)
        assert "startIndex" not in shown
        assert shown["itemsPerPage"] == len(shown["Resources"])
        met += [one["id"] for one in shown["Resources"]]
        cursor = shown.get("nextCursor")
        number += 1
        between(number)
    return met


@pytest.mark.parametrize("count", [1, 7, 200])
def test_a_walk_meets_everybody_once(connector, count):
    everybody = [one["id"] for one in ok(connector.get("/Users?count=200"))["Resources"]]
    met = walk(connector, f"/Users?count={count}")
    assert sorted(met) == sorted(everybody)
    assert len(met) == len(set(met))


def test_who_stays_is_met_once_though_others_come_change_and_go(connector):
    new = [connector.create(f"n{number}@northwind-freight.example")["id"] for number in range(4)]
    stay = {one["id"] for one in ok(connector.get("/Users?count=200"))["Resources"]} - set(new)

    def disturb(number):
        if number == 1:
            assert connector.delete(f"/Users/{new[0]}").status_code == 204
            connector.create("late@northwind-freight.example")
        title = {"op": "replace", "path": "title", "value": f"Title {number}"}
        ok(connector.patch(f"/Users/{new[1]}", title))

    met = walk(connector, "/Users?count=5", disturb)
    assert stay <= set(met)
    assert len(met) == len(set(met))


def test_a_sync_amid_a_walk_shifts_nothing(connector):
    everybody = {one["id"] for one in ok(connector.get("/Users?count=200"))["Resources"]}

    def sync(number):
        if number == 2:
            connector.sync()

    met = walk(connector, "/Users?count=6", sync)
    assert len(met) == len(set(met))
    assert set(met) == everybody


def test_a_filter_a_projection_and_the_root_are_walked_alike(connector):
    active = f"/Users?count=4&attributes=userName&filter={quote('active eq true')}"
    expected = ok(connector.get("/Users?count=200&filter=active%20eq%20true"))["Resources"]
    assert sorted(walk(connector, active)) == sorted(one["id"] for one in expected)

    either = quote('meta.resourceType eq "Role" or userName pr')
    root = f"/?count=5&filter={either}"
    everybody = ok(connector.get("/Users?count=200"))["Resources"]
    roles = ok(connector.get("/Roles"))["Resources"]
    assert len(walk(connector, root)) == len(everybody) + len(roles)


def test_a_sorted_list_is_walked_in_its_order(connector):
    for order in ("sortBy=name.familyName", "sortBy=meta.created&sortOrder=descending"):
        sorted_ = ok(connector.get(f"/Users?count=200&{order}"))["Resources"]
        assert walk(connector, f"/Users?count=7&{order}") == [one["id"] for one in sorted_]
    names = [one["displayName"] for one in ok(connector.get("/Groups?count=200"))["Resources"]]
    first = page(connector, "/Groups?count=5&sortBy=displayName&sortOrder=descending")
    shown = [one["displayName"] for one in first["Resources"]]
    assert shown == sorted(names, key=str.lower, reverse=True)[:5]


def test_a_cursor_holds_for_its_client_its_query_and_its_hour(connector):
    cursor = page(connector, "/Users?count=5")["nextCursor"]
    other = connector.client_token("other")
    path = f"/Users?count=5&cursor={cursor}"
    refused(connector.send("GET", path, token=other), 400, "invalidCursor")
    refused(connector.get(f"{path}&filter=active%20eq%20true"), 400, "invalidCursor")
    refused(connector.get(f"/Groups?count=5&cursor={cursor}"), 400, "invalidCursor")
    refused(connector.get(f"/Users?count=6&cursor={cursor}"), 400, "invalidCount")
    connector.clock.advance(3601)
    assert "Begin again" in refused(connector.get(path), 400, "expiredCursor")
