"""What the console's pages show: plain values, made by
:mod:`connector.services.browsing.browser`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connector.domain.audit.events import AuditEvent
from connector.domain.drift.expected import Expected, Origin
from connector.domain.ledger.plans import PlanRecord
from connector.domain.ledger.resources import Provenance
from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    Membership,
    MembershipStatus,
    Profile,
    User,
)
from connector.domain.naming.names import Names
from connector.domain.work_items.items import CUSTODY, WorkItem, WorkItemFilter, WorkItemKind
from connector.ports import GroupMember
from mappings.model import Meaning

_ORIGINS = {
    Origin.BASELINE: "was there when the connector first looked",
    Origin.TOUCHED: "created in DocuSign itself; requests have said of them since what they want",
    Origin.PROVISIONED: "brought by a request",
    Origin.ADOPTED: "created in DocuSign itself, and taken over by a person",
}
"""How the connector came to answer for a person."""


@dataclass(frozen=True)
class UserQuery:
    """Which users are asked for; everything given has to hold."""

    text: str = ""
    """Beginnings of address or names, each word somewhere; or a DocuSign user id."""
    active: bool | None = None
    deleted: bool | None = False
    """True: who was deleted over SCIM, and nobody else; None: they too, and older namesakes on an
    address, whom SCIM does not show either."""
    profile: str = ""
    """SCIM id of a permission profile that they hold."""
    group: str = ""
    """SCIM id of a group that they are in."""
    after: int = 0
    """The ``next_after`` of the page before."""
    limit: int = 50
    """Lines of a page."""


@dataclass(frozen=True)
class Place:
    """What somebody has in one account, in words."""

    account: str
    profile: str
    status: str


@dataclass(frozen=True)
class UserLine:
    """A user in a list."""

    user_id: str
    name: str
    email: str
    active: bool
    places: Sequence[Place]
    roles: Sequence[str]
    pending: int
    """Work items and queued changes that wait."""
    deleted: bool = False
    """Deleted over SCIM."""


@dataclass(frozen=True)
class UserPage:
    """A page of users."""

    lines: Sequence[UserLine]
    total: int | None
    """None on a page that is not the first: it is not counted again."""
    next_after: int | None


@dataclass(frozen=True)
class Held:
    """An entitlement that somebody holds, and why."""

    scim_id: str
    name: str
    kind: str
    """``profile``, ``group`` or ``role``."""
    meaning: Meaning
    provenance: Provenance | None
    """None: found in DocuSign, not granted through the connector."""
    verified_at: datetime | None = None
    """Of a role: when DocuSign last showed it."""


@dataclass(frozen=True)
class HeldMembership:
    """A membership with what it gives."""

    account: Account
    membership: Membership
    profile: Held | None
    groups: Sequence[Held]


@dataclass(frozen=True)
class ClientFacts:
    """What SCIM clients say of somebody and DocuSign does not hold; empty where they do not."""

    external_ids: Sequence[tuple[str, str]] = ()
    """Each ``externalId``, after the clients who know the person by it."""
    title: str = ""
    department: str = ""
    manager: str = ""
    """Their address; of somebody unknown, what the client gave."""
    manager_id: str = ""
    """The user id, where the manager is known."""


@dataclass(frozen=True)
class UserDetail:
    """Everything known of one user."""

    user: User
    memberships: Sequence[HeldMembership]
    roles: Sequence[Held]
    items: Sequence[WorkItem]
    """All work items of the user, newest first."""
    others: Sequence[User]
    """Who else has, or had, this address in DocuSign."""
    fetched_at: datetime | None
    deleted: bool
    said: ClientFacts = ClientFacts()
    expected: Expected | None = None
    """What the ledger expects of them; None: the connector does not answer for them."""
    waiting: Sequence[PlanRecord] = ()
    """Changes of the user that DocuSign has not heard of, or not all of, and that wait for no
    person, oldest first."""

    @property
    def ledger_in_words(self) -> str:
        """Return on whose word the connector answers for them, and since when."""
        if self.expected is None:
            return "not known yet: they have not been compared"
        since = self.expected.since
        return f"{_ORIGINS[self.expected.origin]}{f', since {since:%Y-%m-%d}' if since else ''}"

    @property
    def open_items(self) -> Sequence[WorkItem]:
        """What still waits, oldest first."""
        return [item for item in reversed(self.items) if item.state.is_open]


@dataclass(frozen=True)
class AccountLine:
    """An account in the list."""

    account: Account
    alias: str
    members: Mapping[MembershipStatus, int]
    admins: int

    @property
    def open_members(self) -> int:
        """Memberships that hold an address."""
        return sum(count for status, count in self.members.items() if status.is_open)


@dataclass(frozen=True)
class ProfileLine:
    """A permission profile with the number of its holders."""

    profile: Profile
    meaning: Meaning
    holders: int
    is_baseline: bool


@dataclass(frozen=True)
class GroupLine:
    """A DocuSign group with the number of its members, the inactive included."""

    group: DirectoryGroup
    meaning: Meaning
    members: int


@dataclass(frozen=True)
class AccountDetail:
    """An account with what can be held in it."""

    line: AccountLine
    profiles: Sequence[ProfileLine]
    groups: Sequence[GroupLine]


@dataclass(frozen=True)
class RoleLine:
    """A role that only people give."""

    role_id: str
    name: str
    meaning: Meaning
    holders: Sequence[GroupMember]


@dataclass(frozen=True)
class EventPage:
    """A page of audit events."""

    events: Sequence[AuditEvent]
    names: Names
    """What their operations speak of."""
    labels: Labels
    people: Mapping[str, User]
    """Whom they are about and whose history it is, by id; others are no users, or unknown."""
    next_before: int | None
    about: frozenset[str] = frozenset()
    """The users whose history it is: of what changed for many, only theirs is told."""


@dataclass(frozen=True)
class ItemQuery:
    """Which work items are asked for."""

    kind: WorkItemKind | None = None
    closed: bool = False
    assignee: str | None = None
    wanted: WorkItemFilter | None = None
    after: str = ""
    """The ``next_after`` of the page before."""
    limit: int = 50
    """Lines of a page: what fits a few screens, and costs milliseconds."""


@dataclass(frozen=True)
class ItemPage:
    """A page of work items."""

    items: Sequence[WorkItem]
    people: Mapping[str, User]
    """By id."""
    next_after: str | None
    total: int | None = None
    """On all pages. None on a page that is not the first: it is not counted again."""


@dataclass(frozen=True)
class Labels:
    """What ids are called, for lists of changes and work items."""

    catalogue: Catalogue
    roles: Mapping[str, str] = field(default_factory=dict)

    def entitlement(self, scim_id: str) -> str:
        """Return the name of a profile, group or role with its account, and what a leaver's task
        is about; else the id itself."""
        if scim_id.startswith(CUSTODY):
            left = self.catalogue.accounts.get(scim_id.removeprefix(CUSTODY))
            return f"Custody of envelopes{f' ({left.name})' if left else ''}"
        found = self.catalogue.find(scim_id)
        return self.catalogue.title(found) if found else self.roles.get(scim_id, scim_id)
