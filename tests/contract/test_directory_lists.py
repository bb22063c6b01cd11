"""Lists that repeat or drop items while they are paged: what the directory makes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from simulator.state import groups
from tests.connector import ManualClock
from tests.contract.directories import custom_group, directory_of
from tests.simulated import simulated

N_USERS = 450
SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def users(directory, account):
    pages = directory.iter_users(account.account_id)
    return [user.user_id for page in pages for user in page.users]


def groups_of(directory, account):
    return [item.group_id for item in directory.list_groups(account.account_id).groups]


def members(directory, account):
    read = directory.list_group_members(account.account_id, custom_group(account).group_id)
    return sorted(read.user_ids)


def modified(directory, account):
    pages = directory.iter_modified(account.account_id, SINCE)
    return list(dict.fromkeys(item for page in pages for item in page))


LISTS = [users, groups_of, members, modified]


@pytest.fixture
def world():
    """Every list has three pages at least."""
    world = simulated(N_USERS, now=ManualClock().now)
    account = world.account
    for number in range(250):
        groups.create(world.state, account, f"Team {number}")
    group = custom_group(account)
    for member in account.roster:
        if member.status.is_open:
            groups.add_member(world.state, account, group.group_id, member.user.user_id)
    return world


@pytest.mark.parametrize("repeated", [1, 30, 99])
@pytest.mark.parametrize("read", LISTS)
def test_what_comes_again_counts_once_and_nothing_is_missed(world, read, repeated):
    whole = read(directory_of(world), world.account)
    assert len(whole) > 200
    world.set_variants(list_repeats=repeated)
    found = read(directory_of(world), world.account)
    assert len(found) == len(set(found))
    assert set(found) == set(whole)


@pytest.mark.parametrize("read", LISTS)
def test_a_list_of_one_page_for_ever_has_an_end(world, read):
    whole = read(directory_of(world), world.account)
    world.set_variants(list_repeats=100)
    found = read(directory_of(world), world.account)
    assert len(set(found)) == 100
    assert set(found) < set(whole)


@pytest.mark.parametrize("dropped", [5, 1_000])
@pytest.mark.parametrize("read", LISTS)
def test_what_is_dropped_is_not_made_up(world, read, dropped):
    whole = read(directory_of(world), world.account)
    world.set_variants(list_drops=dropped)
    found = read(directory_of(world), world.account)
    assert set(found) < set(whole)


@pytest.mark.parametrize("dropped", [5, 1_000])
def test_lists_that_are_counted_tell_how_many_are_missing(world, dropped):
    account, group = world.account, custom_group(world.account)
    world.set_variants(list_drops=dropped)
    directory = directory_of(world)
    listed = directory.list_groups(account.account_id)
    assert listed.missing == len(account.groups) - len(listed.groups) > 0
    read = directory.list_group_members(account.account_id, group.group_id)
    assert read.missing == len(group.members) - len(read.user_ids) > 0
    pages = list(directory.iter_users(account.account_id))
    assert pages[-1].total == len(account.roster) > sum(len(page.users) for page in pages)


@pytest.mark.parametrize("variant", [{"list_drops": 3}, {"list_repeats": 3}])
def test_a_list_of_one_page_is_whole(variant):
    world = simulated(20, **variant)
    account = world.account
    directory = directory_of(world)
    assert len(users(directory, account)) == len(account.roster)
    assert len(groups_of(directory, account)) == len(account.groups)
