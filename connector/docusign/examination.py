"""Single questions to DocuSign for a diagnosis: an :class:`connector.ports.Examiner`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connector.docusign import wire
from connector.docusign.access import Access, place_of
from connector.docusign.auth import Subject, TokenSource
from connector.docusign.causes import USERINFO
from connector.docusign.client import ApiClient, Call, Json, Target, listed
from connector.docusign.errors import BadAnswerError, FeatureMissingError, RateLimitedError
from connector.docusign.esign_reads import EsignReader
from connector.docusign.hosts import Hosts
from connector.docusign.limits import Gate
from connector.docusign.transport import Transport
from connector.domain.budget import AUTHENTICATION
from connector.domain.consent.links import ESIGN_SCOPES, App
from connector.domain.model import User
from connector.ports import (
    AccountPlan,
    AdministeredOrganization,
    ClaimedDomain,
    Clock,
    Identity,
    KnownAccount,
    LimitReading,
)
from connector.settings import DocusignSettings, TenantSettings

_OTHER = {"demo": "production", "production": "demo"}
_ACCOUNT = "/v2.1/accounts/{account_id}"


class DocusignExaminer:
    """Looks at one tenant's connection. See :class:`connector.ports.Examiner` for the contract."""

    def __init__(
        self,
        settings: DocusignSettings,
        tenant: TenantSettings,
        clock: Clock,
        *,
        app: App,
        transport: Transport,
        tokens: TokenSource,
        client: ApiClient,
        gate: Gate,
    ) -> None:
        self._settings = settings
        self._tenant = tenant
        self._clock = clock
        self._app = app
        self._hosts = Hosts.of(settings)
        self._transport = transport
        self._tokens = tokens
        self._client = client
        self._gate = gate
        # Its own: what the services remember of accounts and places may be what is wrong.
        self._access = Access(client, self._hosts, tenant, clock)
        self._reader = EsignReader(client, self._access, settings.behaviour, clock)

    @property
    def app(self) -> App:
        """What consent links are made of."""
        return self._app

    @property
    def environment(self) -> str:
        """The configured environment."""
        return self._settings.environment

    @property
    def other_environment(self) -> str:
        """The one that is confused with it."""
        return _OTHER.get(self._settings.environment, "")

    # without a token ----------------------------------------------------------

    def clock_offset_s(self) -> float | None:
        """Return by how many seconds our clock is ahead of DocuSign's."""
        before = self._clock.now()
        answer = self._transport.send(
            "asking for the time",
            "GET",
            f"{self._hosts.oauth_url}{USERINFO}",
            template=USERINFO,
            tenant=self._tenant.name,
        )
        passed = self._clock.now() - before
        said = _date(answer.headers.get("Date", ""))
        if said is None:
            return None
        return (before + passed / 2 - said).total_seconds()

    def grant(
        self, user_id: str, scopes: frozenset[str], *, elsewhere: bool = False
    ) -> frozenset[str]:
        """Request a token."""
        tokens = self._tokens_elsewhere() if elsewhere else self._tokens
        return tokens.request(Subject(user_id, scopes), self._tenant.name)

    def try_out(self, user_id: str, scopes: frozenset[str]) -> frozenset[str]:
        """Request a token for any user and throw it away."""
        tenant = self._tenant.name
        self._gate.check(AUTHENTICATION, tenant)
        try:
            return self._tokens.try_out(Subject(user_id, scopes), tenant)
        except RateLimitedError as error:
            error.retry_after_s = self._gate.exceeded(
                AUTHENTICATION, error.error_code or "", error.status or 429, tenant
            )
            raise
        finally:
            self._gate.learn(AUTHENTICATION, {}, tenant)

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the previous private key only."""
        return self._tokens.uses_previous_key

    def _tokens_elsewhere(self) -> TokenSource:
        settings = replace(self._settings, environment=self.other_environment)
        return TokenSource(settings, Hosts.of(settings), self._transport, self._clock)

    # with one -----------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who the service user is."""
        call = Call("asking who the service user is", "GET", USERINFO)
        subject = Subject(self._tenant.user_id, ESIGN_SCOPES)
        target = Target(self._hosts.oauth_url, subject, AUTHENTICATION, self._tenant.name)
        answer = self._client.send(target, call)
        places = [place_of(item) for item in listed(call, answer, "accounts")]
        accounts = [
            KnownAccount(
                place.account_id,
                place.name,
                self._hosts.serves_accounts(place.base_uri),
                place.organization_id,
            )
            for place in places
        ]
        return Identity(wire.text(answer, "sub").lower(), wire.text(answer, "email"), accounts)

    def service_user(self, account_id: str) -> User:
        """Return the service user as an account knows it."""
        return self._reader.member(account_id, self._tenant.user_id)

    def organization_id(self) -> str | None:
        """Return the organization's id, configured or found."""
        return self._access.organization_id

    def organizations(self) -> Sequence[AdministeredOrganization]:
        """Return the organizations that the service user administers."""
        call = Call("listing the organizations", "GET", "/v2/organizations")
        answer = self._client.send(self._access.organization(), call)
        return [_organization(item) for item in listed(call, answer, "organizations")]

    def domains(self) -> Sequence[ClaimedDomain]:
        """Return the domains of the organization, whatever their status."""
        path = {"organization_id": self._access.organization_id or ""}
        template = "/v2/organizations/{organization_id}/reserved_domains"
        call = Call("listing the claimed domains", "GET", template, path)
        answer = self._access.ask_organization(call)
        return [
            ClaimedDomain(
                wire.text(item, "host_name").lower(),
                wire.text(item, "status").lower(),
            )
            for item in listed(call, answer, "reserved_domains")
        ]

    def plan(self, account_id: str) -> AccountPlan:
        """Return what an account tells of its plan."""
        path = {"account_id": account_id}
        target = self._access.account(account_id)
        told = self._client.send(target, Call("reading the account", "GET", _ACCOUNT, path))
        rules = Call("listing transfer rules", "GET", f"{_ACCOUNT}/envelopes/transfer_rules", path)
        try:
            self._client.send(target, rules)
        except FeatureMissingError:
            has_rules = False
        else:
            has_rules = True
        return AccountPlan(
            wire.text(told, "planName"), wire.text(told, "suspensionStatus"), has_rules
        )

    def managed_users(self, account_id: str) -> tuple[int, int]:
        """Return how many of how many users DocuSign's own SCIM manages, on the first page."""
        page = next(self._reader.user_pages(account_id, 0), None)
        if page is None:
            raise BadAnswerError("Listing the users failed. There was no page.")
        managed = [
            user
            for user in page.users
            if user.managed_by_scim or user.memberships[account_id].managed_by_scim
        ]
        return len(managed), len(page.users)

    def limits(self, account_id: str) -> LimitReading | None:
        """Return what the account's last answer said about the calls left."""
        return self._gate.reading(account_id)


def _organization(item: Json) -> AdministeredOrganization:
    accounts = item.get("accounts") or ()
    return AdministeredOrganization(
        wire.text(item, "id").lower(),
        wire.text(item, "name"),
        frozenset(wire.text(account, "id").lower() for account in accounts),
    )


def _date(text: str) -> datetime | None:
    """Return a ``Date`` header as aware UTC (RFC 9110 §6.6.1)."""
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return None
