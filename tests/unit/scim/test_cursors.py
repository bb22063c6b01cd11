"""Pages by cursor (RFC 9865)."""

import re
from base64 import urlsafe_b64decode

import pytest

from scim.service import ScimConfig
from tests.unit.scim.memory_handler import TOKEN, create_app

OTHER = {"Authorization": "Bearer other"}


class Clock:
    def __init__(self):
        self.at = 1_800_000_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(clock):
    client = create_app(ScimConfig(max_page_size=5), now=clock).test_client()
    for number in range(1, 8):
        user = {"userName": f"u{number}", "title": "even" if number % 2 == 0 else "odd"}
        assert client.post("/scim/v2/Users", json=user, headers=TOKEN).status_code == 201
    for name in ("a", "b"):
        client.post("/scim/v2/Groups", json={"displayName": name}, headers=TOKEN)
    return client


def get(client, url, headers=TOKEN):
    return client.get(f"/scim/v2{url}", headers=headers).json


def names(page):
    return [one.get("userName") or one["displayName"] for one in page["Resources"]]


def refused(client, url, scim_type, headers=TOKEN):
    response = client.get(f"/scim/v2{url}", headers=headers)
    assert (response.status_code, response.json.get("scimType")) == (400, scim_type)


def sweep(client, url):
    """Return the names on each page."""
    page = get(client, f"{url}cursor=&count=3")
    pages = [names(page)]
    while "nextCursor" in page:
        page = get(client, f"{url}cursor={page['nextCursor']}&count=3")
        pages.append(names(page))
    return pages


def test_cursors_lead_through_all_pages(client):
    first = get(client, "/Users?cursor=&count=3")
    assert first.keys() == {"schemas", "totalResults", "itemsPerPage", "nextCursor", "Resources"}
    assert (first["totalResults"], first["itemsPerPage"]) == (7, 3)
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", first["nextCursor"])
    assert sweep(client, "/Users?") == [["u1", "u2", "u3"], ["u4", "u5", "u6"], ["u7"]]


def test_the_last_page_has_no_cursor_even_when_it_is_full(client):
    assert "nextCursor" not in get(client, "/Groups?cursor&count=2")
    assert "nextCursor" not in get(client, "/Users?cursor=&count=0")


def test_every_page_tells_the_total_of_the_first(client):
    first = get(client, '/Users?filter=title eq "odd"&cursor=&count=1')
    client.delete("/scim/v2/Users/U7", headers=TOKEN)
    second = get(client, f'/Users?filter=title eq "odd"&cursor={first["nextCursor"]}')
    assert (second["totalResults"], names(second)) == (4, ["u3"])


def test_change_between_pages_shifts_nothing(client):
    first = get(client, "/Users?cursor=&count=3")
    client.delete("/scim/v2/Users/U2", headers=TOKEN)
    client.delete("/scim/v2/Users/U3", headers=TOKEN)
    client.post("/scim/v2/Users", json={"userName": "u8"}, headers=TOKEN)
    second = get(client, f"/Users?cursor={first['nextCursor']}")
    assert names(second) == ["u4", "u5", "u6"]
    assert names(get(client, f"/Users?cursor={second['nextCursor']}")) == ["u7", "u8"]


def test_search_requests_take_cursors(client):
    body = {"filter": 'title eq "even"', "cursor": "", "count": 2, "attributes": ["userName"]}
    first = client.post("/scim/v2/Users/.search", json=body, headers=TOKEN).json
    body["cursor"] = first["nextCursor"]
    second = client.post("/scim/v2/Users/.search", json=body, headers=TOKEN).json
    assert (names(first), names(second)) == (["u2", "u4"], ["u6"])
    assert "title" not in second["Resources"][0]


def test_the_root_is_swept_type_after_type(client):
    everything = '/?filter=meta.resourceType eq "User" or displayName pr&'
    pages = sweep(client, everything)
    assert pages == [["u1", "u2", "u3"], ["u4", "u5", "u6"], ["u7", "a", "b"]]
    client.delete("/scim/v2/Users/U7", headers=TOKEN)
    assert sweep(client, everything) == [["u1", "u2", "u3"], ["u4", "u5", "u6"], ["a", "b"]]
    assert get(client, f"{everything}cursor=&count=3")["totalResults"] == 8


