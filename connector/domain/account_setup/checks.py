"""What cannot be of a wish for an account, each problem with its place in the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connector.domain.account_setup.actual import (
    ADMINISTRATION,
    BUILT_IN,
    ActualAccount,
    ActualProfile,
)
from connector.domain.account_setup.planning import administrator_profile, profile_steps
from connector.domain.account_setup.wish import ProfileRemoval, Wish
from connector.domain.model import fold
from connector.domain.writing import counted


def wish_problems(wish: Wish, actual: ActualAccount) -> Iterator[str]:
    """Yield what cannot be of a wish, each with its place in the file."""
    for place, wanted in enumerate(wish.profiles):
        found, here = actual.profile(wanted.name), f"profiles[{place}]"
        if found is None and fold(wanted.name) in BUILT_IN:
            yield f"{here}: {wanted.name!r} is the name of a profile of DocuSign's own"
        if found is not None and found.is_built_in and any(profile_steps(wanted, actual)):
            yield (
                f"{here}: {found.name!r} is DocuSign's own, which nobody can change; declare a "
                "profile with a name of your own"
            )
    yield from _people_problems(wish, actual)
    yield from _removal_problems(wish, actual)


def _people_problems(wish: Wish, actual: ActualAccount) -> Iterator[str]:
    for place, email in enumerate(wish.administrators):
        if actual.member(email) is None:
            yield (
                f"administrators[{place}]: {email} has no open membership in the account; create "
                "the user first"
            )
    name = wish.administrator_profile
    if not name:
        if wish.administrators and administrator_profile(wish, actual) is None:
            yield "administrators: the account has no profile that makes an administrator"
        return
    wanted = next((one for one in wish.profiles if fold(one.name) == fold(name)), None)
    found = actual.profile(name)
    makes = wanted.settings.get(ADMINISTRATION) if wanted is not None else None
    if makes is None:
        makes = found.settings.get(ADMINISTRATION) if found is not None else None
    if makes != "true":
        yield (
            f"administrator_profile: {name!r} does not make an administrator: set "
            f"{ADMINISTRATION} in it"
        )


def _removal_problems(wish: Wish, actual: ActualAccount) -> Iterator[str]:
    declared = {fold(one.name) for one in wish.profiles}
    for place, removal in enumerate(wish.remove_profiles):
        here = f"remove.profiles[{place}]"
        if fold(removal.name) in declared:
            yield f"{here}: {removal.name!r} is among the profiles that shall be there"
        found = actual.profile(removal.name)
        if found is not None:
            yield from _successor_problems(here, removal, found, actual, declared)
    for place, name in enumerate(wish.remove_groups):
        if fold(name) in {fold(one) for one in wish.groups}:
            yield f"remove.groups[{place}]: {name!r} is among the groups that shall be there"
    for place, email in enumerate(wish.remove_administrators):
        if fold(email) in {fold(one) for one in wish.administrators}:
            yield f"remove.administrators[{place}]: {email} shall administer the account as well"


def _successor_problems(
    here: str,
    removal: ProfileRemoval,
    found: ActualProfile,
    actual: ActualAccount,
    declared: Collection[str],
) -> Iterator[str]:
    target = removal.move_users_to
    if found.is_built_in:
        yield f"{here}: {found.name!r} is DocuSign's own and stays"
    if found.holders and not target:
        held = counted(found.holders, "holder")
        yield f"{here}.move_users_to: must be given, as the profile has {held}"
    if target and not (actual.profile(target) or fold(target) in declared):
        yield f"{here}.move_users_to: there is no profile {target!r}"
    if fold(target) == fold(removal.name):
        yield f"{here}.move_users_to: is the profile itself"
