"""DocuSign, as somebody looks at it who wants to know why it does not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connector.domain.consent.code_grants import CodeGrant
from connector.domain.consent.links import App
from connector.domain.model import User


@dataclass(frozen=True)
class KnownAccount:
    """An account as userinfo shows it."""

    account_id: str
    name: str
    is_served: bool
    """Whether its base address is DocuSign's, so that a token may go there."""
    organization_id: str | None


@dataclass(frozen=True)
class Identity:
    """Whom a token stands for (userinfo)."""

    user_id: str
    email: str
    accounts: Sequence[KnownAccount]


@dataclass(frozen=True)
class AdministeredOrganization:
    """An organization that the service user administers."""

    organization_id: str
    name: str
    account_ids: frozenset[str]


@dataclass(frozen=True)
class ClaimedDomain:
    """An e-mail domain that the organization has claimed or wants to."""

    host_name: str
    status: str
    """``unknown``, ``pending``, ``active``, ``deactivated`` or ``rejected``."""


@dataclass(frozen=True)
class AccountPlan:
    """What an account tells of its plan."""

    name: str
    suspension: str
    """Empty while the account works."""
    has_transfer_rules: bool
    """Whether a leaver's envelopes can be handed over by rule (Transfer Custody)."""


@dataclass(frozen=True)
class LimitReading:
    """What the last answer said about a budget of calls."""

    limit: int
    remaining: int
    read_at: datetime


class CodeExchange(Protocol):
    """Trades what a browser brought for a lasting grant."""

    def exchange(
        self, code: str, verifier: str, redirect_uri: str, scopes: frozenset[str], *, by: str
    ) -> CodeGrant:
        """Return the grant, which is kept.

        :param by: on whose behalf, for the record.
        :raises connector.errors.PermanentError: the code is worthless, or somebody else than the
            service user signed in.
        """


class Examiner(Protocol):
    """Asks DocuSign single questions, past every cache, for one tenant.

    Errors are those of :class:`connector.ports.Directory`; ``ConnectorError.trouble`` tells them
    apart.
    """

    @property
    def app(self) -> App:
        """What consent links are made of."""

    @property
    def environment(self) -> str:
        """``demo``, ``production`` or ``custom``."""

    @property
    def other_environment(self) -> str:
        """The one that is confused with it; empty for ``custom``."""

    def clock_offset_s(self) -> float | None:
        """Return by how many seconds our clock is ahead of DocuSign's, None if it tells no time."""

    def grant(
        self, user_id: str, scopes: frozenset[str], *, elsewhere: bool = False
    ) -> frozenset[str]:
        """Request a token and return the scopes that it has.

        :param elsewhere: ask the other environment; whatever comes back is thrown away.
        """

    def try_out(self, user_id: str, scopes: frozenset[str]) -> frozenset[str]:
        """Request a token for any user, return its scopes and throw it away: nobody is
        impersonated. The call waits for its place in the budget of calls.

        :raises connector.errors.PermanentError: by ``trouble``: consent is missing, no such user.
        """

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the previous private key only, when last asked."""

    def identity(self) -> Identity:
        """Return who the service user is."""

    def service_user(self, account_id: str) -> User:
        """Return the service user as an account knows it."""

    def organization_id(self) -> str | None:
        """Return the organization's id, configured or found."""

    def organizations(self) -> Sequence[AdministeredOrganization]:
        """Return the organizations that the service user administers."""

    def domains(self) -> Sequence[ClaimedDomain]:
        """Return the domains of the organization, whatever their status."""

    def plan(self, account_id: str) -> AccountPlan:
        """Return what an account tells of its plan."""

    def managed_users(self, account_id: str) -> tuple[int, int]:
        """Return how many of how many users DocuSign's own SCIM manages, on the first page."""

    def limits(self, account_id: str) -> LimitReading | None:
        """Return what the account's last answer said about the calls left."""
