"""Where the accounts and the organization of one service user are reached (userinfo)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog

from connector.docusign.auth import Subject
from connector.docusign.causes import USERINFO
from connector.docusign.client import Answer, ApiClient, Call, Json, Target, listed
from connector.docusign.errors import (
    BadAnswerError,
    DocusignError,
    FeatureMissingError,
    MissingError,
    PermissionLostError,
    RefusedError,
)
from connector.docusign.hosts import Hosts
from connector.domain.budget import AUTHENTICATION
from connector.domain.consent.links import ADMIN_SCOPES, ESIGN_SCOPES, REDACTION_SCOPES
from connector.domain.naming.names import account_called
from connector.errors import ConnectorError, PermanentError
from connector.ports import Clock
from connector.settings import TenantSettings

_log = structlog.get_logger(__name__)

_LOOK_AGAIN_AFTER = timedelta(minutes=1)
"""An account that userinfo does not show is looked for again, but not at each call."""
_OF_NO_USER = ("", "RESOURCE_NOT_FOUND")
"""Codes of a refusal that may be about the organization: the others are about a user."""
_ASK_AGAIN_AFTER = timedelta(minutes=10)
"""Which organizations there are is asked again, but not at each refusal."""


@dataclass(frozen=True)
class Place:
    """An account as userinfo shows it."""

    account_id: str
    name: str
    base_uri: str
    organization_id: str | None


class Access:
    """The reachable accounts of one tenant's service user, read once. Thread-safe."""

    def __init__(
        self, client: ApiClient, hosts: Hosts, tenant: TenantSettings, clock: Clock
    ) -> None:
        self._client = client
        self._hosts = hosts
        self._tenant = tenant
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[str, Place] = {}
        self._read_at: datetime | None = None
        self._examining = threading.Lock()
        self._mistake: str | None = None
        self._examined_at: datetime | None = None

    def place(self, account_id: str) -> Place:
        """Return where an account is.

        :raises PermissionLostError: the service user is no active member of it.
        :raises RefusedError: the address that userinfo gives for it is not DocuSign's.
        """
        found = self._all().get(account_id) or self._look_again().get(account_id)
        if found is None:
            raise PermissionLostError(
                "The service user is not an active member of account "
                f"{account_called(self._tenant.accounts, account_id)}, or the account "
                "belongs to another environment. Add the user to the account with an "
                "administrator profile, and check docusign.environment."
            )
        if not self._hosts.serves_accounts(found.base_uri):
            raise RefusedError(
                f"The base address of account {self.called(account_id)} is given as "
                f"{found.base_uri[:100]!r}, which is no DocuSign host over https: no access token "
                "is sent there. Check docusign.environment and docusign.oauth_url, and what stands "
                "between the connector and DocuSign."
            )
        return found

    def called(self, account_id: str) -> str:
        """Return what people call an account, with its id beside it; DocuSign is not asked."""
        known = self._places.get(account_id)
        return account_called(self._tenant.accounts, account_id, known.name if known else "")

    def account(self, account_id: str) -> Target:
        """Return where eSignature calls for an account go."""
        base_url = f"{self.place(account_id).base_uri}/restapi"
        called = f"account {self.called(account_id)}"
        return Target(base_url, self._subject(ESIGN_SCOPES), account_id, self._tenant.name, called)

    @property
    def organization_id(self) -> str | None:
        """The organization's id, as configured or as the governed accounts show it."""
        if not self._tenant.use_organization:
            return None
        if self._tenant.organization_id:
            return self._tenant.organization_id
        places = self._all()
        for account in self._tenant.accounts:
            place = places.get(account.account_id)
            if place is not None and place.organization_id:
                return place.organization_id
        return None

    def organization(self) -> Target:
        """Return where Admin calls go.

        :raises FeatureMissingError: the tenant has no organization, or must not use it.
        """
        organization_id = self.organization_id
        if organization_id is None:
            raise FeatureMissingError(
                "This needs a DocuSign organization, and the tenant has none. Link the accounts "
                "to an organization, and leave use_organization true."
            )
        budget = f"organization {organization_id}"
        subject = self._subject(ADMIN_SCOPES)
        return Target(self._hosts.admin_url, subject, budget, self._tenant.name)

    def ask_organization(self, call: Call) -> Answer:
        """Return the answer to a call of the Admin API.

        :raises PermissionLostError: where ``organization_id`` is another than those of the service
            user, the message says so, and which may be used.
        :raises DocusignError: see :mod:`connector.docusign.errors`.
        """
        try:
            return self._client.send(self.organization(), call)
        except PermissionLostError as error:
            self.explain_refusal(error)
            raise
        except (MissingError, BadAnswerError) as error:
            is_refusal = error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
            if is_refusal and (error.error_code or "").upper() in _OF_NO_USER:
                self.explain_refusal(error)
            raise

    def explain_refusal(self, error: DocusignError) -> None:
        """Let a refusal pass that does not come from a wrong ``organization_id``.

        :raises PermissionLostError: that is what it comes from.
        """
        mistake = self._organization_mistake()
        if mistake is not None:
            raise PermissionLostError(
                f"{mistake} (What was refused: {error})",
                status=error.status,
                error_code=error.error_code,
                trace_token=error.trace_token,
            ) from error

    def _organization_mistake(self) -> str | None:
        """Return what is wrong with the configured organization; None where nothing is, or
        DocuSign does not say which organizations there are."""
        if not self._tenant.organization_id:
            return None
        # Whoever is refused while another asks is told what was known before: it has waited enough.
        if not self._examining.acquire(blocking=False):
            return self._mistake
        now = self._clock.now()
        try:
            if self._examined_at is None or now - self._examined_at > _ASK_AGAIN_AFTER:
                self._mistake = self._wrong_organization(self._organizations())
                self._examined_at = now
        except PermanentError:
            # An answer, too: who may not ask is not refused for the organization's sake alone.
            self._mistake, self._examined_at = None, now
        except ConnectorError as error:
            _log.info("which organizations there are cannot be asked", error=str(error))
            return None
        finally:
            self._examining.release()
        return self._mistake

    def _organizations(self) -> Mapping[str, str]:
        """Return the names of the organizations that the service user administers, by id."""
        call = Call("listing the organizations", "GET", "/v2/organizations")
        answer = self._client.send(self.organization(), call)
        return {
            str(item.get("id") or "").lower(): str(item.get("name") or "")
            for item in listed(call, answer, "organizations")
        }

    def _wrong_organization(self, found: Mapping[str, str]) -> str | None:
        wanted = self._tenant.organization_id.lower()
        if wanted in found:
            return None
        others = ", ".join(f"{key} ({name})" for key, name in sorted(found.items()))
        where = f"tenants.{self._tenant.name}.organization_id"
        if not others:
            return (
                f"{where} is {wanted}, and the service user administers no organization: make it "
                "an organization administrator there, or set use_organization to false."
            )
        return (
            f"{where} is {wanted}, which is no organization that the service user administers. It "
            f"administers {others}: write that id, or leave organization_id out; or make the "
            "service user an organization administrator of the other one."
        )

    def monitor(self, base_url: str) -> Target:
        """Return where the organization's event stream is read; it has limits of its own."""
        budget = f"monitor of {self.organization_id}"
        return Target(base_url, self._subject(ESIGN_SCOPES), budget, self._tenant.name)

    def redaction(self) -> Target:
        """Return where people are erased, with an organization or without."""
        organization_id = self.organization_id
        budget = f"organization {organization_id}" if organization_id else "data redaction"
        subject = self._subject(REDACTION_SCOPES)
        return Target(self._hosts.admin_url, subject, budget, self._tenant.name)

    def _subject(self, scopes: frozenset[str]) -> Subject:
        return Subject(self._tenant.user_id, scopes)

    def _all(self) -> dict[str, Place]:
        with self._lock:
            if self._read_at is None:
                self._read()
            return self._places

    def _look_again(self) -> dict[str, Place]:
        with self._lock:
            if self._read_at is None or self._clock.now() - self._read_at > _LOOK_AGAIN_AFTER:
                self._read()
            return self._places

    def _read(self) -> None:
        call = Call("asking who the service user is", "GET", USERINFO)
        subject = self._subject(ESIGN_SCOPES)
        target = Target(self._hosts.oauth_url, subject, AUTHENTICATION, self._tenant.name)
        answer = self._client.send(target, call)
        places = (place_of(item) for item in listed(call, answer, "accounts"))
        self._places = {place.account_id: place for place in places}
        self._read_at = self._clock.now()


def place_of(item: Json) -> Place:
    """Return an account of an answer of userinfo."""
    told = item.get("organization")
    organization = told if isinstance(told, dict) else {}
    organization_id = organization.get("organization_id")
    return Place(
        account_id=str(item.get("account_id", "")).lower(),
        name=str(item.get("account_name") or ""),
        base_uri=str(item.get("base_uri") or "").rstrip("/"),
        organization_id=str(organization_id).lower() if organization_id else None,
    )
