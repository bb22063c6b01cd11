"""Consent: whether DocuSign lets the connector in, links to give it, and whether users have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import instant, text, written
from connector.api.here import needs, principal, tenant
from connector.api.resource import Resource
from connector.domain.authentication.console import ConsoleRole
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentState
from connector.patience import take_place
from connector.services.consent.links import Verdict
from connector.services.plain_data import consent_data, user_consent_data

resource = Resource(
    "consent", __name__, "Whether DocuSign lets us in, and whether users have agreed.", "/consent"
)
_MOST_USERS = 20
"""Who are asked for one after the other while a program waits; the command line asks for all."""
_NAME_MAX = 320
"""Characters of an e-mail address (RFC 5321)."""


class ConsentSchema(Schema):
    """What is known of one user."""

    state = fields.Enum(
        ConsentState,
        by_value=True,
        required=True,
        metadata={"description": "Whether there are tokens."},
    )
    cause = text("Why not, as a code; empty where all is well.")
    said = text("Why not, in words, with DocuSign's own.")
    missing = fields.List(
        fields.String(), required=True, metadata={"description": "Scopes that were refused."}
    )
    since = instant("When this state was first seen; null: never asked.", optional=True)
    checked_at = instant("When DocuSign was asked last; null: never.", optional=True)


class UserConsentSchema(ConsentSchema):
    """Whether programs can act in somebody's name."""

    user_id = text("The user's id.")
    email = text("The address.")
    claimed_domain = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "Whether an administrator's consent covers the address."},
    )


class LinkArguments(Schema):
    """Which link."""

    way = fields.Enum(
        Way,
        by_value=True,
        load_default=Way.INDIVIDUAL,
        metadata={
            "description": "Who agrees, and how; `docusign-iga docs consent` has the three ways."
        },
    )


class LinkSchema(Schema):
    """A link to send, good for one answer in a week."""

    url = text("The link; for `organization` the page of DocuSign Admin.")
    scopes = fields.List(
        fields.String(), required=True, metadata={"description": "What it asks for."}
    )
    redirect_uri = text("What has to be registered for the app, letter by letter.")


class VerdictSchema(Schema):
    """What came of asking for a token."""

    verdict = fields.Enum(
        Verdict, by_value=True, required=True, metadata={"description": "The same as a code."}
    )
    detail = text("In words; empty where all is well.")


class CheckArguments(Schema):
    """For whom to try."""

    users = fields.List(
        written("Address or id.", required=True, longest=_NAME_MAX),
        required=True,
        validate=validate.Length(min=1, max=_MOST_USERS),
        metadata={"description": f"At most {_MOST_USERS}; `docusign-iga consent check` has all."},
    )
    max_age_hours = fields.Float(
        load_default=24.0,
        validate=validate.Range(min=0),
        metadata={"description": "Believe answers that are no older; 0 asks again."},
    )


class CheckSchema(Schema):
    """What trying showed."""

    users = fields.List(fields.Nested(UserConsentSchema), required=True)
    left = fields.Integer(required=True, metadata={"description": "Users who were not reached."})
    retry_after_s = fields.Float(
        required=True, metadata={"description": "Seconds until the rest can be asked for; 0: done."}
    )


@resource.route("")
@resource.response(200, ConsentSchema)
def show() -> Mapping[str, Any]:
    """Show whether DocuSign lets the connector in, as last heard. DocuSign is not asked."""
    return consent_data(tenant().consents.connection())


@resource.act("/link")
@resource.arguments(LinkArguments)
@resource.response(200, LinkSchema)
def link(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a link that asks for exactly the scopes needed. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    service = tenant().consent
    return {
        "url": service.link(wanted["way"], made_by=principal().name),
        "scopes": sorted(service.scopes),
        "redirect_uri": service.redirect_uri,
    }


@resource.act("/connect")
@resource.response(200, LinkSchema)
def connect() -> Mapping[str, Any]:
    """Make the link by which the service user signs in, where impersonation is refused.

    For tenants with `grant: authorization_code`; 422 says so elsewhere. Whoever opens the link
    signs in to DocuSign as the service user, and the connection lasts. Takes an administrator.
    """
    needs(ConsoleRole.ADMINISTRATOR)
    services = tenant()
    return {
        "url": services.connecting.begin(principal()),
        "scopes": sorted(services.connecting.scopes),
        "redirect_uri": services.consent.redirect_uri,
    }


@resource.act("/verification")
@resource.response(200, VerdictSchema)
def verify() -> Mapping[str, Any]:
    """Request a token now, and say what came of it. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    take_place()
    verdict, detail = tenant().consent.verify()
    return {"verdict": verdict, "detail": detail}


@resource.act("/checks")
@resource.arguments(CheckArguments)
@resource.response(200, CheckSchema)
def check(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """Try whether users can be impersonated; no token is kept. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    take_place()
    checks = tenant().consent_checks
    max_age = timedelta(hours=wanted["max_age_hours"])
    found = checks.check(checks.people(wanted["users"]), max_age=max_age)
    return {
        "users": [user_consent_data(line) for line in found.lines],
        "left": found.left,
        "retry_after_s": found.paused_for_s,
    }
