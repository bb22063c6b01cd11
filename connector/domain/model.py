"""What the connector knows of DocuSign, in DocuSign's terms and Python's types.

All values are immutable. Identifiers are strings as DocuSign's eSignature API writes them: GUIDs in
lower case, groups and permission profiles as decimal digits. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

ORGANIZATION_ADMIN = "organization-admin"
"""The SCIM id of the one built-in manual role."""


class MembershipStatus(StrEnum):
    """``userStatus`` of the eSignature API and ``membership_status`` of the Admin API, unified."""

    ACTIVE = "active"
    ACTIVATION_REQUIRED = "activation_required"
    ACTIVATION_SENT = "activation_sent"
    CLOSED = "closed"
    DISABLED = "disabled"

    @property
    def is_open(self) -> bool:
        """True while the membership holds the address: active, or waiting for the person."""
        return self in (self.ACTIVE, self.ACTIVATION_REQUIRED, self.ACTIVATION_SENT)

    @property
    def is_pending(self) -> bool:
        """True while DocuSign waits for the person to activate."""
        return self in (self.ACTIVATION_REQUIRED, self.ACTIVATION_SENT)

    @property
    def in_words(self) -> str:
        """What people are shown of it."""
        if self is self.ACTIVATION_SENT:
            return "invited"
        return "must activate" if self is self.ACTIVATION_REQUIRED else self.value


@dataclass(frozen=True)
class Account:
    """One DocuSign account that the tenant governs."""

    account_id: str
    name: str
    base_uri: str = ""
    organization_id: str | None = None
    site_id: int | None = None


@dataclass(frozen=True)
class Profile:
    """A permission profile of one account. A membership holds exactly one."""

    account_id: str
    profile_id: str
    name: str
    is_admin: bool = False
    modified_at: datetime | None = None

    @property
    def scim_id(self) -> str:
        """The id of the ``Entitlement`` resource, never changed once given."""
        return profile_scim_id(self.account_id, self.profile_id)


class GroupType(StrEnum):
    """``groupType`` of the eSignature API."""

    CUSTOM = "custom"
    ADMIN = "admin"
    EVERYONE = "everyone"

    @property
    def is_built_in(self) -> bool:
        """Built-in groups are filled by DocuSign and refuse changes."""
        return self is not GroupType.CUSTOM


@dataclass(frozen=True)
class DirectoryGroup:
    """A DocuSign group of one account, without its members."""

    account_id: str
    group_id: str
    name: str
    group_type: GroupType = GroupType.CUSTOM
    managed_by_scim: bool = False

    @property
    def scim_id(self) -> str:
        """The id of the ``Group`` resource; distinct from every entitlement's."""
        return group_scim_id(self.account_id, self.group_id)


def profile_scim_id(account_id: str, profile_id: str) -> str:
    """Return the SCIM id of a permission profile."""
    return f"{account_id}.{profile_id}"


def group_scim_id(account_id: str, group_id: str) -> str:
    """Return the SCIM id of a DocuSign group."""
    return f"{account_id}.g{group_id}"


def profile_group_scim_id(account_id: str, profile_id: str) -> str:
    """Return the SCIM id of a permission profile where profiles are shown as Groups."""
    return f"{account_id}.p{profile_id}"


def role_group_scim_id(role: str) -> str:
    """Return the SCIM id of a manual role where roles are shown as Groups."""
    return f"{_ROLE_GROUP}{role}"


class IdKind(StrEnum):
    """What a SCIM id of an entitlement, a role or a Group is the id of."""

    PROFILE = "profile"
    GROUP = "group"
    PROFILE_GROUP = "profile_group"
    """A permission profile that is shown as a Group."""
    ROLE = "role"
    """A manual role, shown as a Group or not."""


class NamedId(NamedTuple):
    """What a SCIM id names."""

    kind: IdKind
    account_id: str
    """Empty for a role."""
    value: str
    """DocuSign's id of the profile or the group, or the role."""

    @property
    def place(self) -> tuple[str, str]:
        """The key of a profile or a group in the :class:`Catalogue`."""
        return self.account_id, self.value


_ROLE_GROUP = "role."
_MARKS = {"g": IdKind.GROUP, "p": IdKind.PROFILE_GROUP}
"""By the first letter behind the account; DocuSign's ids are numbers."""


def parse_scim_id(scim_id: str) -> NamedId:
    """Return what a SCIM id names, whether there is such a thing or not: the other way round than
    :func:`profile_scim_id` and its like. Without a dot it is a role's."""
    account_id, dot, rest = scim_id.partition(".")
    if not dot or scim_id.startswith(_ROLE_GROUP):
        return NamedId(IdKind.ROLE, "", scim_id.removeprefix(_ROLE_GROUP))
    kind = _MARKS.get(rest[:1], IdKind.PROFILE)
    return NamedId(kind, account_id, rest if kind is IdKind.PROFILE else rest[1:])


