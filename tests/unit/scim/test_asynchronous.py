"""Requests that are carried out later (RFC 7240 §4.1, RFC 9967)."""

import pytest

from scim.handlers import Deferred
from scim.service import ScimConfig
from tests.unit.scim.memory_handler import BASE_URL, TOKEN, MemoryHandler, create_app


@pytest.fixture
def client():
    return create_app(ScimConfig(announce_async=True)).test_client()


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/Users", "create"),
        ("PUT", "/Users/U1", "replace"),
        ("PATCH", "/Users/U1", "patch"),
        ("DELETE", "/Users/U1", "delete"),
    ],
)
def test_a_deferred_write_is_accepted_without_a_body(client, monkeypatch, method, path, name):
    monkeypatch.setattr(MemoryHandler, name, lambda *_arguments: Deferred("t1"))
    body = {"userName": "a", "Operations": [{"op": "remove", "path": "title"}]}
    headers = TOKEN | {"Prefer": "respond-async"}
    response = client.open(f"/scim/v2{path}", method=method, json=body, headers=headers)
    assert (response.status_code, response.data) == (202, b"")
    told = {name: response.headers.get(name) for name in ("Preference-Applied", "Set-Txn")}
    assert told == {"Preference-Applied": "respond-async", "Set-Txn": "t1"}
    assert response.headers["Location"] == f"{BASE_URL}/Requests/t1"
    assert "Content-Type" not in response.headers


def test_the_status_of_a_request_can_be_read_and_nothing_else(client):
    assert client.get("/scim/v2/Requests/t1", headers=TOKEN).json["status"] == "pending"
    assert client.get("/scim/v2/Requests/t2", headers=TOKEN).status_code == 404
    assert client.get("/scim/v2/Requests", headers=TOKEN).status_code == 404
    assert client.get("/scim/v2/Requests/t1").status_code == 401
    response = client.delete("/scim/v2/Requests/t1", headers=TOKEN)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_asynchronous_requests_are_announced_where_clients_can_bear_it(client):
    config = client.get("/scim/v2/ServiceProviderConfig").json
    assert config["securityEvents"] == {"asyncRequest": "request", "eventUris": []}
    config = create_app().test_client().get("/scim/v2/ServiceProviderConfig").json
    assert "securityEvents" not in config
