"""Drift in the console: changes, people who never came, people who are dormant, each in a list."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.console.drift import _VIEWS
from connector.domain.drift.difference import DriftKind
from tests.visitors import joined_by_hand, signed_in


@pytest.fixture
def olga(connector):
    connector.reconcile()
    joined_by_hand(connector)
    return signed_in(connector, "operator")


def listed(visitor, path):
    page = visitor.get(path).get_data(as_text=True)
    return page, set(re.findall(r'data-label="Class">([^<]+)<', page))


def test_each_list_holds_its_own_and_says_how_many(connector, olga):
    pending = len(connector.findings(DriftKind.PENDING_USER))
    assert pending
    page, classes = listed(olga, "/drift")
    assert classes == {"native grant"}
    assert f'Invited, never accepted <span class="quiet">{pending}</span>' in page
    assert 'value="pending_user"' not in page, "no class of another list is offered"
    assert listed(olga, "/drift?view=pending")[1] == {"pending user"}
    assert "pending user" not in listed(olga, "/drift?view=unused")[1]
    assert listed(olga, "/drift?view=all")[1] >= {"native grant", "pending user"}
    assert olga.get("/drift?view=no-such").status_code == 404


def test_a_link_that_names_a_class_leads_to_everything_open(olga):
    page, classes = listed(olga, "/drift?class=pending_user")
    assert classes == {"pending user"}
    assert re.search(r'aria-current="page">Everything open', page)


def test_who_decides_stays_in_the_list(connector, olga):
    (found, *_) = connector.findings(DriftKind.PENDING_USER)
    fields = {"finding": found.finding_id, "act": "accept", "reason": "Comes in June"}
    answer = olga.post(
        "/drift/several", page="/drift?view=pending", back="/drift?view=pending", **fields
    )
    assert answer.headers["Location"].endswith("/drift?view=pending")
    assert found.subject_id not in listed(olga, "/drift?view=pending")[0]
    page, _ = listed(olga, "/drift?view=closed")
    assert found.finding_id in page and "Decide on the chosen ones" not in page


def test_who_decides_on_what_was_searched_finds_the_search_again(connector, olga):
    (found, *_) = connector.findings(DriftKind.PENDING_USER)
    searched = f"/drift?class=pending_user&account={found.account_id}&user={found.subject_id}"
    page = olga.get(searched).get_data(as_text=True)
    (back,) = re.findall(r'name="back" value="(/drift[^"]*)"', page)
    fields = {"finding": found.finding_id, "act": "accept", "reason": "Comes in June"}
    answer = olga.post("/drift/several", page=searched, back=unescape(back), **fields)
    led = urlsplit(answer.headers["Location"])
    assert led.path == "/console/drift"
    assert parse_qs(led.query) == {
        "class": ["pending_user"],
        "account": [found.account_id],
        "user": [found.subject_id],
        "view": ["all"],
    }


def test_a_class_of_another_list_is_looked_for_in_everything_open(olga):
    page, classes = listed(olga, "/drift?view=changes&class=pending_user")
    assert classes == {"pending user"}
    assert re.search(r'aria-current="page">Everything open', page)
    assert '<option value="pending_user" selected>' in page
    assert olga.get("/drift?class=no-such").status_code == 404


def test_a_bookmark_from_before_the_lists_leads_to_what_is_over(olga):
    page, classes = listed(olga, "/drift?state=closed")
    assert re.search(r'aria-current="page">Closed', page) and not classes


def test_each_class_is_in_one_list_beside_the_whole():
    views = ("changes", "pending", "unused")
    within = [kind for name in views for kind in _VIEWS[name][1]]
    assert sorted(within) == sorted(DriftKind)
