"""Consent: links that can be answered once, and whether the answer is worth something.

DocuSign stores consent the moment it is given; the code in its answer is not needed. So an answer
is verified by requesting a token.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from connector.domain.consent.links import ADMIN_SCOPES, ESIGN_SCOPES, REDACTION_SCOPES, Way
from connector.domain.consent.state import ConsentLink, TokenOutcome
from connector.domain.diagnosis.trouble import Trouble
from connector.domain.erasure import ErasureState
from connector.errors import ConnectorError, InvalidRequestError, TemporaryError
from connector.ports import Examiner, UnitOfWork
from connector.services.consent.book import ConsentBook
from connector.services.context import TenantContext

LINK_LIFETIME = timedelta(days=7)
"""A link is often sent by mail to somebody who is away."""
_REMEMBER = timedelta(days=30)
"""For so long a link that is opened again is told from one that never was."""
_ERASING = (ErasureState.REQUESTED, ErasureState.CONFIRMED)


class Verdict(StrEnum):
    """What became of an answer."""

    GRANTED = "granted"
    """A token with every scope was given."""
    PARTIAL = "partial"
    """A token was given, but not with every scope."""
    INEFFECTIVE = "ineffective"
    """DocuSign still asks for consent: somebody else accepted, or for another app."""
    FAILED = "failed"
    """Consent is not what is missing."""
    UNVERIFIED = "unverified"
    """DocuSign could not be asked now: nothing is known."""
    REFUSED = "refused"
    """The person declined."""
    UNKNOWN = "unknown"
    """The answer belongs to no link of this tenant."""
    REPLAYED = "replayed"
    """The link was answered before."""
    EXPIRED = "expired"
    CONNECTED = "connected"
    """The service user signed in, and the connection lasts (authorization code)."""
    NOT_CONNECTED = "not_connected"
    """Somebody else signed in, or the answer came too late."""
    INTERRUPTED = "interrupted"
    """DocuSign did not answer while the connection was made: the answer is used up."""


@dataclass(frozen=True)
class ConsentAnswer:
    """What is told to whoever came back."""

    verdict: Verdict
    detail: str = ""
    """DocuSign's own reason, for the administrator."""
    link: str = ""
    """A new link, where trying again makes sense."""
    is_for_service_user: bool = True
    """False: for somebody in whose name other programs act."""


