"""The console for people, at ``/console`` and ``/{tenant}/console``: pages rendered by the server.

It is a Flask application of its own, so that sessions, forms and their headers cost a SCIM request
nothing; it is made when somebody first opens a page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connector.console.ports import Application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask

TENANT = "connector.tenant"
"""Where the WSGI environment names the tenant."""
DEFAULT_TENANT = "default"
_STEP = "console"


class ConsoleMount:
    """WSGI middleware that answers the paths of the console and hands everything else on."""

    def __init__(self, application: Application, others: WSGIApplication) -> None:
        self._application = application
        self._others = others
        self._lock = threading.Lock()
        self._console: Flask | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request."""
        path = environ.get("PATH_INFO", "")
        tenant = self._tenant(path) if _STEP in path else None
        if tenant is None:
            return self._others(environ, start_response)
        mount = f"/{_STEP}" if tenant == DEFAULT_TENANT else f"/{tenant}/{_STEP}"
        environ[TENANT] = tenant
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + mount
        environ["PATH_INFO"] = path.removeprefix(mount)
        with self._application.request():
            return self.console.wsgi_app(environ, start_response)

    def _tenant(self, path: str) -> str | None:
        """Return whose console a path is in, if it is in one."""
        _, first, *rest = path.split("/", 3)
        find = self._application.catalogue.find
        if first == _STEP:
            return DEFAULT_TENANT if find(DEFAULT_TENANT) else None
        is_other = bool(rest) and rest[0] == _STEP and first != DEFAULT_TENANT
        return first if is_other and find(first) else None

    @property
    def console(self) -> Flask:
        """The console's own application."""
        from connector.console.app import create_console  # noqa: PLC0415 - SCIM starts faster

        with self._lock:
            if self._console is None:
                self._console = create_console(self._application)
            return self._console
