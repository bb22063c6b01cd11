"""The errors of SCIM, each with its status, scimType and default text (RFC 7644 §3.12).

    ScimError
        InvalidFilter, TooMany, InvalidSyntax, InvalidPath, NoTarget, InvalidValue,
        InvalidVersion, Mutability, InvalidCursor,
        ExpiredCursor, InvalidCount                     400 with a scimType
        Unauthorized 401    Forbidden 403    Sensitive 403    NotFound 404
        NotAllowed 405      NotAcceptable 406
        Uniqueness 409      Conflict 409      PreconditionFailed 412
        PayloadTooLarge 413 UnsupportedMediaType 415
        TooManyRequests 429
        InternalError 500   NotImplementedByServer 501
        BadGateway 502      Unavailable 503

``detail`` reaches the administrator of the client word for word: it says what to do.
"""

# The names are those of RFC 7644's scimTypes and HTTP's reason phrases.
# ruff: noqa: N818

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """Anything that ends a SCIM request with an error body."""

    status: ClassVar[int] = 500
    scim_type: ClassVar[str | None] = None
    default_detail: ClassVar[str] = "The request failed."

    def __init__(self, detail: str = "", *, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.detail = detail or self.default_detail
        self.headers = tuple(headers)
        super().__init__(self.detail)

    def __str__(self) -> str:
        return self.detail

    def to_json(self) -> dict[str, Any]:
        """Return the error body; ``status`` is a string there."""
        body: dict[str, Any] = {"schemas": [ERROR_SCHEMA], "status": str(self.status)}
        if self.scim_type is not None:
            body["scimType"] = self.scim_type
        body["detail"] = self.detail
        return body


class InvalidFilter(ScimError):
    """The filter does not follow the grammar, or compares what cannot be compared."""

    status = 400
    scim_type = "invalidFilter"
    default_detail = "The filter is not valid."


class TooMany(ScimError):
    """The result is larger than the service provider will process."""

    status = 400
    scim_type = "tooMany"
    default_detail = "The filter matches too many resources; narrow it."


class InvalidSyntax(ScimError):
    """The body is not what the schema of the request requires."""

    status = 400
    scim_type = "invalidSyntax"
    default_detail = "The request body is not a valid SCIM message."


class InvalidPath(ScimError):
    """A PATCH path is malformed or names an unknown attribute."""

    status = 400
    scim_type = "invalidPath"
    default_detail = "The path is not valid."


class NoTarget(ScimError):
    """A PATCH path matches nothing, or ``remove`` has no path."""

    status = 400
    scim_type = "noTarget"
    default_detail = "The path matches no value."


class InvalidValue(ScimError):
    """A required value is missing, or a value has the wrong type."""

    status = 400
    scim_type = "invalidValue"
    default_detail = "A value is missing or not valid."


class InvalidVersion(ScimError):
    """The URL names a protocol version that is not served."""

    status = 400
    scim_type = "invalidVers"
    default_detail = "Only SCIM protocol version 2 is served."


class InvalidCursor(ScimError):
    """The cursor was not given out for this query, or was changed (RFC 9865)."""

    status = 400
    scim_type = "invalidCursor"
    default_detail = (
        "The cursor was not given out for this query and client. Repeat the whole query as it was "
        "with the nextCursor of its last page, or begin again with an empty cursor."
    )


class ExpiredCursor(ScimError):
    """The cursor is older than ``cursorTimeout`` (RFC 9865)."""

    status = 400
    scim_type = "expiredCursor"
    default_detail = "The cursor expired. Begin again with an empty cursor."


class InvalidCount(ScimError):
    """``count`` is out of range for pages by cursor, or changed between two (RFC 9865)."""

    status = 400
    scim_type = "invalidCount"
    default_detail = "The count is not valid for this cursor."


class Mutability(ScimError):
    """The change would touch what is readOnly, immutable or required."""

    status = 400
    scim_type = "mutability"
    default_detail = "The attribute cannot be changed."


class Unauthorized(ScimError):
    """No valid credential was sent; the blueprint adds ``WWW-Authenticate``."""

    status = 401
    default_detail = "Unauthorized: send a valid bearer token."


class Forbidden(ScimError):
    """The credential is valid and does not allow this."""

    status = 403
    default_detail = "This credential does not allow the operation."


class Sensitive(ScimError):
    """The URL carries personal data that must not stand there (RFC 7644 §7.5.2)."""

    status = 403
    scim_type = "sensitive"
    default_detail = "Send this query to /.search instead: the URL would carry personal data."


class InsufficientScope(Forbidden):
    """The credential lacks a scope, which its challenge says as well (RFC 6750 §3)."""

    def __init__(self, detail: str = "") -> None:
        challenge = 'Bearer realm="scim", error="insufficient_scope"'
        super().__init__(detail, headers=[("WWW-Authenticate", challenge)])


class NotFound(ScimError):
    """There is no such resource or endpoint."""

    status = 404
    default_detail = "Resource not found."


class NotAllowed(ScimError):
    """The endpoint does not take this HTTP method.

    :param allow: the methods that it takes.
    """

    status = 405
    default_detail = "The endpoint does not take this method."

    def __init__(self, detail: str = "", *, allow: Sequence[str] = ("GET",)) -> None:
        self.allow = tuple(allow)
        allowed = ", ".join(self.allow)
        super().__init__(
            detail or f"The endpoint does not take this method; allowed: {allowed}.",
            headers=[("Allow", allowed)],
        )


class NotAcceptable(ScimError):
    """The ``Accept`` header names nothing that can be served."""

    status = 406
    default_detail = "Only application/scim+json and application/json are served."


class Uniqueness(ScimError):
    """A value that must be unique is taken."""

    status = 409
    scim_type = "uniqueness"
    default_detail = "A resource with this name already exists."


class Conflict(ScimError):
    """The request contradicts what there is, in another way than by a name that is taken."""

    status = 409
    default_detail = "The request conflicts with the state of the resource."


class PreconditionFailed(ScimError):
    """``If-Match`` names another version (RFC 7644 §3.14)."""

    status = 412
    # The words are what administrators configure as retryable in IdentityIQ.
    default_detail = "Precondition Failed: the resource changed; read it again and repeat."


class PayloadTooLarge(ScimError):
    """The body or the number of operations is over the limit; ``detail`` tells the limit."""

    status = 413
    default_detail = "The request is too large."


class UnsupportedMediaType(ScimError):
    """The body is not announced as JSON."""

    status = 415
    default_detail = "Send the body as application/scim+json or application/json."


class InternalError(ScimError):
    """A defect of the service provider."""

    status = 500
    default_detail = "Internal error."


class NotImplementedByServer(ScimError):
    """The service provider does not offer this operation."""

    status = 501
    default_detail = "The operation is not implemented."


class BadGateway(ScimError):
    """The system behind the service provider answered with nonsense."""

    status = 502
    default_detail = "The system behind this service failed (502); repeat later."


class _RetryLater(ScimError):
    """An error that passes.

    :param retry_after_s: seconds to wait, sent as whole seconds, which is the only form of
        ``Retry-After`` that every client reads.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after_s: float = 30.0,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.retry_after_s = retry_after_s
        wait = str(max(1, math.ceil(retry_after_s)))
        super().__init__(detail, headers=[("Retry-After", wait), *headers])


class TooManyRequests(_RetryLater):
    """The client is over its limit (RFC 6585)."""

    status = 429
    default_detail = "Too many requests (429); repeat later."


class Unavailable(_RetryLater):
    """The service or the system behind it is temporarily unavailable."""

    status = 503
    default_detail = "The service is temporarily unavailable (503); repeat later."
