"""How an account is set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
