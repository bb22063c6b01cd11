"""Answers to what no endpoint takes: words of ours for programs, where Flask would send a page."""

from __future__ import annotations

import re

import flask
import werkzeug.exceptions
from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from scim.errors import InvalidVersion, NotAllowed, NotFound, ScimError
from scim.responses import error_response

_SCIM = re.compile(r".*/scim(?:/(?:(?P<version>v[\d.]+)(?=/|\Z))?.*)?\Z", re.DOTALL)
_LIKE_SCIM = re.compile(
    r"(?!/(?:api|console)/)(?:/[^/]+)?/"
    r"(?:v2(?:/.*)?"
    r"|(?:v[\d.]+/)?(?:Users|Groups|Entitlements|Roles|Tombstones|Bulk|Me"
    r"|ServiceProviderConfig|Schemas|ResourceTypes)(?:/.*)?)\Z",
    re.DOTALL,
)
"""What a SCIM client asks for whose base address ends before ``/scim/v2``."""


def add_error_handlers(app: Flask) -> None:
    """Have HTTP errors answered as SCIM under ``/scim``, and as plain text elsewhere.

    Paths of SCIM outside of it are answered as SCIM too: the base address was entered too short.
    """
    app.register_error_handler(HTTPException, _answer)


def _answer(error: HTTPException) -> ResponseReturnValue:
    request = flask.request
    found = _SCIM.match(request.path)
    if found:
        return error_response(
            _scim_error(error, found["version"]), request.headers.get("Accept", "")
        )
    if isinstance(error, werkzeug.exceptions.NotFound) and _LIKE_SCIM.match(request.path):
        return error_response(_nowhere(), request.headers.get("Accept", ""))
    response = error.get_response()
    response.set_data(f"{error.code} {error.name}. {error.description}\n")
    response.mimetype = "text/plain"
    return Response(response.get_data(), response.status, response.headers)


def _scim_error(error: HTTPException, version: str | None) -> ScimError:
    if isinstance(error, MethodNotAllowed):
        return NotAllowed(allow=sorted(error.valid_methods or ()))
    if version and version != "v2":
        return InvalidVersion("Version 2 of SCIM is served, under /scim/v2.")
    return _nowhere()


def _nowhere() -> NotFound:
    return NotFound("There is no endpoint here. SCIM is served under /scim/v2.")
