"""The Flask blueprint: SCIM under a base address, and the one place an error becomes JSON."""

from __future__ import annotations

import logging
import os
import re

import flask
from flask import Blueprint, Request, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import PathConverter

from scim.endpoints import Endpoints
from scim.errors import InternalError, InvalidSyntax, PayloadTooLarge, ScimError
from scim.responses import error_response
from scim.service import ScimService

_log = logging.getLogger("scim")

# Whatever arrives under the base address is answered as SCIM, wrong methods included.
_METHODS = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    *("TRACE", "CONNECT", "QUERY", "COPY", "MOVE", "LINK", "UNLINK", "PROPFIND"),
)
_CORRELATION_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class _RestConverter(PathConverter):
    """Everything behind the base address, also nothing and ``//Users``."""

    regex = ".*?"
    part_isolating = False


def create_blueprint(service: ScimService, name: str = "scim") -> Blueprint:
    """Return a blueprint that serves the registered resource types.

    Mount it once for each base address::

        app.register_blueprint(blueprint, url_prefix="/scim/v2", url_defaults={"tenant": "default"})
        app.register_blueprint(blueprint, url_prefix="/<tenant>/scim/v2", name="scim_tenants")
    """
    blueprint = Blueprint(name, __name__)
    endpoints = Endpoints(service)

    def serve(tenant: str, rest: str = "") -> Response:
        request = flask.request
        correlation_id = _correlation_id(request.environ.get("HTTP_X_CORRELATION_ID"))
        with service.around_request(correlation_id):
            response = answer(request, tenant, rest, correlation_id)
        response.headers["X-Correlation-Id"] = correlation_id
        return response

    def answer(request: Request, tenant: str, rest: str, correlation_id: str) -> Response:
        try:
            return endpoints.dispatch(request, tenant, rest, correlation_id)
        except ScimError as error:
            return error_response(error, request.environ.get("HTTP_ACCEPT", ""))
        except HTTPException as error:
            return error_response(_from_http(error), "")
        except Exception:  # noqa: BLE001  the border: no traceback reaches a client
            _log.exception("unexpected error (correlation id %s)", correlation_id)
            detail = f"Internal error. The log tells more under {correlation_id}."
            return error_response(InternalError(detail), "")

    blueprint.record(_add_converter)
    # Strict slashes would answer the base address itself with a redirect, on which some clients
    # drop their credential.
    for rule in ("", "/<scim_rest:rest>"):
        blueprint.add_url_rule(
            rule,
            endpoint="serve",
            view_func=serve,
            methods=_METHODS,
            strict_slashes=False,
            provide_automatic_options=False,
        )
    return blueprint


def _add_converter(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["scim_rest"] = _RestConverter


def _correlation_id(sent: str | None) -> str:
    """Return the client's own id where it can stand in a log, else a new one."""
    return sent if sent and _CORRELATION_ID.fullmatch(sent) else os.urandom(16).hex()


def _from_http(error: HTTPException) -> ScimError:
    if isinstance(error, RequestEntityTooLarge):
        return PayloadTooLarge()
    return InvalidSyntax(error.description or "The request is not valid HTTP.")
