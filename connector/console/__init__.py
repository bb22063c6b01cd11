"""The console for people, at ``/console`` and ``/{tenant}/console``: pages rendered by the server.

It is a Flask application of its own, so that sessions, forms and their headers cost a SCIM request
nothing; it is made when somebody first opens a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.console.ports import Application
from connector.mount import Mount

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask


class ConsoleMount(Mount):
    """WSGI middleware that answers the paths of the console and hands everything else on."""

    def __init__(self, application: Application, others: WSGIApplication) -> None:
        def make() -> Flask:
            from connector.console.app import create_console  # noqa: PLC0415 - SCIM starts faster

            return create_console(application)

        super().__init__("console", application, make, others)
