"""A list of every member is compared with what DocuSign has."""

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
