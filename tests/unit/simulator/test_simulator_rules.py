"""DocuSign's rules, without HTTP."""

from __future__ import annotations

import pytest

from simulator.state import RuleError, groups, memberships, profiles, users
from simulator.state.memberships import MemberChange
from simulator.state.model import Status
from simulator.state.users import NewMember
from tests.simulated import simulated

CLAIMED = "northwind-freight.example"
ADA = NewMember(email=f"ada@{CLAIMED}", user_name="Ada Byron")


@pytest.fixture
def world():
    return simulated(40)


def joined(world, new=ADA, account=None):
    return users.join(world.state, account or world.account, new)


def active(world, new=ADA):
    membership = joined(world, new)
    memberships.activate(world.state, membership)
    return membership


# ------------------------------------------------------------------- identity


def test_the_same_person_keeps_the_guid_in_a_second_account(world):
    first, second = joined(world), joined(world, account=world.accounts[1])
    assert first.user is second.user
    assert first.membership_id != second.membership_id


def test_a_member_cannot_join_again(world):
    existing = joined(world)
    with pytest.raises(RuleError) as refusal:
        joined(world)
    assert refusal.value.code == "USER_ALREADY_EXISTS_IN_ACCOUNT"
    assert refusal.value.user_id == existing.user.user_id


def test_an_address_belongs_to_one_open_user(world):
    joined(world)
    with pytest.raises(RuleError, match="in use") as refusal:
        joined(world, NewMember(email=ADA.email.upper(), user_name="Somebody Else"))
    assert refusal.value.code == "EMAIL_IS_RESERVED"


@pytest.mark.parametrize("name", ["Ada Byron", "Ada Newcomer"])
def test_after_closing_the_address_makes_a_new_user(world, name):
    old = joined(world)
    memberships.close(world.state, old)
    new = joined(world, NewMember(email=ADA.email, user_name=name))
    assert new.user is not old.user
    assert world.state.on_address(ADA.email) == [old.user, new.user]


def test_creating_a_closed_user_may_reopen_it():
    world = simulated(40, recreate_closed="reopens")
    old = joined(world)
    memberships.close(world.state, old)
    assert joined(world) is old
    assert old.status is Status.ACTIVATION_SENT
    assert old.closed_at is None


def test_joining_where_the_membership_is_closed_opens_it(world):
    here = joined(world)
    joined(world, account=world.accounts[1])
    memberships.close(world.state, here)
    assert joined(world) is here
    assert here.status is Status.ACTIVATION_SENT


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (NewMember(email=ADA.email, first_name="a" * 51), "50"),
        (NewMember(email=ADA.email, user_name="a" * 101), "100"),
        (NewMember(email=ADA.email), "lacks"),
        (NewMember(email="nobody", user_name="Ada"), "invalid"),
        (NewMember(email=ADA.email, user_name="Ada", profile_id="1"), "profile"),
        (NewMember(email=ADA.email, user_name="Ada", group_ids=("1",)), "group"),
    ],
)
def test_bad_people_are_refused(world, new, message):
    with pytest.raises(RuleError, match=message):
        joined(world, new)
    assert world.state.on_address(ADA.email) == []


# ------------------------------------------------------------------ activation


@pytest.mark.parametrize(
    ("auto_activation", "email", "status"),
    [
        ("claimed_with_login", f"ada@{CLAIMED}", Status.ACTIVE),
        ("claimed_with_login", "ada@northwind-rail.example", Status.ACTIVATION_SENT),
        ("claimed_with_login", "ada@elsewhere.example", Status.ACTIVATION_SENT),
        ("always", "ada@elsewhere.example", Status.ACTIVE),
        ("never", f"ada@{CLAIMED}", Status.ACTIVATION_SENT),
    ],
)
def test_auto_activation(auto_activation, email, status):
    world = simulated(40, auto_activation=auto_activation)
    new = NewMember(email=email, user_name="Ada Byron", auto_activate=True)
    assert joined(world, new).status is status


