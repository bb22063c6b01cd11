"""DocuSign as a :class:`connector.ports.Directory`: which API does what, and what is verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from connector.docusign.access import Access
from connector.docusign.admin import AdminApi
from connector.docusign.errors import MissingError, RefusedError
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import EsignWriter
from connector.docusign.exports import UserExports
from connector.docusign.members import Members, is_open
from connector.docusign.monitor import MonitorApi
from connector.docusign.openings import Openings
from connector.docusign.transfers import TransferRules
from connector.domain.erasure import Redaction
from connector.domain.model import Account, DirectoryGroup, MembershipStatus, Profile, User
from connector.domain.plan import CreateMembership, ReopenMembership
from connector.errors import PermanentError
from connector.ports import (
    EventPage,
    ExportRow,
    ExportState,
    GroupList,
    GroupMembers,
    UserPage,
)
from connector.settings import TenantSettings

_log = structlog.get_logger(__name__)


class DocusignDirectory:
    """DocuSign for one tenant. See :class:`connector.ports.Directory` for the contract."""

    def __init__(
        self,
        tenant: TenantSettings,
        access: Access,
        *,
        reader: EsignReader,
        writer: EsignWriter,
        transfers: TransferRules,
        admin: AdminApi,
        monitor: MonitorApi,
        exports: UserExports,
        members: Members,
        openings: Openings,
    ) -> None:
        self._monitor = monitor
        self._exports = exports
        self._tenant = tenant
        self._access = access
        self._reader = reader
        self._writer = writer
        self._transfers = transfers
        self._admin = admin
        self._members = members
        self._openings = openings

    @property
    def service_user_id(self) -> str:
        """The impersonated user."""
        return self._tenant.user_id

    @property
    def has_organization(self) -> bool:
        """Whether the tenant has an organization; asks userinfo where the settings do not say."""
        return self._access.organization_id is not None

    # reading ------------------------------------------------------------------

    def list_accounts(self) -> Sequence[Account]:
        """Return the governed accounts."""
        sites = self._sites()
        places = [self._access.place(account.account_id) for account in self._tenant.accounts]
        return [
            Account(
                account_id=place.account_id,
                name=place.name,
                base_uri=place.base_uri,
                organization_id=place.organization_id,
                site_id=sites.get(place.account_id),
            )
            for place in places
        ]

    def _sites(self) -> Mapping[str, int]:
        if not self.has_organization:
            return {}
        try:
            return self._admin.sites()
        except PermanentError as error:
            # Accounts can be governed without organization rights.
            _log.warning("the organization cannot be read", error=str(error))
            return {}

    def list_profiles(self, account_id: str) -> Sequence[Profile]:
        """Return the permission profiles of an account."""
        return self._reader.profiles(account_id)

    def list_groups(self, account_id: str) -> GroupList:
        """Return the groups of an account."""
        return self._reader.groups(account_id)

    def iter_users(self, account_id: str, start_position: int = 0) -> Iterator[UserPage]:
        """Walk the users of an account."""
        closing_dates: Mapping[str, datetime] | None = None
        for page in self._reader.user_pages(account_id, start_position):
            if closing_dates is None and any(_is_closed(account_id, user) for user in page.users):
                closing_dates = self._closing_dates(account_id)
            dated = [_dated(account_id, user, closing_dates or {}) for user in page.users]
            yield replace(page, users=dated)

    def iter_modified(self, account_id: str, since: datetime) -> Iterator[Sequence[str]]:
        """Walk the ids of users modified since then."""
        return self._admin.modified(account_id, since)

    def order_export(self, account_id: str) -> str:
        """Order a user-list export."""
        return self._exports.order(account_id)

    def export_state(self, export_id: str) -> ExportState:
        """Return how far an export is."""
        return self._exports.state(export_id)

    def iter_export(self, account_id: str, url: str) -> Iterator[ExportRow]:
        """Walk the rows of an export."""
        return self._exports.rows(account_id, url)

    def read_events(self, cursor: str) -> EventPage | None:
        """Return what Monitor took in after a cursor."""
        return self._monitor.page(cursor)

    def list_group_members(self, account_id: str, group_id: str) -> GroupMembers:
        """Return the members of a group."""
        return self._reader.group_members(account_id, group_id)

    def get_member(self, account_id: str, user_id: str) -> User:
        """Return a user of an account."""
        return self._with_closing_date(account_id, self._reader.member(account_id, user_id))

    def find_members(self, account_id: str, email: str) -> Sequence[User]:
        """Return the users of an account on an address."""
        found = self._reader.members_on(account_id, email)
        return [self._with_closing_date(account_id, user) for user in found]

    def get_people(self, email: str) -> Sequence[User]:
        """Return everybody on an address, as the organization sees them."""
        return self._admin.people(email)

    def claimed_domains(self) -> frozenset[str]:
        """Return the claimed domains."""
        return frozenset(self._admin.claimed_domains()) if self.has_organization else frozenset()

    def _with_closing_date(self, account_id: str, user: User) -> User:
        if not _is_closed(account_id, user):
            return user
        return _dated(account_id, user, self._closing_dates(account_id, user.email))

    def _closing_dates(self, account_id: str, email: str = "") -> Mapping[str, datetime]:
        if not self.has_organization:
            return {}
        try:
            return self._admin.closing_dates(account_id, email)
        except PermanentError as error:
            _log.warning("closing dates cannot be read", error=str(error))
            return {}

    # people -------------------------------------------------------------------

    def create_member(self, operation: CreateMembership) -> User:
        """Join a person to an account."""
        return self._openings.create(operation)

    def reopen_member(self, operation: ReopenMembership) -> User:
        """Re-open a closed membership. One that is open already only gets profile and groups."""
        return self._openings.reopen(operation)

    def close_member(self, account_id: str, user_id: str, *, strip: bool) -> None:
        """Close a membership."""
        try:
            self._writer.close(account_id, user_id, strip=strip)
        except RefusedError:
            # The code for "closed already" is not documented: what counts is the state.
            if is_open(account_id, self._reader.member(account_id, user_id)):
                raise

    def set_profile(self, account_id: str, user_id: str, profile_id: str) -> None:
        """Replace the permission profile."""
        self._members.set_profile(account_id, user_id, profile_id)

    def update_person(self, account_id: str, user_id: str, changes: Mapping[str, str]) -> None:
        """Change fields of a person in one account, names in the configured way."""
        self._members.update_person(account_id, user_id, changes)

    def change_email(self, user_id: str, email: str, *, site_id: int | None) -> None:
        """Change the address in every account."""
        if site_id is None:
            site_id = self._admin.site_of(user_id, self._address_of(user_id))
        self._admin.change_email(user_id, email, site_id)

    def redact_user(self, user_id: str, account_ids: Sequence[str]) -> Mapping[str, Redaction]:
        """Delete a user's data in accounts, for good."""
        told = self._admin.redact(user_id, account_ids)
        known = set(Redaction)
        return {
            account_id: Redaction(told[account_id])
            if told.get(account_id) in known
            else Redaction.UNKNOWN
            for account_id in account_ids
        }

    def _address_of(self, user_id: str) -> str:
        for account in self._tenant.accounts:
            user = self._members.find(account.account_id, user_id)
            if user is not None:
                return user.email
        raise MissingError(f"No governed account has the user {user_id}. Run a sync.")

    # groups -------------------------------------------------------------------

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Put users into a group."""
        self._members.add_to_group(account_id, group_id, user_ids)

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Take users out of a group."""
        self._members.remove_from_group(account_id, group_id, user_ids)

    def create_transfer_rule(self, account_id: str, user_id: str, to_user_id: str) -> str:
        """Let envelopes of a user go to another when completed."""
        return self._transfers.create(account_id, user_id, to_user_id)

    def find_transfer_rule(self, account_id: str, user_id: str, to_user_id: str) -> str | None:
        """Return the id of an enabled rule of this kind."""
        return self._transfers.find(account_id, user_id, to_user_id)

    def delete_transfer_rule(self, account_id: str, rule_id: str) -> None:
        """Delete a rule."""
        self._transfers.delete(account_id, rule_id)

    def create_group(self, account_id: str, name: str) -> DirectoryGroup:
        """Create a group."""
        return self._writer.create_group(account_id, name)

    def rename_group(self, account_id: str, group_id: str, name: str) -> None:
        """Rename a group."""
        self._writer.rename_group(account_id, group_id, name)

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group."""
        try:
            self._writer.delete_group(account_id, group_id)
        except MissingError:
            return


def _is_closed(account_id: str, user: User) -> bool:
    return user.memberships[account_id].status is MembershipStatus.CLOSED


def _dated(account_id: str, user: User, closing_dates: Mapping[str, datetime]) -> User:
    """Return the user with the date of closing, which the eSignature API does not show."""
    if not _is_closed(account_id, user) or user.user_id not in closing_dates:
        return user
    closed = replace(user.memberships[account_id], closed_at=closing_dates[user.user_id])
    return replace(user, memberships={account_id: closed})
