"""How an account shall be set up, how it is, and the steps between: all of it plain data.

Nothing is taken away or altered that the wish does not name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from connector.domain.audit import canonical
from connector.domain.model import fold

ADMINISTRATION = "allowAccountManagement"
"""The setting that makes whoever holds a profile an administrator of the account."""
BUILT_IN = frozenset(
    {
        "account administrator",
        "docusign sender",
        "docusign viewer",
        "ds admin",
        "ds sender",
        "ds viewer",
    }
)
"""Profiles that DocuSign has made and nobody can change."""

Settings = Mapping[str, str]
"""As DocuSign writes them: all values are text."""


@dataclass(frozen=True)
class ProfileWish:
    """A permission profile that shall exist."""

    name: str
    settings: Settings = field(default_factory=dict)
    """Those that matter; others stay as they are."""


@dataclass(frozen=True)
class ProfileRemoval:
    """A permission profile that shall be gone."""

    name: str
    move_users_to: str = ""
    """The profile that its holders get."""


@dataclass(frozen=True)
class Wish:
    """How an account shall be."""

    profiles: Sequence[ProfileWish] = ()
    groups: Sequence[str] = ()
    administrators: Sequence[str] = ()
    """Addresses of people who shall administer the account."""
    administrator_profile: str = ""
    """What they get; empty: DocuSign's own."""
    remove_profiles: Sequence[ProfileRemoval] = ()
    remove_groups: Sequence[str] = ()
    remove_administrators: Sequence[str] = ()


@dataclass(frozen=True)
class ActualProfile:
    """A permission profile as DocuSign has it."""

    profile_id: str
    name: str
    settings: Settings
    holders: int = 0

    @property
    def is_admin(self) -> bool:
        """Whether it makes an administrator."""
        return self.settings.get(ADMINISTRATION) == "true"

    @property
    def is_built_in(self) -> bool:
        """Whether it is DocuSign's own."""
        return fold(self.name) in BUILT_IN


@dataclass(frozen=True)
class ActualGroup:
    """A group that people made."""

    group_id: str
    name: str


@dataclass(frozen=True)
class Member:
    """Somebody with an open membership in the account."""

    user_id: str
    email: str
    profile_id: str
    is_admin: bool


@dataclass(frozen=True)
class ActualAccount:
    """An account as it is."""

    account_id: str
    profiles: Sequence[ActualProfile]
    groups: Sequence[ActualGroup]
    members: Sequence[Member]
    """All administrators, and whomever the wish names."""
    service_user_id: str

    def profile(self, name: str) -> ActualProfile | None:
        """Return a profile by its name or id."""
        found = [one for one in self.profiles if fold(one.name) == fold(name)]
        return next(iter(found), None) or next(
            (one for one in self.profiles if one.profile_id == name), None
        )

    def group(self, name: str) -> ActualGroup | None:
        """Return a group by its name."""
        return next((one for one in self.groups if fold(one.name) == fold(name)), None)

    def member(self, email: str) -> Member | None:
        """Return a member by their address."""
        return next((one for one in self.members if fold(one.email) == fold(email)), None)


@dataclass(frozen=True)
class CreateProfile:
    """A profile is made."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class ChangeProfile:
    """Settings of a profile change."""

    profile_id: str
    name: str
    before: Settings
    after: Settings
    """Only what changes."""
    holders: int


@dataclass(frozen=True)
class RemoveProfile:
    """A profile is deleted; its holders get another."""

    profile_id: str
    name: str
    successor_id: str
    successor: str
    holders: int


@dataclass(frozen=True)
class CreateGroup:
    """A group is made."""

    name: str


@dataclass(frozen=True)
class RemoveGroup:
    """A group is deleted."""

    group_id: str
    name: str


@dataclass(frozen=True)
class GrantAdministration:
    """Somebody becomes an administrator."""

    user_id: str
    email: str
    profile: str


@dataclass(frozen=True)
class RevokeAdministration:
    """Somebody is an administrator no longer, and gets the account's baseline profile."""

    user_id: str
    email: str


Step = (
    CreateProfile
    | ChangeProfile
    | CreateGroup
    | GrantAdministration
    | RevokeAdministration
    | RemoveGroup
    | RemoveProfile
)


@dataclass(frozen=True)
class SetupPlan:
    """What is to be done, in an order that is safe to stop after any step."""

    account_id: str
    steps: Sequence[Step]

    @property
    def checksum(self) -> str:
        """Tells whether two plans are the same."""
        told = [[type(step).__name__, asdict(step)] for step in self.steps]
        return hashlib.sha256(canonical([self.account_id, told]).encode()).hexdigest()[:16]

    @property
    def affected(self) -> int:
        """How many people's access it changes."""
        return sum(_affected(step) for step in self.steps)


def _affected(step: Step) -> int:
    if isinstance(step, ChangeProfile | RemoveProfile):
        return step.holders
    return int(isinstance(step, GrantAdministration | RevokeAdministration))


def plan_setup(wish: Wish, actual: ActualAccount) -> SetupPlan:
    """Return the steps from an account as it is to the wish, which was checked
    (:mod:`connector.domain.account_setup_checks`)."""
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


def wanted_people(wish: Wish) -> Sequence[str]:
    """Return the addresses of everybody whom a wish names."""
    return [*wish.administrators, *wish.remove_administrators]
