"""How an account shall be set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.domain.account_setup.actual import Settings


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


def wanted_people(wish: Wish) -> Sequence[str]:
    """Return the addresses of everybody whom a wish names."""
    return [*wish.administrators, *wish.remove_administrators]
