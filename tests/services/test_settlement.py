"""Plans that settlement carries out keep to the same rules, and are counted as what they became."""

import pytest

from connector.services.context import Actor
from connector.services.locks import LEASE, admins_key
from connector.services.provisioning.settlement import SettlementService
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import ManualClock, connected
from tests.services.test_crash import killed_during
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ANN = "ann@partner.example"
CLOSING = {"op": "replace", "path": "active", "value": False}
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
    connector.post("/Users", {"userName": ANN, "entitlements": wanted})
    connector.clock.advance(130)

    assert settle(connector) == {"settled": 0, "waiting": 1, "failed": 0}

    connector.world.faults.clear()
    connector.clock.advance(130)
    assert settle(connector) == {"settled": 0, "waiting": 0, "failed": 1}


def test_a_broken_off_plan_waits_while_docusign_is_out_of_order(connector, monkeypatch):
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    body = {"userName": ANN, "externalId": "e-1", "entitlements": wanted}
    answered = ("executor", "perform", True, 1)
    killed_during(connector, answered, monkeypatch, lambda: connector.post("/Users", body))
    connector.clock.advance(LEASE.total_seconds() + 1)
    connector.world.faults.add(Fault("error", "POST", "/users$", times=None, status=503))

    assert settle(connector) == {"settled": 0, "waiting": 1, "failed": 0}
    (user,) = connector.world.state.on_address(ANN)
    assert user.is_open

    connector.world.faults.clear()
    assert settle(connector) == {"settled": 1, "waiting": 0, "failed": 0}
    assert [item.status for item in user.memberships.values()] == [Status.ACTIVATION_SENT] * 2
    assert connector.user(user.user_id)["externalId"] == "e-1"


def test_a_plan_that_goes_back_into_the_queue_waits(connector):
    user_id = connector.create(ANN)["id"]
    closing = {"op": "replace", "path": "active", "value": False}
    assert connector.patch(f"/Users/{user_id}", closing, **LATER).status_code == 202
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    assert settle(connector) == {"settled": 0, "waiting": 1, "failed": 0}


def test_a_plan_that_docusign_refuses_is_counted_as_failed(connector):
    user_id = connector.create(ANN)["id"]
    closing = {"op": "replace", "path": "active", "value": False}
    assert connector.patch(f"/Users/{user_id}", closing, **LATER).status_code == 202
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=400))
    assert settle(connector) == {"settled": 0, "waiting": 0, "failed": 1}


def queue_three(connector):
    """Return three users whose closing is queued."""
    ids = [connector.create(f"u{number}@partner.example")["id"] for number in range(3)]
    for user_id in ids:
        connector.patch(f"/Users/{user_id}", CLOSING, **LATER)
    return ids


def test_somebody_who_waits_is_kept_no_longer_than_one_plan_that_docusign_refuses_to_hear(
    connector,
):
    queue_three(connector)
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    counts = connector.services.settlement.settle_all(ACTOR, within_s=3)
    assert counts == {"settled": 0, "waiting": 1, "failed": 0}


def test_what_takes_longer_than_somebody_waits_is_left_to_the_next_look(connector, monkeypatch):
    queue_three(connector)
    settle_plan = SettlementService.settle_plan

    def slow(self, *arguments):
        connector.clock.advance(2)
        return settle_plan(self, *arguments)

    monkeypatch.setattr(SettlementService, "settle_plan", slow)
    assert connector.services.settlement.settle_all(ACTOR, within_s=3)["settled"] == 2
    assert settle(connector)["settled"] == 1
