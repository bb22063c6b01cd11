"""The one table from the connector's errors to those of SCIM.

    NotFoundError           404
    UniquenessError         409 uniqueness
    PreconditionError       412
    InvalidRequestError     400 invalidValue
    SearchTooLongError      400 tooMany
    GuardError              403, naming the setting
    TemporaryError          503 with Retry-After: DocuSign's limits and failures, a busy resource
    UnknownOutcomeError     503: the connector settles it by itself
    PermanentError          502: DocuSign refuses the connector (consent, key, plan, rights)

Every message of the connector is made for administrators and holds no secret, so it is the
``detail``. Anything else is a defect and is left to crash.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from connector.errors import (
    ConnectorError,
    GuardError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    PreconditionError,
    SearchTooLongError,
    TemporaryError,
    Translated,
    UniquenessError,
    UnknownOutcomeError,
)
from scim.errors import (
    BadGateway,
    Forbidden,
    InvalidValue,
    NotFound,
    PreconditionFailed,
    ScimError,
    TooMany,
    Unavailable,
    Uniqueness,
)

_SAME_MEANING: tuple[tuple[type[ConnectorError], type[ScimError]], ...] = (
    (NotFoundError, NotFound),
    (UniquenessError, Uniqueness),
    (PreconditionError, PreconditionFailed),
    (SearchTooLongError, TooMany),
    (InvalidRequestError, InvalidValue),
    (PermanentError, BadGateway),
)
_TRANSIENT = "temporarily unavailable"
"""What administrators of IdentityIQ list as retryable: it looks for these very words."""
_UNKNOWN_RETRY_S = 30.0


def translated() -> AbstractContextManager[None]:
    """Raise what the block raises as an error of SCIM.

    :raises ScimError: see the table above.
    """
    return _TRANSLATED


def _meant(error: Exception) -> ScimError | None:
    return to_scim_error(error) if isinstance(error, ConnectorError) else None


_TRANSLATED = Translated(_meant)


def to_scim_error(error: ConnectorError) -> ScimError:
    """Return what a client is told of an error."""
    if isinstance(error, TemporaryError):
        return Unavailable(_transient(str(error)), retry_after_s=error.retry_after_s)
    if isinstance(error, UnknownOutcomeError):
        return Unavailable(_transient(str(error)), retry_after_s=_UNKNOWN_RETRY_S)
    if isinstance(error, GuardError):
        setting = f" (setting {error.setting})" if error.setting else ""
        return Forbidden(f"{error}{setting}")
    for known, answer in _SAME_MEANING:
        if isinstance(error, known):
            return answer(str(error))
    raise error


def _transient(message: str) -> str:
    if _TRANSIENT in message:
        return message
    return f"{message} The service is {_TRANSIENT} (503); repeat later."
