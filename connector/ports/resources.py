"""Rendered SCIM resources: what is stored of one, and what a list asks for and gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from scim.filters import AttributePath, Filter

USER, GROUP, ENTITLEMENT, ROLE = "User", "Group", "Entitlement", "Role"
TOMBSTONE = "Tombstone"
"""Tells delta readers that a resource is gone."""
BASE_URL_MARK = "\x7f"
"""Stands for the public SCIM base URL in stored documents, replaced when they are sent. One byte
that JSON allows and no client may send: it is found fast, and a text in ASCII stays one."""
EXTERNAL_ID_MARK = "`"
"""Begins the names under which a stored document has the external ids of several clients, first of
all names; the client's scope follows. The id of one client alone stands there as ``externalId``. No
text of ours and no client's has the mark unescaped."""


SortKey = str | int | float | bool | None
"""A value by which lists are sorted, as the database compares it; None for one that is missing."""


@dataclass(frozen=True)
class ResourceRow:
    """A resource as stored: rendered JSON beside the columns that filters and pages use."""

    kind: str
    scim_id: str
    document: str
    """JSON with :data:`BASE_URL_MARK` and :data:`EXTERNAL_ID_MARK` and, for groups, without
    ``members``."""
    version: str
    created_at: datetime
    last_modified_at: datetime
    name_key: str
    """Folded ``userName`` or ``displayName``: what ``eq`` compares first."""
    display_key: str = ""
    given_key: str = ""
    family_key: str = ""
    scopes: str = ""
    """Whose external ids are in the document: sorted, separated by commas."""
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
    scopes: str = ""
    """As in :class:`ResourceRow`."""


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
    """Whose ``externalId`` a filter means."""
    after: int | None = None
    """For pages by cursor: the ``next_after`` of the page before, 0 for the first. It excludes
    ``start_index``."""
    after_key: SortKey = None
    """The ``next_key`` of the page before, where the list is sorted."""
    holding: tuple[str, ...] = ()
    """Ids of Entitlements (permission profiles) and of DocuSign groups: users who hold each, as the
    mirror has it."""
    deleted: bool | None = False
    """Who was deleted through us: left out like everybody whom SCIM does not show; True: these
    alone; None: everybody there is a row of, shown or not."""
    asked_by: str = ""
    """The client whose searches are bounded where they take long; empty: nobody's."""


@dataclass(frozen=True)
class StoredPage:
    """A page and the number of all matches."""

    total: int
    """0 on a page by cursor that is not the first: it is not counted again."""
    resources: Sequence[StoredResource]
    next_after: int | None = None
    """Where the next page by cursor begins, None behind the last."""
    next_key: SortKey = None
    """What the last resource of this page is sorted by, where the list is sorted."""


class JoinedPage(NamedTuple):
    """A page as one text: its documents, separated by commas."""

    total: int
    size: int
    """How many documents there are."""
    documents: bytes
    """UTF-8, with the marks of :class:`ResourceRow`."""
    is_shared: bool = False
    """Whether others than the reader have given external ids to the kind, so that the documents may
    have some of theirs."""
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

    def find(self, kind: str, scim_id: str) -> StoredResource | None:
        """Return one resource by id."""

    def find_hidden(self, kind: str, scim_id: str) -> ResourceRow | None:
        """Return a row whether visible or not."""

    def rows(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ResourceRow]:
        """Return the rows, visible or not, by id; unknown ids are left out."""

    def search(self, query: ResourceQuery) -> StoredPage:
        """Return a page.

        :raises connector.errors.InvalidFilterError: an unknown attribute, or a comparison that
            cannot be.
        :raises connector.errors.InvalidOrderError: an unknown attribute to sort by.
        :raises connector.errors.SearchTooLongError: no index answers it, and it takes longer than a
            search of a client may.
        :raises connector.errors.TemporaryError: it takes long, as too many others do just now.
        """

    def joined_page(self, kind: str, scope: str, start_index: int, count: int) -> JoinedPage:
        """Return a page of everything, made by the database in one go.

        :param scope: whose external ids the reader gets.
        """

    def joined_behind(self, kind: str, scope: str, after: int, count: int) -> JoinedPage:
        """Return a page of everything by cursor.

        :param after: the ``next_after`` of the page before, 0 for the first.
        """

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
