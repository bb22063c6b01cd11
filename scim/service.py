"""What an application registers to have it served as SCIM."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from scim.handlers import Authenticator, RequestContext, ResourceHandler
from scim.resources import ResourceType


@dataclass(frozen=True)
class AuthenticationScheme:
    """One way to authenticate, as ServiceProviderConfig shows it (RFC 7643 §5)."""

    type: str = "oauthbearertoken"
    name: str = "OAuth Bearer Token"
    description: str = "A bearer token in the Authorization header."
    spec_uri: str = "https://www.rfc-editor.org/info/rfc6750"
    primary: bool = True


@dataclass(frozen=True)
class ScimConfig:
    """Limits and public facts of the service."""

    default_page_size: int = 100
    max_page_size: int = 200
    max_body_bytes: int = 8 * 1024 * 1024
    """Enough for a group of 100,000 members."""
    max_operations: int = 1000
    """Operations in one PATCH."""
    bulk_max_operations: int = 100
    """Operations in one bulk request, each of which may wait for the system behind."""
    bulk_max_bytes: int = 1024 * 1024
    """Size of the body of a bulk request."""
    authentication_schemes: tuple[AuthenticationScheme, ...] = (AuthenticationScheme(),)
    documentation_uri: str = ""
    sort: bool = True
    """Whether the handlers sort."""
    cursor_timeout_s: int = 3600
    """For how long the cursor of a page leads to the next one."""
    announce_async: bool = False
    """Whether ServiceProviderConfig has ``securityEvents`` (RFC 9967), which strict clients of
    older specifications refuse."""
    roles_and_entitlements: Mapping[str, Any] | None = None
    """What ServiceProviderConfig says of ``/Roles`` and ``/Entitlements``
    (draft-ietf-scim-roles-entitlements-01), None where it does not."""
    anonymous: frozenset[str] = frozenset({"ServiceProviderConfig"})
    """Discovery endpoints that need no credential: a client has to learn how to authenticate."""


_KEY_OF_THIS_PROCESS = os.urandom(32)


@dataclass(frozen=True)
class ScimService:
    """The resource types with their handlers, and everything around them."""

    resources: tuple[tuple[ResourceType, ResourceHandler], ...]
    authenticator: Authenticator
    base_url: Callable[[str], str]
    """From the tenant's name to its public base address without trailing slash.

    :raises scim.errors.NotFound: there is no such tenant.
    """
    config: ScimConfig = ScimConfig()
    """What holds for every tenant."""
    tenant_config: Callable[[str], ScimConfig] | None = None
    """From the tenant's name to what holds for it, where tenants differ in page sizes and the
    like. It has to be quick."""
    cursor_key: Callable[[str], bytes] = lambda _tenant: _KEY_OF_THIS_PROCESS
    """From the tenant's name to the secret that seals its cursors, the same in all processes."""
    request_status: Callable[[RequestContext, str], Mapping[str, Any]] | None = None
    """Returns what became of a :class:`scim.handlers.Deferred` write, by transaction; None where
    every write is carried out at once.

    :raises scim.errors.NotFound: the caller made no such request.
    """
    requests_per_minute: Callable[[str], int] = lambda _tenant: 0
    """From the tenant's name to the requests that each client may send to this process; 0: any."""
    around_request: Callable[[str], AbstractContextManager[object]] = nullcontext
    """From the request's correlation id to what it is answered within, such as a context of logs.
    It begins and ends with each request, so it has to be quick."""
    around_write: Callable[[RequestContext, str, str], AbstractContextManager[object]] = (
        lambda _context, _method, _path: nullcontext()
    )
    """From a caller's request to write, its method and its path under the base address, to what it
    is carried out within: an audit that sees the error too, if there is one."""
    within_time: Callable[[RequestContext], AbstractContextManager[Callable[[], bool]]] = (
        lambda _context: nullcontext(lambda: True)
    )
    """From a caller's bulk request to what it is carried out within, which bounds it as a whole: it
    gives what says, before each operation, whether there is time to begin it."""
    measured: Callable[[str, str, int, float], object] | None = None
    """Told of each answer: method, path under the base address, status and seconds. It has to be
    quick, and must not raise."""
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""

    def config_of(self, tenant: str) -> ScimConfig:
        """Return what holds for a tenant."""
        return self.config if self.tenant_config is None else self.tenant_config(tenant)

    @property
    def resource_types(self) -> tuple[ResourceType, ...]:
        """The registered types in their order."""
        return tuple(resource_type for resource_type, _ in self.resources)
