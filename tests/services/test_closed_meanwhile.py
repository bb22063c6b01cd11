"""Users whom somebody closes in DocuSign between our last look at them and a change."""

import pytest

from simulator.state import memberships
from simulator.state.model import Status
from tests.connector import ManualClock, connected, ok, refused
from tests.simulated import simulated

CHANGES = ["title", "name.familyName", "entitlements"]


@pytest.fixture
def start(tmp_path):
    started: list = []

    def begin(reaction):
        clock = ManualClock()
        world = simulated(10, now=clock.now, put_closed=reaction)
        started.append(connected(tmp_path / "c.db", world=world, clock=clock))
        connector = started[0]
        user_id = connector.create("ann@partner.example")["id"]
        memberships.close(world.state, connector.membership(user_id))
        return connector, user_id

    yield begin
    for connector in started:
        connector.close()


def change(connector, path):
    value = [{"value": connector.entitlement()}] if path == "entitlements" else "Weaver"
    return {"op": "add", "path": path, "value": value}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_that_docusign_ignores_is_refused_with_the_reason(start, path):
    connector, user_id = start("ignored")
    before = connector.clock.slept_s

    detail = refused(
        connector.patch(f"/Users/{user_id}", change(connector, path)), 400, "invalidValue"
    )

    assert "was closed" in detail and "active=true" in detail
    assert connector.clock.slept_s - before < 5
    assert connector.user(user_id)["active"] is False
    # Known to be closed, they are not asked about again.
    detail = refused(
        connector.patch(f"/Users/{user_id}", change(connector, path)), 400, "invalidValue"
    )
    assert "inactive" in detail


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_that_docusign_carries_out_gives_nobody_access(start, path):
    connector, user_id = start("done")
    answer = ok(connector.patch(f"/Users/{user_id}", change(connector, path)))
    assert answer["active"] is False
    assert not answer.get("entitlements")
    assert connector.membership(user_id).status is Status.CLOSED


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_that_docusign_refuses_is_refused(start, path):
    connector, user_id = start("refused")
    detail = refused(connector.patch(f"/Users/{user_id}", change(connector, path)), 502)
    assert "USER_NOT_ACTIVE" in detail


@pytest.mark.parametrize("reaction", ["ignored", "done", "refused"])
def test_whoever_was_closed_comes_back_whole(start, reaction):
    connector, user_id = start(reaction)
    connector.sync()
    wanted = {"active": True, "title": "Weaver", "name": {"familyName": "Loom"}}
    ok(connector.patch(f"/Users/{user_id}", {"op": "replace", "value": wanted}))
    membership = connector.membership(user_id)
    assert membership.status.is_open
    assert (membership.job_title, membership.user.last_name) == ("Weaver", "Loom")
