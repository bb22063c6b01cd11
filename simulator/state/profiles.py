"""Rules for permission profiles: exactly one a membership, built-in ones fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.state.errors import RuleError, invalid
from simulator.state.model import Account, Membership, Profile, Status
from simulator.state.organization import State
from simulator.state.profile_settings import taken
from simulator.state.users import checked_profile

MAX_PROFILE_NAME = 100


def get(account: Account, profile_id: str) -> Profile:
    """Return a profile.

    :raises RuleError: there is no such profile.
    """
    profile = account.profiles.get(profile_id)
    if profile is None:
        raise RuleError(
            "INVALID_PERMISSION_PROFILE_ID",
            f"The permission profile {profile_id} does not exist.",
            status=404,
        )
    return profile


def holders(account: Account, profile: Profile) -> list[Membership]:
    """Return who holds a profile and is not closed."""
    return [
        item
        for item in account.roster
        if item.profile_id == profile.profile_id and item.status is not Status.CLOSED
    ]


def count_users(account: Account, *, include_closed: bool) -> dict[str, int]:
    """Return the number of users of each profile, by profile id."""
    counts = dict.fromkeys(account.profiles, 0)
    for item in account.roster:
        if item.profile_id and (include_closed or item.status is not Status.CLOSED):
            counts[item.profile_id] += 1
    return counts


def create(state: State, account: Account, name: str, settings: Mapping[str, Any]) -> Profile:
    """Make a profile."""
    name, given = _checked_name(account, name), taken(settings)
    profile = Profile(account.take_number(), name, state.now(), can_send=False)
    _set(profile, given)
    account.profiles[profile.profile_id] = profile
    return profile


def update(
    state: State,
    account: Account,
    profile_id: str,
    *,
    name: str | None,
    settings: Mapping[str, Any],
) -> Profile:
    """Change a custom profile; settings that are not sent stay."""
    profile, given = _custom(account, profile_id), taken(settings)
    if name is not None:
        profile.name = _checked_name(account, name, besides=profile)
    _set(profile, given)
    profile.modified_at = state.now()
    return profile


def delete(state: State, account: Account, profile_id: str, move_users_to: str | None) -> None:
    """Remove a custom profile, moving its users to another one."""
    profile = _custom(account, profile_id)
    held_by = holders(account, profile)
    if held_by and not move_users_to:
        raise RuleError(
            "PERMISSION_PROFILE_IN_USE", "Users hold the permission profile: name move_users_to."
        )
    if move_users_to:
        checked_profile(account, move_users_to)
    for item in account.roster:
        if item.profile_id == profile_id:
            item.profile_id = move_users_to or None
            state.touch(item.user, item.account)
    del account.profiles[profile_id]


def _set(profile: Profile, given: Mapping[str, str]) -> None:
    others = dict(given)
    profile.is_admin = others.pop("allowAccountManagement", _word(profile.is_admin)) == "true"
    profile.can_send = others.pop("allowEnvelopeSending", _word(profile.can_send)) == "true"
    profile.settings |= others


def _word(value: bool) -> str:
    return "true" if value else "false"


def _custom(account: Account, profile_id: str) -> Profile:
    profile = get(account, profile_id)
    if profile.is_built_in:
        raise RuleError(
            "CANNOT_MODIFY_BUILT_IN_PERMISSION_PROFILE", f"The profile {profile.name} is built in."
        )
    return profile


def _checked_name(account: Account, name: str, besides: Profile | None = None) -> str:
    name = name.strip()
    if not name or len(name) > MAX_PROFILE_NAME:
        raise invalid(f"permissionProfileName must have 1 to {MAX_PROFILE_NAME} characters.")
    for profile in account.profiles.values():
        if profile is not besides and profile.name.lower() == name.lower():
            raise RuleError(
                "PERMISSION_PROFILE_NAME_ALREADY_EXISTS", f"There is a profile {name!r} already."
            )
    return name
