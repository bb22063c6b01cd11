"""Everything that is served as SCIM, put together."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.authentication.api_clients import Method
from connector.scim_handlers.audit import RequestAudit
from connector.scim_handlers.authentication import ClientAuthenticator
from connector.scim_handlers.bulk_time import BulkTime
from connector.scim_handlers.catalogues import EntitlementHandler, RoleHandler, TombstoneHandler
from connector.scim_handlers.certificates import Certificates
from connector.scim_handlers.cursor_keys import CursorKeys
from connector.scim_handlers.groups import GroupHandler
from connector.scim_handlers.ports import Application
from connector.scim_handlers.requests import RequestStatus
from connector.scim_handlers.schemas import ENTITLEMENTS, GROUPS, ROLES, TOMBSTONES, USERS
from connector.scim_handlers.users import UserHandler
from connector.services.mirror.presentation import MANUAL_ROLE, PERMISSION_PROFILE
from connector.services.tenants.catalogue import TenantEntry, TenantSuspendedError
from connector.settings import ScimSettings, ServerSettings
from scim.errors import Forbidden, NotFound
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

_CATALOGUES = {
    "roles": {
        "supported": True,
        "multipleRolesSupported": True,
        "primarySupported": False,
        "typeSupported": True,
        "types": [MANUAL_ROLE],
    },
    "entitlements": {
        "supported": True,
        "multipleEntitlementsSupported": True,
        "primarySupported": False,
        "typeSupported": True,
        "types": [PERMISSION_PROFILE],
    },
}
"""What the draft of the Roles and Entitlements extension wants to be known of them."""


def build_scim_service(application: Application) -> ScimService:
    """Return everything that is served as SCIM, for every tenant."""
    settings = application.settings
    public_url = _public_url(settings.server)
    configs = _Configs(application)

    def base_url(tenant: str) -> str:
        entry = application.catalogue.find(tenant)
        if entry is None:
            raise NotFound("There is no such tenant.")
        if not entry.is_active:
            raise _closed(entry)
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
        config=configs.common,
        tenant_config=configs.of,
        request_status=RequestStatus(application).get,
        requests_per_minute=lambda tenant: (
            application.tenant(tenant).settings.scim.requests_per_minute
        ),
        around_request=application.request,
        # Nobody reads the counts without a token for them.
        measured=application.metrics.request if settings.observing.metrics_token else None,
        around_write=RequestAudit(application).around,
        within_time=BulkTime(application).within,
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


def _closed(entry: TenantEntry) -> Forbidden:
    try:
        entry.require_active()
    except TenantSuspendedError as error:
        return Forbidden(str(error))
    return Forbidden()


class _Configs:
    """What holds for each tenant, kept until its settings change."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._known: dict[str, tuple[ScimSettings, ScimConfig]] = {}
        self.common = _config(application)

    def of(self, tenant: str) -> ScimConfig:
        """Return what holds for a tenant."""
        settings = self._application.tenant(tenant).settings.scim
        known = self._known.get(tenant)
        if known is None or known[0] is not settings:
            config = replace(
                self.common,
                default_page_size=settings.default_page_size,
                max_page_size=settings.max_page_size,
                announce_async=settings.announce_async,
                anonymous=frozenset(settings.anonymous_discovery),
                roles_and_entitlements=_CATALOGUES if settings.announce_roles else None,
            )
            known = self._known[tenant] = (settings, config)
        return known[1]


def _config(application: Application) -> ScimConfig:
    return ScimConfig(
        max_body_bytes=application.settings.server.max_body_bytes,
        bulk_max_bytes=application.settings.server.max_body_bytes,
        authentication_schemes=_schemes(application.offered),
    )
