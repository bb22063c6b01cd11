"""python-scim's conformance checks, run in process (RFC 7643, RFC 7644)."""

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.unit.scim.memory_handler import create_app

_GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)


def test_reference_checks_find_nothing():
    base_url = "http://localhost/scim/v2"
    client = WSGISCIMClient(
        create_app(base_url=base_url),
        base_url=base_url,
        headers={"Authorization": "Bearer secret"},
    )
    results = check_server(client)
    bad = [(r.title, r.reason) for r in results if r.status not in _GOOD]
    assert not bad
    assert sum(r.status is Status.SUCCESS for r in results) > 100
