"""The REST API for people and their programs, at ``/api/v1`` and ``/{tenant}/api/v1``.

It offers what the console and the command line offer, over the same services, described by OpenAPI.
A Flask application of its own, made when somebody first asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.api.ports import Application
from connector.mount import Mount

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from flask import Flask


class ApiMount(Mount):
    """WSGI middleware that answers the paths of the API and hands everything else on."""

    def __init__(self, application: Application, others: WSGIApplication) -> None:
        def make() -> Flask:
            from connector.api.app import create_api  # noqa: PLC0415 - SCIM starts faster

            return create_api(application)

        super().__init__("api/v1", application, make, others)
