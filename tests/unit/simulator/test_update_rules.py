"""DocuSign's rules, without HTTP: names, addresses and what else of a member changes."""

from __future__ import annotations

import pytest

from simulator.state import RuleError, groups, memberships, users
from simulator.state.memberships import MemberChange
from simulator.state.model import Status
from simulator.state.users import NewMember
from tests.simulated import simulated
from tests.unit.simulator.people import ADA, active, joined, members_of


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
    members = {
        index for index in (5, 6) if membership.user.user_id in members_of(world, ids[index])
    }
    assert members == indexes


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


@pytest.mark.parametrize(
    ("reaction", "title"), [("ignored", ""), ("done", "Weaver"), ("refused", "")]
)
def test_an_update_of_a_closed_user_opens_nobody(world, reaction, title):
    membership = joined(world)
    memberships.close(world.state, membership)
    world.set_variants(put_closed=reaction, reopen_by_resend=False)
    for resent in (False, True):
        change = MemberChange(job_title="Weaver", send_activation=resent)
        if reaction == "refused":
            with pytest.raises(RuleError, match="closed"):
                memberships.update(world.state, membership, change)
        else:
            memberships.update(world.state, membership, change)
        assert membership.status is Status.CLOSED
        assert membership.job_title == title


@pytest.mark.parametrize("reaction", ["ignored", "done", "refused"])
def test_an_update_that_opens_a_closed_user_is_carried_out_whole(world, reaction):
    membership = joined(world)
    memberships.close(world.state, membership)
    world.set_variants(put_closed=reaction)
    change = MemberChange(job_title="Weaver", send_activation=True)
    memberships.update(world.state, membership, change)
    assert membership.status.is_open
    assert membership.job_title == "Weaver"