class ConsentService:
    """Gives out consent links of one tenant and takes the answers."""

    def __init__(self, context: TenantContext, examiner: Examiner, book: ConsentBook) -> None:
        self._context = context
        self._book = book
        self._examiner = examiner

    @property
    def scopes(self) -> frozenset[str]:
        """What the tenant asks for now: with data redaction only where somebody is erased."""
        with self._context.read() as uow:
            erases = bool(uow.erasures.search(_ERASING))
        return self.scopes_for(erasure=erases)

    def scopes_for(self, *, erasure: bool) -> frozenset[str]:
        """Return what the tenant asks for, with or without the erasure of people."""
        if erasure:
            return REDACTION_SCOPES
        return ADMIN_SCOPES if self._context.settings.use_organization else ESIGN_SCOPES

    @property
    def redirect_uri(self) -> str:
        """Where answers come; it must be registered for the integration key letter by letter."""
        return self._examiner.app.redirect_uri

    def link(
        self,
        way: Way,
        *,
        scopes: frozenset[str] = frozenset(),
        user_id: str = "",
        made_by: str = "",
    ) -> str:
        """Return a link that asks for exactly the scopes needed, good for one answer in a week.

        The page for :attr:`Way.ORGANIZATION` has no answer.

        :param scopes: empty: those that the tenant needs now.
        :param user_id: who is to agree; empty: the service user.
        :raises InvalidRequestError: the tenant is connected by sign-in, where consent to
            impersonation is not wanted and would mend nothing.
        """
        if self._is_by_sign_in:
            raise InvalidRequestError(
                "This tenant is connected by sign-in, not by impersonation. Let the service user "
                "connect: docusign-iga consent connect, or the button on the console's page "
                "Connection."
            )
        wanted = scopes or self.scopes
        if way is Way.ORGANIZATION:
            return self._examiner.app.consent_url(way, wanted)
        with self._context.write() as uow:
            url = self.keep_link(uow, way, wanted, user_id=user_id, made_by=made_by)
            uow.commit()
        return url

    def keep_link(
        self,
        uow: UnitOfWork,
        way: Way,
        scopes: frozenset[str],
        *,
        user_id: str = "",
        verifier: str = "",
        made_by: str = "",
    ) -> str:
        """Return a new link, of whose state the hash is remembered."""
        state = f"{self._context.tenant}.{secrets.token_urlsafe(32)}"
        now = self._context.clock.now()
        user_id = user_id or self._context.settings.user_id
        uow.consents.purge_links(now - _REMEMBER)
        uow.consents.add_link(
            ConsentLink(
                _hash_of(state), way, user_id, now, scopes, verifier=verifier, made_by=made_by
            )
        )
        return self._examiner.app.consent_url(way, scopes, state)

    def answer(self, state: str, error: str = "") -> ConsentAnswer:
        """Take an answer: use up its state, then request a token.

        :param error: ``error`` of the answer (RFC 6749 §4.1.2.1), empty where there is none.
        """
        verdict, link = self.use_up(state)
        return self.judge(verdict, link, error)

    def judge(
        self, verdict: Verdict | None, link: ConsentLink | None, error: str = ""
    ) -> ConsentAnswer:
        """Return what to tell of the answer to a link that :meth:`use_up` took."""
        if link is None or verdict is not None:
            return ConsentAnswer(verdict or Verdict.UNKNOWN)
        is_own = link.user_id == self._context.settings.user_id
        if error:
            return ConsentAnswer(Verdict.REFUSED, error[:80], self._again(link), is_own)
        verdict, detail = self.verify() if is_own else self._verify_user(link)
        is_lasting = verdict in (Verdict.GRANTED, Verdict.FAILED, Verdict.UNVERIFIED)
        again = "" if is_lasting else self._again(link)
        return ConsentAnswer(verdict, detail, again, is_own)

    def verify(self) -> tuple[Verdict, str]:
        """Request a token with every scope, and one with the least if that is refused."""
        try:
            return self.look()
        except TemporaryError as error:
            return Verdict.UNVERIFIED, str(error)

    def look(self) -> tuple[Verdict, str]:
        """Do the same, and tell apart that DocuSign cannot be asked now.

        :raises TemporaryError: it is away, or wants a pause.
        """
        user_id = self._context.settings.user_id
        try:
            self._examiner.grant(user_id, self.scopes)
        except TemporaryError:
            raise
        except ConnectorError as error:
            if error.trouble != Trouble.CONSENT_REQUIRED:
                return Verdict.FAILED, str(error)
        else:
            return Verdict.GRANTED, ""
        try:
            self._examiner.grant(user_id, ESIGN_SCOPES)
        except TemporaryError:
            raise
        except ConnectorError as error:
            return Verdict.INEFFECTIVE, str(error)
        missing = ", ".join(self.refused_scopes())
        return Verdict.PARTIAL, f"It is missing for {missing}." if missing else ""

    def refused_scopes(self) -> list[str]:
        """Return the scopes that consent does not cover, asked one by one.

        :raises connector.errors.ConnectorError: no token, for another reason than consent.
        """
        user_id, refused = self._context.settings.user_id, []
        for scope in sorted(self.scopes - ESIGN_SCOPES):
            try:
                self._examiner.grant(user_id, ESIGN_SCOPES | {scope})
            except ConnectorError as error:
                if error.trouble != Trouble.CONSENT_REQUIRED:
                    raise
                refused.append(scope)
        return refused

    def _verify_user(self, link: ConsentLink) -> tuple[Verdict, str]:
        """Try for somebody else, and keep what comes of it."""
        outcome = TokenOutcome(link.user_id, link.scopes, self._context.clock.now())
        try:
            granted = self._examiner.try_out(link.user_id, link.scopes)
        except TemporaryError as error:
            return Verdict.UNVERIFIED, str(error)
        except ConnectorError as error:
            self._book.record(replace(outcome, trouble=error.trouble, said=str(error)))
            is_consent = error.trouble == Trouble.CONSENT_REQUIRED
            return (Verdict.INEFFECTIVE if is_consent else Verdict.FAILED), str(error)
        self._book.record(replace(outcome, granted=granted))
        return Verdict.GRANTED, ""

    @property
    def _is_by_sign_in(self) -> bool:
        return self._context.settings.grant == "authorization_code"

    def _again(self, link: ConsentLink) -> str:
        if self._is_by_sign_in:
            return ""  # Made before the tenant was connected in another way.
        return self.link(link.way, scopes=link.scopes, user_id=link.user_id, made_by=link.made_by)

    def use_up(self, state: str) -> tuple[Verdict | None, ConsentLink | None]:
        """Return a link by its state, used up now, or what is wrong with it."""
        now, link_id = self._context.clock.now(), _hash_of(state)
        # Anybody may come here: who makes a state up must not take the turn to write from others.
        with self._context.read() as uow:
            link = uow.consents.find_link(link_id)
        if link is None:
            return Verdict.UNKNOWN, None
        if link.used_at is not None:
            return Verdict.REPLAYED, link
        if link.made_at + LINK_LIFETIME < now:
            return Verdict.EXPIRED, link
        with self._context.write() as uow:
            if not uow.consents.use_link(link_id, now):
                return Verdict.REPLAYED, link
            uow.commit()
        return None, link


def _hash_of(state: str) -> str:
    """Return what is kept of a state."""
    return hashlib.sha256(state.encode()).hexdigest()
