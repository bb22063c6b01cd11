"""The ids by which SCIM, work items and policies name what somebody holds."""

from __future__ import annotations

import pytest

from connector.domain.model import (
    Catalogue,
    DirectoryGroup,
    IdKind,
    Membership,
    MembershipStatus,
    NamedId,
    Profile,
    User,
    group_scim_id,
    parse_scim_id,
    profile_group_scim_id,
    profile_scim_id,
    role_group_scim_id,
)

PROFILE, GROUP = Profile("a", "12", "DS Sender"), DirectoryGroup("a", "2", "Legal")
CATALOGUE = Catalogue(profiles={("a", "12"): PROFILE}, groups={("a", "2"): GROUP})


def user(status: MembershipStatus = MembershipStatus.ACTIVE) -> User:
    held = Membership("a", status, "7", frozenset({"2"}))
    return User("u", "ann@example.com", "Ann", memberships={"a": held})


def test_a_person_holds_the_profile_and_the_groups_of_open_memberships() -> None:
    assert user().entitlements() == {"a.7", "a.g2"}
    assert "a.12" not in user().entitlements(), "a profile that ends like the id of a group"
    assert user(MembershipStatus.CLOSED).entitlements() == frozenset()


@pytest.mark.parametrize(
    ("scim_id", "found"),
    [
        (PROFILE.scim_id, PROFILE),
        (GROUP.scim_id, GROUP),
        ("a.2", None),
        ("a.g12", None),
        ("b.12", None),
        ("a.p12", None),
        ("organization-admin", None),
        ("", None),
    ],
)
def test_an_id_finds_the_profile_or_the_group_that_has_it(scim_id: str, found: object) -> None:
    assert CATALOGUE.find(scim_id) is found


@pytest.mark.parametrize(
    ("scim_id", "named"),
    [
        (profile_scim_id("a", "12"), NamedId(IdKind.PROFILE, "a", "12")),
        (group_scim_id("a", "2"), NamedId(IdKind.GROUP, "a", "2")),
        (profile_group_scim_id("a", "12"), NamedId(IdKind.PROFILE_GROUP, "a", "12")),
        (role_group_scim_id("organization-admin"), NamedId(IdKind.ROLE, "", "organization-admin")),
        ("organization-admin", NamedId(IdKind.ROLE, "", "organization-admin")),
        ("custody:a", NamedId(IdKind.ROLE, "", "custody:a")),
        ("a.", NamedId(IdKind.PROFILE, "a", "")),
    ],
)
def test_an_id_says_what_it_is_the_id_of(scim_id: str, named: NamedId) -> None:
    assert parse_scim_id(scim_id) == named
