"""The Flask blueprint: SCIM under a base address."""

from __future__ import annotations

import flask
from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter

from scim.front import Front

# Whatever arrives under the base address is answered as SCIM, wrong methods included.
_METHODS = (
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
    *("TRACE", "CONNECT", "QUERY", "COPY", "MOVE", "LINK", "UNLINK", "PROPFIND"),
)


class _RestConverter(PathConverter):
    """Everything behind the base address, also nothing, ``//Users`` and line ends."""

    regex = "(?s:.*?)"
    part_isolating = False


def create_blueprint(front: Front, name: str = "scim") -> Blueprint:
    """Return a blueprint that serves the registered resource types.

    Mount it once for each base address::

        app.register_blueprint(
            create_blueprint(front), url_prefix="/scim/v2", url_defaults={"tenant": "default"}
        )
        app.register_blueprint(create_blueprint(front, "tenants"), url_prefix="/<tenant>/scim/v2")
    """
    blueprint = Blueprint(name, __name__)

    def serve(tenant: str, rest: str = "") -> Response:
        answer = front.answer(flask.request, tenant, rest)
        response = Response(answer.body, answer.status, answer.headers)
        if not answer.body:
            # Flask gives every response a type, also one without a body.
            response.headers.pop("Content-Type", None)
        return response

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
