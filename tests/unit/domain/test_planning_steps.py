"""Groups, roles and attributes of persons: from desired and actual to a plan."""

from dataclasses import replace

import pytest

from connector.domain.model import ORGANIZATION_ADMIN, DirectoryGroup
from connector.domain.plan import (
    NEWCOMER,
    AddGroupMembers,
    ChangeEmail,
    CreateGroup,
    DeleteGroup,
    GrantRole,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    RevokeRole,
    UpdatePerson,
)
from connector.domain.planning import (
    GROUP_CHUNK,
    ActualUser,
    Addresses,
    GroupChange,
    plan_creation,
    plan_deletion,
    plan_group_change,
    plan_group_creation,
    plan_group_deletion,
    plan_return,
    plan_user,
)
from connector.domain.work_items.items import Direction
from connector.errors import InvalidRequestError
from tests.builders import PERSON, SENDER, VIEWER, book, closed, desired, membership, user

CLERKS = DirectoryGroup("A", "7", "Clerks")
CLAIMED = Addresses(frozenset({"example.com"}))
ADMIN_ROLE = frozenset({ORGANIZATION_ADMIN})
NOTHING: frozenset[str] = frozenset()


def group_steps(change, members=(), trusted=()):
    plan = plan_group_change(CLERKS, change, frozenset(members), frozenset(trusted))
    return list(plan)


def names(*user_ids):
    return frozenset(user_ids)


@pytest.mark.parametrize(
    ("members", "trusted", "sent"),
    [
        ((), (), True),
        ((), ("u1",), True),
        (("u1",), ("u1",), False),
        (("u1",), (), True),
    ],
)
def test_adding_is_left_out_only_where_a_fresh_copy_shows_the_member(members, trusted, sent):
    expected = [AddGroupMembers("A", "7", ("u1",))] if sent else []
    assert group_steps(GroupChange(add=names("u1")), members, trusted) == expected


@pytest.mark.parametrize(
    ("members", "trusted", "sent"),
    [
        (("u1",), (), True),
        (("u1",), ("u1",), True),
        ((), ("u1",), False),
        ((), (), True),
    ],
)
def test_removing_is_left_out_only_where_a_fresh_copy_shows_no_member(members, trusted, sent):
    expected = [RemoveGroupMembers("A", "7", ("u1",))] if sent else []
    assert group_steps(GroupChange(remove=names("u1")), members, trusted) == expected


def test_many_members_go_in_chunks():
    everybody = frozenset(f"u{i:03}" for i in range(2 * GROUP_CHUNK + 1))
    steps = group_steps(GroupChange(add=everybody))
    assert [len(step.user_ids) for step in steps] == [GROUP_CHUNK, GROUP_CHUNK, 1]
    assert {user_id for step in steps for user_id in step.user_ids} == everybody


@pytest.mark.parametrize(
    ("name", "steps"),
    [(None, []), ("Clerks", []), ("clerks", [RenameGroup("A", "7", "clerks", "Clerks")])],
)
def test_group_is_renamed_where_the_name_differs(name, steps):
    assert group_steps(GroupChange(name=name)) == steps


def test_group_comes_and_goes_by_one_step():
    assert list(plan_group_creation("A", "Clerks")) == [CreateGroup("A", "Clerks")]
    filled = plan_group_creation("A", "Clerks", frozenset({"u2", "u1"}))
    joining = AddGroupMembers("A", NEWCOMER, ("u1", "u2"))
    assert list(filled) == [CreateGroup("A", "Clerks"), joining]
    assert list(plan_group_deletion(CLERKS)) == [DeleteGroup("A", "7", "Clerks")]


# roles ----------------------------------------------------------------------------------


def role_steps(roles, *, held=None, pending=None, attested=()):
    person = user(membership(), is_organization_admin=held)
    tasks = {ORGANIZATION_ADMIN: pending} if pending else {}
    actual = ActualUser(person, tasks, frozenset(attested))
    return list(plan_user(desired(roles=roles), actual, book(), CLAIMED))


GRANT = [GrantRole("u1", ORGANIZATION_ADMIN)]
REVOKE = [RevokeRole("u1", ORGANIZATION_ADMIN)]


