"""What a client wants, free of SCIM's syntax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.model import ORGANIZATION_ADMIN, MembershipStatus, User
from connector.domain.plan import Person
from connector.domain.work_items.items import Direction

ProfileKey = tuple[str, str]
"""(account id, profile id)."""


@dataclass(frozen=True)
class Statement:
    """What a request says of a person, even where nothing has to be changed for it."""

    profiles: frozenset[ProfileKey] | None = None
    """The profiles wanted; None: it says nothing of profiles."""
    accounts: frozenset[str] | None = None
    """The accounts that it speaks of; None: all."""
    active: bool | None = None
    person: bool = False
    """Whether it gives the whole person, as a PUT does."""

    def __bool__(self) -> bool:
        return self.profiles is not None or self.active is not None or self.person

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "profiles": None if self.profiles is None else sorted(self.profiles),
            "accounts": None if self.accounts is None else sorted(self.accounts),
            "active": self.active,
            "person": self.person,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Statement:
        """Return the statement that :meth:`to_dict` wrote."""
        profiles, accounts = data.get("profiles"), data.get("accounts")
        return Statement(
            None if profiles is None else frozenset((a, p) for a, p in profiles),
            None if accounts is None else frozenset(accounts),
            data.get("active"),
            bool(data.get("person")),
        )


@dataclass(frozen=True)
class DesiredUser:
    """The state of a person that a request asks for, complete where it asserts something."""

    person: Person
    active: bool | None = None
    """None leaves it as it is."""
    profiles: frozenset[ProfileKey] | None = None
    """All profiles wanted; None asserts nothing about them."""
    roles: frozenset[str] | None = None
    """All manual roles wanted; None asserts nothing about them."""
    exact: bool = False
    """True where the profiles were listed in full (POST, PUT): two for one account contradict each
    other. False for a PATCH, where the one that is new replaces the one that is held."""
    external_id: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Attributes that only the ledger can hold."""
    takes_back: frozenset[ProfileKey] = frozenset()
    """Profiles that were asked for, still wait for people, and are no longer wanted."""
    forgets: frozenset[ProfileKey] = frozenset()
    """Profiles that an inactive person shall not get back once they are enabled."""
    reason: str = ""
    """Why it is asked for, in the requester's words."""
    says: Statement = Statement()
    """What the request itself says; nothing where the connector puts something right."""
    unasked: bool = False
    """Whether memberships are closed because nobody asked for them: what they hold is not given
    again when the person is enabled."""
    restores: Mapping[str, Remembered] = field(default_factory=dict)
    """What re-opened memberships hold, by account id, besides what is remembered of them."""


@dataclass(frozen=True)
class Remembered:
    """Profile and groups of a membership that was closed to be re-opened some day."""

    profile_id: str | None
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActualUser:
    """A person as the mirror and the ledger have them."""

    user: User
    pending_roles: Mapping[str, Direction] = field(default_factory=dict)
    """Open approvals and manual tasks, by role."""
    attested_roles: frozenset[str] = frozenset()
    """Roles that no API shows and a person has attested."""
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    """What memberships held when the connector closed them, by account id."""
    pending_profiles: frozenset[ProfileKey] = frozenset()
    """Profiles that were asked for and wait for people."""
    taken: frozenset[str] = frozenset()
    """Accounts whose membership the connector closed for good while others stayed open."""

    @property
    def to_return(self) -> Mapping[str, Remembered]:
        """What enabling an inactive person gives again, by account id: what is remembered, else the
        last known profiles, save in accounts that were taken from them before."""
        if self.remembered or any(self.user.open_memberships()):
            return self.remembered
        closed = {
            item.account_id: Remembered(item.profile_id)
            for item in self.user.memberships.values()
            if item.status is MembershipStatus.CLOSED
        }
        held_last = {key: held for key, held in closed.items() if key not in self.taken}
        return held_last or closed

    @property
    def profiles_to_return(self) -> frozenset[ProfileKey]:
        """The profiles among :attr:`to_return`."""
        return frozenset(
            (account_id, held.profile_id)
            for account_id, held in self.to_return.items()
            if held.profile_id is not None
        )

    @property
    def confirmed_roles(self) -> frozenset[str]:
        """The manual roles that are really held."""
        return confirmed_roles(self.user) | self.attested_roles

    @property
    def requested_roles(self) -> frozenset[str]:
        """The roles as they will be once every open task is done."""
        granted = {role for role, way in self.pending_roles.items() if way is Direction.GRANT}
        return (self.confirmed_roles | granted) - self.revoked_roles

    @property
    def revoked_roles(self) -> frozenset[str]:
        """The roles that an open task takes away."""
        return frozenset(
            role for role, way in self.pending_roles.items() if way is Direction.REVOKE
        )


def confirmed_roles(user: User) -> frozenset[str]:
    """Return the manual roles that DocuSign confirms."""
    return frozenset({ORGANIZATION_ADMIN}) if user.is_organization_admin else frozenset()


@dataclass(frozen=True)
class GroupChange:
    """How one DocuSign group shall change: who joins, who leaves, what it is called."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    name: str | None = None
    """A new name, or None."""
    stay: frozenset[str] = frozenset()
    """Members whom a whole list names: nothing is done about them, but the request says that they
    belong to it."""
    is_whole: bool = False
    """Whether nobody else shall be a member: who was lost natively shall stay out."""
