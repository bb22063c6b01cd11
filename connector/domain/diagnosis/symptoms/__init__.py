"""The checks of the doctor with everything that they can find, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.diagnosis.checks import Check, Problem
from connector.domain.diagnosis.symptoms.rights import RIGHTS
from connector.domain.diagnosis.symptoms.sign_in import SIGN_IN
from connector.domain.diagnosis.trouble import Trouble

CHECKS: tuple[Check, ...] = (*SIGN_IN, *RIGHTS)

PROBLEMS: Mapping[str, Problem] = {
    problem.code: problem for check in CHECKS for problem in check.problems
}

BY_TROUBLE: Mapping[str, str] = {
    Trouble.CONSENT_REQUIRED: "consent_missing",
    Trouble.KEY_REJECTED: "key_rejected",
    Trouble.ISSUER_UNKNOWN: "integration_key_unknown",
    Trouble.SUBJECT_UNKNOWN: "service_user_unknown",
    Trouble.CLOCK_SKEW: "clock_wrong",
    Trouble.GRANT_MISSING: "grant_missing",
    Trouble.GRANT_EXPIRED: "grant_expired",
    Trouble.TOKEN_REJECTED: "token_rejected",
    Trouble.CERTIFICATE_REJECTED: "certificate_rejected",
    Trouble.RATE_LIMITED: "limit_reached",
    Trouble.UNAVAILABLE: "unreachable",
    Trouble.BAD_ANSWER: "foreign_answer",
    Trouble.PERMISSION_LOST: "not_administrator",
}
"""What a failed call means where a check does not say it better."""