@dataclass(frozen=True)
class Membership:
    """A user's place in one account."""

    account_id: str
    status: MembershipStatus
    profile_id: str | None = None
    group_ids: frozenset[str] = frozenset()
    """Custom groups only: DocuSign fills the built-in ones by itself."""
    is_admin: bool = False
    membership_id: str | None = None
    created_at: datetime | None = None
    closed_at: datetime | None = None
    managed_by_scim: bool = False
    """DocuSign's own SCIM owns this membership: we do not write to it."""
    job_title: str | None = None
    """Each membership has its own; None as long as it was not read."""
    company: str | None = None
    """As the job title."""
    groups_written_at: datetime | None = field(default=None, compare=False)
    """When the connector itself last put the person into a group of the account or took them out;
    not what DocuSign shows."""

    def entitlements(self) -> Iterator[str]:
        """Yield the SCIM ids of the profile and the groups, whether they count or not."""
        if self.profile_id is not None:
            yield profile_scim_id(self.account_id, self.profile_id)
        for group_id in self.group_ids:
            yield group_scim_id(self.account_id, group_id)


@dataclass(frozen=True)
class User:
    """One person as DocuSign knows them, with all memberships in the tenant's accounts."""

    user_id: str
    email: str
    user_name: str
    """The full name, DocuSign's ``userName``; not SCIM's."""
    first_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    suffix: str = ""
    job_title: str = ""
    """Of the membership at :attr:`home`, as is the company."""
    company: str = ""
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    """By account id."""
    site_id: int | None = None
    is_organization_admin: bool | None = None
    """None until verified through the Admin API, or without an organization."""
    organization_admin_verified_at: datetime | None = None
    managed_by_scim: bool = False
    created_at: datetime | None = None
    modified_at: datetime | None = field(default=None, compare=False)
    """When DocuSign last changed the user, if a read just made shows it; the mirror keeps none."""
    last_login_at: datetime | None = None
    """When the person last signed in to DocuSign, in any account; None for never, or unknown."""

    @property
    def email_key(self) -> str:
        """The address as compared: without case (RFC 7643 §4.1.1, caseExact false)."""
        return fold(self.email)

    @property
    def home(self) -> str | None:
        """The account whose job title and company are the person's: the first by id of those with
        an open membership, else of all. It does not depend on which account is read last."""
        places = [item.account_id for item in self.open_memberships()] or [*self.memberships]
        return min(places, default=None)

    def open_memberships(self) -> Iterable[Membership]:
        """Return the memberships that hold the address."""
        return (item for item in self.memberships.values() if item.status.is_open)

    def entitlements(self) -> frozenset[str]:
        """Return the SCIM ids of the profiles and groups that the person holds."""
        return frozenset(
            scim_id for item in self.open_memberships() for scim_id in item.entitlements()
        )

    def is_active(self, *, pending_counts: bool) -> bool:
        """Return SCIM's ``active``: some membership is usable."""
        return any(
            item.status is MembershipStatus.ACTIVE or (pending_counts and item.status.is_pending)
            for item in self.memberships.values()
        )


@dataclass(frozen=True)
class Catalogue:
    """The accounts, profiles and groups of one tenant, as last aggregated."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    profiles: Mapping[tuple[str, str], Profile] = field(default_factory=dict)
    """By (account id, profile id)."""
    groups: Mapping[tuple[str, str], DirectoryGroup] = field(default_factory=dict)
    """By (account id, group id)."""

    def find(self, scim_id: str) -> Profile | DirectoryGroup | None:
        """Return the profile or the group of an id; None where there is none, or no longer."""
        named = parse_scim_id(scim_id)
        if named.kind is IdKind.GROUP:
            return self.groups.get(named.place)
        return self.profiles.get(named.place) if named.kind is IdKind.PROFILE else None

    def title(self, item: Profile | DirectoryGroup) -> str:
        """Return what people are shown of a profile or a group: its name, and its account's in
        brackets where it is known."""
        account = self.accounts.get(item.account_id)
        return f"{item.name} ({account.name})" if account else item.name

    def is_called(self, item: Profile | DirectoryGroup, name: str) -> bool:
        """Whether a profile or a group is called so, with its account or without."""
        return fold(name) in (fold(item.name), fold(self.title(item)))


def fold(text: str) -> str:
    """Return *text* as compared where an attribute is not caseExact."""
    return text.casefold()
