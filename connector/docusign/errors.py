"""What DocuSign says, as errors of ours with a cause and a remedy that a person understands.

    DocusignError                       status, error_code, trace_token
        UnavailableError                a TemporaryError: 5xx, no connection, time-out
        RateLimitedError                a TemporaryError: the hourly or burst limit is used up
        BadAnswerError                  a TemporaryError: HTML, often a proxy's, or not as expected
        NoAnswerError                   an UnknownOutcomeError: a change was sent, no answer came
        MissingError                    a NotFoundError: unknown user, group or account
        ExistsError                     a UniquenessError: an open user holds name or address
        RefusedError                    a PermanentError
            ConsentRequiredError        consent for the scopes is missing
            KeyRejectedError            private key or claims do not fit the integration key
            GrantMissingError           nobody has connected by authorization code
            GrantExpiredError           the refresh token is worthless
            IntegrationKeyUnknownError  the key is unknown in this environment
            SubjectUnknownError         the impersonated user is closed or unknown
            ClockSkewError              this machine's clock is wrong
            TokenRejectedError          a fresh token is not accepted
            PermissionLostError         the service user is no administrator
            FeatureMissingError         the plan lacks a feature
            InvalidDataError            also an InvalidRequestError: DocuSign rejects a value
            NotActivatedError           also an InvitationPendingError
            CertificateRejectedError    the server's certificate is not trusted

:mod:`connector.docusign.causes` holds the one table from codes to these.
"""

from __future__ import annotations

from connector.domain.diagnosis.trouble import Trouble
from connector.errors import (
    BudgetUsedUpError,
    ConnectorError,
    InvalidRequestError,
    InvitationPendingError,
    NotFoundError,
    PermanentError,
    TemporaryError,
    UniquenessError,
    UnknownOutcomeError,
)


class DocusignError(ConnectorError):
    """Anything that a call to DocuSign can come to.

    :param status: the HTTP status, None without an answer.
    :param error_code: DocuSign's code, None without one.
    :param trace_token: ``X-DocuSign-TraceToken``, which DocuSign's support asks for.
    """

    may_be_the_token = False
    """Whether the access token may be at fault."""

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        error_code: str | None = None,
        trace_token: str | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.error_code = error_code
        self.trace_token = trace_token


class UnavailableError(DocusignError, TemporaryError):
    """DocuSign cannot be reached, or fails on its side."""

    trouble = Trouble.UNAVAILABLE
    retry_after_s = 30.0
    nothing_sent = False
    """Whether it is certain that DocuSign has not seen the request."""


class RateLimitedError(DocusignError, BudgetUsedUpError):
    """A limit of calls is used up; ``retry_after_s`` says when it is free again."""

    trouble = Trouble.RATE_LIMITED
    retry_after_s = 60.0


class BadAnswerError(DocusignError, TemporaryError):
    """The answer to a read is not what the interface describes: often a proxy's page, soon gone."""

    trouble = Trouble.BAD_ANSWER


class NoAnswerError(DocusignError, UnknownOutcomeError):
    """A change was sent and no answer came."""


class MissingError(DocusignError, NotFoundError):
    """DocuSign does not know the user, group or account."""


class ExistsError(DocusignError, UniquenessError):
    """An open user holds the name or the address."""

    user_id: str | None = None
    """That user, if DocuSign tells."""


class RefusedError(DocusignError, PermanentError):
    """DocuSign refuses; repeating does not help."""

    trouble = Trouble.REFUSED


class ConsentRequiredError(RefusedError):
    """The impersonated user, or an administrator, has not consented to every scope."""

    trouble = Trouble.CONSENT_REQUIRED


class KeyRejectedError(RefusedError):
    """The private key or a claim of the assertion is not accepted."""

    trouble = Trouble.KEY_REJECTED


class GrantMissingError(RefusedError):
    """Nobody has connected yet (authorization code grant)."""

    trouble = Trouble.GRANT_MISSING


class GrantExpiredError(RefusedError):
    """The refresh token is worthless: somebody has to connect again."""

    trouble = Trouble.GRANT_EXPIRED


class IntegrationKeyUnknownError(RefusedError):
    """The integration key is unknown in this environment."""

    trouble = Trouble.ISSUER_UNKNOWN


class SubjectUnknownError(RefusedError):
    """The impersonated user is closed or unknown in this environment."""

    trouble = Trouble.SUBJECT_UNKNOWN


class ClockSkewError(RefusedError):
    """The assertion had expired when it arrived."""

    trouble = Trouble.CLOCK_SKEW


class TokenRejectedError(RefusedError):
    """A fresh token is not accepted."""

    trouble = Trouble.TOKEN_REJECTED


class PermissionLostError(RefusedError):
    """The impersonated user lacks administrator rights."""

    trouble = Trouble.PERMISSION_LOST


class FeatureMissingError(RefusedError):
    """The account's plan lacks the feature."""

    trouble = Trouble.FEATURE_MISSING


class InvalidDataError(RefusedError, InvalidRequestError):
    """DocuSign finds a value of the request invalid."""


class NotActivatedError(RefusedError, InvitationPendingError):
    """The user has not accepted the invitation yet."""


class CertificateRejectedError(RefusedError):
    """The server's certificate is not trusted."""

    trouble = Trouble.CERTIFICATE_REJECTED
