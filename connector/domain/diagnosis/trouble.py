"""Why DocuSign was of no help."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """Why a call to DocuSign failed, as far as a diagnosis depends on it."""

    CONSENT_REQUIRED = "consent_required"
    KEY_REJECTED = "key_rejected"
    ISSUER_UNKNOWN = "issuer_unknown"
    SUBJECT_UNKNOWN = "subject_unknown"
    CLOCK_SKEW = "clock_skew"
    GRANT_MISSING = "grant_missing"
    """Nobody has connected yet (authorization code grant)."""
    GRANT_EXPIRED = "grant_expired"
    """The refresh token is of no use any more: expired, revoked, or used up elsewhere."""
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 -- a name
    PERMISSION_LOST = "permission_lost"
    FEATURE_MISSING = "feature_missing"
    CERTIFICATE_REJECTED = "certificate_rejected"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    BAD_ANSWER = "bad_answer"
    REFUSED = "refused"
