"""The Flask blueprint: SCIM under a base address."""

from __future__ import annotations

import flask
from flask import Blueprint, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter, Rule

from scim.front import Front


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

    def add_rules(state: BlueprintSetupState) -> None:
        state.app.url_map.converters["scim_rest"] = _RestConverter
        endpoint = f"{state.name}.serve"
        state.app.view_functions[endpoint] = serve
        for rest in ("", "/<scim_rest:rest>"):
            # Flask's own rules have a list of methods and answer all others themselves; without
            # one, whatever arrives under the base address is answered as SCIM. Strict slashes would
            # answer the base address itself with a redirect, on which some clients drop their
            # credential.
            state.app.url_map.add(
                Rule(
                    f"{state.url_prefix or ''}{rest}",
                    endpoint=endpoint,
                    defaults=dict(state.url_defaults),
                    strict_slashes=False,
                )
            )

    blueprint.record(add_rules)
    return blueprint
