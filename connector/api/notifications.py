"""Notifications: what was sent, what waits, what was given up, and sending it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import instant, text
from connector.api.here import needs, principal, tenant
from connector.api.paging import Page, PageArguments, page_of, place_of, to_place
from connector.api.resource import Resource, seen
from connector.domain.authentication.console import ConsoleRole
from connector.domain.notifications import DeliveryState, Notice
from connector.services.plain_data import delivery_data

resource = Resource(
    "notifications", __name__, "Messages to people and systems, sent or not.", "/notifications"
)


class DeliverySchema(Schema):
    """One message to one receiver."""

    id = text("The message's id, which a receiver sees too.")
    notice = fields.Enum(
        Notice, by_value=True, required=True, metadata={"description": "What it tells."}
    )
    channel = text("Name of the channel.")
    recipient = text("Address of an e-mail; empty for a webhook.")
    about = text("Id of the work item, name of the job.")
    state = fields.Enum(
        DeliveryState,
        by_value=True,
        required=True,
        metadata={"description": "`dead`: given up; send it again once the cause is mended."},
    )
    created_at = instant("When it was made.")
    next_attempt_at = instant("When it is tried next, while it waits.")
    finished_at = instant("When it arrived or was given up.", optional=True)
    attempts = fields.Integer(required=True, metadata={"description": "How often it was tried."})
    error = text("What went wrong last.", allow_none=True)
    record = text(
        "Address of the record in ServiceNow or Jira to which all messages of the case go.",
        allow_none=True,
    )


class DeliveryQuery(PageArguments):
    """Which deliveries."""

    state = fields.Enum(
        DeliveryState,
        by_value=True,
        load_default=None,
        metadata={"description": "Only those that stand so."},
    )


class ReplayedSchema(Schema):
    """What is sent again."""

    count = fields.Integer(required=True, metadata={"description": "How many."})


@resource.route("")
@resource.arguments(DeliveryQuery, location="query")
@resource.response(200, page_of(DeliverySchema, "DeliveryPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List deliveries, newest first."""
    states = [query["state"]] if query["state"] is not None else []
    found = tenant().notifications.list(states, query["limit"] + 1, place_of(query["cursor"]))
    page = found[: query["limit"]]
    is_last = len(found) == len(page)
    cursor = None if is_last else to_place(page[-1].created_at, page[-1].delivery_id)
    return Page([delivery_data(item) for item in page], cursor)


@resource.route("/<delivery_id>")
@resource.response(200, DeliverySchema)
def show(delivery_id: str) -> Mapping[str, Any]:
    """Show a delivery."""
    return delivery_data(tenant().notifications.get(delivery_id))


@resource.act("/<delivery_id>/replay")
@resource.response(200, DeliverySchema)
def replay(delivery_id: str) -> Mapping[str, Any]:
    """Send a delivery again, with the same id, whatever became of it. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    service = tenant().notifications
    as_seen = seen(DeliverySchema, lambda: delivery_data(service.get(delivery_id)))
    return delivery_data(service.replay(delivery_id, principal(), seen=as_seen))


@resource.act("/replay-dead")
@resource.response(200, ReplayedSchema)
def replay_dead() -> Mapping[str, Any]:
    """Send everything again that was given up. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    return {"count": tenant().notifications.replay_dead(principal())}
