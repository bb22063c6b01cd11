"""Erasures: a person's right to be forgotten, asked for by one person and confirmed by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import instant, needed_words, text, written
from connector.api.here import needs, principal, tenant
from connector.api.paging import Page, PageArguments, cut, page_of
from connector.api.resource import Resource, seen
from connector.domain.authentication.console import ConsoleRole
from connector.domain.erasure import Erasure, ErasureState
from connector.services.context import Seen
from connector.services.plain_data import erasure_data, erasure_preview

resource = Resource("erasures", __name__, "Forgetting a person, for good.", "/erasures")


class ErasureSchema(Schema):
    """A request to be forgotten, without the person's name."""

    id = text("The erasure's id.")
    subject_id = text("SCIM id of the person, which is the DocuSign user id.")
    state = fields.Enum(
        ErasureState,
        by_value=True,
        required=True,
        metadata={"description": "Where it stands; `confirmed` ones are tried every hour."},
    )
    reason = text("Why, as whoever asked said; empty once it is done.")
    requested_by = text("Who asked.")
    requested_at = instant("When.")
    confirmed_by = text("Who confirmed it, another person.", allow_none=True)
    confirmed_at = instant("When.", optional=True)
    outcomes = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "By DocuSign account id, what DocuSign said last."},
    )
    error = text("What it waits for; null where it does not.", allow_none=True)
    finished_at = instant("When it was done or withdrawn.", optional=True)


class ErasurePreviewSchema(ErasureSchema):
    """A request to be forgotten, with the addresses that the person's data is looked for by."""

    addresses = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "The present one and earlier ones, without those that somebody "
            "else has, or had too; empty once it is done. Null for who is no administrator."
        },
    )
    recycled_addresses = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "Present and earlier ones that somebody else has, or had too: nothing "
            "is looked for by these, as it could be the other's. Null for who is no administrator."
        },
    )


class RequestArguments(Schema):
    """Whom to forget, and why."""

    person = written("Address or user id.", required=True, longest=320)
    reason = needed_words("Such as the number of the person's letter.")


class ConfirmationArguments(Schema):
    """A word that the consequence is known."""

    irreversible = fields.Boolean(
        required=True,
        validate=validate.Equal(True, error="Nothing brings the data back: send true to go on."),
        metadata={"description": "`true`: nothing brings the data back, and you know it."},
    )


@resource.route("")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(ErasureSchema, "ErasurePage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List every erasure, oldest first."""
    found = tenant().erasures.list()
    page = cut(found, query["limit"], query["cursor"], lambda item: item.erasure_id)
    return Page([erasure_data(item) for item in page.items], page.next_cursor)


@resource.route("/<erasure_id>")
@resource.response(200, ErasurePreviewSchema)
def show(erasure_id: str) -> Mapping[str, Any]:
    """Show an erasure and how far it is."""
    return _preview(tenant().erasures.get(erasure_id))


@resource.act("")
@resource.arguments(RequestArguments)
@resource.response(201, ErasurePreviewSchema)
def request(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask for a person to be forgotten. Takes an administrator.

    Nothing is erased before another administrator confirms it. The person has to have left 24 hours
    ago, and nothing of theirs may be open: 422 says what stands in the way.
    """
    needs(ConsoleRole.ADMINISTRATOR)
    return _preview(tenant().erasures.request(said["person"], said["reason"], principal()))


@resource.act("/<erasure_id>/confirm")
@resource.arguments(ConfirmationArguments)
@resource.response(200, ErasurePreviewSchema)
def confirm(_said: Mapping[str, Any], erasure_id: str) -> Mapping[str, Any]:
    """Confirm an erasure that another person asked for, and carry it out. IRREVERSIBLE.

    DocuSign deletes the person's data in every governed account, then the connector its own. What
    DocuSign has not done yet is tried again every hour: the state stays `confirmed`. Takes an
    administrator.
    """
    needs(ConsoleRole.ADMINISTRATOR)
    service = tenant().erasures
    return _preview(service.confirm(erasure_id, principal(), seen=_seen(erasure_id)))


@resource.act("/<erasure_id>/withdraw")
@resource.response(200, ErasurePreviewSchema)
def withdraw(erasure_id: str) -> Mapping[str, Any]:
    """Take a request back that nobody has confirmed. Takes an administrator."""
    needs(ConsoleRole.ADMINISTRATOR)
    service = tenant().erasures
    return _preview(service.withdraw(erasure_id, principal(), seen=_seen(erasure_id)))


def _seen(erasure_id: str) -> Seen:
    return seen(ErasurePreviewSchema, lambda: _preview(tenant().erasures.get(erasure_id)))


def _preview(item: Erasure) -> Mapping[str, Any]:
    data = erasure_preview(item, tenant().erasures.addresses(item.erasure_id))
    if ConsoleRole.ADMINISTRATOR in principal().roles:
        return data
    return {**data, "addresses": None, "recycled_addresses": None}
