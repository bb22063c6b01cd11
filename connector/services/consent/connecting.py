"""Connecting a customer by authorization code, where impersonation is refused.

The service user signs in once, in their own browser and never in a frame; PKCE and a single-use
``state`` tie the answer to the link (RFC 7636, RFC 6749 §10.12).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import replace
from datetime import datetime

from connector.domain.consent.code_grants import EXTENDED, CodeGrant
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentLink
from connector.errors import (
    ConflictingWriteError,
    ConnectorError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
)
from connector.ports import CodeExchange, Examiner
from connector.sealing import Sealer
from connector.services.consent.links import ConsentAnswer, ConsentService, Verdict
from connector.services.context import Actor, TenantContext, new_id

DEFAULT = ""
"""The choice of whichever account is the person's default."""


class ConnectService:
    """The connection of one tenant by authorization code."""

    def __init__(
        self,
        context: TenantContext,
        examiner: Examiner,
        consent: ConsentService,
        *,
        exchange: CodeExchange | None,
        sealer: Sealer,
    ) -> None:
        """:param exchange: None where the tenant is connected by impersonation."""
        self._context = context
        self._examiner = examiner
        self._consent = consent
        self._exchange = exchange
        self._sealer = sealer

    @property
    def is_used(self) -> bool:
        """Whether the tenant is connected in this way."""
        return self._exchange is not None

    @property
    def scopes(self) -> frozenset[str]:
        """What is asked for: who signs in acts for themselves, and the grant shall live on."""
        return (self._consent.scopes - {"impersonation"}) | {EXTENDED}

    def begin(self, actor: Actor) -> str:
        """Return a link for the service user, good for one answer in a week.

        :raises InvalidRequestError: the tenant is not connected in this way, or tokens could not
            be kept.
        """
        if self._exchange is None:
            raise InvalidRequestError(
                "This tenant is connected by impersonation. Set grant: authorization_code for it "
                "where the customer refuses that."
            )
        if not self._sealer.has_key:
            raise InvalidRequestError(
                "Refresh tokens are kept encrypted, and there is no key: set "
                "database.encryption_key (`docusign-iga key encryption` makes one)."
            )
        verifier, scopes = secrets.token_urlsafe(48), self.scopes
        with self._context.write() as uow:
            url = self._consent.keep_link(
                uow,
                Way.INDIVIDUAL,
                scopes,
                verifier=self._sealer.seal(verifier),
                made_by=actor.name,
            )
            self._context.audit(uow, actor, "connection.begun", "", scopes=sorted(scopes))
            uow.commit()
        return f"{url}&code_challenge={_challenge(verifier)}&code_challenge_method=S256"

    def mending_link(self, actor: Actor) -> str:
        """Return the link for the service user that lets the connector in again, in the tenant's
        own way; empty where none can be made."""
        if not self.is_used:
            return self._consent.link(Way.INDIVIDUAL, made_by=actor.name)
        return self.begin(actor) if self._sealer.has_key else ""

    def answer(self, state: str, code: str, error: str = "") -> ConsentAnswer:
        """Take an answer to any link of the tenant; one that connects is traded for a grant."""
        verdict, link = self._consent.use_up(state)
        if link is None or verdict is not None or not link.verifier:
            return self._consent.judge(verdict, link, error)
        actor = Actor(link.made_by or "connector", "console", new_id())
        if error:
            return ConsentAnswer(Verdict.REFUSED, error[:80], self.mending_link(actor))
        try:
            self.finish(link, code)
        except ConnectorError as failure:
            return self._unfinished(failure, actor)
        # It counts once a refresh works, too.
        verdict, detail = self._consent.verify()
        works = verdict in (Verdict.GRANTED, Verdict.PARTIAL)
        return ConsentAnswer(Verdict.CONNECTED if works else verdict, detail)

    def _unfinished(self, failure: ConnectorError, actor: Actor) -> ConsentAnswer:
        """Return why nothing came of an answer, with a new link: neither the old one nor the code
        is good a second time."""
        reason, is_refused = str(failure), isinstance(failure, PermanentError)
        if is_refused:
            with self._context.write() as uow:
                self._context.audit(uow, actor, "connection.failed", "", reason=reason)
                uow.commit()
        verdict = Verdict.NOT_CONNECTED if is_refused else Verdict.INTERRUPTED
        return ConsentAnswer(verdict, reason, self.mending_link(actor))

    def finish(self, link: ConsentLink, code: str) -> CodeGrant:
        """Trade the code of an answer for a lasting grant.

        :raises connector.errors.ConnectorError: DocuSign refuses the code, or somebody else signed
            in.
        """
        if self._exchange is None:
            raise InvalidRequestError("This tenant is connected by impersonation now.")
        grant = self._exchange.exchange(
            code,
            self._sealer.open(link.verifier),
            self._examiner.app.redirect_uri,
            link.scopes,
            by=link.made_by,
        )
        actor = Actor(link.made_by or "connector", "console", new_id())
        with self._context.write() as uow:
            facts = {"scopes": sorted(grant.scopes), "expires_at": grant.expires_at.isoformat()}
            self._context.audit(uow, actor, "connection.made", grant.user_id, **facts)
            uow.commit()
        return grant

    def now(self) -> datetime:
        """Return the time, by the connector's clock."""
        return self._context.clock.now()

    def grant(self) -> CodeGrant | None:
        """Return the grant, None where nobody has connected."""
        with self._context.read() as uow:
            return uow.consents.grant()

    def expires_soon(self, now: datetime) -> CodeGrant | None:
        """Return the grant where somebody should connect again before long."""
        grant = self.grant() if self.is_used else None
        return grant if grant is not None and grant.expires_soon(now) else None

    def choose(self, account_id: str, actor: Actor) -> CodeGrant:
        """Say which of the person's accounts the connection is for.

        :param account_id: :data:`DEFAULT` for whichever is their default.
        :raises NotFoundError: nobody has connected, or the person has no such account.
        """
        with self._context.write() as uow:
            grant = uow.consents.grant()
            if grant is None:
                raise NotFoundError("Nobody has connected this customer yet.")
            known = {str(item["account_id"]) for item in grant.accounts}
            if account_id != DEFAULT and account_id not in known:
                raise NotFoundError("Who connected has no such account in DocuSign.")
            chosen = replace(grant, account_id=account_id or None)
            if not uow.consents.put_grant(chosen, grant.generation):
                raise ConflictingWriteError("The connection is being renewed. Choose once more.")
            facts = {"account_id": account_id or "default"}
            self._context.audit(uow, actor, "connection.account_chosen", "", **facts)
            uow.commit()
        return chosen

    def disconnect(self, actor: Actor) -> None:
        """Forget the grant; at DocuSign its person can revoke it under Connected Apps.

        :raises NotFoundError: nobody is connected.
        """
        with self._context.write() as uow:
            if uow.consents.grant() is None:
                raise NotFoundError("Nobody is connected by sign-in: there is nothing to forget.")
            uow.consents.remove_grant()
            self._context.audit(uow, actor, "connection.removed", "")
            uow.commit()


def chosen_account(grant: CodeGrant) -> str | None:
    """Return the id of the account that a connection is for: the chosen one, or the default."""
    default = next((str(i["account_id"]) for i in grant.accounts if i["is_default"]), None)
    return grant.account_id or default


def _challenge(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636 §4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
