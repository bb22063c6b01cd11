"""A change that takes back what is still queued: the last wish counts."""

import pytest

from connector.services.context import Actor
from connector.services.restored import declare_restored, go_on_after_restoring
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import DOCUSIGN, ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "new@partner.example"
DISABLED = {"op": "replace", "path": "active", "value": False}
ENABLED = {"op": "replace", "path": "active", "value": True}
LATER = {"prefer": "respond-async"}


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    running = connected(
        tmp_path / "connector.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        provisioning={"on_unavailable": "queue"},
    )
    yield running
    running.close()


@pytest.fixture
def user_id(connector):
    return connector.create(ADDRESS)["id"]


def pending(user):
    return [item["type"] for item in user[f"{DOCUSIGN}User"].get("pending", [])]


def settle(connector):
    connector.clock.advance(130)
    connector.services.settlement.settle_all(ACTOR)


@pytest.mark.parametrize("second", [{}, LATER], ids=["at once", "later"])
def test_enabling_after_a_queued_disabling_leaves_enabled(connector, user_id, second):
    path = f"/Users/{user_id}"
    assert connector.patch(path, DISABLED, **LATER).status_code == 202
    assert connector.patch(path, ENABLED, **second).status_code in (200, 202)
    settle(connector)
    assert connector.user(user_id)["active"] is True


def test_what_was_queued_before_a_restored_backup_waits_for_a_person(connector, user_id):
    path, context = f"/Users/{user_id}", connector.services.context
    other = connector.create("other@partner.example")["id"]
    assert connector.patch(path, DISABLED, **LATER).status_code == 202
    declare_restored(context, ACTOR)
    connector.clock.advance(60)
    assert connector.patch(f"/Users/{other}", DISABLED, **LATER).status_code == 202
    connector.clock.advance(130)
    counts = connector.services.settlement.settle_all(ACTOR)
    assert (counts["held"], counts["settled"], counts["waiting"]) == (1, 1, 0)
    assert connector.membership(user_id).status is not Status.CLOSED
    assert connector.membership(other).status is Status.CLOSED, "asked for since"

    go_on_after_restoring(context, ACTOR)
    settle(connector)
    assert connector.membership(user_id).status is Status.CLOSED


def member(user_id):
    return {"op": "add", "path": "members", "value": [{"value": user_id}]}


def whole_list(connector, *, adding=(), without=()):
    """Return a Group with all its members, but for some."""
    shown = ok(connector.get(f"/Groups/{connector.group()}"))
    ids = [item["value"] for item in shown.get("members", ()) if item["value"] not in without]
    members = [{"value": user_id} for user_id in (*ids, *adding)]
    return {"displayName": shown["displayName"], "members": members}


def test_a_list_of_all_members_passes_what_a_restored_backup_holds_of_others(connector, user_id):
    other = connector.create("other@partner.example")["id"]
    assert connector.patch(f"/Users/{other}", DISABLED, **LATER).status_code == 202
    later = connector.post("/Users", {"userName": "later@partner.example"}, **LATER)
    assert later.status_code == 202
    declare_restored(connector.services.context, ACTOR)
    connector.clock.advance(60)

    place = f"/Groups/{connector.group()}"
    ok(connector.put(place, whole_list(connector, adding=[user_id])))

    assert user_id in connector.group_members(connector.group())
    assert connector.membership(other).status is not Status.CLOSED
    assert connector.world.state.on_address("later@partner.example") == []


HELD = {
    "of a member": lambda user_id, group: (f"/Users/{user_id}", DISABLED),
    "of the group": lambda user_id, group: (group, member(user_id)),
    "of somebody who gets it back": lambda user_id, group: (f"/Users/{user_id}", ENABLED),
}


@pytest.mark.parametrize("held", HELD)
def test_a_list_of_all_members_waits_for_what_bears_on_it(connector, user_id, held):
    place, new = f"/Groups/{connector.group()}", connector.create("other@partner.example")["id"]
    if held != "of the group":
        ok(connector.patch(place, member(user_id)))
    if held == "of somebody who gets it back":
        ok(connector.patch(f"/Users/{user_id}", DISABLED))
    where, operation = HELD[held](user_id, place)
    assert connector.patch(where, operation, **LATER).status_code == 202
    context = connector.services.context
    declare_restored(context, ACTOR)
    connector.clock.advance(60)

    body = whole_list(connector, adding=[new], without=[user_id])
    assert connector.put(place, body).status_code in (200, 202)
    settle(connector)
    assert new not in connector.group_members(connector.group())

    go_on_after_restoring(context, ACTOR)
    settle(connector)
    assert new in connector.group_members(connector.group())
    shown = ok(connector.get(place))["members"]
    assert user_id not in [item["value"] for item in shown]


def test_a_list_of_all_members_waits_for_what_is_held_of_whom_it_names(connector, user_id):
    assert connector.patch(f"/Users/{user_id}", DISABLED, **LATER).status_code == 202
    declare_restored(connector.services.context, ACTOR)
    connector.clock.advance(60)

    body = whole_list(connector, adding=[user_id])
    connector.put(f"/Groups/{connector.group()}", body)

    assert user_id not in connector.group_members(connector.group())


def test_first_profile_asked_for_again_is_the_last_one(connector, user_id):
    def wish(entitlement):
        value = [{"value": entitlement}]
        change = {"op": "replace", "path": "entitlements", "value": value}
        return connector.patch(f"/Users/{user_id}", change, **LATER)

    assert wish(connector.entitlement()).status_code == 202
    assert wish(connector.baseline()).status_code == 202
    settle(connector)
    (held,) = connector.user(user_id)["entitlements"]
    assert held["value"] == connector.baseline()


def test_member_who_is_removed_after_a_queued_joining_is_out(connector, user_id):
    path = f"/Groups/{connector.group()}"
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    leaving = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
    assert connector.patch(path, joining, **LATER).status_code == 202
    assert connector.patch(path, leaving, **LATER).status_code == 202
    settle(connector)
    assert user_id not in connector.group_members(connector.group())


def test_changes_wait_behind_each_other_while_docusign_is_down(connector, user_id):
    path = f"/Users/{user_id}"
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    ok(connector.patch(path, DISABLED))
    answer = ok(connector.patch(path, ENABLED))
    assert answer["active"] is True
    assert pending(answer) == ["queued_change", "queued_change"]

    connector.world.faults.clear()
    settle(connector)
    assert connector.user(user_id)["active"] is True
    assert pending(connector.user(user_id)) == []


def test_a_change_that_finds_docusign_back_carries_out_what_waits_first(connector, user_id):
    path = f"/Users/{user_id}"
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    ok(connector.patch(path, DISABLED))
    connector.world.faults.clear()
    assert ok(connector.patch(path, ENABLED))["active"] is True
    assert pending(connector.user(user_id)) == []
