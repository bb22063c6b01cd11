"""A list of every member is compared with what DocuSign has."""

import pytest

from simulator.state.users import set_groups
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated


def test_who_was_added_in_docusign_alone_is_taken_out_by_a_whole_list(tmp_path):
    clock = ManualClock()
    connector = connected(tmp_path / "c.db", world=simulated(10, now=clock.now), clock=clock)
    group = connector.group()
    number = group.partition(".g")[2]
    membership = connector.world.member()
    stranger = membership.user.user_id
    before = connector.group_members(group) - {stranger}
    connector.patch(f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{stranger}"]'})
    clock.advance(3600)
    set_groups(membership, (*membership.group_ids, number))
    name = ok(connector.get(f"/Groups/{group}"))["displayName"]
    body = {"displayName": name, "members": [{"value": user_id} for user_id in sorted(before)]}
    assert connector.put(f"/Groups/{group}", body).status_code == 200
    assert connector.group_members(group) == before
    connector.close()


@pytest.mark.parametrize("minutes", [0, 2])
def test_a_read_that_lags_does_not_undo_what_was_just_written(tmp_path, minutes):
    clock = ManualClock()
    connector = connected(tmp_path / "c.db", world=simulated(10, now=clock.now), clock=clock)
    connector.world.set_variants(stale_reads=1, list_groups=False)
    ann, group = connector.create("ann@acme.test"), connector.group()
    ok(connector.patch(f"/Groups/{group}", add(ann["id"])))
    clock.advance(60 * minutes)
    connector.services.refresh.find_address("ann@acme.test")
    assert ann["id"] in shown_members(connector, group)
    connector.close()


def test_what_somebody_else_changed_is_seen_once_our_own_change_is_shown(tmp_path):
    clock = ManualClock()
    connector = connected(tmp_path / "c.db", world=simulated(10, now=clock.now), clock=clock)
    ann, group = connector.create("ann@acme.test"), connector.group()
    ok(connector.patch(f"/Groups/{group}", add(ann["id"])))
    set_groups(connector.membership(ann["id"]), ())
    clock.advance(60)
    connector.services.refresh.find_address("ann@acme.test")
    assert ann["id"] not in shown_members(connector, group)
    connector.close()


def add(user_id):
    return {"op": "add", "path": "members", "value": [{"value": user_id}]}


def shown_members(connector, group):
    return {item["value"] for item in ok(connector.get(f"/Groups/{group}"))["members"]}
