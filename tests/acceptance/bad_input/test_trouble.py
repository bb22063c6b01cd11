"""A DocuSign that is down, slow, out of budget or answers HTML: the right status, no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simulator.faults import Fault, burst_limit, hourly_limit
from simulator.state.model import Status
from tests.acceptance.bad_input.refusals import ADDRESS, operation, said_no
from tests.connector import Connector, ManualClock, connected, ok
from tests.simulated import simulated


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    """A fresh one for each trouble: what is in doubt is carried out once DocuSign answers."""
    clock = ManualClock()
    started = connected(tmp_path / "bad.db", world=simulated(50, now=clock.now), clock=clock)
    yield started
    started.close()


@pytest.fixture
def ann(connector: Connector) -> str:
    return str(connector.create(ADDRESS)["id"])


@pytest.fixture
def group(connector: Connector) -> str:
    return str(ok(connector.post("/Groups", {"displayName": "Hostile"}), 201)["id"])


TROUBLES: dict[str, tuple[Callable[[], Fault], set[int]]] = {
    "down": (lambda: Fault("error", times=None, status=503), {503}),
    "refusing connections": (lambda: Fault("drop", times=None), {503}),
    "slow": (lambda: Fault("drop", times=None, timed_out=True), {503}),
    "failing": (lambda: Fault("error", times=None, status=500), {503, 502}),
    "out of its hourly budget": (lambda: hourly_limit(times=None), {503}),
    "out of its hourly budget, told the old way": (
        lambda: hourly_limit(status=400, times=None),
        {503},
    ),
    "out of its burst budget": (lambda: burst_limit(times=None), {503}),
    "out of its burst budget, told the old way": (
        lambda: burst_limit(status=400, times=None),
        {503},
    ),
    "behind a proxy that answers HTML": (lambda: Fault("html", times=None, status=200), {502, 503}),
    "behind a proxy that fails in HTML": (
        lambda: Fault("html", times=None, status=502),
        {502, 503},
    ),
    "behind a proxy that finds nothing": (
        lambda: Fault("html", times=None, status=404),
        {502, 503},
    ),
    "behind a proxy that wants a sign-in": (
        lambda: Fault("html", times=None, status=401),
        {502, 503},
    ),
    "behind a proxy that forbids it": (lambda: Fault("html", times=None, status=403), {502, 503}),
    "losing its answers": (lambda: Fault("lose_answer", times=None), {503}),
}


@pytest.mark.parametrize(("make", "statuses"), TROUBLES.values(), ids=TROUBLES)
def test_docusign_in_trouble(connector, ann, group, make, statuses):
    connector.clock.advance(120)  # The mirror's copies are old: DocuSign has to be asked.
    connector.world.faults.add(make())
    requests = [
        ("POST", "/Users", {"userName": "new@northwind-freight.example"}),
        ("PATCH", f"/Users/{ann}", operation("title", "Counsel")),
        ("PATCH", f"/Users/{ann}", operation("active", False)),
        ("POST", "/Groups", {"displayName": "Trouble"}),
        ("PATCH", f"/Groups/{group}", operation("members", [{"value": ann}])),
        ("DELETE", f"/Users/{ann}", None),
        ("DELETE", f"/Groups/{group}", None),
    ]
    for method, path, body in requests:
        response = connector.send(method, path, body)
        detail = said_no(response, *statuses)
        assert "<html" not in detail.lower()
        if response.status_code == 503:
            assert int(response.headers["Retry-After"]) >= 1
    ok(connector.get(f"/Users/{ann}"))
    ok(connector.get("/Users?count=5"))


@pytest.mark.parametrize("code", ["", "USER_NOT_FOUND"])
def test_a_leaver_whom_nothing_shows_is_not_taken_for_gone(connector, ann, code):
    fault = Fault("html", "GET", "/restapi/.*/users/", times=None, status=404)
    if code:
        fault = replace(fault, kind="error", error_code=code)
    connector.clock.advance(120)
    connector.world.faults.add(fault)
    said_no(connector.patch(f"/Users/{ann}", *operation("active", False)["Operations"]), 503)
    said_no(connector.delete(f"/Users/{ann}"), 503)
    assert connector.user(ann)["active"]

    connector.world.faults.clear()
    connector.clock.advance(120)
    ok(connector.delete(f"/Users/{ann}"), 204)
    states = {item.status for item in connector.world.state.user(ann).memberships.values()}
    assert states == {Status.CLOSED}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_group_that_a_page_hides_is_not_taken_for_deleted(connector, group, status):
    connector.world.faults.add(Fault("html", "DELETE", "/groups$", times=None, status=status))
    said_no(connector.delete(f"/Groups/{group}"), 502, 503)
    ok(connector.get(f"/Groups/{group}"))


def test_lost_consent(connector, ann):
    connector.world.faults.add(Fault("revoke_consent"))
    application = next(iter(connector.world.state.applications.by_key.values()))
    consents = {user: set(scopes) for user, scopes in application.consents.items()}
    admin = set(application.admin_consent)
    connector.clock.advance(120)
    try:
        detail = said_no(
            connector.patch(f"/Users/{ann}", operation("title", "x")["Operations"][0]), 502
        )
        assert "consent" in detail
    finally:
        application.consents.update(consents)
        application.admin_consent.update(admin)
