"""What a request asserts, and what it leaves alone."""

from __future__ import annotations

import pytest

from connector.domain.model import Membership, MembershipStatus, User
from connector.domain.planning import ActualUser
from connector.domain.work_items.items import Direction
from connector.scim_handlers.translation import (
    as_requested,
    creation,
    lists_entitlements,
    modification,
    profile_key,
    replacement,
)
from mappings import load_user_mapping
from scim.errors import InvalidValue
from scim.handlers import PatchOperation

MAPPING = load_user_mapping()
ADDRESS = "ann@acme.test"
ROLE = "organization-admin"


def actual(pending=None, *, is_admin=False, profile="1"):
    membership = Membership("a1", MembershipStatus.ACTIVE, profile)
    user = User("u1", ADDRESS, "Ann Lee", memberships={"a1": membership})
    user = User(**{**vars(user), "is_organization_admin": is_admin})
    return ActualUser(user, pending or {})


def put(resource, state=None, *, shows_requested=False):
    resource = {"userName": ADDRESS, **resource}
    return replacement(resource, MAPPING, state or actual(), {}, shows_requested=shows_requested)


def patch(before, after, state=None):
    before, after = ({"userName": ADDRESS, **part} for part in (before, after))
    return modification(before, lambda _: after, MAPPING, state or actual(), {}, operations=())


def test_a_creation_asserts_all_it_lists():
    desired = creation(
        {"userName": ADDRESS, "entitlements": [{"value": "A1.7"}], "externalId": "e"}, MAPPING
    )

    assert desired.profiles == {("a1", "7")}
    assert desired.exact
    assert desired.external_id == "e"
    assert desired.active is None


@pytest.mark.parametrize("name", ["ann", "ann@", "a b@acme.test", "ann@acme", "@acme.test", ""])
def test_a_name_that_is_no_address_is_refused(name):
    with pytest.raises(InvalidValue, match="e-mail address"):
        creation({"userName": name}, MAPPING)


def test_put_asserts_nothing_that_it_omits():
    desired = put({})

    assert (desired.profiles, desired.roles, desired.active) == (None, None, None)


def test_put_with_empty_lists_asserts_that_there_is_nothing():
    desired = put({"entitlements": [], "roles": []})

    assert (desired.profiles, desired.roles) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("given", "pending", "shows_requested", "roles"),
    [
        ([], {ROLE: Direction.GRANT}, False, {ROLE}),
        ([], {ROLE: Direction.GRANT}, True, set()),
        ([ROLE], {ROLE: Direction.REVOKE}, False, set()),
        ([ROLE], {ROLE: Direction.REVOKE}, True, {ROLE}),
        ([ROLE], {}, False, {ROLE}),
        ([], {}, False, set()),
    ],
)
def test_put_leaves_roles_with_an_open_task_alone(given, pending, shows_requested, roles):
    given = [{"value": role} for role in given]

    desired = put({"roles": given}, actual(pending), shows_requested=shows_requested)

    assert desired.roles == roles


def test_a_patch_asserts_only_what_it_touched():
    shown = {"entitlements": [{"value": "a1.1"}], "active": True}

    desired = patch(shown, {**shown, "title": "Counsel"})

    assert (desired.profiles, desired.active) == (None, None)
    assert desired.person.job_title == "Counsel"


def test_what_is_pending_is_there_to_be_taken_back():
    shown = {"roles": [], "entitlements": [{"value": "a1.1"}]}

    before = as_requested(shown, [{"value": ROLE}], [{"value": "a2.7"}])

    assert before["roles"] == [{"value": ROLE}]
    assert before["entitlements"] == [{"value": "a1.1"}, {"value": "a2.7"}]
    assert "roles" not in as_requested(shown | {"roles": [{"value": ROLE}]}, [], [])


def test_what_nobody_sees_makes_no_request_ambiguous():
    def patched(resource):
        if len(resource["entitlements"]) > 1:
            raise InvalidValue("Which?")
        return resource

    before = {"userName": ADDRESS, "entitlements": [{"value": "a1.1"}]}
    hidden = [{"value": "a2.7"}]

    desired = modification(before, patched, MAPPING, actual(), {}, operations=(), hidden=hidden)

    assert desired.forgets == frozenset()


@pytest.mark.parametrize(
    ("after", "accounts"), [([], {"a1"}), ([{"value": "a1.1"}, {"value": "a2.7"}], {"a2"})]
)
def test_a_patch_speaks_of_the_accounts_that_it_changes(after, accounts):
    desired = patch({"entitlements": [{"value": "a1.1"}]}, {"entitlements": after})

    assert desired.says.accounts == accounts


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (PatchOperation("replace", "entitlements", []), True),
        (PatchOperation("replace", None, {"Entitlements": []}), True),
        (PatchOperation("add", "entitlements", []), False),
        (PatchOperation("replace", 'entitlements[value eq "a.1"]', []), False),
    ],
)
def test_only_a_whole_list_is_exact(operation, expected):
    assert lists_entitlements([operation]) is expected


@pytest.mark.parametrize("value", ["", "x", ".1", "a1."])
def test_what_names_no_profile_is_refused(value):
    with pytest.raises(InvalidValue):
        profile_key(value)
