"""How the Admin API shows users, memberships and groups. Numbers are numbers here."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from flask import request

from simulator import wire
from simulator.simulator import current
from simulator.state import groups
from simulator.state.model import Group, GroupType, Membership, OtherAdmin, Profile, User
from simulator.wire import admin_moment

GROUP_TYPES: dict[GroupType, tuple[str, int]] = {
    GroupType.ADMIN: ("admin_group", 1),
    GroupType.EVERYONE: ("everyone_group", 2),
    GroupType.CUSTOM: ("custom_group", 3),
}
DEFAULT_TAKE = 20
ELSEWHERE = uuid.UUID("e15e0000-0000-4000-8000-000000000001")
"""The account, and the organization, of foreign administrators."""


def listed_user(user: User, membership: Membership | None) -> dict[str, Any]:
    """Return a user as the organization's list shows it: no profile, no admin flag, no site."""
    shown: dict[str, Any] = {
        "id": user.user_id,
        "user_name": user.user_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "user_status": user.admin_status,
        "email": user.email,
        "created_on": admin_moment(user.created_at),
        "is_managed_by_scim": user.managed_by_scim,
    }
    if user.closed_at is not None:
        shown["closed_on"] = admin_moment(user.closed_at)
    if membership is not None:
        shown |= {
            "membership_id": membership.membership_id,
            "membership_status": membership.status.admin_name,
            "membership_created_on": admin_moment(membership.created_at),
            "is_membership_managed_by_scim": membership.managed_by_scim,
        }
        if membership.closed_at is not None:
            shown["membership_closed_on"] = admin_moment(membership.closed_at)
    return shown


def profile_of_user(user: User) -> dict[str, Any]:
    """Return a user as ``users/profile`` shows it, with every membership."""
    accounts = current().state.accounts
    default = accounts.get(user.default_account_id)
    shown: dict[str, Any] = {
        "id": user.user_id,
        "site_id": user.site_id,
        "site_name": f"na{user.site_id}",
        "user_name": user.user_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "user_status": user.admin_status,
        "default_account_id": user.default_account_id,
        "default_account_name": default.name if default else "",
        "language_culture": user.language,
        "federated_status": user.federated_status,
        "is_organization_admin": _says_admin(user),
        "created_on": admin_moment(user.created_at),
        "memberships": _places(user),
        "identities": [],
        "device_verification_enabled": False,
        "is_managed_by_scim": user.managed_by_scim,
    }
    if user.last_login_at is not None:
        shown["last_login"] = admin_moment(user.last_login_at)
    return shown


def _says_admin(user: User) -> bool:
    """Return the flag of full administrators, and perhaps of those who look like one."""
    variants = current().state.variants
    flagged = {
        OtherAdmin.INVITED: variants.invited_admin_flag,
        OtherAdmin.DELEGATED: variants.delegated_admin_flag,
        OtherAdmin.FOREIGN: variants.foreign_admin_flag,
    }
    return user.is_organization_admin or any(flagged[kind] for kind in user.other_admin)


def _places(user: User) -> list[dict[str, Any]]:
    """Return a user's memberships; those in other organizations are external ones."""
    places = [membership_view(item) for item in user.memberships.values()]
    if OtherAdmin.FOREIGN in user.other_admin:
        external = {
            "id": str(uuid.uuid5(ELSEWHERE, user.user_id)),
            "email": user.email,
            "account_id": str(ELSEWHERE),
            "external_account_id": "900000001",
            "account_name": "Elsewhere Ltd.",
            "is_external_account": True,
            "status": "active",
            "permission_profile": {},
            "created_on": admin_moment(user.created_at),
            "groups": [],
            "is_admin": True,
        }
        places.append(external)
    return places


def membership_view(membership: Membership) -> dict[str, Any]:
    """Return a membership inside a user."""
    account = membership.account
    shown: dict[str, Any] = {
        "id": membership.membership_id,
        "email": membership.user.email,
        "account_id": account.account_id,
        "external_account_id": str(account.external_id),
        "account_name": account.name,
        "is_external_account": False,
        "status": membership.status.admin_name,
        "created_on": admin_moment(membership.created_at),
        "groups": [group_view(group) for group in groups.of_membership(membership)],
        "is_admin": membership.is_admin,
    }
    if (profile := membership.profile) is not None:
        shown["permission_profile"] = profile_view(profile)
    return shown


def profile_view(profile: Profile) -> dict[str, Any]:
    """Return a permission profile by id and name."""
    return {"id": int(profile.profile_id), "name": profile.name}


def group_view(group: Group) -> dict[str, Any]:
    """Return a group by id, name and type."""
    name, number = GROUP_TYPES[group.kind]
    by_number = current().state.variants.admin_group_type == "number"
    return {
        "id": int(group.group_id),
        "name": group.name,
        "type": number if by_number else name,
    }


def page() -> wire.Page:
    """Return the page that ``start``, ``take`` and ``end`` ask for; a large ``take`` is cut."""
    start = wire.number_argument("start", 0, 0)
    take = wire.number_argument("take", 0, 0)
    if take == 0:
        end = wire.number_argument("end", start + DEFAULT_TAKE - 1, 0)
        take = max(1, end - start + 1)
    return wire.Page(start, min(take, current().state.variants.admin_take_maximum), wire.slip())


def paging(wanted: wire.Page, returned: int, total: int) -> dict[str, Any]:
    """Return the member ``paging``: numbers and absolute addresses."""
    end = wanted.start + returned
    shown: dict[str, Any] = {
        "result_set_size": returned,
        "result_set_start_position": wanted.start,
        "result_set_end_position": max(wanted.start, end - 1),
        "total_set_size": total,
    }
    if not wanted.is_last(returned, total):
        shown["next"] = _address(start=end, take=wanted.count)
    if wanted.start > 0:
        shown["previous"] = _address(start=max(0, wanted.start - wanted.count), take=wanted.count)
    return shown


def _address(**changes: int) -> str:
    return f"{request.base_url}?{urlencode({**request.args, **changes})}"
