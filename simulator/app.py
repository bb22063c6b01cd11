"""The simulator as one WSGI application: authentication, eSignature and Admin hosts in one."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from simulator import wire
from simulator.faults import FaultSchedule, Faulty, Latency
from simulator.limits import Limits
from simulator.routes import (
    admin_exports,
    admin_organizations,
    admin_redaction,
    admin_users,
    administrators,
    consent_pages,
    control,
    groups,
    index,
    monitor,
    oauth,
    profiles,
    transfer_rules,
    users,
)
from simulator.simulator import EXTENSION, Simulator
from simulator.state import RuleError, State
from simulator.variants import Variants

ADMIN_PREFIXES = ("/management", "/Management")
"""The documentation writes the path in both cases."""

BLUEPRINTS = (
    index.blueprint,
    control.blueprint,
    oauth.blueprint,
    consent_pages.blueprint,
    administrators.blueprint,
    users.blueprint,
    groups.blueprint,
    profiles.blueprint,
    transfer_rules.blueprint,
    monitor.blueprint,
    admin_exports.files,
)
ADMIN_BLUEPRINTS = (
    admin_organizations.blueprint,
    admin_users.blueprint,
    admin_exports.blueprint,
    admin_redaction.blueprint,
)


def create_app(
    state: State,
    *,
    variants: Variants | None = None,
    faults: FaultSchedule | None = None,
    latency: Latency | None = None,
    limits: Limits | None = None,
) -> Flask:
    """Return a simulator over *state*.

    It answers 501 to what it does not model. ``app.extensions["simulator"]`` is the
    :class:`~simulator.simulator.Simulator` that it works on.
    """
    if variants is not None:
        state.variants = variants
    simulator = Simulator(
        state, faults or FaultSchedule(), limits or Limits(), latency or Latency()
    )
    app = Flask("simulator")
    app.extensions[EXTENSION] = simulator
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    for prefix in ADMIN_PREFIXES:
        for blueprint in ADMIN_BLUEPRINTS:
            app.register_blueprint(
                blueprint,
                name=f"{prefix[1:]}_{blueprint.name}",
                url_prefix=f"{prefix}{blueprint.url_prefix}",
            )
    app.register_error_handler(HTTPException, _failed)
    app.after_request(wire.with_trace_token)
    app.after_request(lambda response: wire.dated(response, simulator.state.now()))
    app.wsgi_app = Faulty(  # type: ignore[method-assign]
        app.wsgi_app, simulator.faults, simulator.latency, simulator.revoke_consent
    )
    return app


def _failed(error: HTTPException) -> Response:
    """Say that a call is unknown here, or went wrong, in the manner of the API called."""
    if error.code in (404, 405):
        message = f"The simulator does not model {request.method} {request.path}."
        refusal = RuleError("NOT_MODELLED", message, status=501)
    else:
        refusal = RuleError("UNSPECIFIED_ERROR", str(error), status=error.code or 500)
    if request.path.lower().startswith("/management"):
        return wire.admin_error(refusal)
    return wire.esign_error(refusal)
