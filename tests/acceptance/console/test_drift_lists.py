"""Drift in the console: changes, people who never came, people who are dormant, each in a list."""

from __future__ import annotations

import re

import pytest

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
    assert f'Invited, never came <span class="quiet">{pending}</span>' in page
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
    answer = olga.post("/drift/several", page="/drift?view=pending", view="pending", **fields)
    assert answer.headers["Location"].endswith("/drift?view=pending")
    assert found.subject_id not in listed(olga, "/drift?view=pending")[0]
    page, _ = listed(olga, "/drift?view=closed")
    assert found.finding_id in page and "Decide on the chosen ones" not in page
