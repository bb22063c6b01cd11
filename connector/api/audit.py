"""The audit: what happened, searched, exported, explained and verified."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response
from marshmallow import Schema, fields, validate

from connector.api.fields import instant, text
from connector.api.here import principal, tenant
from connector.api.paging import Page, PageArguments, number_of, page_of, to_cursor
from connector.api.resource import Resource
from connector.domain.audit.chain import data_about
from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.audit.story import Story
from connector.services.audit.export import FORMS
from connector.services.audit.questions import Administration, Explanation, month_of
from connector.services.audit.records import Verification

resource = Resource(
    "audit", __name__, "What happened, with proof that nothing was altered.", "/audit"
)


class AuditEventSchema(Schema):
    """One fact of the record."""

    sequence = fields.Integer(required=True, metadata={"description": "Its place in the chain."})
    at = instant("When.")
    actor = text("`user:<login>`, `client:<name>`, `job:<name>` …")
    action = text("Such as `plan.recorded`, `work_item.approved`, `docusign.called`.")
    subject = text("SCIM id of whom it is about; may be empty.")
    correlation_id = text("The request, run or command that it belongs to.")
    data = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "What the action says."}
    )
    hash = text("SHA-256 that binds it to the one before.")
    erased = fields.Boolean(
        required=True, metadata={"description": "Whether personal data is gone from it."}
    )


class Search(PageArguments):
    """Which events; everything given has to hold."""

    person = fields.String(
        load_default="",
        validate=validate.Length(max=320),
        metadata={"description": "Address or id of whom it is about."},
    )
    actor = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "Such as `client:iga`; `*` at the end stands for anything."},
    )
    action = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "Such as `plan.recorded`, or `work_item.*`."},
    )
    request = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "A `correlation_id`."},
    )
    since = fields.AwareDateTime(
        format="iso", load_default=None, metadata={"description": "From when, inclusive."}
    )
    until = fields.AwareDateTime(
        format="iso", load_default=None, metadata={"description": "Until when, exclusive."}
    )


class ExportArguments(Search):
    """Which events, and how they are written."""

    class Meta:
        """Everything is sent: there are no pages."""

        exclude = ("limit", "cursor")

    format = fields.String(
        load_default="jsonl",
        validate=validate.OneOf(tuple(FORMS)),
        metadata={"description": "`jsonl`: a JSON object a line; `csv`."},
    )


class BreakSchema(Schema):
    """Where the chain does not hold."""

    sequence = fields.Integer(required=True, metadata={"description": "The first wrong event."})
    reason = text("What is wrong.")


class VerificationSchema(Schema):
    """Whether anything was altered."""

    intact = fields.Boolean(required=True, metadata={"description": "Whether the chain holds."})
    events = fields.Integer(required=True, metadata={"description": "Events that were checked."})
    head_sequence = fields.Integer(required=True, metadata={"description": "The last event."})
    head_hash = text("Its hash: whoever keeps it elsewhere proves what came before.")
    broken = fields.Nested(
        BreakSchema, required=True, allow_none=True, metadata={"description": "Null: nowhere."}
    )


class ChangeSchema(Schema):
    """One change of an entitlement, from the request to the check."""

    direction = text("`grant` or `revoke`.")
    plan_id = text("The plan.")
    outcome = text("What became of it: `done`, `waiting`, `refused`, `ended` or `failed`.")
    at = instant("When it took effect or, of what did not, when it was asked for.")
    asked_at = instant("When it was asked for.")
    asked_by = text("Who asked.")
    reasons = fields.List(
        fields.String(), required=True, metadata={"description": "Every reason that was given."}
    )
    asked = fields.List(fields.Nested(AuditEventSchema), required=True)
    decided = fields.List(fields.Nested(AuditEventSchema), required=True)
    barred = fields.List(
        fields.Nested(AuditEventSchema),
        required=True,
        metadata={"description": "Decisions tried by somebody who may not make them."},
    )
    too_late = fields.List(
        fields.Nested(AuditEventSchema),
        required=True,
        metadata={"description": "Decisions that came too late, or about what had changed."},
    )
    done = fields.List(fields.Nested(AuditEventSchema), required=True)
    checked = fields.List(fields.Nested(AuditEventSchema), required=True)


class ExplanationSchema(Schema):
    """Who gave somebody an entitlement, why, and whether it was checked."""

    users = fields.List(
        fields.String(), required=True, metadata={"description": "Whom the address means."}
    )
    entitlements = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Names of what was asked about, by SCIM id."},
    )
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    earlier = fields.Nested(
        ChangeSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The last change before the period."},
    )
    holds = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Which of them DocuSign showed when it was last read, and which roles "
            "people attested."
        },
    )
    attested = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Which of `holds` people attested: no API of DocuSign shows it."},
    )
    administration = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([str(one) for one in Administration]),
        metadata={
            "description": "Which administrator access was asked about; null: what is named."
        },
    )
    is_organization_admin = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={
            "description": "Whether they administer the organization, as DocuSign was last read; "
            "null: DocuSign did not say so, and it is not known."
        },
    )
    verification = fields.Nested(VerificationSchema, required=True)


class ExplainArguments(Schema):
    """Whom and what it is about."""

    user = fields.String(
        required=True,
        validate=validate.Length(1, 320),
        metadata={"description": "Address or id."},
    )
    entitlement = fields.String(
        required=True,
        validate=validate.Length(1, 300),
        metadata={
            "description": "Id or name; `any-admin` for whatever makes an administrator of an "
            "account or of the organization, `account-admin` for the accounts alone."
        },
    )
    month = fields.String(
        load_default="", metadata={"description": "Only this month, UTC, such as `2026-03`."}
    )


@resource.route("/events")
@resource.arguments(Search, location="query")
@resource.response(200, page_of(AuditEventSchema, "AuditPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """Search the audit, newest first."""
    page = tenant().browser.events(
        _wanted(query),
        before=number_of(query["cursor"]),
        person=query["person"],
        limit=query["limit"],
    )
    return Page([event_document(event) for event in page.events], to_cursor(page.next_before))


@resource.route("/events/<int:sequence>")
@resource.response(200, AuditEventSchema)
def show(sequence: int) -> Mapping[str, Any]:
    """Show one event."""
    return event_document(tenant().audit.event(sequence))


@resource.route("/export")
@resource.arguments(ExportArguments, location="query")
@resource.response(200, {"type": "string"}, content_type="application/jsonl")
def export(query: Mapping[str, Any]) -> Response:
    """Export matching events in order, as they are read. The export is in the audit too."""
    form = query["format"]
    asked = {name: str(value) for name, value in query.items() if value and name != "format"}
    mimetype, lines = tenant().audit.export(
        _wanted(query), form, principal(), person=query["person"], asked=urlencode(asked)
    )
    response = Response(lines, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


@resource.route("/verification")
@resource.response(200, VerificationSchema)
def verify() -> Mapping[str, Any]:
    """Walk over the whole chain and say whether anything was altered.

    Events cut off the end together with the chain's head show only against anchors that are kept
    elsewhere: compare `head_hash` with yours, or use `docusign-iga audit verify`.
    """
    return _verification(tenant().audit.verify())


@resource.route("/explanation")
@resource.arguments(ExplainArguments, location="query")
@resource.response(200, ExplanationSchema)
def explain(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say who gave somebody an entitlement, why, and whether it was checked."""
    audit = tenant().audit
    since, until = month_of(query["month"])
    found = audit.explain(query["user"], query["entitlement"], since, until)
    return _explanation(found, audit.verify())