def test_only_pending_memberships_are_activated(world):
    membership = active(world)
    with pytest.raises(RuleError, match="Not Authorized"):
        memberships.activate(world.state, membership)


# ---------------------------------------------------------- closing, reopening


def test_closing_keeps_profile_and_groups_unless_stripped(world):
    group_id = list(world.account.groups)[5]
    membership = joined(world, NewMember(ADA.email, "Ada Byron", group_ids=(group_id,)))
    memberships.close(world.state, membership)
    assert membership.group_ids == (group_id,)
    memberships.close(world.state, membership, strip={"Groups", "PermissionSet"})
    assert membership.group_ids == ()
    assert membership.profile is None


def test_closing_the_last_membership_closes_the_user(world):
    first, second = joined(world), joined(world, account=world.accounts[1])
    memberships.close(world.state, first)
    assert first.user.closed_at is None
    memberships.close(world.state, second)
    assert first.user.closed_at == second.closed_at
    assert first.user.admin_status == "closed"


def test_closing_a_closed_membership(world):
    membership = world.member(status=Status.CLOSED)
    memberships.close(world.state, membership)
    world.set_variants(close_closed="refused")
    with pytest.raises(RuleError):
        memberships.close(world.state, membership)


def test_nobody_closes_himself(world):
    own = world.service_user.memberships[world.account.account_id]
    with pytest.raises(RuleError, match="your own"):
        memberships.close(world.state, own, actor_id=world.service_user.user_id)


def test_the_last_administrator_stays(world):
    admins = list(world.state.administrators(world.account))
    for membership in admins[:-1]:
        memberships.close(world.state, membership)
    with pytest.raises(RuleError, match="last active administrator"):
        memberships.close(world.state, admins[-1])
    world.set_variants(close_last_admin="done")
    memberships.close(world.state, admins[-1])
    assert list(world.state.administrators(world.account)) == []


def test_the_last_administrator_can_be_demoted(world):
    """DocuSign's profile call has no such check: clients must guard themselves."""
    viewer = world.account.default_profile_id
    for membership in list(world.state.administrators(world.account)):
        memberships.update(world.state, membership, MemberChange(profile_id=viewer))
    assert list(world.state.administrators(world.account)) == []


@pytest.mark.parametrize(
    ("variant", "change"),
    [
        ("reopen_by_resend", MemberChange(send_activation=True)),
        ("reopen_by_status", MemberChange(activate=True)),
    ],
)
def test_a_closed_membership_is_reopened_by_an_update(world, variant, change):
    membership = world.member(status=Status.CLOSED)
    world.set_variants(**{variant: False})
    memberships.update(world.state, membership, change)
    assert membership.status is Status.CLOSED
    world.set_variants(**{variant: True})
    memberships.update(world.state, membership, change)
    assert membership.status is Status.ACTIVATION_SENT
    assert membership.user.closed_at is None


@pytest.mark.parametrize("keeps", [True, False])
def test_reopening_keeps_entitlements_or_not(keeps):
    world = simulated(40, reopen_keeps_entitlements=keeps, reopened_status="Active")
    group_id, profile_id = list(world.account.groups)[5], list(world.account.profiles)[3]
    new = NewMember(ADA.email, "Ada Byron", profile_id=profile_id, group_ids=(group_id,))
    membership = joined(world, new)
    memberships.close(world.state, membership)
    memberships.update(world.state, membership, MemberChange(send_activation=True))
    assert membership.status is Status.ACTIVE
    assert (membership.profile_id == profile_id) == keeps
    assert bool(membership.group_ids) == keeps


def test_a_membership_is_not_reopened_while_the_address_is_held(world):
    old = joined(world)
    memberships.close(world.state, old)
    joined(world)
    with pytest.raises(RuleError, match="Another active"):
        memberships.update(world.state, old, MemberChange(send_activation=True))


