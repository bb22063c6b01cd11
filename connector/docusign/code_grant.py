"""Tokens by authorization code, for customers who refuse impersonation.

Somebody signs in once; from then on the refresh token renews itself. DocuSign may let each refresh
token work once only, so renewing is one process's business at a time: a lease in the database says
whose. Whoever waited takes what the other one got. A token that DocuSign has given and that could
not be written down is kept in memory and written later: it is never asked for twice.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog

from connector.docusign import wire
from connector.docusign.causes import USERINFO, json_object, refusal_error, said
from connector.docusign.client import Answer, Call, listed
from connector.docusign.errors import (
    BadAnswerError,
    ClockSkewError,
    ConsentRequiredError,
    DocusignError,
    GrantExpiredError,
    GrantMissingError,
    RefusedError,
    UnavailableError,
)
from connector.docusign.hosts import Hosts
from connector.docusign.tokens import Grant, Subject, TokenEndpoint, token_in
from connector.docusign.transport import Basic, Bearer, Transport
from connector.domain.consent.code_grants import EXTENDED, REFRESH_LIFETIME, CodeGrant
from connector.errors import ConnectorError, TemporaryError
from connector.patience import is_too_late, waiting_longer
from connector.ports import Clock, Store
from connector.sealing import Sealer
from connector.settings import DocusignSettings, TenantSettings

_log = structlog.get_logger(__name__)

_LEASE_KEY = "docusign.grant"
_SAVING_S = 20.0
"""What writing a token down may take beside the time-outs of asking for it."""
_LOOK_AGAIN_S = 0.25
_MARGIN = timedelta(minutes=1)
_IMPERSONATION = frozenset({"impersonation"})
"""What a call asks for by JWT; who signed in acts for themselves and needs it not."""


class CodeGranter:
    """Tokens of one tenant. Thread-safe."""

    def __init__(
        self,
        settings: DocusignSettings,
        tenant: TenantSettings,
        *,
        hosts: Hosts,
        transport: Transport,
        store: Store,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._tenant = tenant
        self._hosts = hosts
        self._transport = transport
        self._endpoint = TokenEndpoint(settings, hosts, transport)
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._lease_s = settings.connect_timeout_s + settings.read_timeout_s + _SAVING_S
        self._unsaved: tuple[CodeGrant, int] | None = None
        self._guard = threading.Lock()

    # renewing -----------------------------------------------------------------

    def grant(self, subject: Subject, now: datetime, tenant: str, *, anew: bool = False) -> Grant:
        """Return the stored access token, or a new one; see :class:`.tokens.Granter`.

        :raises GrantMissingError: nobody has connected yet.
        :raises GrantExpiredError: the refresh token is worthless: somebody has to connect again.
        """
        stored = self._stored()
        if stored.user_id != subject.user_id:
            raise GrantMissingError(
                f"The connection was made by the DocuSign user {stored.user_id}, and the service "
                f"user is {subject.user_id} now. Let that user connect: docusign-iga consent "
                "connect."
            )
        lacking = subject.scopes - _IMPERSONATION - stored.scopes
        if lacking:
            raise ConsentRequiredError(
                f"The connection was made without {', '.join(sorted(lacking))}. Connect again: "
                "docusign-iga consent connect."
            )
        if anew or stored.access_until - _MARGIN <= now:
            stored = self._renewed(stored)
        token = self._sealer.open(stored.access_token)
        scopes = stored.scopes | _IMPERSONATION
        return self._endpoint.grant_until(token, scopes, now, stored.access_until)

    def _stored(self) -> CodeGrant:
        self._save_unsaved()
        if self._unsaved is not None:
            return self._unsaved[0]
        with self._store.read(self._tenant.name) as uow:
            found = uow.consents.grant()
        if found is None:
            raise GrantMissingError(
                "Nobody has connected this customer to DocuSign yet. Let the service user sign in: "
                "docusign-iga consent connect, or the button on the console's page Connection."
            )
        return found

    def _renewed(self, seen: CodeGrant) -> CodeGrant:
        """Renew, or take what somebody else got since *seen* was read.

        Whoever waits does so for longer than a lease: that of a process that was killed runs out,
        and the next one renews. Nobody waits longer than for the answer that they want.
        """
        owner, waited_s = f"grant:{uuid4()}", 0.0
        while not self._take_lease(owner):
            if is_too_late() or waited_s > self._lease_s:
                raise _not_sent("Another process is renewing the connection to DocuSign.")
            self._clock.sleep(_LOOK_AGAIN_S)
            waited_s += _LOOK_AGAIN_S
            current = self._stored()
            if current.generation != seen.generation:
                return current
        try:
            current = self._stored()
            if current.generation != seen.generation:
                return current
            return self._ask_anew(current)
        finally:
            self._give_lease_back(owner)

    def _ask_anew(self, stored: CodeGrant) -> CodeGrant:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._sealer.open(stored.refresh_token),
        }
        try:
            # The token that is sent may be good for once: whoever waits for an answer waits until
            # the one that takes its place is kept.
            with waiting_longer(self._lease_s - _SAVING_S):
                answer = self._ask(form)
        except RefusedError as error:
            if not _is_worthless(error):
                raise
            later = self._stored()
            if later.generation != stored.generation:
                return later  # A lease ran out, and somebody was faster: theirs is good.
            raise GrantExpiredError(
                "DocuSign does not renew the connection any more: it expired, was revoked, or was "
                "used by somebody else. Let the service user connect again: docusign-iga consent "
                f"connect. ({error})",
                status=error.status,
                error_code=error.error_code,
                trace_token=error.trace_token,
            ) from None
        return self._kept(self._followed(stored, answer), replacing=stored.generation)

    def _followed(self, stored: CodeGrant, answer: dict[str, Any]) -> CodeGrant:
        """Return the grant that an answer continues."""
        now = self._clock.now()
        access = self._endpoint.grant_of(answer, stored.scopes, now)
        fresh = token_in(answer, "refresh_token")
        is_extended = EXTENDED in stored.scopes
        return replace(
            stored,
            refresh_token=self._sealer.seal(fresh) if fresh else stored.refresh_token,
            access_token=self._sealer.seal(access.token),
            access_until=access.expires_at,
            refreshed_at=now,
            expires_at=now + REFRESH_LIFETIME if fresh and is_extended else stored.expires_at,
            generation=stored.generation + 1,
        )

    # writing ------------------------------------------------------------------

    def _kept(self, grant: CodeGrant, *, replacing: int) -> CodeGrant:
        """Write a grant down; what the database refuses now is written later."""
        with self._guard:
            self._unsaved = (grant, replacing)
        self._save_unsaved()
        return grant

    def _save_unsaved(self) -> None:
        with self._guard:
            if self._unsaved is None:
                return
            grant, replacing = self._unsaved
            try:
                with self._store.write(self._tenant.name) as uow:
                    known = uow.consents.grant()
                    if known is not None and known.generation == replacing:
                        # Chosen while DocuSign was asked.
                        grant = replace(grant, account_id=known.account_id)
                    if not uow.consents.put_grant(grant, replacing):
                        _log.warning("a renewed connection was renewed elsewhere too")
                    uow.commit()
            except TemporaryError as error:
                _log.warning("a renewed connection waits for the database", error=str(error))
                return
            self._unsaved = None

    def _take_lease(self, owner: str) -> bool:
        now = self._clock.now()
        until = now + timedelta(seconds=self._lease_s)
        with self._store.write(self._tenant.name) as uow:
            taken = uow.locks.acquire([_LEASE_KEY], owner, until, now)
            uow.commit()
        return taken

    def _give_lease_back(self, owner: str) -> None:
        try:
            with self._store.write(self._tenant.name) as uow:
                uow.locks.release([_LEASE_KEY], owner)
                uow.commit()
        except ConnectorError as error:
            _log.warning("the lease of a connection runs out by itself", error=str(error))

    # connecting ---------------------------------------------------------------

    def exchange(
        self, code: str, verifier: str, redirect_uri: str, scopes: frozenset[str], *, by: str
    ) -> CodeGrant:
        """Trade a code for tokens, look who signed in, and keep the grant.

        :raises RefusedError: the code is worthless, or somebody else than the service user signed
            in.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": redirect_uri,
        }
        answer, now = self._ask(form), self._clock.now()
        access = self._endpoint.grant_of(answer, scopes, now)
        refresh = token_in(answer, "refresh_token")
        if refresh is None:
            raise BadAnswerError("DocuSign gave no refresh token: the connection cannot last.")
        who, accounts = self._who(access.token)
        if wire.text(who, "sub").lower() != self._tenant.user_id:
            raise RefusedError(
                f"{wire.text(who, 'email') or 'Somebody'} signed in to DocuSign "
                f"({wire.text(who, 'sub')}), and the service user is {self._tenant.user_id}. Sign "
                "out of DocuSign, open a new link and sign in as the service user."
            )
        grant = CodeGrant(
            user_id=self._tenant.user_id,
            refresh_token=self._sealer.seal(refresh),
            access_token=self._sealer.seal(access.token),
            access_until=access.expires_at,
            scopes=access.scopes,
            connected_at=now,
            connected_by=by,
            refreshed_at=now,
            expires_at=now + REFRESH_LIFETIME,
            generation=self._next_generation(),
            accounts=accounts,
        )
        return self._kept(grant, replacing=0)

    def _next_generation(self) -> int:
        with self._store.read(self._tenant.name) as uow:
            before = uow.consents.grant()
        return before.generation + 1 if before else 1

    def _who(self, token: str) -> tuple[dict[str, Any], list[dict[str, object]]]:
        what = "asking who signed in"
        response = self._transport.send(
            what,
            "GET",
            f"{self._hosts.oauth_url}{USERINFO}",
            template=USERINFO,
            tenant=self._tenant.name,
            auth=Bearer(token),
        )
        body = json_object(response)
        if response.status_code != 200 or body is None:  # noqa: PLR2004 -- RFC 9110
            raise refusal_error(what, said(response, USERINFO))
        listing = listed(Call(what, "GET", USERINFO), Answer.of(response, body), "accounts")
        return body, [
            {
                "account_id": wire.text(item, "account_id").lower(),
                "name": wire.text(item, "account_name"),
                "is_default": bool(item.get("is_default")),
            }
            for item in listing
        ]

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        """Ask with the app's secret, or as a public client that only names itself."""
        secret, key = self._settings.client_secret, self._settings.integration_key
        if secret:
            return self._endpoint.ask(form, self._tenant.name, Basic(key, secret))
        return self._endpoint.ask({**form, "client_id": key}, self._tenant.name)


def _is_worthless(error: RefusedError) -> bool:
    """Whether DocuSign means the refresh token, and not the app, its secret or the user."""
    is_plain = type(error) is RefusedError and error.error_code == "invalid_grant"
    # An expired grant speaks of the clock only where we sign one, which nobody does here.
    return is_plain or isinstance(error, ConsentRequiredError | ClockSkewError)


def _not_sent(text: str) -> DocusignError:
    error = UnavailableError(text)
    error.nothing_sent = True
    return error
