"""What pages and the REST API say of the policy is the policy in force."""

from __future__ import annotations

from tests.connector import connected, ok
from tests.simulated import simulated


def test_profiles_and_groups_show_the_rule_of_their_kind_and_account(tmp_path):
    world = simulated(10)
    account = world.accounts[0]
    connector = connected(
        tmp_path / "c.db",
        world=world,
        entitlements=(
            {"match": "*", "kind": "group", "risk": "high", "owner": "groups@x.example"},
            {
                "match": "*",
                "kind": "profile",
                "account": account.name,
                "risk": "critical",
                "owner": "profiles@x.example",
            },
        ),
    )
    try:
        detail = connector.services.browser.account(account.account_id)
        profiles = {(item.meaning.risk, item.meaning.owner) for item in detail.profiles}
        assert profiles == {("critical", "profiles@x.example")}
        groups = {(item.meaning.risk, item.meaning.owner) for item in detail.groups}
        assert groups == {("high", "groups@x.example")}
        for member in list(account.members.values())[:3]:
            for place in connector.services.browser.user(member.user.user_id).memberships:
                if place.account.account_id == account.account_id and place.profile:
                    assert place.profile.meaning.risk == "critical"
                    assert {group.meaning.risk for group in place.groups} <= {"high"}
    finally:
        connector.close()


def test_the_members_of_a_group_are_counted_with_the_inactive(tmp_path):
    world = simulated(10)
    connector = connected(tmp_path / "c.db", world=world)
    try:
        people = [connector.create(f"p{number}@partner.example")["id"] for number in range(2)]
        group = connector.post("/Groups", {"displayName": "Counted"}).json
        joining = {"op": "add", "path": "members", "value": [{"value": one} for one in people]}
        ok(connector.patch(f"/Groups/{group['id']}", joining))
        disabled = {"op": "replace", "path": "active", "value": False}
        ok(connector.patch(f"/Users/{people[0]}", disabled))
        detail = connector.services.browser.account(world.accounts[0].account_id)
        (line,) = [item for item in detail.groups if item.group.name == "Counted"]
        assert line.members == 2
        assert len(ok(connector.get(f"/Groups/{group['id']}"))["members"]) == 1
    finally:
        connector.close()