@pytest.mark.parametrize(
    ("email", "status"),
    [(f"ada@{CLAIMED}", Status.ACTIVE), ("ada@elsewhere.example", Status.ACTIVATION_SENT)],
)
def test_the_admin_api_reopens_active_where_login_is_forced(world, email, status):
    membership = joined(world, NewMember(email, "Ada Byron"))
    memberships.close(world.state, membership)
    memberships.update_by_admin(world.state, membership, MemberChange(), auto_activate=True)
    assert membership.status is status


# --------------------------------------------------------------------- updates


def test_edits_of_a_closed_user_are_ignored(world):
    membership = world.member(status=Status.CLOSED)
    before = membership.user.user_name
    memberships.update(world.state, membership, MemberChange(names={"first_name": "New"}))
    assert membership.user.user_name == before


@pytest.mark.parametrize(("reaction", "title"), [("done", "Analyst"), ("ignored", "")])
def test_updates_of_pending_users(reaction, title):
    world = simulated(40, put_pending=reaction)
    membership = joined(world)
    memberships.update(world.state, membership, MemberChange(job_title="Analyst"))
    assert membership.job_title == title


def test_updates_of_pending_users_may_be_refused():
    world = simulated(40, put_pending="refused")
    with pytest.raises(RuleError, match="not activated"):
        memberships.update(world.state, joined(world), MemberChange(job_title="Analyst"))


@pytest.mark.parametrize(
    ("rename_by", "names", "name"),
    [
        ("both", {"user_name": "Full Name", "first_name": "Augusta"}, "Augusta Byron"),
        ("both", {"user_name": "Full Name"}, "Full Name"),
        ("parts", {"user_name": "Full Name"}, "Ada Byron"),
        ("full", {"first_name": "Augusta"}, "Ada Byron"),
        ("full", {"user_name": "Full Name", "first_name": "Augusta"}, "Full Name"),
    ],
)
def test_renaming(rename_by, names, name):
    world = simulated(40, rename_by=rename_by)
    membership = active(world)
    memberships.update(world.state, membership, MemberChange(names=names))
    assert membership.user.user_name == name


@pytest.mark.parametrize(
    ("reaction", "indexes"), [("ignored", {5}), ("added", {5, 6}), ("replaced", {6})]
)
def test_group_lists_in_updates(reaction, indexes):
    world = simulated(40, put_group_list=reaction)
    ids = list(world.account.groups)
    membership = active(world, NewMember(ADA.email, "Ada Byron", group_ids=(ids[5],)))
    memberships.update(world.state, membership, MemberChange(group_ids=(ids[6],)))
    assert set(membership.group_ids) == {ids[index] for index in indexes}
    members = {index for index in (5, 6) if membership.user.user_id in _members(world, ids[index])}
    assert members == indexes


def _members(world, group_id):
    return world.account.groups[group_id].members


def test_addresses_change_between_claimed_domains_only(world):
    user = joined(world).user
    users.change_email(world.state, user, "ada@northwind-rail.example")
    assert world.state.on_address(ADA.email) == []
    with pytest.raises(RuleError, match="claimed"):
        users.change_email(world.state, user, "ada@elsewhere.example")
    taken = world.service_user.email
    with pytest.raises(RuleError, match="in use"):
        users.change_email(world.state, user, taken)
    memberships.close(world.state, user.memberships[world.account.account_id])
    with pytest.raises(RuleError, match="Not Authorized"):
        users.change_email(world.state, user, ADA.email)


def test_every_change_moves_the_modification_date(world):
    membership = active(world)
    before = membership.user.modified_at
    group_id = list(world.account.groups)[5]
    groups.add_member(world.state, world.account, group_id, membership.user.user_id)
    assert membership.user.modified_at > before


# ---------------------------------------------------------- groups and profiles


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
    member = next(iter(_members(world, group_id).values()))
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
