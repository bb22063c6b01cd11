"""What goes wrong, as problem details (RFC 9457): one table from our errors to HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from connector.api.here import BusyError
from connector.errors import (
    ClosedError,
    ConnectorError,
    ForbiddenError,
    GuardError,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    TemporaryError,
    UniquenessError,
    UnknownOutcomeError,
)
from connector.logs import correlation_id
from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.authentication.throttle import TooManyFailuresError

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:docusign-iga:problem:"
"""How the ``type`` of every problem begins: the same in every installation."""
_TABLE: tuple[tuple[type[ConnectorError], int, str, str], ...] = (
    # The first that fits counts: subclasses before their bases.
    (InvalidTokenError, 401, "unauthorized", "You are not known here"),
    (TooManyFailuresError, 429, "too-many-failures", "Too many requests with a wrong token"),
    (BusyError, 429, "too-many-requests", "Too many requests"),
    (NotFoundError, 404, "not-found", "There is no such thing"),
    (ForbiddenError, 403, "forbidden", "You may not do this"),
    (PreconditionError, 412, "changed-meanwhile", "It changed since you looked"),
    (ClosedError, 409, "closed", "It is over"),
    (UniquenessError, 409, "taken", "The name is taken"),
    (GuardError, 409, "guarded", "A safety rule refuses it"),
    (InvalidRequestError, 422, "invalid", "This cannot be done as it was asked for"),
    (TemporaryError, 503, "try-again", "This cannot be done just now"),
    (UnknownOutcomeError, 504, "unknown-outcome", "DocuSign did not answer"),
    (ConnectorError, 502, "refused-by-docusign", "It was refused"),
)
KINDS = [(name, status, title) for _, status, name, title in _TABLE] + [
    ("invalid-request", 400, "The request cannot be read"),
    ("invalid-content", 422, "Members of the request are wrong"),
    ("defect", 500, "The connector has made a mistake"),
]
"""Every problem that is told by name: for the documentation."""


class ProblemSchema(Schema):
    """What went wrong, for programs (``type``, ``status``) and people (``title``, ``detail``)."""

    type = fields.String(
        required=True, metadata={"description": "Which problem it is, as a URN that stays."}
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(metadata={"description": "What is wrong and what to do about it."})
    request_id = fields.String(
        required=True, metadata={"description": "By which log and audit know the request."}
    )
    errors = fields.List(
        fields.Dict(keys=fields.String(), values=fields.String()),
        metadata={"description": "Which members are wrong: `name` and `detail` each."},
    )
    guard = fields.String(metadata={"description": "The safety rule that refuses it."})
    setting = fields.String(metadata={"description": "What an operator may change."})


def install(app: Flask) -> None:
    """Let the application answer every error with problem details."""
    app.register_error_handler(ConnectorError, _refused)
    app.register_error_handler(Exception, _bug)


def problem(
    status: int,
    name: str,
    title: str,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return an answer that tells of a problem."""
    body = {
        "type": TYPE + name if name else "about:blank",
        "title": title,
        "status": status,
        **({"detail": detail} if detail else {}),
        "request_id": correlation_id(),
        **{key: value for key, value in more.items() if value},
    }
    return Response(orjson.dumps(body), status, dict(headers or {}), content_type=MEDIA_TYPE)


def _refused(error: ConnectorError) -> Response:
    status, name, title = next(
        (status, name, title) for kind, status, name, title in _TABLE if isinstance(error, kind)
    )
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if isinstance(error, TemporaryError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, GuardError):
        more = {"guard": error.guard, "setting": error.setting}
    if status == 401:  # noqa: PLR2004
        # An error is told only where a credential was sent (RFC 6750 §3.1).
        sent = ', error="invalid_token"' if g.pop("credential_sent", False) else ""
        headers["WWW-Authenticate"] = f'Bearer realm="api"{sent}'
    return problem(status, name, title, _sentence(str(error)), headers, **more)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def http_problem(error: HTTPException) -> Response:
    """Return the answer to an error that the framework found: a path, a method, a body."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    kept = {
        name: value
        for name, value in error.get_headers()
        if name in ("Allow", "Location", "Retry-After")
    }
    if messages := data.get("messages"):
        listed = list(_listed(messages))
        words = " ".join(f"{item['name']}: {item['detail']}" for item in listed)
        if status == 400:  # noqa: PLR2004
            return problem(400, "invalid-request", "The request cannot be read", words)
        return problem(
            status, "invalid-content", "Members of the request are wrong", words, errors=listed
        )
    if status == 404:  # noqa: PLR2004
        detail = f"There is no operation {request.method} {request.path}; see docs below this API."
        return problem(404, "", "Not Found", detail)
    return problem(status, "", error.name, error.description or "", kept)


def _listed(messages: Any, path: str = "") -> Iterator[dict[str, str]]:
    """Yield what is wrong with each member, of the nested form that marshmallow gives."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # The first level names the place: json, query, files.
            yield from _listed(inner, f"{path}.{name}" if path else f"{name}")
    else:
        for text in messages if isinstance(messages, list) else [messages]:
            yield {"name": path.partition(".")[2] or path, "detail": str(text)}


def _bug(error: Exception) -> Response:
    _log.error("api request failed", path=request.path, exc_info=error)
    detail = "Try again. If it stays so, give request_id to whoever runs the connector."
    return problem(500, "defect", "The connector has made a mistake", detail)
