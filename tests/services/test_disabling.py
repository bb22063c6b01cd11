"""Disabling and enabling: what somebody held is given again, whatever reads DocuSign meanwhile."""

import pytest

from connector.services.provisioning.execution import Executor
from simulator.state import memberships
from tests.connector import ManualClock, connected, ok
from tests.services.test_crash import killed_during, settled
from tests.simulated import simulated

ADDRESS = "leaver@partner.example"
DISABLED = {"op": "replace", "path": "active", "value": False}
ENABLED = {"op": "replace", "path": "active", "value": True}
AFTER_THE_CALL = ("executor", "perform", True, 1)


@pytest.fixture(params=[True, False], ids=["profile shown", "profile hidden"])
def connector(tmp_path, request):
    clock = ManualClock()
    world = simulated(10, now=clock.now, closed_shows_profile=request.param)
    running = connected(tmp_path / "connector.db", world=world, clock=clock)
    yield running
    running.close()


@pytest.fixture(params=["active", "pending"])
def user_id(connector, request):
    """Return somebody with a profile and a group."""
    user_id = connector.create(ADDRESS, entitlements=[{"value": connector.entitlement()}])["id"]
    if request.param == "active":
        memberships.activate(connector.world.state, connector.membership(user_id))
        connector.sync()
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    ok(connector.patch(f"/Groups/{connector.group()}", joining))
    return user_id


def holds_all(connector, user_id):
    has_profile = connector.entitlement().endswith(f".{connector.membership(user_id).profile_id}")
    return has_profile and user_id in connector.group_members(connector.group())


@pytest.mark.parametrize("wait_s", [0, 200])
def test_enabling_gives_profile_and_groups_again(connector, user_id, wait_s):
    connector.clock.advance(wait_s)
    ok(connector.patch(f"/Users/{user_id}", DISABLED))
    connector.clock.advance(wait_s)
    ok(connector.patch(f"/Users/{user_id}", ENABLED))
    assert holds_all(connector, user_id)


def test_sync_between_the_call_and_its_record_loses_nothing(connector, user_id, monkeypatch):
    perform = vars(Executor)["perform"]

    def overtaken(self, step):
        performed = perform.__get__(self)(step)
        connector.sync()
        return performed

    with monkeypatch.context() as patch:
        patch.setattr(Executor, "perform", overtaken)
        ok(connector.patch(f"/Users/{user_id}", DISABLED))
    ok(connector.patch(f"/Users/{user_id}", ENABLED))
    assert holds_all(connector, user_id)


def test_sync_between_a_crash_and_its_settlement_loses_nothing(connector, user_id, monkeypatch):
    act = lambda: connector.patch(f"/Users/{user_id}", DISABLED)  # noqa: E731
    killed_during(connector, AFTER_THE_CALL, monkeypatch, act)
    connector.sync()
    settled(connector)
    ok(connector.patch(f"/Users/{user_id}", ENABLED))
    assert holds_all(connector, user_id)


def test_entitlement_of_somebody_pending_is_shown_after_a_sync(connector):
    wanted = connector.entitlement()
    user_id = connector.create(ADDRESS, entitlements=[{"value": wanted}])["id"]
    connector.sync()
    assert [item["value"] for item in connector.user(user_id)["entitlements"]] == [wanted]
