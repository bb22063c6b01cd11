"""DocuSign's rules, without HTTP: groups and permission profiles."""

from __future__ import annotations

import pytest

from simulator.state import RuleError, groups, memberships, profiles
from simulator.state.memberships import MemberChange
from simulator.state.model import Status
from tests.unit.simulator.people import active, members_of


def test_built_in_groups_follow_from_memberships(world):
    administrators, everyone = list(world.account.groups.values())[:2]
    membership = active(world)
    assert membership in groups.members(world.account, everyone)
    assert membership not in groups.members(world.account, administrators)
    admin_profile = next(iter(world.account.profiles))
    memberships.update(world.state, membership, MemberChange(profile_id=admin_profile))
    assert membership in groups.members(world.account, administrators)
    memberships.close(world.state, membership)
    assert membership not in groups.members(world.account, everyone)


def test_built_in_groups_refuse_changes(world):
    group_id = next(iter(world.account.groups))
    user_id = world.member().user.user_id
    for change in (
        lambda: groups.add_member(world.state, world.account, group_id, user_id),
        lambda: groups.remove_member(world.state, world.account, group_id, user_id),
        lambda: groups.rename(world.state, world.account, group_id, "Other"),
        lambda: groups.delete(world.state, world.account, group_id),
    ):
        with pytest.raises(RuleError, match="built in"):
            change()


@pytest.mark.parametrize("name", ["", "x" * 101, "everyone"])
def test_bad_group_names_are_refused(world, name):
    with pytest.raises(RuleError):
        groups.create(world.state, world.account, name)


def test_a_deleted_group_leaves_its_members(world):
    group_id = list(world.account.groups)[5]
    member = next(iter(members_of(world, group_id).values()))
    groups.delete(world.state, world.account, group_id)
    assert group_id not in member.group_ids


def test_adding_and_removing_twice(world):
    group_id = groups.create(world.state, world.account, "Harbour").group_id
    user_id = world.member().user.user_id
    act = (groups.add_member, groups.remove_member)
    for change in act:
        change(world.state, world.account, group_id, user_id)
        change(world.state, world.account, group_id, user_id)
        world.set_variants(add_existing_group_member="refused")
        with pytest.raises(RuleError):
            change(world.state, world.account, group_id, user_id)
        world.set_variants(add_existing_group_member="done")


def test_accounts_that_allow_it_have_two_groups_of_one_name(world):
    groups.create(world.state, world.account, "Harbour")
    with pytest.raises(RuleError, match="already"):
        groups.create(world.state, world.account, "Harbour")
    world.set_variants(duplicate_group_names=True)
    groups.create(world.state, world.account, "Harbour")
    assert [item.name for item in world.account.groups.values()].count("Harbour") == 2


def test_closed_users_join_no_group(world):
    user_id = world.member(status=Status.CLOSED).user.user_id
    with pytest.raises(RuleError, match="closed user"):
        groups.add_member(world.state, world.account, list(world.account.groups)[5], user_id)


def test_a_held_profile_is_deleted_only_with_a_successor(world):
    profile = profiles.create(world.state, world.account, "Harbour", {"allowEnvelopeSending": True})
    membership = active(world)
    memberships.update(world.state, membership, MemberChange(profile_id=profile.profile_id))
    with pytest.raises(RuleError, match="move_users_to"):
        profiles.delete(world.state, world.account, profile.profile_id, None)
    successor = world.account.default_profile_id
    profiles.delete(world.state, world.account, profile.profile_id, successor)
    assert membership.profile_id == successor


def test_built_in_profiles_are_fixed(world):
    with pytest.raises(RuleError, match="built in"):
        profiles.delete(world.state, world.account, next(iter(world.account.profiles)), None)


def test_settings_of_a_profile_are_kept_and_those_that_nobody_knows_are_passed_over(world):
    given = {"allowBulkSending": True, "powerFormRole": "user", "allowMagic": "true"}
    profile = profiles.create(world.state, world.account, "Harbour", given)
    assert profile.settings == {"allowBulkSending": "true", "powerFormRole": "user"}
    changes = {"allowBulkSending": "false"}
    profiles.update(world.state, world.account, profile.profile_id, name=None, settings=changes)
    assert profile.settings == {"allowBulkSending": "false", "powerFormRole": "user"}
    with pytest.raises(RuleError, match="powerFormRole"):
        profiles.create(world.state, world.account, "Port", {"powerFormRole": "king"})
