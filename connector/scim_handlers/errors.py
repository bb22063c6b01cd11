"""The one table from the connector's errors to those of SCIM.

    NotFoundError           404
    UniquenessError         409 uniqueness
    PreconditionError       412
    InvalidRequestError     400 invalidValue
    InvalidFilterError      400 invalidFilter
    InvalidOrderError       400 invalidPath
    SearchTooLongError      400 tooMany
    GuardError              403, naming the setting
    TemporaryError          503 with Retry-After: DocuSign's limits and failures, a busy resource
    UnknownOutcomeError     503: the connector settles it by itself
    PermanentError          502: DocuSign refuses the connector (consent, key, plan, rights)

Every message of the connector is made for administrators and holds no secret, so it is the
``detail``. Anything else is a defect and is left to crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from copy import copy
from http import HTTPStatus

from connector.errors import (
    ConnectorError,
    GuardError,
    InvalidFilterError,
    InvalidOrderError,
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
    InvalidFilter,
    InvalidPath,
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
    (InvalidFilterError, InvalidFilter),
    (InvalidOrderError, InvalidPath),
    (SearchTooLongError, TooMany),
    (InvalidRequestError, InvalidValue),
    (PermanentError, BadGateway),
)
_TRANSIENT = "temporarily unavailable"
"""What administrators of IdentityIQ list as retryable: it looks for these very words."""
_UNKNOWN_RETRY_S = 30.0


class _ProtocolRefusalError(ConnectorError):
    """What SCIM refuses of a request, on its way through a service that calls a handler back."""

    def __init__(self, answer: ScimError) -> None:
        super().__init__(answer.detail)
        self.answer = answer


class _InvalidError(_ProtocolRefusalError, InvalidRequestError):
    pass


class _MissingError(_ProtocolRefusalError, NotFoundError):
    pass


class _OutdatedError(_ProtocolRefusalError, PreconditionError):
    pass


_PROTOCOL_REFUSALS: Mapping[int, type[_ProtocolRefusalError]] = {
    HTTPStatus.BAD_REQUEST: _InvalidError,
    HTTPStatus.NOT_FOUND: _MissingError,
    HTTPStatus.PRECONDITION_FAILED: _OutdatedError,
}
"""By the status, what a service knows it as."""


def translated() -> AbstractContextManager[None]:
    """Raise what the block raises as an error of SCIM.

    :raises ScimError: see the table above.
    """
    return _TRANSLATED


def called_back() -> AbstractContextManager[None]:
    """Raise what is wrong with a request, in what a service calls back, as the service knows it;
    :func:`translated` makes the same error of SCIM of it again.

    :raises InvalidRequestError: SCIM answers 400.
    :raises NotFoundError: 404.
    :raises PreconditionError: 412.
    """
    return _CALLED_BACK


def _meant(error: Exception) -> ScimError | None:
    return to_scim_error(error) if isinstance(error, ConnectorError) else None


def _known_to_services(error: Exception) -> ConnectorError | None:
    known = _PROTOCOL_REFUSALS.get(error.status) if isinstance(error, ScimError) else None
    return known(error) if isinstance(error, ScimError) and known else None


_TRANSLATED = Translated(_meant)
_CALLED_BACK = Translated(_known_to_services)


def to_scim_error(error: ConnectorError) -> ScimError:
    """Return what a client is told of an error."""
    if isinstance(error, _ProtocolRefusalError):
        return copy(error.answer)  # It is the cause of this one, and would be its own.
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
