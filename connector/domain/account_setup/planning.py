"""The steps from an account as it is to the wish.

Nothing is taken away or altered that the wish does not name.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.domain.account_setup.actual import ActualAccount
from connector.domain.account_setup.steps import (
    ChangeProfile,
    CreateGroup,
    CreateProfile,
    GrantAdministration,
    RemoveGroup,
    RemoveProfile,
    RevokeAdministration,
    SetupPlan,
    Step,
)
from connector.domain.account_setup.wish import ProfileRemoval, ProfileWish, Wish


def plan_setup(wish: Wish, actual: ActualAccount) -> SetupPlan:
    """Return the steps from an account as it is to the wish, which was checked
    (:mod:`connector.domain.account_setup.checks`)."""
    steps: list[Step] = []
    for wanted in wish.profiles:
        steps += profile_steps(wanted, actual)
    steps += [CreateGroup(name) for name in wish.groups if actual.group(name) is None]
    steps += _administrator_steps(wish, actual)
    for name in wish.remove_groups:
        if (group := actual.group(name)) is not None:
            steps.append(RemoveGroup(group.group_id, group.name))
    for removal in wish.remove_profiles:
        steps += _removal_steps(removal, actual)
    return SetupPlan(actual.account_id, steps)


def profile_steps(wanted: ProfileWish, actual: ActualAccount) -> Iterator[Step]:
    """Yield what makes a profile what it shall be, if anything."""
    found = actual.profile(wanted.name)
    if found is None:
        yield CreateProfile(wanted.name, dict(wanted.settings))
        return
    after = {
        name: value for name, value in wanted.settings.items() if found.settings.get(name) != value
    }
    if after:
        before = {name: found.settings.get(name, "") for name in after}
        yield ChangeProfile(found.profile_id, found.name, before, after, found.holders)


def _administrator_steps(wish: Wish, actual: ActualAccount) -> Iterator[Step]:
    profile = administrator_profile(wish, actual)
    for email in wish.administrators:
        member = actual.member(email)
        if member is not None and not member.is_admin and profile is not None:
            yield GrantAdministration(member.user_id, member.email, profile)
    for email in wish.remove_administrators:
        member = actual.member(email)
        if member is not None and member.is_admin:
            yield RevokeAdministration(member.user_id, member.email)


def _removal_steps(removal: ProfileRemoval, actual: ActualAccount) -> Iterator[Step]:
    found, successor = actual.profile(removal.name), actual.profile(removal.move_users_to)
    if found is not None:
        yield RemoveProfile(
            found.profile_id,
            found.name,
            successor.profile_id if successor else "",
            successor.name if successor else removal.move_users_to,
            found.holders,
        )


def administrator_profile(wish: Wish, actual: ActualAccount) -> str | None:
    """Return the name of the profile that administrators get, None where there is none."""
    if wish.administrator_profile:
        return wish.administrator_profile
    ready = [one for one in actual.profiles if one.is_admin]
    built_in = [one for one in ready if one.is_built_in]
    return next((one.name for one in built_in or ready), None)
