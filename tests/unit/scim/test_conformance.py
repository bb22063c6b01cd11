"""python-scim's conformance checks, run in process (RFC 7643, RFC 7644)."""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from scim.errors import InvalidValue
from tests.unit.scim.conformance import drawn_alike, run_checks
from tests.unit.scim.memory_handler import TOKEN, MemoryHandler, create_app

BASE_URL = "http://localhost/scim/v2"


def test_reference_checks_find_nothing():
    client = WSGISCIMClient(create_app(base_url=BASE_URL), base_url=BASE_URL, headers=TOKEN)
    with drawn_alike():
        results = check_server(client)
    assert not [(r.title, r.reason) for r in results if r.status is Status.ERROR]
    assert sum(r.status is Status.SUCCESS for r in results) > 100


def test_reference_checks_can_send_addresses_as_user_names(monkeypatch: pytest.MonkeyPatch):
    def check_unique(handler, resource, scim_id):
        if "@" not in resource.get("userName", "@"):
            raise InvalidValue("userName must be an e-mail address.")

    monkeypatch.setattr(MemoryHandler, "_check_unique", check_unique)
    results, bad = run_checks(create_app(base_url=BASE_URL), BASE_URL, TOKEN)
    assert not bad
    assert len(results) > 100
