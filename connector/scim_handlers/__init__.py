"""The inbound SCIM adapter: implements the port of :mod:`scim.handlers` on the services."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.ledger import Method
from connector.logs import correlated
from connector.scim_handlers.audit import RequestAudit
from connector.scim_handlers.authentication import ClientAuthenticator
from connector.scim_handlers.catalogues import EntitlementHandler, RoleHandler, TombstoneHandler
from connector.scim_handlers.certificates import Certificates
from connector.scim_handlers.cursor_keys import CursorKeys
from connector.scim_handlers.groups import GroupHandler
from connector.scim_handlers.ports import Application
from connector.scim_handlers.requests import RequestStatus
from connector.scim_handlers.schemas import ENTITLEMENTS, GROUPS, ROLES, TOMBSTONES, USERS
from connector.scim_handlers.users import UserHandler
from connector.settings import ServerSettings
from scim.errors import NotFound
from scim.service import AuthenticationScheme, ScimConfig, ScimService

_SCHEMES = {
    Method.TOKEN: AuthenticationScheme(),
    Method.OAUTH: AuthenticationScheme(
        "oauth2",
        "OAuth 2.0 Client Credentials",
        "Access tokens from the token endpoint /oauth/token.",
        "https://www.rfc-editor.org/info/rfc6749",
    ),
    Method.BASIC: AuthenticationScheme(
        "httpbasic",
        "HTTP Basic",
        "The client's name and secret in the Authorization header.",
        "https://www.rfc-editor.org/info/rfc7617",
    ),
    Method.JWT: AuthenticationScheme(
        "oauthbearertoken",
        "JWT Access Token",
        "A signed access token of the organization's identity provider.",
        "https://www.rfc-editor.org/info/rfc9068",
    ),
}
"""Certificates have no type in RFC 7643 §5, and strict clients refuse types that are not there."""

__all__ = ["build_scim_service"]


def build_scim_service(application: Application) -> ScimService:
    """Return everything that is served as SCIM, for every tenant."""
    settings = application.settings
    public_url = _public_url(settings.server)

    def base_url(tenant: str) -> str:
        if tenant not in settings.tenants:
            raise NotFound("There is no such tenant.")
        prefix = "" if tenant == "default" else f"/{tenant}"
        return f"{public_url}{prefix}/scim/v2"

    return ScimService(
        resources=(
            (USERS, UserHandler(application)),
            (GROUPS, GroupHandler(application)),
            (ENTITLEMENTS, EntitlementHandler(application)),
            (ROLES, RoleHandler(application)),
            (TOMBSTONES, TombstoneHandler(application)),
        ),
        authenticator=_authenticator(application),
        base_url=base_url,
        config=_config(application),
        request_status=RequestStatus(application).get,
        requests_per_minute=lambda tenant: settings.tenants[tenant].scim.requests_per_minute,
        around_request=correlated,
        # Nobody reads the counts without a token for them.
        measured=application.metrics.request if settings.observing.metrics_token else None,
        around_write=RequestAudit(application).around,
        cursor_key=CursorKeys(application).key,
        now=lambda: application.clock.now().timestamp(),
    )


def _authenticator(application: Application) -> ClientAuthenticator:
    settings = application.settings.authentication
    return ClientAuthenticator(
        application.clients,
        application.throttle,
        application.offered,
        application.token_verifier,
        Certificates(settings) if Method.MTLS in application.offered else None,
    )


def _schemes(offered: frozenset[Method]) -> tuple[AuthenticationScheme, ...]:
    """Return what ServiceProviderConfig shows; the first is the primary one."""
    shown = [scheme for method, scheme in _SCHEMES.items() if method in offered]
    return tuple(replace(scheme, primary=place == 0) for place, scheme in enumerate(shown))


def _public_url(server: ServerSettings) -> str:
    return (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")


def _config(application: Application) -> ScimConfig:
    # Discovery shows one page size for all tenants: the smallest, which each of them keeps.
    tenants = [item.scim for item in application.settings.tenants.values()]
    return ScimConfig(
        default_page_size=min(item.default_page_size for item in tenants),
        max_page_size=min(item.max_page_size for item in tenants),
        max_body_bytes=application.settings.server.max_body_bytes,
        bulk_max_bytes=application.settings.server.max_body_bytes,
        authentication_schemes=_schemes(application.offered),
        announce_async=all(item.announce_async for item in tenants),
    )
