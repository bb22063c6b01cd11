"""What the directory changes in DocuSign, and how it makes sure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.docusign import errors
from connector.domain.model import MembershipStatus
from connector.errors import PermanentError, UniquenessError, UnknownOutcomeError
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import ManualClock
from tests.contract.directories import (
    NEW,
    creation,
    custom_group,
    directory_of,
    other_profile,
    reopening,
)
from tests.simulated import simulated


@pytest.mark.parametrize("shows_profile", [True, False])
def test_created_member_has_profile_and_groups(shows_profile):
    world = simulated(n_users=50, closed_shows_profile=shows_profile)
    operation = creation(world)
    user = directory_of(world).create_member(operation)
    membership = user.memberships[operation.account_id]
    assert membership.status is MembershipStatus.ACTIVATION_SENT
    assert membership.profile_id == operation.profile_id
    assert membership.group_ids == set(operation.group_ids)
    assert (user.middle_name, user.job_title, user.company) == ("King", "Analyst", "Engines")


def test_member_of_a_claimed_domain_with_login_is_active_at_once(world):
    domain = next(
        item for item in world.state.organization.domains.values() if item.identity_provider_id
    )
    person = replace(NEW, email=f"ada@{domain.host_name}")
    user = directory_of(world).create_member(creation(world, person=person, auto_activate=True))
    membership = user.memberships[world.account.account_id]
    assert membership.status is MembershipStatus.ACTIVE
    assert membership.group_ids == {custom_group(world.account).group_id}
    assert user.middle_name == "King"


@pytest.mark.parametrize("tells", [True, False])
def test_second_creation_is_a_conflict(tells):
    world = simulated(n_users=50, exists_error_has_user_id=tells)
    directory = directory_of(world)
    user = directory.create_member(creation(world))
    with pytest.raises(errors.ExistsError) as caught:
        directory.create_member(creation(world))
    assert caught.value.user_id == (user.user_id if tells else None)


def test_lost_answer_of_a_creation_is_an_unknown_outcome_and_found_again(world):
    world.faults.add(Fault("lose_answer", "POST", "/users$"))
    directory = directory_of(world)
    with pytest.raises(UnknownOutcomeError):
        directory.create_member(creation(world))
    assert len(directory.find_members(world.account.account_id, NEW.email)) == 1


def test_creation_is_never_repeated_by_itself(world):
    world.faults.add(Fault("error", "POST", "/users$", status=500))
    with pytest.raises(UnknownOutcomeError):
        directory_of(world).create_member(creation(world))
    assert world.faults.as_json()[0]["matched"] == 1


@pytest.mark.parametrize(
    ("shown_after_s", "verdict"),
    [(0, errors.RefusedError), (6, errors.NoAnswerError), (99, errors.NoAnswerError)],
)
def test_an_opening_is_read_back_for_as_long_as_the_settings_say(
    world, monkeypatch, shown_after_s, verdict
):
    """It is not waited for again after what was missing was given once more."""
    clock = ManualClock()
    directory = directory_of(world, clock=clock, read_after_write_s=10)
    find, account_id = directory._members.find, world.account.account_id

    def without_groups(*args):
        if clock.slept_s < shown_after_s:
            return None
        user = find(*args)
        assert user is not None
        bare = replace(user.memberships[account_id], group_ids=frozenset())
        return replace(user, memberships={account_id: bare})

    monkeypatch.setattr(directory._members, "find", without_groups)
    with pytest.raises(verdict):
        directory.create_member(creation(world))
    assert clock.slept_s == pytest.approx(10, abs=1.1)


@pytest.mark.parametrize("lag_s", [0, 2])
def test_what_is_given_again_is_looked_at_at_once(lag_s):
    clock, world = ManualClock(), simulated(n_users=100)
    directory = directory_of(world, clock=clock, read_after_write_s=lag_s)
    operation = reopening(world.member(status=Status.CLOSED))
    user = directory.reopen_member(operation)
    assert set(operation.group_ids) <= user.memberships[operation.account_id].group_ids
    assert clock.slept_s == 0


def test_what_is_given_again_is_looked_at_as_often_as_what_was_given_first():
    clock = ManualClock()
    world = simulated(n_users=100, stale_reads=3)
    directory = directory_of(world, clock=clock)
    operation = reopening(world.member(status=Status.CLOSED))
    directory.reopen_member(operation)
    assert clock.slept_s == pytest.approx(2 * (0.1 + 0.2 + 0.4), abs=0.01)


@pytest.mark.parametrize("reactivation", ["resend_activation", "user_status", "admin_profiles"])
@pytest.mark.parametrize("keeps", [True, False])
def test_reopened_member_gets_profile_and_groups_again(reactivation, keeps):
    world = simulated(n_users=100, reopen_keeps_entitlements=keeps)
    operation = reopening(world.member(status=Status.CLOSED))
    user = directory_of(world, reactivation=reactivation).reopen_member(operation)
    membership = user.memberships[operation.account_id]
    assert user.user_id == operation.user_id
    assert membership.status.is_open
    assert membership.profile_id == operation.profile_id
    assert set(operation.group_ids) <= membership.group_ids


@pytest.mark.parametrize(
    ("reactivation", "variant"),
    [
        ("resend_activation", "reopen_by_resend"),
        ("user_status", "reopen_by_status"),
        ("admin_profiles", "reopen_by_admin_profiles"),
    ],
)
def test_reactivation_that_docusign_does_not_obey_is_a_permanent_error(reactivation, variant):
    variants: dict[str, Any] = {variant: False}
    world = simulated(n_users=100, **variants)
    directory = directory_of(world, reactivation=reactivation)
    with pytest.raises(PermanentError, match=r"closed"):
        directory.reopen_member(reopening(world.member(status=Status.CLOSED)))


def test_open_member_is_not_reactivated_again(world):
    operation = reopening(world.member())
    world.faults.add(Fault("error", "PUT", "/accounts/[^/]+/users$"))
    user = directory_of(world).reopen_member(operation)
    assert user.memberships[operation.account_id].profile_id == operation.profile_id


@pytest.mark.parametrize("close_closed", ["done", "refused"])
def test_closing_twice_succeeds(close_closed):
    world = simulated(n_users=100, close_closed=close_closed)
    member, directory = world.member(), directory_of(world)
    for _ in range(2):
        directory.close_member(world.account.account_id, member.user.user_id, strip=False)
    assert member.status is Status.CLOSED


@pytest.mark.parametrize("strip", [True, False])
def test_only_stripping_takes_groups_and_profile(world, strip):
    member = next(
        item
        for item in world.account.roster
        if item.group_ids and item.status is Status.ACTIVE and not item.is_admin
    )
    directory_of(world).close_member(world.account.account_id, member.user.user_id, strip=strip)
    assert (member.profile is None, member.group_ids == ()) == (strip, strip)


def test_service_user_cannot_close_itself(world):
    with pytest.raises(errors.RefusedError) as caught:
        directory_of(world).close_member(
            world.account.account_id, world.service_user.user_id, strip=False
        )
    assert caught.value.error_code == "CANNOT_CLOSE_OWN_MEMBERSHIP"
    assert caught.value.trace_token


def test_profile_is_replaced(world):
    member = world.member()
    wanted = other_profile(member)
    directory_of(world).set_profile(world.account.account_id, member.user.user_id, wanted)
    assert member.profile_id == wanted


@pytest.mark.parametrize(("rename_fields", "rename_by"), [("parts", "parts"), ("full", "full")])
def test_name_is_changed_in_the_way_that_docusign_obeys(rename_fields, rename_by):
    world = simulated(n_users=50, rename_by=rename_by)
    member = world.member()
    directory_of(world, rename_fields=rename_fields).update_person(
        world.account.account_id,
        member.user.user_id,
        {"last_name": "Newname", "job_title": "Clerk"},
    )
    assert member.user.user_name.endswith("Newname")
    assert member.job_title == "Clerk"


def test_address_changes_within_claimed_domains_without_a_known_site(world):
    domain = next(
        item for item in world.state.organization.domains.values() if item.status == "active"
    )
    member = next(
        item
        for item in world.account.roster
        if item.user.domain == domain.host_name and item.status is Status.ACTIVE
    )
    address = f"brand.new@{domain.host_name}"
    directory_of(world).change_email(member.user.user_id, address, site_id=None)
    assert member.user.email == address


@pytest.mark.parametrize("existing", ["done", "refused"])
def test_group_members_may_be_added_and_removed_twice(existing):
    world = simulated(n_users=250, add_existing_group_member=existing)
    group, account_id = custom_group(world.account), world.account.account_id
    ids = [item.user.user_id for item in world.account.roster if item.status is Status.ACTIVE]
    assert len(ids) > 100
    directory = directory_of(world)
    for _ in range(2):
        directory.add_group_members(account_id, group.group_id, ids)
    assert set(ids) <= set(group.members)
    for _ in range(2):
        directory.remove_group_members(account_id, group.group_id, ids)
    assert not set(ids) & set(group.members)


def test_group_lives_and_dies(world):
    directory, account_id = directory_of(world), world.account.account_id
    group = directory.create_group(account_id, "Night shift")
    with pytest.raises(UniquenessError):
        directory.create_group(account_id, "Night shift")
    directory.rename_group(account_id, group.group_id, "Day shift")
    assert world.account.groups[group.group_id].name == "Day shift"
    for _ in range(2):
        directory.delete_group(account_id, group.group_id)
    assert group.group_id not in world.account.groups


@pytest.mark.parametrize("most", [0, 100])
def test_many_members_are_changed_in_parts(most):
    world = simulated(n_users=400, group_change_maximum=most)
    directory, group = directory_of(world), custom_group(world.account)
    place = (world.account.account_id, group.group_id)
    open_ones = [item.user.user_id for item in world.account.roster if item.status.is_open]
    many = open_ones[:250]
    assert len(many) == 250
    directory.add_group_members(*place, many)
    assert set(many) <= directory.list_group_members(*place).user_ids
    directory.remove_group_members(*place, many)
    assert not set(many) & directory.list_group_members(*place).user_ids


@pytest.mark.parametrize(("nth", "is_partial"), [(1, False), (2, True)])
def test_a_refusal_after_the_first_part_is_told_as_partial(nth, is_partial):
    world = simulated(n_users=400)
    group = custom_group(world.account)
    many = [item.user.user_id for item in world.account.roster if item.status.is_open][:150]
    code = "USER_LACKS_PERMISSIONS"
    world.faults.add(
        Fault("error", "PUT", "/groups/.*/users$", nth=nth, status=400, error_code=code)
    )
    with pytest.raises(errors.PermissionLostError) as caught:
        directory_of(world).add_group_members(world.account.account_id, group.group_id, many)
    assert caught.value.is_partial is is_partial
