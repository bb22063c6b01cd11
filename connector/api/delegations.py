"""Delegations: who decides for whom while somebody is away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import instant, text, written
from connector.api.here import application, principal, tenant
from connector.api.paging import Page, PageArguments, cut, page_of
from connector.api.resource import Resource
from connector.domain.work_items.delegations import Delegation
from connector.services.plain_data import delegation_data

resource = Resource(
    "delegations", __name__, "Who decides for whom while somebody is away.", "/delegations"
)
_NAME_MAX = 320
"""Characters of an e-mail address (RFC 5321)."""


class DelegationSchema(Schema):
    """One absence, and who decides meanwhile."""

    id = text("The delegation's id.")
    delegator = text("Who is away.")
    delegate = text("Who decides meanwhile.")
    starts_at = instant("From when.")
    ends_at = instant("Until when, exclusive.")
    reason = text("Why; may be empty.")
    created_by = text("Who arranged it.")
    in_force = fields.Boolean(required=True, metadata={"description": "Whether it counts now."})
    ended_at = instant("When it was ended before its time; null otherwise.", optional=True)


class DelegationArguments(Schema):
    """An absence."""

    to = written(
        "Who decides meanwhile: login or e-mail address.", required=True, longest=_NAME_MAX
    )
    starts_at = fields.AwareDateTime(
        format="iso", metadata={"description": "From when; now where it is left out."}
    )
    ends_at = fields.AwareDateTime(
        format="iso", required=True, metadata={"description": "Until when, exclusive."}
    )
    reason = written("Why.")
    absent = written(
        "E-mail address of who is away, where an administrator arranges it for them.",
        longest=_NAME_MAX,
    )


@resource.route("")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(DelegationSchema, "DelegationPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List delegations, newest first."""
    page = cut(
        tenant().delegations.list(),
        query["limit"],
        query["cursor"],
        lambda item: item.delegation_id,
    )
    return Page([_document(item) for item in page.items], page.next_cursor)


@resource.act("")
@resource.arguments(DelegationArguments)
@resource.response(201, DelegationSchema)
def begin(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let somebody else decide while you are away."""
    found = tenant().delegations.begin(
        principal(),
        wanted["to"],
        wanted.get("starts_at") or application().clock.now(),
        wanted["ends_at"],
        reason=wanted["reason"],
        absent=wanted["absent"] or None,
    )
    return _document(found)


@resource.act("/<delegation_id>/end", conditional=False)
@resource.response(200, DelegationSchema)
def end(delegation_id: str) -> Mapping[str, Any]:
    """End a delegation, as who made it, who is away, or an administrator."""
    return _document(tenant().delegations.end(delegation_id, principal()))


def _document(item: Delegation) -> Mapping[str, Any]:
    return delegation_data(item, application().clock.now())
