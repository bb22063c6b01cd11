"""Limits of requests, told in the headers that SailPoint reads."""

import pytest

from tests.unit.scim.memory_handler import TOKEN, create_app

OTHER = {"Authorization": "Bearer other"}


class Clock:
    at = 1_800_000_000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(clock):
    return create_app(now=clock, requests_per_minute=3).test_client()


def told(response):
    prefix = "x-rate-limit-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in response.headers
        if name.lower().startswith(prefix)
    }


def get(client, path="/Users", headers=TOKEN):
    return client.get(f"/scim/v2{path}", headers=headers)


def test_every_answer_tells_what_is_left(client):
    assert told(get(client)) == {"limit": "3", "remaining": "2", "reset": "20"}
    missing = get(client, "/Users/none")
    assert missing.status_code == 404
    assert told(missing) == {"limit": "3", "remaining": "1", "reset": "40"}


def test_more_is_refused_until_time_has_passed(client, clock):
    for _ in range(3):
        assert get(client).status_code == 200
    refused = get(client)
    assert (refused.status_code, refused.json["status"]) == (429, "429")
    assert refused.headers["Retry-After"] == "20"
    assert told(refused) == {
        "limit": "3",
        "remaining": "0",
        "reset": "60",
        "retry-after-seconds": "20",
    }
    clock.at += 20
    assert get(client).status_code == 200
    assert get(client).status_code == 429


def test_clients_have_a_limit_each(client):
    for _ in range(4):
        get(client)
    assert get(client, headers=OTHER).status_code == 200


def test_the_reset_is_a_point_in_time_where_the_client_wants_that(client, monkeypatch):
    settings = {"rate_limit_reset": "epoch"}
    monkeypatch.setattr("tests.unit.scim.memory_handler.TokenAuthenticator.settings", settings)
    assert told(get(client))["reset"] == "1800000020"


def test_without_a_limit_nothing_is_told():
    assert told(get(create_app().test_client())) == {}
