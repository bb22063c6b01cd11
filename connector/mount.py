"""What the Flask applications below a path share: whose they are, and where their callers are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit, urlunsplit

from flask import Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

TENANT = "connector.tenant"
"""Where the WSGI environment names the tenant."""
DEFAULT_TENANT = "default"


class Mounted(Protocol):
    """What a mount needs of the application."""

    def has_tenant(self, name: str) -> bool:
        """Whether there is a tenant of this name."""

    def request(self, correlation_id: str = "") -> AbstractContextManager[str]:
        """Let the block finish with the settings it began with; return its correlation id."""


class Mount:
    """WSGI middleware that answers the paths below ``/{path}``, of other tenants below
    ``/{tenant}/{path}``, and hands everything else on.

    The application behind it is made when somebody first asks, so that it costs a process that only
    serves SCIM nothing.
    """

    def __init__(
        self,
        path: str,
        application: Mounted,
        make: Callable[[], Flask],
        others: WSGIApplication,
    ) -> None:
        """:param path: such as ``api/v1``."""
        self._path = f"/{path}"
        self._application = application
        self._make = make
        self._others = others
        self._lock = threading.Lock()
        self._made: Flask | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        path = environ.get("PATH_INFO", "")
        tenant = self._tenant(path) if self._path in path else None
        if tenant is None:
            return self._others(environ, start_response)
        mount = self._path if tenant == DEFAULT_TENANT else f"/{tenant}{self._path}"
        environ[TENANT] = tenant
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + mount
        environ["PATH_INFO"] = path.removeprefix(mount)
        with self._application.request():
            return self.app.wsgi_app(environ, start_response)

    def _tenant(self, path: str) -> str | None:
        """Return below whose mount a path is, if it is below one."""
        if self._is_below(path):
            return DEFAULT_TENANT if self._application.has_tenant(DEFAULT_TENANT) else None
        first, _, rest = path.removeprefix("/").partition("/")
        is_other = first != DEFAULT_TENANT and self._is_below(f"/{rest}")
        return first if is_other and self._application.has_tenant(first) else None

    def _is_below(self, path: str) -> bool:
        return path == self._path or path.startswith(f"{self._path}/")

    @property
    def app(self) -> Flask:
        """The application behind the mount."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def keep_here(response: Response) -> Response:
    """Return a redirect within the site without the host, which comes from the request: whoever
    sends a false ``Host`` leads nobody away, nor does a cache that keeps the answer."""
    if 300 <= response.status_code < 400:  # noqa: PLR2004
        parts = urlsplit(response.headers.get("Location", ""))
        if parts.netloc and parts.netloc == request.host:
            here = urlunsplit(("", "", parts.path or "/", parts.query, parts.fragment))
            response.headers["Location"] = "/" + here.lstrip("/")
    return response


def client_address(remote: str, route: Sequence[str], trusted_proxies: Iterable[str]) -> str:
    """Return where a caller is: what the last proxy that we do not know was told, if we are asked
    by proxies of ours, whose own address everybody would share.

    :param remote: who is connected to us.
    :param route: the addresses that ``X-Forwarded-For`` lists.
    """
    trusted = [ip_network(text) for text in trusted_proxies]
    address = remote
    for forwarded in reversed(route):
        if not any(_is_in(address, network) for network in trusted):
            break
        address = forwarded
    return address


def _is_in(address: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(address) in network
    except ValueError:
        return False
