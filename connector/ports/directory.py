"""DocuSign, as one tenant's service user sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.erasure import Redaction
from connector.domain.model import Account, DirectoryGroup, Profile, User
from connector.domain.plan import CreateMembership, ReopenMembership
from connector.ports.events import EventPage
from connector.ports.exports import ExportRow, ExportState


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


@dataclass(frozen=True)
class GroupList:
    """The groups of an account, as its list shows them."""

    groups: Sequence[DirectoryGroup]
    missing: int = 0
    """How many more DocuSign counts than it lists: whoever is not listed then may be there."""


@dataclass(frozen=True)
class GroupMembers:
    """The ids of the users in a group, as its list shows them."""

    user_ids: frozenset[str]
    missing: int = 0
    """How many more DocuSign counts than it lists."""


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

    def list_groups(self, account_id: str) -> GroupList:
        """Return every group of an account, built-in ones included."""

    def iter_users(self, account_id: str, start_position: int = 0) -> Iterator[UserPage]:
        """Walk every page of an account's users, closed ones included, 100 at a time."""

    def list_group_members(self, account_id: str, group_id: str) -> GroupMembers:
        """Return who is in a group."""

    def iter_modified(self, account_id: str, since: datetime) -> Iterator[Sequence[str]]:
        """Walk the ids of an account's users whom DocuSign takes for modified since then.

        Costs one Admin API call for each page. What counts as modified is DocuSign's own affair:
        that somebody is missing proves nothing.

        :raises connector.errors.PermanentError: the tenant has no organization.
        """

    def order_export(self, account_id: str) -> str:
        """Order a user-list export of an account and return its id.

        :raises connector.errors.PermanentError: the tenant has no organization.
        """

    def export_state(self, export_id: str) -> ExportState:
        """Return how far an export is.

        :raises connector.errors.NotFoundError: there is none of this id any more.
        """

    def iter_export(self, account_id: str, url: str) -> Iterator[ExportRow]:
        """Walk the rows of one site of a completed export that are about an account."""

    def read_events(self, cursor: str) -> EventPage | None:
        """Return what DocuSign Monitor took in after a cursor, None where the cursor is not known
        any more.

        :param cursor: of an earlier page, or a time in ISO 8601.
        :raises connector.errors.PermanentError: Monitor cannot be read.
        """

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
        """Return the organization's claimed domains in lower case; empty without organization.

        They are at most ten minutes old, or older while DocuSign does not answer.
        """

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

    def redact_user(self, user_id: str, account_ids: Sequence[str]) -> Mapping[str, Redaction]:
        """Delete a user's data in accounts, for good, and return what DocuSign says of each.

        Only memberships that have been closed for 24 hours are deleted; repeating is safe."""

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Put users into a group; those already in it are no error."""

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Take users out of a group; those not in it are no error."""

    def create_transfer_rule(self, account_id: str, user_id: str, to_user_id: str) -> str:
        """Let envelopes of a user go to another when completed; return the id of the rule.

        :raises connector.errors.PermanentError: the account lacks the feature, or one of the two is
            no open member.
        """

    def find_transfer_rule(self, account_id: str, user_id: str, to_user_id: str) -> str | None:
        """Return the id of an enabled rule of this kind, None where there is none."""

    def delete_transfer_rule(self, account_id: str, rule_id: str) -> None:
        """Delete a rule; deleting a missing one succeeds."""

    def create_group(self, account_id: str, name: str) -> DirectoryGroup:
        """Create a group."""

    def rename_group(self, account_id: str, group_id: str, name: str) -> None:
        """Rename a group."""

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group; deleting a missing one succeeds."""
