"""What a plan may never do."""

from dataclasses import replace

import pytest

from connector.domain.model import DirectoryGroup, MembershipStatus
from connector.domain.plan import (
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateMembership,
    DeleteGroup,
    GrantRole,
    Plan,
    RevokeRole,
    SetProfile,
    UpdatePerson,
)
from connector.domain.policy.guards import GuardContext, check, touched_users
from connector.errors import GuardError
from connector.settings import AccountSettings, GuardSettings
from tests.builders import ADMIN, PERSON, SENDER, VIEWER, catalogue, membership, user

BOSS = user(membership("A", ADMIN, is_admin=True), user_id="boss")
CLERK = user(membership("A", VIEWER), user_id="clerk")


def context(*users, admins=1, count=1000):
    known = {item.user_id: item for item in users}
    return GuardContext("robot", known, catalogue("A", "B"), lambda: count, {"A": admins})


def refused(*steps, users=(), settings=None, **world):
    """Return the guard that refuses these steps, None where they pass."""
    try:
        check(Plan(steps), context(*users, **world), settings or GuardSettings())
    except GuardError as error:
        return error.guard
    return None


@pytest.mark.parametrize(
    "step",
    [
        CloseMembership("A", "robot"),
        SetProfile("A", "robot", VIEWER, ADMIN),
        UpdatePerson("A", "robot", {"last_name": "X"}),
        ChangeEmail("robot", "new@example.com", "old@example.com"),
        RevokeRole("robot", "organization-admin"),
    ],
    ids=lambda step: step.kind,
)
def test_service_user_is_left_alone(step):
    assert refused(step) == "service_user"


@pytest.mark.parametrize(
    "step", [AddGroupMembers("A", "7", ("robot",)), GrantRole("robot", "organization-admin")]
)
def test_service_user_may_be_given_more(step):
    assert refused(step) is None


@pytest.mark.parametrize("step", [CloseMembership("A", "boss"), SetProfile("A", "boss", SENDER)])
def test_last_administrator_stays(step):
    assert refused(step, users=[BOSS], admins=1) == "last_administrator"


@pytest.mark.parametrize("step", [CloseMembership("A", "boss"), SetProfile("A", "boss", SENDER)])
def test_one_of_two_administrators_may_go(step):
    assert refused(step, users=[BOSS], admins=2) is None


def test_both_of_two_administrators_may_not_go_together():
    other = replace(BOSS, user_id="other")
    steps = [CloseMembership("A", "boss"), CloseMembership("A", "other")]
    assert refused(*steps, users=[BOSS, other], admins=2) == "last_administrator"


def test_one_administrator_counts_once_however_many_steps_demote_them():
    steps = [SetProfile("A", "boss", SENDER), CloseMembership("A", "boss")]
    assert refused(*steps, users=[BOSS], admins=2) is None


def test_last_administrator_may_hold_another_profile_of_administrators():
    assert refused(SetProfile("A", "boss", ADMIN), users=[BOSS]) is None


def test_profile_that_nobody_knows_is_none_of_an_administrator():
    assert refused(SetProfile("A", "boss", "99"), users=[BOSS]) == "last_administrator"


def test_last_administrator_of_one_account_may_leave_another():
    person = user(membership("A", ADMIN, is_admin=True), membership("B"), user_id="boss")
    assert refused(CloseMembership("B", "boss"), users=[person]) is None


@pytest.mark.parametrize(
    "status", [status for status in MembershipStatus if status is not MembershipStatus.ACTIVE]
)
def test_administrator_who_is_not_active_is_not_the_last(status):
    person = user(membership("A", ADMIN, status, is_admin=True), user_id="boss")
    assert refused(CloseMembership("A", "boss"), users=[person], admins=1) is None


def test_last_administrator_goes_where_the_setting_allows_it():
    settings = GuardSettings(protect_last_admin=False)
    assert refused(CloseMembership("A", "boss"), users=[BOSS], settings=settings) is None


@pytest.mark.parametrize(
    "person",
    [
        replace(CLERK, managed_by_scim=True),
        user(membership("A", managed_by_scim=True), user_id="clerk"),
    ],
    ids=["person", "membership"],
)
@pytest.mark.parametrize(
    "step",
    [
        CloseMembership("A", "clerk"),
        SetProfile("A", "clerk", SENDER),
        AddGroupMembers("A", "7", ("somebody", "clerk")),
    ],
    ids=lambda step: step.kind,
)
def test_users_of_docusigns_own_scim_are_left_alone(person, step):
    assert refused(step, users=[person]) == "docusign_scim"


def test_foreign_membership_does_not_bind_the_other_account():
    person = user(membership("A", managed_by_scim=True), membership("B"), user_id="clerk")
    assert refused(SetProfile("B", "clerk", SENDER), users=[person]) is None


def test_users_of_docusigns_own_scim_change_where_the_setting_allows_it():
    foreign = replace(CLERK, managed_by_scim=True)
    settings = GuardSettings(respect_docusign_scim=False)
    assert refused(CloseMembership("A", "clerk"), users=[foreign], settings=settings) is None


def adding(number):
    return AddGroupMembers("A", "7", tuple(f"u{i}" for i in range(number)))


@pytest.mark.parametrize(
    ("touched", "count", "guard"),
    [
        (20, 10, None),
        (21, 10, "plan_size"),
        (100, 1000, None),
        (101, 1000, "plan_size"),
        (20, 0, None),
    ],
)
def test_size_of_a_plan_is_limited_by_share_and_by_number(touched, count, guard):
    assert refused(adding(touched), count=count) == guard


def test_users_count_once_however_many_steps_touch_them():
    assert refused(adding(20), adding(20), count=10) is None


def test_guard_names_the_setting_that_widens_it():
    with pytest.raises(GuardError, match=r"guards\.max_affected_pct") as caught:
        check(Plan((adding(21),)), context(count=10), GuardSettings())
    assert caught.value.setting == "guards.max_affected_pct"


def test_newcomers_touch_nobody():
    step = CreateMembership("A", PERSON, VIEWER)
    assert list(touched_users(step)) == []
    assert refused(step) is None


def test_empty_plan_passes():
    assert refused() is None


def test_deleting_a_group_touches_its_members():
    settings = GuardSettings(max_affected_pct=1, max_affected_min=5)
    world = replace(context(), group_sizes={("A", "7"): 11})
    with pytest.raises(GuardError, match="touches 11 users"):
        check(Plan((DeleteGroup("A", "7", "Night shift"),)), world, settings)


def test_group_of_docusigns_own_scim_is_left_alone():
    group = DirectoryGroup("A", "7", "Foreign", managed_by_scim=True)
    world = replace(context(), catalogue=replace(catalogue("A"), groups={("A", "7"): group}))
    with pytest.raises(GuardError, match="Foreign"):
        check(Plan((AddGroupMembers("A", "7", ("clerk",)),)), world, GuardSettings())


def test_the_account_that_would_lose_its_last_administrator_is_named():
    known = replace(context(BOSS), accounts=(AccountSettings("A", "main"),))
    with pytest.raises(GuardError, match=r"Account main \(A\) would lose"):
        check(Plan((CloseMembership("A", "boss"),)), known, GuardSettings())
