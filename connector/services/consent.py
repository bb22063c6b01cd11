"""Consent: links that can be answered once, and whether the answer is worth something.

DocuSign stores consent the moment it is given; the code in its answer is not needed. So an answer
is verified by requesting a token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.domain.consent import ADMIN_SCOPES, ESIGN_SCOPES, Way
from connector.domain.diagnosis import Trouble
from connector.errors import ConflictingWriteError, ConnectorError
from connector.ports import Examiner, UnitOfWork
from connector.services.context import TenantContext, new_id

_FACT = "consent_states"
_LIFETIME = timedelta(days=7)
"""A link is often sent by mail to somebody who is away."""
_REMEMBER_USED = timedelta(days=30)
"""For so long a link that is opened again is told from one that never was."""
_LEASE = timedelta(seconds=30)
_MAX_STATES = 200
"""Links that one tenant can have open; the oldest make room."""


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
    REFUSED = "refused"
    """The person declined."""
    UNKNOWN = "unknown"
    """The answer belongs to no link of this tenant."""
    REPLAYED = "replayed"
    """The link was answered before."""
    EXPIRED = "expired"


@dataclass(frozen=True)
class ConsentAnswer:
    """What is told to whoever came back."""

    verdict: Verdict
    detail: str = ""
    """DocuSign's own reason, for the administrator."""
    link: str = ""
    """A new link, where trying again makes sense."""


class ConsentService:
    """Gives out consent links of one tenant and takes the answers."""

    def __init__(self, context: TenantContext, examiner: Examiner) -> None:
        self._context = context
        self._examiner = examiner

    @property
    def scopes(self) -> frozenset[str]:
        """What the tenant asks for."""
        return ADMIN_SCOPES if self._context.settings.use_organization else ESIGN_SCOPES

    @property
    def redirect_uri(self) -> str:
        """Where answers come; it must be registered for the integration key letter by letter."""
        return self._examiner.app.redirect_uri

    def link(self, way: Way) -> str:
        """Return a link that asks for exactly the scopes needed, good for one answer in a week.

        The page for :attr:`Way.ORGANIZATION` has no answer.

        :raises ConflictingWriteError: another link is being made.
        """
        if way is Way.ORGANIZATION:
            return self._examiner.app.consent_url(way, self.scopes)
        state = f"{self._context.tenant}.{secrets.token_urlsafe(32)}"
        now = self._context.clock.now()
        entry = {"made_at": now.isoformat(), "way": str(way), "used": False}
        with self._context.write() as uow:
            states = self._states(uow, now)
            states[_hash(state)] = entry
            newest = sorted(states.items(), key=lambda item: str(item[1]["made_at"]))
            self._put(uow, dict(newest[-_MAX_STATES:]))
            uow.commit()
        return self._examiner.app.consent_url(way, self.scopes, state)

    def answer(self, state: str, error: str = "") -> ConsentAnswer:
        """Take an answer: use up its state, then request a token.

        :param error: ``error`` of the answer (RFC 6749 §4.1.2.1), empty where there is none.
        :raises ConflictingWriteError: another answer is being taken.
        """
        verdict, way = self._use_up(state)
        if verdict is not None:
            return ConsentAnswer(verdict)
        if error:
            return ConsentAnswer(Verdict.REFUSED, error[:80], self.link(way))
        verdict, detail = self.verify()
        is_lasting = verdict in (Verdict.GRANTED, Verdict.FAILED)
        return ConsentAnswer(verdict, detail, "" if is_lasting else self.link(way))

    def verify(self) -> tuple[Verdict, str]:
        """Request a token with every scope, and one with the least if that is refused."""
        user_id = self._context.settings.user_id
        try:
            self._examiner.grant(user_id, self.scopes)
        except ConnectorError as error:
            if error.trouble != Trouble.CONSENT_REQUIRED:
                return Verdict.FAILED, str(error)
        else:
            return Verdict.GRANTED, ""
        try:
            self._examiner.grant(user_id, ESIGN_SCOPES)
        except ConnectorError as error:
            return Verdict.INEFFECTIVE, str(error)
        return Verdict.PARTIAL, ""

    # states -------------------------------------------------------------------

    def _use_up(self, state: str) -> tuple[Verdict | None, Way]:
        """Return what is wrong with a state, None if it is good and used up now."""
        now, key = self._context.clock.now(), _hash(state)
        with self._context.write() as uow:
            states = self._states(uow, now)
            entry = next((v for k, v in states.items() if hmac.compare_digest(k, key)), None)
            if entry is None:
                return Verdict.UNKNOWN, Way.INDIVIDUAL
            way = Way(entry["way"])
            if entry["used"]:
                return Verdict.REPLAYED, way
            if datetime.fromisoformat(entry["made_at"]) + _LIFETIME < now:
                return Verdict.EXPIRED, way
            self._put(uow, {**states, key: {**entry, "used": True}})
            uow.commit()
        return None, way

    def _states(self, uow: UnitOfWork, now: datetime) -> dict[str, dict[str, Any]]:
        """Return the states that are remembered; nobody else changes them until the commit."""
        owner = f"consent:{new_id()}"
        if not uow.locks.acquire([_FACT], owner, now + _LEASE, now):
            raise ConflictingWriteError("Another consent link is in use at this moment.")
        uow.locks.release([_FACT], owner)
        known: dict[str, dict[str, Any]] = dict(uow.facts().get(_FACT) or {})
        since = now - _REMEMBER_USED
        return {
            key: entry
            for key, entry in known.items()
            if datetime.fromisoformat(entry["made_at"]) > since
        }

    def _put(self, uow: UnitOfWork, states: dict[str, dict[str, Any]]) -> None:
        uow.put_fact(_FACT, states)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
