"""The policy: which rule counts, and what another one would have done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import instant, text
from connector.api.here import tenant
from connector.api.resource import Resource
from connector.errors import InvalidRequestError
from connector.services.plain_data import explained_data, simulation_data
from mappings import MappingError, load_entitlements

resource = Resource("policy", __name__, "Who gives access, and who is asked first.", "/policy")


class RulingSchema(Schema):
    """Which rule counts for somebody and an entitlement, and why."""

    user_id = text("Whom it is about.")
    user = text("Their address.")
    entitlement = text("SCIM id of the entitlement.")
    name = text("Its name, with the account.")
    rule = text("The rule that counts, with the conditions that hold.")
    fulfilment = text("`automatic`, `approval` or `manual`.")
    in_words = text("The same in a sentence.")
    risk = text("`low`, `medium`, `high` or `critical`.")
    owner = text("Who answers for it; may be empty.")
    manager = text("Address of the person's manager; may be empty.")
    held = fields.Boolean(required=True, metadata={"description": "Whether they hold it now."})
    waits = fields.Boolean(
        required=True, metadata={"description": "Whether it was asked for and waits."}
    )
    passed_over = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Rules before it, each with the condition that does not hold."},
    )


class RulingArguments(Schema):
    """Whom and what it is about."""

    user = fields.String(
        required=True, validate=validate.Length(1, 320), metadata={"description": "Address or id."}
    )
    entitlement = fields.String(
        required=True,
        validate=validate.Length(1, 300),
        metadata={"description": "Id, or a name that only one has."},
    )


class SimulationArguments(Schema):
    """A changed policy, as in the tenant's section of the configuration."""

    entitlements = fields.List(
        fields.Dict(keys=fields.String()),
        load_default=list,
        metadata={"description": "Rules, in place of the tenant's; the shipped ones stay."},
    )
    manual_roles = fields.Dict(
        keys=fields.String(),
        values=fields.Dict(keys=fields.String()),
        load_default=dict,
        metadata={"description": "Roles that people give, in place of the tenant's."},
    )
    days = fields.Integer(
        load_default=31,
        validate=validate.Range(1, 3_660),
        metadata={"description": "How far back requests are replayed."},
    )


class DifferenceSchema(Schema):
    """One grant that would have gone another way."""

    at = instant("When it was asked for.")
    plan_id = text("The plan.")
    user = text("Address, or the id of somebody who is gone.")
    entitlement = text("SCIM id.")
    before = text("Who carried it out, in words.")
    after = text("Who would have.")
    rule = text("The rule of the changed policy.")


class SimulationSchema(Schema):
    """What a changed policy would have done."""

    requests = fields.Integer(required=True, metadata={"description": "Requests replayed."})
    grants = fields.Integer(required=True, metadata={"description": "Grants in them."})
    gone = fields.Integer(
        required=True, metadata={"description": "Grants left out: gone from DocuSign."}
    )
    before = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Grants by fulfilment, with the policy in force."},
    )
    after = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Grants by fulfilment, with the changed one."},
    )
    warnings = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Rules that cover no profile and no group there is."},
    )
    differences = fields.List(fields.Nested(DifferenceSchema), required=True)


@resource.route("/ruling")
@resource.arguments(RulingArguments, location="query")
@resource.response(200, RulingSchema)
def explain(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say which rule counts for a person and an entitlement, and why."""
    return explained_data(tenant().policy.explain(query["user"], query["entitlement"]))


@resource.act("/simulation")
@resource.arguments(SimulationArguments)
@resource.response(200, SimulationSchema)
def simulate(changed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Replay recorded requests against a changed policy. Nothing is changed."""
    try:
        mapping = load_entitlements(changed["manual_roles"], changed["entitlements"])
    except MappingError as error:
        raise InvalidRequestError(" ".join(error.problems)) from error
    return simulation_data(tenant().policy.simulate(mapping, changed["days"]))
