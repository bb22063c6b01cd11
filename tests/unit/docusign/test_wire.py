"""DocuSign's JSON as domain values."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.docusign import wire
from connector.docusign.causes import clean
from connector.domain.model import GroupType, MembershipStatus

ACCOUNT = "00000000-0000-4000-8000-0000000000a1"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("True", True), ("true", True), (True, True), ("False", False), ("", False), (None, False)],
)
def test_booleans_are_read_without_regard_to_case(written, meant):
    assert wire.flag(written) is meant


@pytest.mark.parametrize("written", ["0001-01-01T08:00:00.0000000Z", "", None, "soon"])
def test_unset_dates_are_none(written):
    assert wire.moment(written) is None


@pytest.mark.parametrize(
    "written",
    ["2019-04-01T22:11:56.4570000Z", "2019-04-01T22:11:56.457", "2019-04-01T22:11:56.457Z"],
)
def test_dates_are_aware_utc(written):
    assert wire.moment(written) == datetime(2019, 4, 1, 22, 11, 56, 457000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Active", MembershipStatus.ACTIVE),
        ("ActivationSent", MembershipStatus.ACTIVATION_SENT),
        ("activation_required", MembershipStatus.ACTIVATION_REQUIRED),
        ("closed", MembershipStatus.CLOSED),
        ("Disabled", MembershipStatus.DISABLED),
        ("BrandNew", MembershipStatus.DISABLED),
        (None, MembershipStatus.DISABLED),
    ],
)
def test_statuses_of_both_apis(written, meant):
    assert wire.status(written) is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("customGroup", GroupType.CUSTOM),
        ("CustomGroup", GroupType.CUSTOM),
        ("custom_group", GroupType.CUSTOM),
        (3, GroupType.CUSTOM),
        ("adminGroup", GroupType.ADMIN),
        (1, GroupType.ADMIN),
        ("everyone_group", GroupType.EVERYONE),
        ("invalid", GroupType.CUSTOM),
    ],
)
def test_group_types_of_both_apis(written, meant):
    assert wire.group_type(written) is meant


def test_member_ignores_what_it_does_not_know():
    item: dict[str, object] = {
        "userId": "ABCDEF00-0000-4000-8000-000000000001",
        "email": "a@example.net",
        "userName": "A B",
        "userStatus": "Active",
        "isAdmin": "True",
        "groupList": [
            {"groupId": "7", "groupType": "everyoneGroup"},
            {"groupId": "8", "groupType": "customGroup"},
        ],
        "isManagedByScim": "true",
        "brandNew": {"x": []},
        "firstName": None,
    }
    user = wire.member(ACCOUNT, item, None)
    membership = user.memberships[ACCOUNT]
    assert user.user_id == "abcdef00-0000-4000-8000-000000000001"
    assert user.first_name == ""
    assert user.managed_by_scim
    assert membership.is_admin
    assert membership.group_ids == {"8"}
    assert membership.profile_id is None


def test_organization_admin_is_unknown_where_the_answer_does_not_say():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    person = wire.person({"id": "X", "memberships": []}, frozenset(), now)
    assert person.is_organization_admin is None
    assert person.organization_admin_verified_at is None


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("<p>a <b>bad</b>\n value</p>", "a bad value"),
        ("token " + "x" * 50, "token [removed]"),
        ("id 00000000-0000-4000-8000-0000000000a1", "id 00000000-0000-4000-8000-0000000000a1"),
        ("a\x00b\x1b[31m", "a b [31m"),
    ],
)
def test_foreign_text_is_cleaned(foreign, shown):
    assert clean(foreign) == shown


def test_foreign_text_is_cut():
    assert len(clean("word " * 100)) == 200
