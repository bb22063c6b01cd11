"""What the services need from the outside, as Protocols.

Adapters: :mod:`connector.docusign` is a :class:`Directory`, :mod:`connector.store` a
:class:`Store`. :mod:`connector.bootstrap` chooses them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connector.domain.ledger import (
    ApiClient,
    ApiToken,
    AuditEvent,
    ClientAttributes,
    Direction,
    JobRun,
    OperationRecord,
    PlanRecord,
    Provenance,
    Tombstone,
    WorkItem,
    WorkItemState,
)
from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    Profile,
    User,
)
from connector.domain.plan import (
    CreateMembership,
    ReopenMembership,
)
from scim.filters import AttributePath, Filter

# --------------------------------------------------------------------------- time


class Clock(Protocol):
    """Where the time comes from; tests bring their own."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


# --------------------------------------------------------------------------- DocuSign


@dataclass(frozen=True)
class UserPage:
    """One page of an account's users, each with the membership in that account only."""

    users: Sequence[User]
    start_position: int
    next_position: int | None
    """None on the last page."""
    total: int
    includes_groups: bool
    """Whether the list carried the group memberships; if not, they are read group by group."""


class Directory(Protocol):
    """DocuSign, as one tenant's service user sees it.

    Every method raises the errors of :mod:`connector.docusign.errors`, all of them
    :class:`~connector.errors.TemporaryError`, :class:`~connector.errors.PermanentError`
    (:class:`~connector.errors.NotFoundError` for unknown ids) or
    :class:`~connector.errors.UnknownOutcomeError`. Calls repeat safe requests by themselves within
    a few seconds. Thread-safe.
    """

    @property
    def service_user_id(self) -> str:
        """The impersonated user, whom nothing may close, demote or rename."""

    @property
    def has_organization(self) -> bool:
        """Whether the Admin API can be used: a tenant may have accounts but no organization."""

    # reading ------------------------------------------------------------------

    def list_accounts(self) -> Sequence[Account]:
        """Return the governed accounts, with base URI, organization and site."""

    def list_profiles(self, account_id: str) -> Sequence[Profile]:
        """Return every permission profile of an account."""

    def list_groups(self, account_id: str) -> Sequence[DirectoryGroup]:
        """Return every group of an account, built-in ones included."""

    def iter_users(self, account_id: str, start_position: int = 0) -> Iterator[UserPage]:
        """Walk every page of an account's users, closed ones included, 100 at a time."""

    def iter_group_members(self, account_id: str, group_id: str) -> Iterator[Sequence[str]]:
        """Walk the user ids in a group, page by page."""

    def get_member(self, account_id: str, user_id: str) -> User:
        """Return a user with the membership in this account, groups included.

        :raises connector.errors.NotFoundError: not a member, not even a closed one.
        """

    def find_members(self, account_id: str, email: str) -> Sequence[User]:
        """Return the users of an account on this address, closed ones included."""

    def get_people(self, email: str) -> Sequence[User]:
        """Return every user on this address with all memberships and ``is_organization_admin``.

        Costs one Admin API call (``users/profile``).

        :raises connector.errors.PermanentError: the tenant has no organization.
        """

    def claimed_domains(self) -> frozenset[str]:
        """Return the organization's claimed domains in lower case; empty without organization."""

    # writing ------------------------------------------------------------------

    def create_member(self, operation: CreateMembership) -> User:
        """Join a person to an account and return the user as DocuSign now has it.

        :raises connector.errors.UniquenessError: the address is held by an open user.
        """

    def reopen_member(self, operation: ReopenMembership) -> User:
        """Re-open a closed membership, give profile and groups again, and return the result."""

    def close_member(self, account_id: str, user_id: str, *, strip: bool) -> None:
        """Close a membership; closing a closed one succeeds."""

    def set_profile(self, account_id: str, user_id: str, profile_id: str) -> None:
        """Replace the permission profile."""

    def update_person(self, account_id: str, user_id: str, changes: Mapping[str, str]) -> None:
        """Change fields of :class:`connector.domain.plan.Person` in one account."""

    def change_email(self, user_id: str, email: str, *, site_id: int | None) -> None:
        """Change the address in every account (Admin API, claimed domains only)."""

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Put users into a group; those already in it are no error."""

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Take users out of a group; those not in it are no error."""

    def create_group(self, account_id: str, name: str) -> DirectoryGroup:
        """Create a group."""

    def rename_group(self, account_id: str, group_id: str, name: str) -> None:
        """Rename a group."""

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group; deleting a missing one succeeds."""


# --------------------------------------------------------------------------- the rendered resources

USER, GROUP, ENTITLEMENT, ROLE = "User", "Group", "Entitlement", "Role"
TOMBSTONE = "Tombstone"
"""Tells delta readers that a resource is gone."""
BASE_URL_MARK = "\x7f"
"""Stands for the public SCIM base URL in stored documents, replaced when they are sent. One byte
that JSON allows and no client may send: it is found fast, and a text in ASCII stays one."""


@dataclass(frozen=True)
class ResourceRow:
    """A resource as stored: rendered JSON beside the columns that filters and pages use."""

    kind: str
    scim_id: str
    document: str
    """JSON without ``externalId`` (spliced in for each client) and, for groups, ``members``."""
    version: str
    created_at: datetime
    last_modified_at: datetime
    name_key: str
    """Folded ``userName`` or ``displayName``: what ``eq`` compares first."""
    display_key: str = ""
    given_key: str = ""
    family_key: str = ""
    active: bool = True
    visible: bool = True
    """False: kept, unseen by SCIM (an older closed user on a re-used address, a deleted one)."""


@dataclass(frozen=True)
class StoredResource:
    """What a read gets."""

    scim_id: str
    document: str
    version: str
    last_modified_at: datetime
    external_id: str | None = None
    """The reading client's, or None."""


