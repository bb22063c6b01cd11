"""DocuSign's rules, without HTTP: memberships closed and opened again."""

from __future__ import annotations

import pytest

from simulator.state import RuleError, memberships
from simulator.state.memberships import MemberChange
from simulator.state.model import Status
from simulator.state.users import NewMember
from tests.simulated import simulated
from tests.unit.simulator.people import ADA, CLAIMED, joined


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