def test_a_cursor_expires_politely(client, clock):
    cursor = get(client, "/Users?cursor=&count=3")["nextCursor"]
    clock.at += 3600
    assert names(get(client, f"/Users?cursor={cursor}")) == ["u4", "u5", "u6"]
    clock.at += 1
    refused(client, f"/Users?cursor={cursor}", "expiredCursor")


def test_a_cursor_belongs_to_its_query_client_and_tenant(client):
    cursor = get(client, "/Users?filter=title pr&cursor=&count=3")["nextCursor"]
    refused(client, f"/Users?cursor={cursor}", "invalidCursor")
    refused(client, f"/Groups?filter=title pr&cursor={cursor}", "invalidCursor")
    refused(client, f"/Users?filter=title pr&cursor={cursor}&attributes=id", "invalidCursor")
    refused(client, f"/Users?filter=title pr&cursor={cursor}", "invalidCursor", OTHER)
    url = f"/acme/scim/v2/Users?filter=title pr&cursor={cursor}"
    assert client.get(url, headers=TOKEN).json["scimType"] == "invalidCursor"
    assert get(client, f"/Users?filter=title pr&cursor={cursor}")["itemsPerPage"] == 3


@pytest.mark.parametrize("cursor", ["x", "%C3%A9", "AAAA" * 20, "=", "a.b", "%00", "1" * 5000])
def test_what_is_no_cursor_is_refused(client, cursor):
    refused(client, f"/Users?cursor={cursor}", "invalidCursor")


def test_a_changed_cursor_is_refused(client):
    cursor = get(client, "/Users?cursor=&count=3")["nextCursor"]
    for place in range(0, len(cursor) - 1, 7):
        changed = "A" if cursor[place] != "A" else "B"
        refused(
            client, f"/Users?cursor={cursor[:place]}{changed}{cursor[place + 1 :]}", "invalidCursor"
        )


@pytest.mark.parametrize("count", [6, 10**20])
def test_count_out_of_range_is_refused(client, count):
    refused(client, f"/Users?cursor=&count={count}", "invalidCount")


def test_a_negative_count_is_zero(client):
    page = get(client, "/Users?cursor=&count=-1")
    assert (page["totalResults"], page["Resources"], "nextCursor" in page) == (7, [], False)


def test_count_stays_as_it_was(client):
    cursor = get(client, "/Users?cursor=&count=3")["nextCursor"]
    refused(client, f"/Users?cursor={cursor}&count=4", "invalidCount")


def test_an_index_beside_a_cursor_is_refused(client):
    refused(client, "/Users?cursor=&startIndex=1", "invalidValue")


def test_sorted_pages_are_led_through(client):
    order = "sortBy=userName&sortOrder=descending"
    assert sweep(client, f"/Users?{order}&") == [["u7", "u6", "u5"], ["u4", "u3", "u2"], ["u1"]]
    assert sweep(client, "/Users?sortBy=title&") == [["u2", "u4", "u6"], ["u1", "u3", "u5"], ["u7"]]


def test_the_root_is_swept_sorted_within_each_type(client):
    pages = sweep(client, "/?filter=id pr&sortBy=userName&sortOrder=descending&")
    assert pages == [["u7", "u6", "u5"], ["u4", "u3", "u2"], ["u1", "a", "b"]]


def test_a_cursor_belongs_to_its_order(client):
    cursor = get(client, "/Users?sortBy=title&cursor=&count=3")["nextCursor"]
    for order in ("", "sortBy=userName&", "sortBy=title&sortOrder=descending&"):
        refused(client, f"/Users?{order}cursor={cursor}", "invalidCursor")
    assert get(client, f"/Users?sortBy=TITLE&sortOrder=ascending&cursor={cursor}")["Resources"]


def test_a_cursor_does_not_tell_where_it_stands(client):
    cursor = get(client, "/Users?sortBy=userName&cursor=&count=3")["nextCursor"]
    assert b'"3"' not in urlsafe_b64decode(cursor + "==")


def test_a_cursor_that_is_no_text_is_refused(client):
    for cursor in (5, True, ["x"], {"a": 1}):
        response = client.post("/scim/v2/Users/.search", json={"cursor": cursor}, headers=TOKEN)
        assert (response.status_code, response.json["scimType"]) == (400, "invalidCursor")


def test_cursors_are_announced_beside_index_paging(client):
    assert get(client, "/ServiceProviderConfig")["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 5,
        "cursorTimeout": 3600,
    }