@dataclass(frozen=True)
class ResourceQuery:
    """A list over one kind."""

    kind: str
    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100
    external_id_scope: str = ""
    after: int | None = None
    """For pages by cursor: the ``next_after`` of the page before, 0 for the first. It excludes
    ``sort_by`` and ``start_index``."""


@dataclass(frozen=True)
class StoredPage:
    """A page and the number of all matches."""

    total: int
    """0 on a page by cursor that is not the first: it is not counted again."""
    resources: Sequence[StoredResource]
    next_after: int | None = None
    """Where the next page by cursor begins, None behind the last."""


@dataclass(frozen=True)
class JoinedPage:
    """A page as one text: its documents with the reader's external ids, separated by commas."""

    total: int
    count: int
    documents: bytes
    """UTF-8, with :data:`BASE_URL_MARK`."""
    next_after: int | None = None
    """As in :class:`StoredPage`."""


@dataclass(frozen=True)
class GroupMember:
    """One visible member of a group."""

    user_id: str
    display: str


class ResourceRepository(Protocol):
    """Rendered resources. Only visible ones are found, listed and counted.

    Pages follow an append-only key: a resource keeps its place when it changes.
    """

    def find(self, kind: str, scim_id: str, external_id_scope: str = "") -> StoredResource | None:
        """Return one resource by id."""

    def find_hidden(self, kind: str, scim_id: str) -> ResourceRow | None:
        """Return a row whether visible or not."""

    def rows(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ResourceRow]:
        """Return the rows, visible or not, by id; unknown ids are left out."""

    def search(self, query: ResourceQuery) -> StoredPage:
        """Return a page.

        :raises scim.errors.InvalidFilter: an unknown attribute or an impossible comparison.
        """

    def joined_page(self, query: ResourceQuery) -> JoinedPage:
        """Return a page of a query without filter and order, made by the database in one go."""

    def latest_change(self, kind: str) -> datetime | None:
        """Return the latest ``last_modified_at`` of a kind, visible or not."""

    def find_by_name(self, kind: str, name_key: str) -> StoredResource | None:
        """Return the visible resource with this folded name."""

    def put(self, rows: Sequence[ResourceRow]) -> None:
        """Insert or overwrite rows."""

    def remove(self, kind: str, scim_ids: Iterable[str]) -> None:
        """Delete rows for good (a group or profile that DocuSign no longer has)."""

    def members(
        self, group_scim_id: str, *, among: Iterable[str] | None = None, limit: int | None = None
    ) -> Sequence[GroupMember]:
        """Return the visible members of a Group of any origin (DocuSign group, profile, role).

        :param among: only these user ids are looked up: a test costs what is asked, not the group.
        """


# --------------------------------------------------------------------------- the mirror


