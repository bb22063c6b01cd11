"""Whether DocuSign lets the connector act for somebody, as its token endpoint last said.

Every answer of the token endpoint is a :class:`TokenOutcome`; :func:`learned` turns what was known
and an outcome into what is known now. Nothing is guessed: a state is always somebody's answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from connector.domain.consent.links import ESIGN_SCOPES, Way
from connector.domain.diagnosis.trouble import Trouble


class ConsentState(StrEnum):
    """Whether somebody can be impersonated."""

    GRANTED = "granted"
    """A token was given for everything that was asked for."""
    PARTIAL = "partial"
    """A token was given, and refused once more scopes were asked for: they were added later."""
    MISSING = "missing"
    """``consent_required``: never given, or revoked."""
    REFUSED = "refused"
    """No token, for another reason than consent; the cause says which."""
    UNKNOWN = "unknown"
    """DocuSign was not asked yet."""


UNUSABLE = (ConsentState.MISSING, ConsentState.REFUSED)
"""States in which there is no token at all."""

_REFUSALS = frozenset(
    {
        Trouble.KEY_REJECTED,
        Trouble.ISSUER_UNKNOWN,
        Trouble.SUBJECT_UNKNOWN,
        Trouble.CLOCK_SKEW,
        Trouble.GRANT_MISSING,
        Trouble.GRANT_EXPIRED,
        Trouble.REFUSED,
    }
)
"""What says something of the connection; DocuSign being away does not."""


@dataclass(frozen=True)
class TokenOutcome:
    """What the token endpoint answered."""

    user_id: str
    scopes: frozenset[str]
    """What was asked for."""
    at: datetime
    granted: frozenset[str] = frozenset()
    """The scopes of the token; empty where there is none."""
    trouble: str = ""
    """Why there is none (:class:`connector.domain.diagnosis.trouble.Trouble`)."""
    said: str = ""
    """The cause in words, with DocuSign's own."""


@dataclass(frozen=True)
class ConsentRecord:
    """What is known of one user."""

    user_id: str
    state: ConsentState
    since: datetime
    """When this state was first seen."""
    checked_at: datetime
    cause: str = ""
    """A :class:`connector.domain.diagnosis.trouble.Trouble`; empty where all is well."""
    said: str = ""
    granted: frozenset[str] = frozenset()
    """Scopes for which tokens were given."""
    missing: frozenset[str] = frozenset()
    """Scopes that were asked for and refused."""
    in_claimed_domain: bool | None = None
    """Whether an administrator's consent covers the address; None: not known."""
    is_connection: bool = False
    """Whether it is the service user's, on which everything rests."""

    def is_fresh(self, now: datetime, max_age: timedelta) -> bool:
        """Whether the answer is young enough to be believed."""
        return now - self.checked_at <= max_age


@dataclass(frozen=True)
class ConsentLink:
    """A link that was given out; only the hash of its ``state`` is kept."""

    link_id: str
    """SHA-256 of the state, in hexadecimal."""
    way: Way
    user_id: str
    """Whom the consent is for; the service user or anybody else."""
    made_at: datetime
    scopes: frozenset[str] = frozenset()
    used_at: datetime | None = None
    verifier: str = ""
    """Encrypted PKCE verifier, where a code is to be exchanged (RFC 7636)."""
    made_by: str = ""


def learned(known: ConsentRecord | None, outcome: TokenOutcome) -> ConsentRecord | None:
    """Return what is known after an answer, or *known* where the answer says nothing of consent."""
    before = known or ConsentRecord(outcome.user_id, ConsentState.UNKNOWN, outcome.at, outcome.at)
    if not outcome.trouble:
        after = _given(before, outcome)
    elif outcome.trouble == Trouble.CONSENT_REQUIRED:
        after = _withheld(before, outcome)
    elif outcome.trouble in _REFUSALS:
        after = replace(before, state=ConsentState.REFUSED, cause=outcome.trouble)
    else:
        return known
    is_same = (after.state, after.cause) == (before.state, before.cause)
    since = before.since if is_same else outcome.at
    return replace(after, since=since, checked_at=outcome.at, said=outcome.said)


def _given(before: ConsentRecord, outcome: TokenOutcome) -> ConsentRecord:
    kept = frozenset() if before.state is ConsentState.MISSING else before.granted
    granted = kept | outcome.granted
    missing = (before.missing | (outcome.scopes - outcome.granted)) - granted
    state = ConsentState.PARTIAL if missing else ConsentState.GRANTED
    cause = str(Trouble.CONSENT_REQUIRED) if missing else ""
    return replace(before, state=state, cause=cause, granted=granted, missing=missing)


def _withheld(before: ConsentRecord, outcome: TokenOutcome) -> ConsentRecord:
    """Tell a scope that was added from a consent that is gone: what worked before and is refused
    now was revoked, and so was everything."""
    extra = outcome.scopes - before.granted
    is_partial = bool(before.granted and extra) and not outcome.scopes <= ESIGN_SCOPES
    return replace(
        before,
        state=ConsentState.PARTIAL if is_partial else ConsentState.MISSING,
        cause=str(Trouble.CONSENT_REQUIRED),
        granted=before.granted if is_partial else frozenset(),
        missing=before.missing | (extra if is_partial else outcome.scopes),
    )


def is_worse(before: ConsentState, after: ConsentState) -> bool:
    """Whether people have to hear of a change: something works no longer."""
    order = (ConsentState.GRANTED, ConsentState.UNKNOWN, ConsentState.PARTIAL, *UNUSABLE)
    return after not in (before, ConsentState.GRANTED) and order.index(after) > order.index(before)
