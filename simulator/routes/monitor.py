"""Monitor 2.0 and 3.0: the stream of an organization's events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes.access import monitor
from simulator.simulator import current
from simulator.state.errors import RuleError

blueprint = Blueprint("monitor", __name__)

MAX_EVENTS = 2000
DEFAULT_EVENTS = 1000


@blueprint.get("/api/v2.0/datasets/monitor/stream")
@monitor
def stream_2() -> Response:
    """Return events after a cursor, as Monitor 2.0 does."""
    return _stream("data")


@blueprint.get("/v1/organizations/<organization_id>/stream")
@monitor
def stream_3(organization_id: str) -> Response:
    """Return events after a cursor, as Monitor 3.0 does."""
    if organization_id.lower() != current().state.organization.organization_id:
        raise RuleError("FORBIDDEN", "The organization is not yours.", status=403)
    return _stream("resultData")


def _stream(name: str) -> Response:
    state = current().state
    variants = state.variants
    limit = wire.number_argument("limit", DEFAULT_EVENTS, 1, MAX_EVENTS)
    number = _number(request.args.get("cursor", ""))
    latest = state.now() - timedelta(seconds=variants.monitor_lag_s)
    found = state.events.behind(number, latest, limit)
    end = found[-1].number if found else number
    bodies: list[dict[str, Any]] = [
        item.body
        for item in found
        if not variants.monitor_drops or item.number % variants.monitor_drops
    ]
    if variants.monitor_repeats:
        bodies = [body for body in bodies for _ in range(2)]
    if variants.monitor_shuffles:
        bodies.reverse()
    return wire.answer(
        {"endCursor": f"{end}_{state.organization.organization_id[:8]}", name: bodies}
    )


def _number(cursor: str) -> int:
    """Return the place that a cursor means: its own form, a time, or a week ago."""
    state = current().state
    if not cursor:
        return state.events.number_at(state.now() - timedelta(days=7))
    number, _, mark = cursor.partition("_")
    if mark and number.isdigit():
        if state.variants.monitor_forgets_cursors:
            raise RuleError("INVALID_CURSOR", "The cursor is not valid.", status=400)
        return int(number)
    try:
        moment = datetime.fromisoformat(cursor)
    except ValueError:
        raise RuleError("INVALID_CURSOR", "The cursor is not valid.", status=400) from None
    return state.events.number_at(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
