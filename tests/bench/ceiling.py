"""The ceiling: what an authenticated Flask route that returns a constant does on the same server.

``python -m tests.bench.ceiling --config FILE`` is ``docusign-iga serve`` with that one route more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, cast
from unittest import mock

import flask
from flask import Flask, Response
from granian import Granian

import connector.app
from connector.cli import main, serve
from connector.scim_handlers.service import build_scim_service

PATH = "/bench/{size}"


def create() -> Flask:
    """Return the connector's application with the constant route."""
    app = connector.app.create()
    authenticator = build_scim_service(app.extensions["connector"]).authenticator

    @app.get("/bench/<int:size>")
    def constant(size: int) -> Response:
        authenticator.authenticate("default", cast(Mapping[str, str], flask.request.headers))
        response = Response(_body(size), content_type="application/scim+json; charset=utf-8")
        response.headers["ETag"] = 'W/"0123456789abcdef"'
        return response

    return app


@cache
def _body(size: int) -> bytes:
    return b"x" * size


def _granian(_target: str, **options: Any) -> Any:
    return Granian("tests.bench.ceiling:create", **options)


if __name__ == "__main__":
    with mock.patch.object(serve, "Granian", _granian):
        main(["serve", *sys.argv[1:]])
