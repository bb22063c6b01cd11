"""Customers, for the operator of the installation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import instant, needed_words, text
from connector.api.here import application, principal, tenant_name
from connector.api.resource import Resource, seen
from connector.domain.authentication.console import ConsoleRole
from connector.domain.tenants.records import TenantRecord
from connector.errors import ConfigError, InvalidRequestError, NotFoundError
from connector.services.context import Seen
from connector.services.plain_data import tenant_data

resource = Resource(
    "tenants",
    __name__,
    "Customers. Only for administrators of the tenant that `console.operator_tenant` names.",
    "/tenants",
)


class StandingSchema(Schema):
    """How one customer is, by what the connector has noted."""

    name = text("The customer's name, as in addresses.")
    source = text("`file` or `database`: where it is declared.")
    verdict = text("`bad`, `partly`, `suspended` or `good`.")
    why = text("What is wrong and what to do; may be empty.")
    accounts = fields.List(
        fields.String(), required=True, metadata={"description": "Short names, or ids."}
    )


class StandingsSchema(Schema):
    """Every customer, the broken ones first."""

    items = fields.List(fields.Nested(StandingSchema), required=True)


class TenantSchema(Schema):
    """One customer that is kept in the database."""

    name = text("The customer's name.")
    state = text("`active`, `suspended` or `removing`.")
    reason = text("Why it is suspended; may be empty.")
    settings = fields.Dict(
        required=True,
        metadata={
            "description": "As below a tenant in the configuration file; `********` is a secret."
        },
    )
    created_at = instant("Since when.")
    created_by = text("Who added it.")
    changed_at = instant("When it was changed last.")
    changed_by = text("By whom.")


class SettingsArguments(Schema):
    """The settings of a customer, all of them."""

    settings = fields.Dict(
        required=True,
        metadata={"description": "A secret sent as `********` stays as it is."},
    )


class NewTenantArguments(SettingsArguments):
    """A new customer."""

    name = fields.String(
        required=True,
        validate=validate.Length(1, 63),
        metadata={"description": "Lower-case letters, digits, hyphens."},
    )


class SuspensionArguments(Schema):
    """Why a customer is suspended."""

    reason = needed_words("For operators; kept in the audit.")


@resource.route("")
@resource.response(200, StandingsSchema)
def listed() -> Mapping[str, Any]:
    """List every customer, the broken ones first."""
    _operators_only()
    return {"items": application().overview()}


@resource.act("")
@resource.arguments(NewTenantArguments)
@resource.response(201, TenantSchema)
def add(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add a customer, served within a second."""
    _operators_only()
    with _told():
        record = application().tenancy.add(wanted["name"], wanted["settings"], principal())
    return _document(record)


@resource.route("/<customer>")
@resource.response(200, TenantSchema)
def show(customer: str) -> Mapping[str, Any]:
    """Show a customer's settings, secrets masked."""
    _operators_only()
    return _document(application().tenancy.get(customer))


@resource.act("/<customer>/settings")
@resource.arguments(SettingsArguments)
@resource.response(200, TenantSchema)
def change(wanted: Mapping[str, Any], customer: str) -> Mapping[str, Any]:
    """Give a customer other settings; requests under way finish with those before."""
    _operators_only()
    before = application().tenancy.get(customer)
    seen(TenantSchema, lambda: _document(before))()  # The act itself is held to the revision.
    with _told():
        record = application().tenancy.change(
            customer, wanted["settings"], principal(), revision=before.revision
        )
    return _document(record)


@resource.act("/<customer>/suspend")
@resource.arguments(SuspensionArguments)
@resource.response(200, TenantSchema)
def suspend(wanted: Mapping[str, Any], customer: str) -> Mapping[str, Any]:
    """Turn everybody away from a customer's connector; the data stay."""
    _operators_only()
    tenancy = application().tenancy
    return _document(tenancy.suspend(customer, wanted["reason"], principal(), seen=_seen(customer)))


@resource.act("/<customer>/resume")
@resource.response(200, TenantSchema)
def resume(customer: str) -> Mapping[str, Any]:
    """Serve a customer again."""
    _operators_only()
    tenancy = application().tenancy
    return _document(tenancy.resume(customer, principal(), seen=_seen(customer)))


def _operators_only() -> None:
    """Let the operator's administrators in; for everybody else there is nothing here.

    :raises NotFoundError: it is somebody else.
    """
    operator = application().settings.console.operator_tenant
    if not operator or tenant_name() != operator:
        raise NotFoundError("There is nothing here.")
    principal().require(ConsoleRole.ADMINISTRATOR)


def _seen(customer: str) -> Seen:
    return seen(TenantSchema, lambda: _document(application().tenancy.get(customer)))


@contextmanager
def _told() -> Iterator[None]:
    """Tell what is wrong with settings as the caller's mistake."""
    try:
        yield
    except ConfigError as error:
        raise InvalidRequestError(f"Problems: {'; '.join(error.problems)}") from error


def _document(record: TenantRecord) -> Mapping[str, Any]:
    return tenant_data(record, application().tenancy.shown(record))
