"""Rules for permission profiles: exactly one a membership, built-in ones fixed."""

from __future__ import annotations

from simulator.state.errors import RuleError, invalid
from simulator.state.model import Account, Membership, Profile, Status
from simulator.state.organization import State
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


def create(state: State, account: Account, name: str, *, is_admin: bool, can_send: bool) -> Profile:
    """Make a profile."""
    name = _checked_name(account, name)
    profile = Profile(account.take_number(), name, state.now(), is_admin, can_send)
    account.profiles[profile.profile_id] = profile
    return profile


def update(
    state: State,
    account: Account,
    profile_id: str,
    *,
    name: str | None,
    is_admin: bool | None,
    can_send: bool | None,
) -> Profile:
    """Change a custom profile."""
    profile = _custom(account, profile_id)
    if name is not None:
        profile.name = _checked_name(account, name, besides=profile)
    profile.is_admin = profile.is_admin if is_admin is None else is_admin
    profile.can_send = profile.can_send if can_send is None else can_send
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