class MirrorRepository(Protocol):
    """Normalised copies of what DocuSign has."""

    def catalogue(self) -> Catalogue:
        """Return accounts, profiles and groups."""

    def put_accounts(self, accounts: Sequence[Account]) -> None:
        """Insert or update accounts."""

    def put_profiles(self, account_id: str, profiles: Sequence[Profile]) -> None:
        """Make these the account's profiles; others are removed."""

    def put_groups(self, account_id: str, groups: Sequence[DirectoryGroup]) -> None:
        """Make these the account's groups; others and their memberships are removed."""

    def put_group(self, group: DirectoryGroup) -> None:
        """Insert or update one group."""

    def remove_group(self, account_id: str, group_id: str) -> None:
        """Remove one group and its memberships."""

    def get_users(self, user_ids: Iterable[str]) -> Mapping[str, User]:
        """Return users with memberships and groups, by id; unknown ids are left out."""

    def users_by_email(self, email_keys: Iterable[str]) -> Mapping[str, Sequence[User]]:
        """Return all users, hidden ones included, by folded address."""

    def put_users(self, users: Sequence[User], fetched_at: datetime | None) -> None:
        """Insert or overwrite users with exactly these memberships and groups.

        :param fetched_at: since when no account of theirs was left unread; None keeps what is
            noted, and notes of a newcomer that it was long ago.
        """

    def stamp_users(self, fetched_at: datetime) -> None:
        """Note that every account was read since: no copy is older than that."""

    def fetched_at(self, user_id: str) -> datetime | None:
        """Return when the copy of a user was last read from every account."""

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Add memberships; existing ones are no error."""

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Remove memberships; missing ones are no error."""

    def group_member_ids(
        self, account_id: str, group_id: str, among: Iterable[str] | None = None
    ) -> frozenset[str]:
        """Return the user ids in a group, or those of *among* that are in it."""

    def group_size(self, account_id: str, group_id: str) -> int:
        """Return the number of members at constant cost."""

    def iter_user_ids(self, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return user ids in order, for walks over everything."""

    def count_users(self) -> int:
        """Return the number of users with an open membership (the base of the size guard)."""

    def count_admins(self, account_id: str) -> int:
        """Return the number of active administrators of an account."""

    def seen_in_run(self, run_id: str, account_id: str, user_ids: Sequence[str]) -> None:
        """Note that an aggregation run saw these users in an account."""

    def unseen_in_run(
        self, run_id: str, account_id: str, after: str = "", limit: int = 500
    ) -> Sequence[str]:
        """Return users whom the mirror has in the account and the run did not see."""

    def forget_run(self, run_id: str) -> None:
        """Drop the notes of a run."""


# --------------------------------------------------------------------------- the ledger


class PlanRepository(Protocol):
    """Plans and their operations."""

    def add(self, plan: PlanRecord, operations: Sequence[OperationRecord]) -> None:
        """Record a plan."""

    def get(self, plan_id: str) -> tuple[PlanRecord, Sequence[OperationRecord]]:
        """Return a plan with its operations in order.

        :raises connector.errors.NotFoundError: no such plan.
        """

    def save_plan(self, plan: PlanRecord) -> None:
        """Overwrite a plan."""

    def save_operation(self, operation: OperationRecord) -> None:
        """Overwrite an operation."""

    def abandoned(self, now: datetime) -> Sequence[str]:
        """Return ids of open and queued plans that nobody works on: at least one operation is
        planned or in flight, and none has a live lease."""

    def lease_owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of leases that start so."""

    def release_leases(self, owner_prefix: str) -> None:
        """End the leases of every owner that starts so: its processes are known to be gone."""

    def open_for_subject(self, subject_kind: str, subject_id: str) -> Sequence[PlanRecord]:
        """Return open and queued plans of a resource, oldest first."""

    def queued(self, subject_kind: str, subject_ids: Iterable[str]) -> Sequence[PlanRecord]:
        """Return the queued plans of many resources, for each the oldest first."""


class WorkItemRepository(Protocol):
    """Approvals and manual tasks."""

    def add(self, item: WorkItem) -> None:
        """Insert an item. At most one open item a subject, entitlement and kind can exist.

        :raises connector.errors.UniquenessError: there is an open one already.
        """

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by its id, or by a prefix of the id that only it has.

        :raises connector.errors.NotFoundError: no such item, or several with that prefix.
        """

    def save(self, item: WorkItem) -> None:
        """Overwrite an item."""

    def search(
        self,
        *,
        states: Iterable[WorkItemState] = (),
        subject_ids: Iterable[str] = (),
        entitlement: str | None = None,
        direction: Direction | None = None,
    ) -> Sequence[WorkItem]:
        """Return matching items, oldest first; no states means all."""


class ClientRepository(Protocol):
    """API clients and their tokens."""

    def add(self, client: ApiClient) -> None:
        """Insert a client.

        :raises connector.errors.UniquenessError: the name is taken.
        """

    def get(self, client_id: str) -> ApiClient:
        """Return a client.

        :raises connector.errors.NotFoundError: no such client.
        """

    def list(self) -> Sequence[ApiClient]:
        """Return all clients by name."""

    def save(self, client: ApiClient) -> None:
        """Overwrite a client."""

    def add_token(self, token: ApiToken) -> None:
        """Insert a token."""

    def tokens(self, client_id: str) -> Sequence[ApiToken]:
        """Return a client's tokens, newest first."""

    def save_token(self, token: ApiToken) -> None:
        """Overwrite a token."""

    def remove_token(self, token_id: str) -> None:
        """Forget a token."""

    def find_by_token_hash(self, token_hash: str) -> tuple[ApiClient, ApiToken] | None:
        """Return who presents this token, revoked or expired included."""


class AttributeRepository(Protocol):
    """What DocuSign cannot hold: external ids and kept attributes."""

    def get(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ClientAttributes]:
        """Return the attributes of resources that have some, by SCIM id."""

    def put(self, attributes: ClientAttributes) -> None:
        """Make these the attributes of the resource."""

    def remove(self, kind: str, scim_id: str) -> None:
        """Drop everything kept for a resource."""

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """Record a deletion."""

    def tombstones(self, email_key: str) -> Sequence[Tombstone]:
        """Return deletions on an address, newest first."""

    def is_deleted(self, kind: str, scim_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that have a tombstone."""

    def remove_tombstone(self, kind: str, scim_id: str) -> None:
        """The same person came back."""

    def put_provenance(self, provenance: Provenance) -> None:
        """Record why somebody holds an entitlement."""

    def remove_provenance(self, user_id: str, entitlement: str) -> None:
        """The entitlement is gone."""

    def provenance(self, user_id: str) -> Sequence[Provenance]:
        """Return the provenance of a user's entitlements."""


class AuditRepository(Protocol):
    """The append-only, hash-chained record of one tenant."""

    def append(self, event: AuditEvent) -> AuditEvent:
        """Append an event; sequence and hashes are filled in."""

    def events(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEvent]:
        """Return events in order."""


class JobRepository(Protocol):
    """Runs of jobs."""

    def add(self, run: JobRun) -> None:
        """Record the start of a run."""

    def save(self, run: JobRun) -> None:
        """Overwrite a run."""

    def latest(self, job: str) -> JobRun | None:
        """Return the last run of a job."""

    def list(self, limit: int = 50) -> Sequence[JobRun]:
        """Return runs, newest first."""


class LockRepository(Protocol):
    """Leases that serialise writers across processes and machines."""

    def acquire(self, keys: Sequence[str], owner: str, until: datetime, now: datetime) -> bool:
        """Take all keys or none. An expired lease is free; the owner's own is renewed."""

    def release(self, keys: Sequence[str], owner: str) -> None:
        """Give keys back; those of other owners are left alone."""

    def prolong(self, keys: Sequence[str], owner_prefix: str, until: datetime) -> None:
        """Renew those of the keys that are held by owners that start so."""

    def owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of locks that start so."""

    def release_owner(self, owner_prefix: str) -> None:
        """Give back everything held by owners that start so."""


class UnitOfWork(Protocol):
    """One transaction of one tenant. Leaving the block without ``commit`` rolls back."""

    tenant: str
    resources: ResourceRepository
    mirror: MirrorRepository
    plans: PlanRepository
    work_items: WorkItemRepository
    clients: ClientRepository
    attributes: AttributeRepository
    audit: AuditRepository
    jobs: JobRepository
    locks: LockRepository

    def commit(self) -> None:
        """Make everything since the start durable."""

    def facts(self) -> Mapping[str, Any]:
        """Return the tenant's small settings kept in the database."""

    def put_fact(self, key: str, value: Any) -> None:
        """Keep a small JSON value, such as the account ids bound to the tenant."""


class Store(Protocol):
    """The database."""

    def read(self, tenant: str, *, single: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a consistent view for reading; it never waits for writers on SQLite.

        :param single: promises to find one resource, or to search once with a filter: cheaper.
        """

    def write(self, tenant: str) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction for writing. On SQLite writers take turns, in this process by a
        lock and between processes by the database."""
