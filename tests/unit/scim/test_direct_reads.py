"""Reads that pass by Flask are answered as Flask would answer them."""

from __future__ import annotations

import pytest
from werkzeug.test import Client

from scim.direct_reads import DirectReads
from tests.unit.scim.memory_handler import TOKEN, create_front, mounted

PATHS = [
    "/scim/v2/Users",
    "/scim/v2/Users?count=1&startIndex=2",
    "/scim/v2/Users?filter=userName+eq+%22ann%40example.com%22",
    "/scim/v2/Users/none",
    "/scim/v2//Users",
    "/scim/v2/Users/",
    "/scim/v2/Schemas",
    "/scim/v2/ServiceProviderConfig",
    "/scim/v2/none/of/these",
    "/scim/v2/Users/a%0ab",
    "/scim/v2/Users/%00",
    "/scim/v2/Users/%C3%A9",
    "/acme/scim/v2/Users",
    "/scim/v2",
    "/scim/v2/",
    "/other",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_answer_is_the_same_either_way(path, method):
    front = create_front()
    app = mounted(front)
    directly = Client(DirectReads(app.wsgi_app, front))
    headers = {**TOKEN, "X-Correlation-Id": "same"}

    expected = app.test_client().open(path, method=method, headers=headers)
    answer = directly.open(path, method=method, headers=headers)

    assert (answer.status, answer.data) == (expected.status, expected.data)
    assert sorted(answer.headers) == sorted(expected.headers)