def event_document(event: AuditEvent, about: Collection[str] = ()) -> Mapping[str, Any]:
    """Return the members of :class:`AuditEventSchema`.

    :param about: users whose history it is; see :func:`connector.domain.audit.chain.data_about`.
    """
    return {
        "sequence": event.sequence,
        "at": event.at,
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "correlation_id": event.correlation_id,
        "data": data_about(event, about),
        "hash": event.hash,
        "erased": event.is_erased,
    }


def _wanted(query: Mapping[str, Any]) -> AuditFilter:
    return AuditFilter(
        request=query["request"],
        actor=query["actor"],
        action=query["action"],
        since=query["since"],
        until=query["until"],
    )


def _verification(found: Verification) -> Mapping[str, Any]:
    broken = found.broken
    return {
        "intact": broken is None,
        "events": found.count,
        "head_sequence": found.head.sequence,
        "head_hash": found.head.hash,
        "broken": {"sequence": broken.sequence, "reason": broken.reason} if broken else None,
    }


def _explanation(found: Explanation, verification: Verification) -> Mapping[str, Any]:
    return {
        "users": found.user_ids,
        "entitlements": found.entitlements.names,
        "changes": [_change(story) for story in found.stories],
        "earlier": _change(found.earlier) if found.earlier else None,
        "holds": found.holds,
        "attested": found.attested,
        "administration": found.administration,
        "is_organization_admin": found.is_organization_admin,
        "verification": _verification(verification),
    }


def _change(story: Story) -> Mapping[str, Any]:
    parts = {
        "asked": "asked",
        "decided": "decided",
        "barred": "refused",
        "too_late": "missed",
        "done": "done",
        "checked": "checked",
    }
    return {
        "direction": str(story.direction),
        "plan_id": story.plan_id,
        "outcome": str(story.outcome),
        "at": story.at,
        "asked_at": story.recorded.at,
        "asked_by": story.recorded.actor,
        "reasons": story.reasons,
        **{
            name: [event_document(event) for event in getattr(story, part)]
            for name, part in parts.items()
        },
    }
