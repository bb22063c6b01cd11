"""What goes wrong in DocuSign, and what the directory makes of it."""

from __future__ import annotations

import pytest

from connector.docusign import errors
from simulator.faults import Fault, burst_limit, hourly_limit
from simulator.state.model import Status
from tests.connector import ManualClock
from tests.contract.directories import directory_of
from tests.simulated import simulated


@pytest.mark.parametrize("headers", ["all", "esign", "none"])
@pytest.mark.parametrize("status", [429, 400])
def test_hourly_limit_is_recognised_both_ways_and_then_obeyed(status, headers):
    world = simulated(n_users=50, limit_status=status, limit_headers=headers)
    directory = directory_of(world)
    directory.list_accounts()
    world.limits.use_up(world.account.account_id)
    with pytest.raises(errors.RateLimitedError) as first:
        directory.list_profiles(world.account.account_id)
    assert 0 < first.value.retry_after_s <= 3600
    world.limits.next_hour()
    with pytest.raises(errors.RateLimitedError, match="nothing was sent"):
        directory.list_profiles(world.account.account_id)
    assert directory.list_profiles(world.accounts[1].account_id)


@pytest.mark.parametrize("status", [429, 400])
@pytest.mark.parametrize("fault", [burst_limit, hourly_limit])
def test_declared_limits_are_temporary(world, fault, status):
    world.faults.add(fault(status=status))
    with pytest.raises(errors.RateLimitedError) as caught:
        directory_of(world).list_groups(world.account.account_id)
    if fault is burst_limit:
        assert 30 <= caught.value.retry_after_s <= 45


@pytest.mark.parametrize("kind", ["error", "html", "drop", "lose_answer"])
def test_reads_survive_one_failure(world, kind):
    world.faults.add(Fault(kind, "GET", "/groups$"))
    assert directory_of(world).list_groups(world.account.account_id).groups


def test_revoked_consent_is_named(world):
    directory = directory_of(world)
    directory.list_accounts()
    world.faults.add(Fault("revoke_consent", path="/groups$"))
    with pytest.raises(errors.ConsentRequiredError, match="docusign-iga consent url"):
        directory.list_groups(world.account.account_id)


@pytest.mark.parametrize("bare", [False, True])
def test_revoked_token_is_issued_again(bare):
    world = simulated(n_users=50, bare_refusals=bare)
    directory = directory_of(world)
    directory.list_accounts()
    world.state.applications.revoke_tokens()
    assert directory.list_groups(world.account.account_id).groups


def test_a_write_without_a_code_of_refusal_is_not_repeated_and_costs_the_token():
    world = simulated(n_users=50, bare_refusals=True)
    directory, account_id = directory_of(world), world.account.account_id
    directory.list_accounts()
    world.state.applications.revoke_tokens()
    with pytest.raises(errors.NoAnswerError):
        directory.create_group(account_id, "Looms")
    assert directory.create_group(account_id, "Looms").name == "Looms"


@pytest.mark.parametrize("status", [401, 500])
def test_a_revoked_token_is_issued_again_for_userinfo_too(status):
    clock = ManualClock()
    world = simulated(n_users=50, broken_token_status=status)
    directory = directory_of(world, clock=clock)
    directory.list_accounts()
    clock.sleep(120)  # An account that nobody knows is looked for again.
    world.state.applications.revoke_tokens()
    with pytest.raises(errors.PermissionLostError, match="not an active member"):
        directory.list_groups("00000000-0000-4000-8000-0000000000ff")


@pytest.mark.parametrize("status", [400, 401])
def test_closed_service_user_is_named(status):
    world = simulated(n_users=50, token_error_status=status)
    for membership in world.service_user.memberships.values():
        membership.status = Status.CLOSED
    with pytest.raises(errors.SubjectUnknownError):
        directory_of(world).list_accounts()


def test_a_bare_403_is_no_word_of_docusign_s_and_names_what_else_it_may_be():
    world = simulated(n_users=50, bare_refusals=True)
    membership = world.service_user.memberships[world.account.account_id]
    membership.profile_id = world.account.default_profile_id
    with pytest.raises(errors.BadAnswerError, match=r"proxy .* administrator"):
        directory_of(world).list_groups(world.account.account_id)


def test_demoted_service_user_has_lost_permission(world):
    membership = world.service_user.memberships[world.account.account_id]
    membership.profile_id = world.account.default_profile_id
    with pytest.raises(errors.PermissionLostError) as caught:
        directory_of(world).list_groups(world.account.account_id)
    assert caught.value.trace_token
    assert caught.value.trace_token in str(caught.value)


def test_ungoverned_account_is_a_lost_permission(world):
    with pytest.raises(errors.PermissionLostError, match="not an active member"):
        directory_of(world).list_groups("00000000-0000-4000-8000-0000000000ff")
