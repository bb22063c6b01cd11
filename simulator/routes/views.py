"""How the eSignature API shows users, groups and profiles."""

from __future__ import annotations

from typing import Any

from flask import request

from simulator.simulator import current
from simulator.state import groups
from simulator.state.model import Account, Group, Membership, Profile, Status
from simulator.wire import NEVER, capital_flag, flag, moment


def user_uri(account: Account, user_id: str) -> str:
    """Return the relative address of a user."""
    return f"/accounts/{account.account_id}/users/{user_id}"


def brief_user(membership: Membership) -> dict[str, Any]:
    """Return a user as a list without ``additional_info`` shows it."""
    user, profile = membership.user, membership.profile
    shown = {
        "userId": user.user_id,
        "userName": user.user_name,
        "email": user.email,
        "userType": "CompanyUser",
        "userStatus": str(membership.status),
        "isAdmin": capital_flag(membership.is_admin),
        "uri": user_uri(membership.account, user.user_id),
        "createdDateTime": moment(user.created_at),
        "userAddedToAccountDateTime": moment(membership.created_at),
    }
    if profile is not None and _shows_profile(membership):
        shown["permissionProfileName"] = profile.name
    return shown


def full_user(membership: Membership) -> dict[str, Any]:
    """Return a user as ``GET /users/{userId}`` shows it."""
    user, profile = membership.user, membership.profile
    shown = brief_user(membership) | {
        "firstName": user.first_name,
        "middleName": user.middle_name,
        "lastName": user.last_name,
        "suffixName": user.suffix,
        "title": "",
        "jobTitle": membership.job_title,
        "company": membership.company,
        "loginStatus": "unknown",
        "passwordExpiration": NEVER,
        "lastLogin": moment(user.last_login_at),
        "userProfileLastModifiedDate": moment(user.modified_at),
        "defaultAccountId": user.default_account_id,
        "sendActivationOnInvalidLogin": "false",
        "enableConnectForUser": "false",
        "isAlternateAdmin": "false",
        "isManagedByScim": flag(user.managed_by_scim),
        "isMembershipManagedByScim": flag(membership.managed_by_scim),
        "groupList": [group_of_user(group) for group in groups.of_membership(membership)],
        "userSettings": {"canManageAccount": flag(membership.is_admin), "locale": user.language},
    }
    if profile is not None and _shows_profile(membership):
        shown["permissionProfileId"] = profile.profile_id
        shown["userSettings"]["canSendEnvelope"] = flag(profile.can_send)
    return shown


def listed_user(membership: Membership) -> dict[str, Any]:
    """Return a user as a list with ``additional_info`` shows it."""
    variants = current().state.variants
    shown = full_user(membership)
    if not variants.list_groups:
        del shown["groupList"]
    if variants.list_profile_ids == "absent":
        shown.pop("permissionProfileId", None)
    elif variants.list_profile_ids == "wrong" and "permissionProfileId" in shown:
        shown["permissionProfileId"] = membership.account.default_profile_id
    return shown


def _shows_profile(membership: Membership) -> bool:
    active = membership.status is Status.ACTIVE
    return active or current().state.variants.closed_shows_profile


def group_of_user(group: Group) -> dict[str, str]:
    """Return a group as a user's ``groupList`` shows it."""
    return {
        "groupId": group.group_id,
        "groupName": group.name,
        "groupType": str(group.kind),
    }


def group_in_list(account: Account, group: Group) -> dict[str, Any]:
    """Return a group as ``GET /groups`` shows it."""
    shown: dict[str, Any] = group_of_user(group) | {
        "isManagedByScim": group.managed_by_scim,
        "lastModifiedOn": moment(group.modified_at),
    }
    if request.args.get("include_usercount", "").lower() == "true":
        shown["usersCount"] = str(groups.size(account, group))
    return shown


def group_member(membership: Membership) -> dict[str, Any]:
    """Return a user as a member of a group."""
    user = membership.user
    return {
        "userId": user.user_id,
        "userName": user.user_name,
        "email": user.email,
        "userType": "CompanyUser",
        "userStatus": str(membership.status),
        "uri": user_uri(membership.account, user.user_id),
    }


def profile_view(profile: Profile, user_count: int | None = None) -> dict[str, Any]:
    """Return a permission profile."""
    shown: dict[str, Any] = {
        "permissionProfileId": profile.profile_id,
        "permissionProfileName": profile.name,
        "modifiedDateTime": moment(profile.modified_at),
        "modifiedByUsername": "",
        "settings": profile_settings(profile),
    }
    if user_count is not None:
        shown["userCount"] = str(user_count)
    return shown


def profile_settings(profile: Profile) -> dict[str, str]:
    """Return the settings of a profile that matter here."""
    return {
        "allowAccountManagement": flag(profile.is_admin),
        "allowApiAccess": flag(profile.is_admin or profile.can_send),
        "allowEnvelopeSending": flag(profile.can_send),
        "allowBulkSending": flag(profile.is_admin),
        "powerFormRole": "admin" if profile.is_admin else "none",
        "vaultingMode": "none",
    } | profile.settings
