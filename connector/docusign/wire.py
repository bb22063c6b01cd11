"""DocuSign's JSON as domain values: string scalars, unset dates, absent members.

Members that we do not know are ignored everywhere: DocuSign adds some each year.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connector.domain.model import DirectoryGroup, GroupType, Membership, MembershipStatus, Profile
from connector.domain.model import User as DomainUser

Json = Mapping[str, Any]

_STATUSES = {str(status).replace("_", ""): status for status in MembershipStatus}
_ADMIN_GROUP_NUMBERS = {"1": GroupType.ADMIN, "2": GroupType.EVERYONE, "3": GroupType.CUSTOM}
"""A published Admin sample shows 3 for a custom group; the others follow the enumeration."""
_UNSET_YEAR = 1
"""DocuSign writes 0001-01-01T08:00:00.0000000Z for a date that is not set."""


def text(item: Json, name: str) -> str:
    """Return a member as a string, empty where it is absent or null."""
    value = item.get(name)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def flag(value: Any) -> bool:
    """Return a boolean, which the eSignature API writes as a string in any case."""
    return str(value).strip().lower() == "true"


def number(value: Any) -> int | None:
    """Return a number, which the eSignature API writes as a string; None where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def moment(value: Any) -> datetime | None:
    """Return a time as aware UTC; None where it is unset or unreadable."""
    try:
        # Seven decimals are more than ISO 8601 readers of Python 3.11 refuse: they cut them.
        parsed = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if parsed.year == _UNSET_YEAR:
        return None
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError:
        return None


def status(value: Any) -> MembershipStatus:
    """Return the status of a membership as either API writes it; an unknown one gives no access."""
    return _STATUSES.get(str(value).lower().replace("_", ""), MembershipStatus.DISABLED)


def group_type(value: Any) -> GroupType:
    """Return the type of a group: ``customGroup``, ``CustomGroup``, ``custom_group`` or 3."""
    written = str(value).lower().replace("_", "")
    if written in _ADMIN_GROUP_NUMBERS:
        return _ADMIN_GROUP_NUMBERS[written]
    name = written.removesuffix("group")
    return next((item for item in GroupType if item == name), GroupType.CUSTOM)


def custom_group_ids(groups: Any, id_name: str, type_name: str) -> frozenset[str]:
    """Return the ids of the custom groups in a list; built-in ones are DocuSign's own affair."""
    return frozenset(
        text(item, id_name)
        for item in (groups if isinstance(groups, list) else ())
        if isinstance(item, dict) and not group_type(item.get(type_name, "custom")).is_built_in
    )


def profile(account_id: str, item: Json) -> Profile:
    """Return a permission profile."""
    settings = item.get("settings") or {}
    return Profile(
        account_id=account_id,
        profile_id=text(item, "permissionProfileId"),
        name=text(item, "permissionProfileName"),
        is_admin=flag(settings.get("allowAccountManagement")),
        modified_at=moment(item.get("modifiedDateTime")),
    )


def group(account_id: str, item: Json) -> DirectoryGroup:
    """Return a group."""
    return DirectoryGroup(
        account_id=account_id,
        group_id=text(item, "groupId"),
        name=text(item, "groupName"),
        group_type=group_type(item.get("groupType", "custom")),
        managed_by_scim=flag(item.get("isManagedByScim")),
    )


def member(account_id: str, item: Json, profile_id: str | None) -> DomainUser:
    """Return a user of the eSignature API with the membership in one account.

    :param profile_id: as resolved: the answer may lack it.
    """
    membership = Membership(
        account_id=account_id,
        status=status(item.get("userStatus")),
        profile_id=profile_id,
        group_ids=custom_group_ids(item.get("groupList"), "groupId", "groupType"),
        is_admin=flag(item.get("isAdmin")),
        membership_id=text(item, "membershipId") or None,
        created_at=moment(item.get("userAddedToAccountDateTime")),
        managed_by_scim=flag(item.get("isMembershipManagedByScim")),
        job_title=text(item, "jobTitle"),
        company=text(item, "company"),
    )
    return DomainUser(
        user_id=text(item, "userId").lower(),
        email=text(item, "email"),
        user_name=text(item, "userName"),
        first_name=text(item, "firstName"),
        last_name=text(item, "lastName"),
        middle_name=text(item, "middleName"),
        suffix=text(item, "suffixName"),
        job_title=text(item, "jobTitle"),
        company=text(item, "company"),
        memberships={account_id: membership},
        managed_by_scim=flag(item.get("isManagedByScim")),
        created_at=moment(item.get("createdDateTime")),
        modified_at=moment(item.get("userProfileLastModifiedDate")),
        last_login_at=moment(item.get("lastLogin")),
    )


def admin_membership(item: Json) -> Membership:
    """Return a membership as the Admin API shows it."""
    held = item.get("permission_profile") or {}
    return Membership(
        account_id=text(item, "account_id").lower(),
        status=status(item.get("status")),
        profile_id=text(held, "id") or None,
        group_ids=custom_group_ids(item.get("groups"), "id", "type"),
        is_admin=flag(item.get("is_admin")),
        membership_id=text(item, "id") or None,
        created_at=moment(item.get("created_on")),
        closed_at=moment(item.get("closed_on")),
        managed_by_scim=flag(item.get("is_membership_managed_by_scim")),
    )


def person(item: Json, governed: frozenset[str], seen_at: datetime) -> DomainUser:
    """Return a user of Admin ``users/profile`` with the memberships in the governed accounts."""
    places = [place for place in item.get("memberships") or () if isinstance(place, dict)]
    memberships = {found.account_id: found for found in map(admin_membership, places)}
    addresses = (text(place, "email") for place in places)
    says_admin = item.get("is_organization_admin")
    return DomainUser(
        user_id=text(item, "id").lower(),
        email=text(item, "email") or next(filter(None, addresses), ""),
        user_name=text(item, "user_name"),
        first_name=text(item, "first_name"),
        last_name=text(item, "last_name"),
        memberships={key: value for key, value in memberships.items() if key in governed},
        site_id=number(item.get("site_id")),
        is_organization_admin=flag(says_admin) if says_admin is not None else None,
        organization_admin_verified_at=seen_at if says_admin is not None else None,
        managed_by_scim=flag(item.get("is_managed_by_scim")),
        created_at=moment(item.get("created_on")),
    )
