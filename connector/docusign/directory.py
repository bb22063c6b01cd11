"""DocuSign as a :class:`connector.ports.Directory`: which API does what, and what is verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import requests
import structlog

from connector.docusign.access import Access
from connector.docusign.admin import AdminApi
from connector.docusign.auth import TokenSource
from connector.docusign.client import ApiClient, Json
from connector.docusign.errors import (
    DocusignError,
    InvalidDataError,
    MissingError,
    NoAnswerError,
    RefusedError,
)
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import FIELDS, EsignWriter
from connector.docusign.hosts import Hosts
from connector.docusign.limits import LimitGate
from connector.docusign.transport import Transport
from connector.domain.model import (
    Account,
    DirectoryGroup,
    Membership,
    MembershipStatus,
    Profile,
    User,
)
from connector.domain.plan import CreateMembership, ReopenMembership
from connector.errors import PermanentError, TemporaryError
from connector.ports import Clock, UserPage
from connector.settings import Behaviour, DocusignSettings, TenantSettings

_log = structlog.get_logger(__name__)

_NAME_PARTS = ("first_name", "middle_name", "last_name", "suffix")
_READ_AGAIN_AFTER_S = 0.25


class Connection:
    """What all tenants of a process share: tokens, connection pool, limit gate."""

    def __init__(
        self, settings: DocusignSettings, clock: Clock, session: requests.Session | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._hosts = Hosts.of(settings)
        self._transport = Transport(settings, session)
        tokens = TokenSource(settings, self._hosts, self._transport, clock)
        self._client = ApiClient(settings, self._transport, tokens, LimitGate(clock), clock)

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def directory(self, tenant: TenantSettings) -> DocusignDirectory:
        """Return DocuSign as the service user of a tenant sees it."""
        behaviour = self._settings.behaviour
        access = Access(self._client, self._hosts, tenant, self._clock)
        return DocusignDirectory(
            tenant,
            behaviour,
            self._clock,
            access=access,
            reader=EsignReader(self._client, access, behaviour, self._clock),
            writer=EsignWriter(self._client, access),
            admin=AdminApi(
                self._client, access, tenant, self._clock, page_size=behaviour.admin_page_size
            ),
        )


def build_directory(
    settings: DocusignSettings,
    tenant: TenantSettings,
    clock: Clock,
    session: requests.Session | None = None,
) -> DocusignDirectory:
    """Return the directory of a single tenant.

    :param session: replaces the pooled session, for tests.
    """
    return Connection(settings, clock, session).directory(tenant)


class DocusignDirectory:
    """DocuSign for one tenant. See :class:`connector.ports.Directory` for the contract."""

    def __init__(
        self,
        tenant: TenantSettings,
        behaviour: Behaviour,
        clock: Clock,
        *,
        access: Access,
        reader: EsignReader,
        writer: EsignWriter,
        admin: AdminApi,
    ) -> None:
        self._tenant = tenant
        self._behaviour = behaviour
        self._clock = clock
        self._access = access
        self._reader = reader
        self._writer = writer
        self._admin = admin

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

    def list_groups(self, account_id: str) -> Sequence[DirectoryGroup]:
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

    def iter_group_members(self, account_id: str, group_id: str) -> Iterator[Sequence[str]]:
        """Walk the members of a group."""
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
        """Join a person to an account.

        Where nobody has to act (claimed domain with an identity provider) through the Admin API.
        """
        if self._activates_at_once(operation):
            user_id = self._admin.create(operation)
            with _after_effect(operation):
                self._say_the_rest(operation, user_id)
        else:
            user_id = self._writer.create(operation)
        with _after_effect(operation):
            return self._established(operation, user_id)

    def _say_the_rest(self, operation: CreateMembership, user_id: str) -> None:
        """Write the parts of the name that the Admin API does not take."""
        parts = {name: getattr(operation.person, name) for name in ("middle_name", "suffix")}
        unsaid = {name: value for name, value in parts.items() if value}
        if unsaid:
            self.update_person(operation.account_id, user_id, unsaid)

    def _activates_at_once(self, operation: CreateMembership) -> bool:
        wanted = operation.auto_activate and self.has_organization
        return wanted and self._admin.can_auto_activate(operation.person.email)

    def reopen_member(self, operation: ReopenMembership) -> User:
        """Re-open a closed membership. One that is open already only gets profile and groups."""
        account_id, user_id = operation.account_id, operation.user_id
        if not _is_open(account_id, self._reader.member(account_id, user_id)):
            self._reactivate(operation)
        with _after_effect(operation):
            return self._established(operation, user_id)

    def _reactivate(self, operation: ReopenMembership) -> None:
        """Re-open in the configured way, with the profile in the same call."""
        account_id, user_id = operation.account_id, operation.user_id
        profile: Json = {"permissionProfileId": operation.profile_id}
        if self._behaviour.reactivation == "admin_profiles":
            self._admin.reopen(operation)
        elif self._behaviour.reactivation == "user_status":
            self._writer.update(account_id, user_id, {"userStatus": "Active", **profile})
        else:
            self._writer.resend_activation(account_id, user_id, profile)

    def _established(self, operation: CreateMembership | ReopenMembership, user_id: str) -> User:
        """Read the membership back until it is as asked for, giving once more what is missing.

        :raises RefusedError: it stays closed.
        :raises NoAnswerError: it does not show what was asked for.
        """
        account_id = operation.account_id
        deadline = self._clock.now() + timedelta(seconds=self._behaviour.read_after_write_s)
        given_again = False
        while True:
            user = self._find_written(account_id, user_id)
            if user is not None and _is_open(account_id, user):
                # A pending user may hide the profile: what was sent counts as taken over.
                was_sent = given_again or isinstance(operation, CreateMembership)
                if _is_as_asked(user.memberships[account_id], operation, was_sent=was_sent):
                    return _with_profile(account_id, user, operation.profile_id)
                if not given_again:
                    self._give_again(operation, user)
                    given_again = True
                    continue
            if self._clock.now() >= deadline:
                raise self._not_shown(operation, user)
            self._clock.sleep(_READ_AGAIN_AFTER_S)

    def _find_written(self, account_id: str, user_id: str) -> User | None:
        """Return a user who was just written; DocuSign may not show it yet."""
        try:
            return self._reader.member(account_id, user_id)
        except MissingError:
            return None

    def _give_again(self, operation: CreateMembership | ReopenMembership, user: User) -> None:
        """Send what DocuSign did not take over."""
        membership = user.memberships[operation.account_id]
        if membership.profile_id != operation.profile_id:
            self.set_profile(operation.account_id, user.user_id, operation.profile_id)
        for group_id in operation.group_ids:
            if group_id not in membership.group_ids:
                self.add_group_members(operation.account_id, group_id, [user.user_id])

    def _not_shown(
        self, operation: CreateMembership | ReopenMembership, user: User | None
    ) -> NoAnswerError | RefusedError:
        if user is not None and not _is_open(operation.account_id, user):
            return RefusedError(
                f"DocuSign accepted to open the membership in account {operation.account_id} and "
                "still shows it as closed. Open it in DocuSign, or try another "
                f"docusign.behaviour.reactivation (now {self._behaviour.reactivation})."
            )
        return NoAnswerError(
            f"DocuSign accepted a membership in account {operation.account_id} and does not show "
            "it with the profile and groups that were asked for."
        )

    def close_member(self, account_id: str, user_id: str, *, strip: bool) -> None:
        """Close a membership."""
        try:
            self._writer.close(account_id, user_id, strip=strip)
        except RefusedError:
            # The code for "closed already" is not documented: what counts is the state.
            if _is_open(account_id, self._reader.member(account_id, user_id)):
                raise

    def set_profile(self, account_id: str, user_id: str, profile_id: str) -> None:
        """Replace the permission profile."""
        self._writer.update(account_id, user_id, {"permissionProfileId": profile_id})

    def update_person(self, account_id: str, user_id: str, changes: Mapping[str, str]) -> None:
        """Change fields of a person in one account, names in the configured way."""
        wanted = dict(changes)
        parts = {name: wanted[name] for name in _NAME_PARTS if name in wanted}
        if parts and self._behaviour.rename_fields == "full":
            wanted = {name: value for name, value in wanted.items() if name not in parts}
            wanted.setdefault("user_name", self._full_name(account_id, user_id, parts))
        elif parts:
            wanted.pop("user_name", None)
        body = {FIELDS[name]: value for name, value in wanted.items()}
        self._writer.update(account_id, user_id, body)

    def _full_name(self, account_id: str, user_id: str, parts: Mapping[str, str]) -> str:
        user = self._reader.member(account_id, user_id)
        values = (parts.get(name, getattr(user, name)) for name in _NAME_PARTS)
        return " ".join(filter(None, values))

    def change_email(self, user_id: str, email: str, *, site_id: int | None) -> None:
        """Change the address in every account."""
        if site_id is None:
            site_id = self._admin.site_of(user_id, self._address_of(user_id))
        self._admin.change_email(user_id, email, site_id)

    def _address_of(self, user_id: str) -> str:
        for account in self._tenant.accounts:
            user = self._find_written(account.account_id, user_id)
            if user is not None:
                return user.email
        raise MissingError(f"No governed account has the user {user_id}. Run a sync.")

    # groups -------------------------------------------------------------------

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Put users into a group."""
        for user_id, error in self._writer.change_members("PUT", account_id, group_id, user_ids):
            if not self._is_in_group(account_id, group_id, user_id):
                raise _about_member(error, is_partial=len(user_ids) > 1)

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Take users out of a group."""
        for user_id, error in self._writer.change_members("DELETE", account_id, group_id, user_ids):
            if self._is_in_group(account_id, group_id, user_id):
                raise _about_member(error, is_partial=len(user_ids) > 1)

    def _is_in_group(self, account_id: str, group_id: str, user_id: str) -> bool:
        """Look whether the wish is fulfilled anyway: the codes that say so are undocumented."""
        user = self._find_written(account_id, user_id)
        return user is not None and group_id in user.memberships[account_id].group_ids

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


@contextmanager
def _after_effect(operation: CreateMembership | ReopenMembership) -> Iterator[None]:
    """Tell the errors of what follows a call that took effect from those of the call itself.

    :raises NoAnswerError: DocuSign cannot be asked now. No temporary error: that would say that
        nothing was done.
    """
    try:
        yield
    except TemporaryError as error:
        raise NoAnswerError(
            f"DocuSign accepted a membership in account {operation.account_id}, and it cannot "
            f"be read back now: {error}"
        ) from error
    except PermanentError as error:
        error.is_partial = True
        raise


def _about_member(error: DocusignError, *, is_partial: bool) -> DocusignError:
    """Return the refusal of one member.

    One who is missing is a wrong value of the request: the group that it addresses is there.
    """
    if isinstance(error, MissingError):
        error = InvalidDataError(
            str(error),
            status=error.status,
            error_code=error.error_code,
            trace_token=error.trace_token,
        )
    error.is_partial = is_partial
    return error


def _is_open(account_id: str, user: User) -> bool:
    return user.memberships[account_id].status.is_open


def _is_closed(account_id: str, user: User) -> bool:
    return user.memberships[account_id].status is MembershipStatus.CLOSED


def _dated(account_id: str, user: User, closing_dates: Mapping[str, datetime]) -> User:
    """Return the user with the date of closing, which the eSignature API does not show."""
    if not _is_closed(account_id, user) or user.user_id not in closing_dates:
        return user
    closed = replace(user.memberships[account_id], closed_at=closing_dates[user.user_id])
    return replace(user, memberships={account_id: closed})


def _is_as_asked(
    membership: Membership, operation: CreateMembership | ReopenMembership, *, was_sent: bool
) -> bool:
    has_groups = set(operation.group_ids) <= membership.group_ids
    is_hidden = membership.profile_id is None and membership.status.is_pending
    has_profile = membership.profile_id == operation.profile_id or (was_sent and is_hidden)
    return has_groups and has_profile


def _with_profile(account_id: str, user: User, profile_id: str) -> User:
    membership = replace(user.memberships[account_id], profile_id=profile_id)
    return replace(user, memberships={account_id: membership})
