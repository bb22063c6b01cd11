"""The Directory on the simulator, with every way in which DocuSign may behave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.docusign import errors
from connector.errors import NotFoundError
from simulator.state.model import Status
from tests.contract.directories import custom_group, directory_of
from tests.simulated import simulated


def test_accounts_carry_base_uri_organization_and_site(world):
    accounts = directory_of(world).list_accounts()
    assert [item.name for item in accounts] == [item.name for item in world.accounts]
    assert {item.base_uri for item in accounts} == {world.base_url}
    assert accounts[0].organization_id == world.details["organization_id"]
    assert accounts[0].site_id == world.account.site_id


def test_without_organization_accounts_are_listed_and_people_refused(world):
    directory = directory_of(world, use_organization=False)
    assert not directory.has_organization
    assert len(directory.list_accounts()) == 3
    assert directory.claimed_domains() == frozenset()
    with pytest.raises(errors.FeatureMissingError, match="organization"):
        directory.get_people("a@example.net")


def test_profiles_tell_who_is_administrator(world):
    profiles = directory_of(world).list_profiles(world.account.account_id)
    assert {item.profile_id: item.is_admin for item in profiles} == {
        item.profile_id: item.is_admin for item in world.account.profiles.values()
    }


def test_groups_include_the_built_in_ones(world):
    groups = directory_of(world).list_groups(world.account.account_id).groups
    assert len(groups) == len(world.account.groups)
    assert {item.group_type for item in groups} == {"custom", "admin", "everyone"}


@pytest.mark.parametrize("list_groups", [True, False])
@pytest.mark.parametrize("ids", ["right", "wrong", "absent"])
def test_walk_shows_everybody_once_with_the_right_profile(list_groups, ids):
    world = simulated(n_users=250, list_groups=list_groups, list_profile_ids=ids)
    directory = directory_of(world, list_profile_ids="by_name" if ids == "wrong" else "trust")
    pages = list(directory.iter_users(world.account.account_id))
    users = [user for page in pages for user in page.users]
    assert {page.includes_groups for page in pages} == {list_groups}
    assert pages[-1].next_position is None
    assert pages[0].total == len(users) == len(world.account.roster)
    for user in users:
        real = world.account.members[user.user_id]
        membership = user.memberships[world.account.account_id]
        assert membership.profile_id == real.profile_id
        if list_groups:
            assert membership.group_ids == set(real.group_ids)


def test_walk_resumes_at_a_position(world):
    pages = directory_of(world).iter_users(world.account.account_id, 100)
    assert next(pages).start_position == 100


def test_closed_members_carry_the_date_of_closing(world):
    closed = world.member(status=Status.CLOSED)
    seen = directory_of(world, admin_page_size=2).get_member(
        world.account.account_id, closed.user.user_id
    )
    closed_at = seen.memberships[world.account.account_id].closed_at
    assert abs(closed_at - closed.closed_at) < timedelta(seconds=1)


@pytest.mark.parametrize(("configured", "shown"), [("yes", True), ("no", False)])
def test_configured_belief_about_groups_wins(world, configured, shown):
    directory = directory_of(world, list_groups=configured)
    assert next(directory.iter_users(world.account.account_id)).includes_groups is shown


def test_group_members_are_walked(world):
    group = custom_group(world.account)
    read = directory_of(world).list_group_members(world.account.account_id, group.group_id)
    assert (read.user_ids, read.missing) == (set(group.members), 0)


@pytest.mark.parametrize("list_groups", [True, False])
def test_address_is_found_with_groups(list_groups):
    world = simulated(n_users=100, list_groups=list_groups)
    member = next(item for item in world.account.roster if item.group_ids)
    (seen,) = [
        user
        for user in directory_of(world).find_members(
            world.account.account_id, member.user.email.upper()
        )
        if user.user_id == member.user.user_id
    ]
    assert seen.memberships[world.account.account_id].group_ids == set(member.group_ids)


def test_unknown_member_is_not_found(world):
    with pytest.raises(NotFoundError):
        directory_of(world).get_member(world.account.account_id, "no-such-user")


def test_people_show_the_organization_admin_flag(world):
    boss = world.service_user
    (person,) = directory_of(world).get_people(boss.email)
    assert person.is_organization_admin is True
    assert person.organization_admin_verified_at is not None
    assert person.site_id == boss.site_id
    assert set(person.memberships) == set(boss.memberships)


@pytest.mark.parametrize("written", ["name", "number"])
def test_people_leave_out_built_in_groups(written):
    world = simulated(n_users=100, admin_group_type=written)
    member = next(
        item for item in world.account.roster if item.group_ids and item.status is Status.ACTIVE
    )
    people = {item.user_id: item for item in directory_of(world).get_people(member.user.email)}
    seen = people[member.user.user_id].memberships[world.account.account_id]
    assert seen.group_ids == set(member.group_ids)


def test_an_admin_list_that_repeats_its_page_has_an_end(world, monkeypatch):
    user_id = world.member().user.user_id
    page = {"users": [{"id": user_id}], "paging": {"next": "https://docusign.example/more"}}
    views, asked = world.app.view_functions, []

    def one_page(**path):
        asked.append(path)
        assert len(asked) < 20
        return page

    for name in [name for name in views if name.lower() == "management_admin_users.list_users"]:
        monkeypatch.setitem(views, name, one_page)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    found = [
        item
        for ids in directory_of(world).iter_modified(world.account.account_id, since)
        for item in ids
    ]
    assert len(asked) > 1
    assert set(found) == {user_id}
