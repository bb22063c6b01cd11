"""The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4) for the tenant's API clients.

An access token lives an hour, or as long as the secret where that ends sooner. It is kept as a hash
like every other credential: it is looked up the same fast way, and ends within seconds when its
client is revoked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import orjson
from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from connector.domain.authentication.api_clients import ApiClient, Method, Scope, widened
from connector.errors import TemporaryError
from connector.scim_handlers.authentication import parse_basic
from connector.scim_handlers.ports import Application
from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.authentication.throttle import TooManyFailuresError
from connector.services.tenants.catalogue import TenantSuspendedError

_LIFETIME = timedelta(hours=1)
_MAX_BODY = 16_384
"""Bytes; a request has a few hundred."""
_PARAMETERS = ("grant_type", "scope", "client_id", "client_secret")


class _Refused(Exception):  # noqa: N818 - an answer rather than a failure
    """An error response (RFC 6749 §5.2)."""

    def __init__(self, error: str, description: str, status: int = 400, **headers: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def create_token_blueprint(application: Application, name: str = "oauth") -> Blueprint:
    """Return a blueprint with the token endpoint, to be mounted at ``/oauth`` for each tenant."""
    blueprint = Blueprint(name, __name__)

    @blueprint.post("/token")
    def token(tenant: str) -> Response:
        try:
            return _answer(_grant(application, tenant), 200)
        except _Refused as refused:
            return _answer(refused.body, refused.status, refused.headers)

    return blueprint


def _grant(application: Application, tenant: str) -> dict[str, Any]:
    form = _form()
    entry = application.catalogue.find(tenant)
    if entry is None:
        raise _Refused("invalid_client", "There is no such client.", 401)
    name, secret = _credentials(application, tenant, form)
    client = _client(application, tenant, name, secret)
    try:
        entry.require_active()
    except TenantSuspendedError as error:
        raise _Refused("unauthorized_client", str(error), 403) from error
    grant_type = form.get("grant_type")
    if not grant_type:
        raise _Refused("invalid_request", "The parameter grant_type is missing.")
    if grant_type != "client_credentials":
        raise _Refused("unsupported_grant_type", "Only client_credentials is offered.")
    scopes = _scopes(form.get("scope", ""), client)
    try:
        access_token, lifetime = application.clients.issue(
            tenant, client, secret, scopes, _LIFETIME
        )
    except TemporaryError as error:
        raise _later(error) from error
    except InvalidTokenError as error:  # It was rotated or revoked within the last seconds.
        raise _unknown() from error
    return {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": int(lifetime.total_seconds()),
        "scope": " ".join(sorted(scopes)),
    }


def _form() -> MultiDict[str, str]:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _Refused("invalid_request", "Send an application/x-www-form-urlencoded body.")
    if request.content_length is None or request.content_length > _MAX_BODY:
        raise _Refused("invalid_request", f"Send a body of at most {_MAX_BODY} bytes.", 413)
    if "client_secret" in request.args:
        raise _Refused("invalid_request", "A secret must not stand in the URL; it is exposed now.")
    for name in _PARAMETERS:
        if len(request.form.getlist(name)) > 1:
            raise _Refused("invalid_request", f"The parameter {name} is given twice.")
    return request.form


def _credentials(
    application: Application, tenant: str, form: MultiDict[str, str]
) -> tuple[str, str]:
    """Return name and secret by client_secret_basic or client_secret_post (RFC 6749 §2.3.1)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise _Refused("invalid_request", "Send the secret in the header or in the body, not both.")
    if scheme.lower() != "basic":
        raise _unknown()
    try:
        with application.throttle.watching(tenant, request.remote_addr or ""):
            name, secret = parse_basic(value.strip())
    except TooManyFailuresError as error:
        raise _later(error, 429) from error
    except InvalidTokenError as error:
        raise _unknown() from error
    return unquote_plus(name), unquote_plus(secret)


def _client(application: Application, tenant: str, name: str, secret: str) -> ApiClient:
    if not name or not secret:
        raise _unknown()
    throttle = application.throttle
    try:
        with throttle.watching(tenant, request.remote_addr or "", name):
            return application.clients.authenticate_secret(tenant, Method.OAUTH, name, secret)
    except TooManyFailuresError as error:
        raise _later(error, 429) from error
    except TemporaryError as error:
        raise _later(error) from error
    except InvalidTokenError as error:
        raise _unknown() from error


def _scopes(wanted: str, client: ApiClient) -> frozenset[Scope]:
    """Return what the token may do: what is wanted, or everything that the client may."""
    if not wanted.strip():
        return client.scopes
    try:
        scopes = frozenset(Scope(name) for name in wanted.split())
    except ValueError as error:
        known = ", ".join(Scope)
        raise _Refused("invalid_scope", f"The scopes are {known}.") from error
    if not scopes <= widened(client.scopes):
        raise _Refused("invalid_scope", "The client does not have all of these scopes.")
    return scopes


def _unknown() -> _Refused:
    challenge = 'Basic realm="oauth", charset="UTF-8"'
    text = "The client or its secret is not known, expired or revoked."
    return _Refused("invalid_client", text, 401, WWW_Authenticate=challenge)


def _later(error: TemporaryError, status: int = 503) -> _Refused:
    wait = str(max(1, round(error.retry_after_s)))
    return _Refused("temporarily_unavailable", str(error), status, Retry_After=wait)


def _answer(body: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    response = Response(orjson.dumps(body), status, headers, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
