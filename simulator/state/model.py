"""What DocuSign keeps: organization, accounts, profiles, groups, users, memberships.

What refers to many others, or back, is left out of the representation: printed in full, one
membership would be the whole organization.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """``userStatus`` of the eSignature API: the status of a membership."""

    ACTIVE = "Active"
    ACTIVATION_REQUIRED = "ActivationRequired"
    ACTIVATION_SENT = "ActivationSent"
    CLOSED = "Closed"
    DISABLED = "Disabled"

    @property
    def is_pending(self) -> bool:
        """True while DocuSign waits for the person."""
        return self in (Status.ACTIVATION_REQUIRED, Status.ACTIVATION_SENT)

    @property
    def is_open(self) -> bool:
        """True while the membership holds its address."""
        return self is Status.ACTIVE or self.is_pending

    @property
    def admin_name(self) -> str:
        """``membership_status`` of the Admin API."""
        return _ADMIN_NAMES[self]


_ADMIN_NAMES = {
    Status.ACTIVE: "active",
    Status.ACTIVATION_REQUIRED: "activation_required",
    Status.ACTIVATION_SENT: "activation_sent",
    Status.CLOSED: "closed",
    Status.DISABLED: "disabled",
}


class GroupType(StrEnum):
    """``groupType`` as eSignature answers write it."""

    ADMIN = "adminGroup"
    EVERYONE = "everyoneGroup"
    CUSTOM = "customGroup"


@dataclass(slots=True)
class Profile:
    """A permission profile of one account."""

    profile_id: str
    name: str
    modified_at: datetime
    is_admin: bool = False
    can_send: bool = True
    is_built_in: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    """What was set besides the two above, as DocuSign writes it."""


@dataclass(slots=True)
class Group:
    """A group of one account. The members of built-in groups follow from the memberships."""

    group_id: str
    name: str
    modified_at: datetime
    kind: GroupType = GroupType.CUSTOM
    members: dict[str, Membership] = field(default_factory=dict, repr=False)
    """By user id, in the order of joining."""
    managed_by_scim: bool = False
    """Whether DocuSign's own SCIM owns it."""


@dataclass(slots=True)
class Membership:
    """A user's place in one account: one status, one profile, many groups."""

    membership_id: str
    account: Account = field(repr=False)
    user: User = field(repr=False)
    status: Status
    profile_id: str | None
    created_at: datetime
    closed_at: datetime | None = None
    activated_at: datetime | None = None
    group_ids: tuple[str, ...] = ()
    """Custom groups only."""
    job_title: str = ""
    company: str = ""
    managed_by_scim: bool = False

    @property
    def profile(self) -> Profile | None:
        """The permission profile, or None after it was stripped."""
        return self.account.profiles.get(self.profile_id) if self.profile_id else None

    @property
    def is_admin(self) -> bool:
        """Whether the profile makes an account administrator."""
        profile = self.profile
        return profile is not None and profile.is_admin


class OtherAdmin(StrEnum):
    """What makes somebody look like an organization administrator who is none here, or not yet."""

    INVITED = "invited"
    """Made one, and has not accepted yet."""
    DELEGATED = "delegated"
    """Administers a part of the organization."""
    FOREIGN = "foreign"
    """Administers another organization."""


@dataclass(slots=True)
class User:
    """One person as DocuSign knows them: one GUID over all accounts."""

    user_id: str
    email: str
    user_name: str
    created_at: datetime
    modified_at: datetime
    site_id: int
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    suffix: str = ""
    closed_at: datetime | None = None
    last_login_at: datetime | None = None
    default_account_id: str = ""
    language: str = "en"
    federated_status: str = "RemoveStatus"
    is_organization_admin: bool = False
    """Of this organization, in full."""
    other_admin: set[OtherAdmin] = field(default_factory=set)
    managed_by_scim: bool = False
    memberships: dict[str, Membership] = field(default_factory=dict, repr=False)
    """By account id."""

    @property
    def is_open(self) -> bool:
        """Whether the user holds the address: some membership is active or pending."""
        return any(item.status.is_open for item in self.memberships.values())

    @property
    def admin_status(self) -> str:
        """``user_status`` of the Admin API."""
        statuses = {item.status for item in self.memberships.values()}
        if Status.ACTIVE in statuses:
            return "active"
        return "created" if statuses - {Status.CLOSED} else "closed"

    @property
    def domain(self) -> str:
        """The domain of the address, in lower case."""
        return self.email.rpartition("@")[2].lower()


@dataclass(slots=True)
class Account:
    """One DocuSign account. Memberships are closed, never removed."""

    account_id: str
    name: str
    external_id: int
    site_id: int
    created_at: datetime
    profiles: dict[str, Profile] = field(default_factory=dict, repr=False)
    default_profile_id: str = ""
    """Given to a user created without a profile."""
    groups: dict[str, Group] = field(default_factory=dict, repr=False)
    roster: list[Membership] = field(default_factory=list, repr=False)
    """All memberships in the order of joining, so that a page is a slice."""
    members: dict[str, Membership] = field(default_factory=dict, repr=False)
    """The same by user id."""
    transfer_rules: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    """Envelope transfer rules by id, as the API shows them."""
    next_number: int = 1000
    """The next id of a group or profile."""

    def take_number(self) -> str:
        """Return an id for a new group or profile."""
        self.next_number += 1
        return str(self.next_number)


@dataclass(frozen=True, slots=True)
class ReservedDomain:
    """A domain that the organization has claimed."""

    domain_id: str
    host_name: str
    status: str = "active"
    identity_provider_id: str | None = None
    """Set where everybody logs in through this identity provider."""


@dataclass(slots=True)
class Organization:
    """The organization that owns the accounts."""

    organization_id: str
    name: str
    created_at: datetime
    domains: dict[str, ReservedDomain] = field(default_factory=dict)
    """By host name."""
    identity_provider_id: str = ""
    identity_provider_name: str = ""


def new_guid() -> str:
    """Return a fresh GUID."""
    return str(uuid.uuid4())
