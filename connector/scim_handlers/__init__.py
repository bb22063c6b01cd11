"""The inbound SCIM adapter: implements the port of :mod:`scim.handlers` on the services."""

from __future__ import annotations

from connector.scim_handlers.authentication import ClientAuthenticator
from connector.scim_handlers.catalogues import EntitlementHandler, RoleHandler, TombstoneHandler
from connector.scim_handlers.cursor_keys import CursorKeys
from connector.scim_handlers.groups import GroupHandler
from connector.scim_handlers.ports import Application
from connector.scim_handlers.requests import RequestStatus
from connector.scim_handlers.schemas import ENTITLEMENTS, GROUPS, ROLES, TOMBSTONES, USERS
from connector.scim_handlers.users import UserHandler
from connector.settings import ServerSettings
from scim.errors import NotFound
from scim.service import AuthenticationScheme, ScimConfig, ScimService

_SCHEMES = (
    AuthenticationScheme(),
    AuthenticationScheme(
        "oauth2",
        "OAuth 2.0 Client Credentials",
        "Access tokens from the token endpoint /oauth/token.",
        "https://www.rfc-editor.org/info/rfc6749",
        primary=False,
    ),
    AuthenticationScheme(
        "httpbasic",
        "HTTP Basic",
        "The client's name and secret in the Authorization header.",
        "https://www.rfc-editor.org/info/rfc7617",
        primary=False,
    ),
)

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
        authenticator=ClientAuthenticator(application.clients, application.throttle),
        base_url=base_url,
        config=_config(application),
        request_status=RequestStatus(application).get,
        requests_per_minute=lambda tenant: settings.tenants[tenant].scim.requests_per_minute,
        cursor_key=CursorKeys(application).key,
        now=lambda: application.clock.now().timestamp(),
    )


def _public_url(server: ServerSettings) -> str:
    return (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")


def _config(application: Application) -> ScimConfig:
    # Discovery shows one page size for all tenants: the smallest, which each of them keeps.
    tenants = [item.scim for item in application.settings.tenants.values()]
    return ScimConfig(
        default_page_size=min(item.default_page_size for item in tenants),
        max_page_size=min(item.max_page_size for item in tenants),
        max_body_bytes=application.settings.server.max_body_bytes,
        authentication_schemes=_SCHEMES,
        announce_async=all(item.announce_async for item in tenants),
    )
