"""For how long DocuSign may not show what it was told: one setting, wherever it is read."""

import pytest

from connector.domain.plan import CloseMembership
from connector.errors import UnknownOutcomeError
from simulator.faults import Fault
from tests.connector import ManualClock, connected, ok
from tests.services.test_crash import differences
from tests.services.test_group_members import add, shown_members
from tests.simulated import simulated


def running(tmp_path, **behaviour):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    return connected(tmp_path / "c.db", world=world, clock=clock, behaviour=behaviour)


@pytest.mark.parametrize("lag_s", [0, 2, 20])
def test_a_write_is_read_back_for_as_long_as_the_settings_say(tmp_path, lag_s):
    connector = running(tmp_path, read_after_write_s=lag_s)
    member = connector.world.member()
    facts = connector.services.settlement._turns._fulfilment._attempts._executor._facts
    before = connector.clock.now()

    step = CloseMembership(connector.world.account.account_id, member.user.user_id)
    with pytest.raises(UnknownOutcomeError):
        facts.confirmed(step, lambda user: False)

    passed_s = (connector.clock.now() - before).total_seconds()
    assert passed_s == pytest.approx(lag_s, abs=1)
    connector.close()


@pytest.mark.parametrize(("lag_s", "is_believed"), [(2, False), (0, True)])
def test_a_list_that_lags_is_not_believed_after_an_undoing_that_was_refused(
    tmp_path, monkeypatch, lag_s, is_believed
):
    connector = running(tmp_path, read_after_write_s=lag_s)
    group = connector.group()
    joins, leaves = (connector.create(f"{name}@partner.example")["id"] for name in "ab")
    ok(connector.patch(f"/Groups/{group}", add(leaves)))
    connector.clock.advance(50)
    directory = connector.services.context.directory
    old = directory.list_group_members(*group.split(".g"))
    monkeypatch.setattr(directory, "list_group_members", lambda *_: old)
    connector.world.faults.add(Fault("error", "DELETE", "/groups/", times=None, status=400))

    leaving = {"op": "remove", "path": f'members[value eq "{leaves}"]'}
    answer = connector.patch(f"/Groups/{group}", add(joins), leaving)

    assert "Could not be undone" in answer.json["detail"]
    assert joins in connector.group_members(group)
    assert (joins in shown_members(connector, group)) is not is_believed
    connector.close()


def change(connector, user_id, kind):
    """Ask for one change of a user, whose effect is then read back."""
    operation = {
        "profile": {
            "op": "add",
            "path": "entitlements",
            "value": [{"value": connector.entitlement()}],
        },
        "name": {"op": "replace", "path": "name.familyName", "value": "Zed"},
        "disable": {"op": "replace", "path": "active", "value": False},
    }
    if kind == "delete":
        return connector.delete(f"/Users/{user_id}")
    return connector.patch(f"/Users/{user_id}", operation[kind])


@pytest.mark.parametrize("kind", ["profile", "name", "disable", "delete"])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "USER_DOES_NOT_EXIST_IN_SYSTEM"),
        (400, "INVALID_REQUEST_PARAMETER"),
        (403, "USER_LACKS_PERMISSIONS"),
    ],
)
def test_a_read_that_is_refused_takes_nothing_back_of_a_write(tmp_path, kind, status, code):
    connector = running(tmp_path)
    user_id = connector.create("back@partner.example")["id"]
    # The mirror is fresh: the first read is the one behind the write.
    faults = connector.world.faults
    faults.add(Fault("error", "GET", f"/users/{user_id}", status=status, error_code=code))

    answer = change(connector, user_id, kind)

    assert answer.status_code in (200, 204), answer.json
    (fault,) = faults.as_json()
    assert fault["matched"] > 0
    assert differences(connector) == []
    connector.close()
