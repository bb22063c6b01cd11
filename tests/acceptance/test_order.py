"""What was left in doubt is settled before a later change of the user: the last word counts."""

from __future__ import annotations

from connector.services.context import Actor
from simulator.faults import Fault
from tests.acceptance.agreement import disagreements
from tests.connector import ok


def grant(connector, profile):
    element = {"value": connector.entitlement(0, profile)}
    return {"op": "add", "path": "entitlements", "value": [element]}


def test_an_earlier_change_in_doubt_does_not_override_a_later_one(connector):
    user = connector.create("ann@acme.test")
    faults = connector.world.faults
    faults.add(Fault("drop", "PUT", "/users", times=None))
    faults.add(Fault("drop", "GET", "/users/", times=None))
    doubtful = connector.patch(f"/Users/{user['id']}", grant(connector, 0))
    assert doubtful.status_code == 503
    faults.clear()

    ok(connector.patch(f"/Users/{user['id']}", grant(connector, 1)))
    connector.clock.advance(130)
    connector.services.settlement.settle_all(Actor("job:test", "job", "test"))

    wanted = [connector.entitlement(0, 1)]
    assert [item["value"] for item in connector.user(user["id"])["entitlements"]] == wanted
    assert not disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )
