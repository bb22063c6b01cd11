"""DocuSign's rules, without HTTP: who somebody is, how a membership comes to be active."""

from __future__ import annotations

import pytest

from simulator.state import RuleError, memberships
from simulator.state.model import Status
from simulator.state.users import NewMember
from tests.simulated import simulated
from tests.unit.simulator.people import ADA, CLAIMED, active, joined


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