@pytest.mark.parametrize(
    ("held", "pending", "wanted", "steps"),
    [
        (None, None, None, []),
        (True, None, None, []),
        (None, None, ADMIN_ROLE, GRANT),
        (False, None, ADMIN_ROLE, GRANT),
        (True, None, ADMIN_ROLE, []),
        (True, None, NOTHING, REVOKE),
        (False, None, NOTHING, []),
        (False, Direction.GRANT, ADMIN_ROLE, []),
        (False, Direction.GRANT, NOTHING, REVOKE),
        (True, Direction.REVOKE, NOTHING, []),
        (True, Direction.REVOKE, ADMIN_ROLE, GRANT),
    ],
)
def test_roles_are_asked_for_once(held, pending, wanted, steps):
    assert role_steps(wanted, held=held, pending=pending) == steps


def test_attested_role_is_held():
    assert role_steps(frozenset({"auditor"}), attested=["auditor"]) == []
    assert role_steps(NOTHING, attested=["auditor"]) == [RevokeRole("u1", "auditor")]


def test_newcomer_is_granted_roles_before_the_id_is_known():
    plan = plan_creation(desired(roles=ADMIN_ROLE), book(), CLAIMED)
    assert plan.operations[-1] == GrantRole(None, ORGANIZATION_ADMIN)


@pytest.mark.parametrize(
    ("held", "pending"),
    [(True, None), (False, Direction.GRANT), (True, Direction.REVOKE)],
)
def test_deletion_takes_roles_that_are_held_or_asked_for(held, pending):
    person = user(membership(), is_organization_admin=held)
    tasks = {ORGANIZATION_ADMIN: pending} if pending else {}
    assert plan_deletion(ActualUser(person, tasks)).operations[-1:] == tuple(REVOKE)


def test_deletion_of_somebody_without_roles_asks_nobody():
    plan = plan_deletion(ActualUser(user(membership())))
    assert [step.kind for step in plan] == ["close_membership"]


# persons --------------------------------------------------------------------------------


def person_steps(person, *memberships, active=None, **fields):
    actual = ActualUser(user(*memberships, **fields))
    wish = desired(person=person, active=active)
    return [
        step
        for step in plan_user(wish, actual, book(), CLAIMED)
        if isinstance(step, UpdatePerson | ChangeEmail)
    ]


def test_only_what_differs_is_sent_to_each_open_membership():
    changed = replace(PERSON, last_name="Li", company="Acme")
    now, before = {"last_name": "Li", "company": "Acme"}, {"last_name": "Lee", "company": ""}
    assert person_steps(changed, membership("B"), membership("A"), closed("C")) == [
        UpdatePerson("A", "u1", now, before),
        UpdatePerson("B", "u1", now, before),
    ]


def test_address_moves_before_names():
    moved = replace(PERSON, email="li@example.com", last_name="Li")
    steps = person_steps(moved, membership("A"), site_id=4)
    assert steps[0] == ChangeEmail("u1", "li@example.com", "ann@example.com", 4)
    assert [step.kind for step in steps] == ["change_email", "update_person"]


def test_leaver_may_be_renamed_on_the_way_out():
    steps = person_steps(replace(PERSON, last_name="Li"), membership("A"), active=False)
    assert [step.kind for step in steps] == ["update_person"]


@pytest.mark.parametrize("active", [None, False])
def test_the_inactive_are_not_renamed(active):
    with pytest.raises(InvalidRequestError, match="last name"):
        person_steps(replace(PERSON, last_name="Li"), closed("A"), active=active)


@pytest.mark.parametrize("active", [None, False])
def test_the_inactive_are_granted_nothing(active):
    wish = desired(("A", SENDER), active=active)
    with pytest.raises(InvalidRequestError, match="active=true"):
        plan_user(wish, ActualUser(user(closed("A", VIEWER))), book(), CLAIMED)


def test_leaver_may_keep_listing_what_they_hold():
    wish = desired(("A", VIEWER), active=False)
    plan = plan_user(wish, ActualUser(user(membership("A", VIEWER))), book(), CLAIMED)
    assert [step.kind for step in plan] == ["close_membership"]


def test_who_returns_gets_the_default_and_nothing_of_before():
    person = user(closed("A", SENDER, group_ids=frozenset({"7"})), closed("B", SENDER))
    (step,) = plan_return(desired(), ActualUser(person), book(), CLAIMED)
    assert isinstance(step, ReopenMembership)
    assert step.account_id == "A"
    assert (step.profile_id, step.group_ids) == (VIEWER, ())
