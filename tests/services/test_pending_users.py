"""Users who have not activated yet, whose changes DocuSign may accept and ignore."""

import pytest

from connector.services.context import Actor
from simulator.state.model import Status
from tests.connector import ManualClock, connected, ok, refused
from tests.simulated import simulated

ADDRESS = "invited@partner.example"


@pytest.fixture(params=["fail", "queue"])
def connector(tmp_path, request):
    clock = ManualClock()
    world = simulated(10, now=clock.now, put_pending="ignored")
    provisioning = {"on_unavailable": request.param}
    running = connected(tmp_path / "c.db", world=world, clock=clock, provisioning=provisioning)
    yield running
    running.close()


@pytest.fixture
def user_id(connector):
    user_id = connector.create(ADDRESS)["id"]
    assert connector.membership(user_id).status is not Status.ACTIVE
    return user_id


def changes(connector):
    yield {"op": "replace", "path": "title", "value": "Weaver"}
    yield {"op": "replace", "path": "name.familyName", "value": "Weaver"}
    yield {"op": "add", "path": "entitlements", "value": [{"value": connector.entitlement()}]}


def test_a_change_that_is_ignored_is_refused_and_not_repeated_for_ever(connector, user_id):
    before = connector.user(user_id)
    for change in changes(connector):
        detail = refused(connector.patch(f"/Users/{user_id}", change), 502)
        assert "not activated" in detail and "ignored it" in detail
        after = connector.user(user_id)
        assert "pending" not in after["urn:ietf:params:scim:schemas:extension:docusign:2.0:User"]
        assert after["entitlements"] == before["entitlements"]
    settled = connector.services.settlement.settle_all(Actor("job:settle", "job", "test"))
    assert settled == {"settled": 0, "waiting": 0, "failed": 0}


def test_it_is_done_once_the_person_has_activated(connector, user_id):
    connector.membership(user_id).status = Status.ACTIVE
    for change in changes(connector):
        ok(connector.patch(f"/Users/{user_id}", change))
