"""Plans that settlement carries out keep to the same rules, and are counted as what they became."""

import pytest

from connector.services.context import Actor
from connector.services.locks import admins_key
from simulator.faults import Fault
from tests.connector import ManualClock, connected
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
LATER = {"prefer": "respond-async"}


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    running = connected(tmp_path / "c.db", world=simulated(100, now=clock.now), clock=clock)
    yield running
    running.close()


def settle(connector):
    return connector.services.settlement.settle_all(ACTOR)


def test_a_queued_change_of_an_administrator_waits_for_another_one(connector):
    account = connector.world.account.account_id
    admin = connector.world.member(admin=True).user.user_id
    closing = {"op": "replace", "path": "active", "value": False}
    assert connector.patch(f"/Users/{admin}", closing, **LATER).status_code == 202
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        uow.locks.acquire([admins_key(account)], "other", now.replace(year=now.year + 1), now)
        uow.commit()

    assert settle(connector) == {"settled": 0, "waiting": 1, "failed": 0}
    assert connector.user(admin)["active"]

    with connector.services.context.write() as uow:
        uow.locks.release([admins_key(account)], "other")
        uow.commit()
    assert settle(connector)["settled"] == 1


def test_an_undoing_that_waits_is_not_counted_as_settled(connector):
    last = max(item.account_id for item in connector.world.accounts[:2])
    connector.world.faults.add(
        Fault("error", "POST", f"{last}/users$", times=None, status=400),
        Fault("error", "DELETE", "/users$", times=None, status=503),
    )
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    connector.post("/Users", {"userName": "ann@partner.example", "entitlements": wanted})
    connector.clock.advance(130)

    assert settle(connector) == {"settled": 0, "waiting": 1, "failed": 0}

    connector.world.faults.clear()
    connector.clock.advance(130)
    assert settle(connector) == {"settled": 1, "waiting": 0, "failed": 0}
