"""What a failed change leaves behind."""

import pytest

from connector.services.context import Actor
from simulator.faults import Fault
from tests.acceptance.agreement import disagreements
from tests.connector import ORGANIZATION_ADMIN, ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "new@partner.example"
ROLE = [{"value": ORGANIZATION_ADMIN}]


def running(tmp_path, **provisioning):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    return connected(tmp_path / "c.db", world=world, clock=clock, provisioning=provisioning)


def differences(connector):
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


@pytest.mark.parametrize(("status", "told"), [(400, range(400, 503)), (503, [503])])
def test_second_account_that_fails_takes_the_first_back(tmp_path, status, told):
    connector = running(tmp_path)
    second = connector.world.accounts[1].account_id
    connector.world.faults.add(
        Fault("error", "POST", f"{second}/users$", times=None, status=status)
    )
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    answer = connector.post("/Users", {"userName": ADDRESS, "entitlements": wanted})
    assert answer.status_code in told
    assert not any(user.is_open for user in connector.world.state.on_address(ADDRESS))
    assert differences(connector) == []
    connector.close()


def test_queued_creation_is_carried_out_later(tmp_path):
    connector = running(tmp_path, on_unavailable="queue")
    connector.world.faults.add(Fault("error", "POST", "/users$", times=None, status=503))
    connector.post("/Users", {"userName": ADDRESS})
    connector.world.faults.clear()
    connector.clock.advance(130)
    connector.services.settlement.settle_all(ACTOR)
    assert len(connector.world.state.on_address(ADDRESS)) == 1
    assert differences(connector) == []
    connector.close()


def test_opposite_wish_supersedes_the_open_task(tmp_path):
    connector = running(tmp_path)
    path = f"/Users/{connector.create(ADDRESS, roles=ROLE)['id']}"
    connector.patch(path, {"op": "remove", "path": "roles"})
    assert connector.services.work_items.list() == []
    connector.close()


def test_second_sync_changes_nothing(tmp_path):
    connector = running(tmp_path)
    assert connector.services.aggregation.sync().counts.get("changed") == 0
    connector.close()
