"""Where a request is: which tenant, which person, and what they may do."""

from __future__ import annotations

from typing import cast

from flask import Response, current_app, g, request
from werkzeug.routing import RequestRedirect

from connector.api.ports import Application, TenantServices
from connector.domain.authentication.console import ConsoleRole
from connector.errors import TemporaryError
from connector.logs import correlation_id
from connector.mount import TENANT, client_address
from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.context import Principal
from scim.errors import TooManyRequests
from scim.handlers import Caller
from scim.rate_limits import RateLimits

APPLICATION = "connector"
LIMITS = "connector.limits"
PUBLIC = frozenset({"static", "docs.index", "docs.document", "docs.page"})
"""What is open to whoever asks: what the API is, not what it knows."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class BusyError(TemporaryError):
    """The person sends more requests than one may."""


def application() -> Application:
    """Return the connector."""
    return cast("Application", current_app.extensions[APPLICATION])


def tenant_name() -> str:
    """Return whose API this is."""
    return str(request.environ[TENANT])


def tenant() -> TenantServices:
    """Return what the tenant can do."""
    return application().tenant(tenant_name())


def principal() -> Principal:
    """Return on whose behalf the request acts."""
    found: Principal = g.principal
    return found


def needs(*roles: ConsoleRole) -> None:
    """Let the person go on only with one of these roles, or as an administrator.

    :raises connector.errors.ForbiddenError: they have none of them.
    """
    principal().require(*roles)


def require_person() -> None:
    """Find out who sends the request; operations are closed unless named.

    :raises InvalidTokenError: no token, or one that is not to be believed.
    :raises connector.services.tenants.catalogue.TenantSuspendedError: nobody is served.
    """
    if request.endpoint in PUBLIC or isinstance(request.routing_exception, RequestRedirect):
        return
    application().catalogue.get(tenant_name()).require_active()
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise InvalidTokenError("send the header Authorization: Bearer <token>.")
    g.credential_sent = True
    address = client_address(
        request.remote_addr or "",
        request.access_route,
        application().settings.authentication.trusted_proxies,
    )
    sign_in = application().api_sign_in
    g.principal = sign_in.authenticate(tenant_name(), token.strip(), address, correlation_id())
    _count()


def _count() -> None:
    """Hold a person to the requests of a minute, whatever their tokens."""
    limits: RateLimits = current_app.extensions[LIMITS]
    try:
        g.limit_headers = limits.take(Caller(tenant_name(), principal().name, frozenset()))
    except TooManyRequests as error:
        raise BusyError(
            f"There were more than {application().settings.api.requests_per_minute} requests in a "
            "minute (api.requests_per_minute).",
            retry_after_s=error.retry_after_s or 1.0,
        ) from error


def begin_acting() -> None:
    """Let the audit know who acts, so that each call to DocuSign is theirs."""
    if request.method not in _READS and "principal" in g:
        acting = application().acting(tenant_name(), principal().name)
        acting.__enter__()
        g.acting = acting


def end_acting(_: BaseException | None) -> None:
    """Write down what the audit was told meanwhile."""
    if acting := g.pop("acting", None):
        acting.__exit__(None, None, None)


def finish(response: Response) -> Response:
    """Add what every answer has: no storing, no guessing, an entity tag for what was read."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'",
    )
    response.headers["X-Request-Id"] = correlation_id()
    for name, value in g.pop("limit_headers", ()):
        response.headers[name] = value
    if request.endpoint == "static":
        return response
    response.headers["Cache-Control"] = "no-store"
    if request.method == "GET" and response.status_code == 200 and response.is_json:  # noqa: PLR2004
        response.add_etag()
        response.make_conditional(request)
    return response
