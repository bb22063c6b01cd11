"""How the connection to DocuSign is, what is wrong with it, and what is left of its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import instant, text
from connector.api.here import application, needs, tenant
from connector.api.resource import Resource
from connector.domain.authentication.console import ConsoleRole
from connector.domain.diagnosis.checks import Result
from connector.patience import take_place
from connector.services.monitoring.health import ConnectionHealth
from connector.services.plain_data import diagnosis_data

resource = Resource(
    "health", __name__, "The connection to DocuSign, and its hourly calls.", "/health"
)


class CallSchema(Schema):
    """A call to DocuSign."""

    at = instant("When.")
    method = text("HTTP method.")
    path = text("Path, with ids left out.")
    status = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Null: there was no answer."}
    )
    error = text("What stood in the way; may be empty.")
    trace_token = text("What DocuSign's support asks for; may be empty.")


class HealthSchema(Schema):
    """How the connection is, from what was noted; DocuSign is not asked."""

    verdict = text("`good`, `bad` or `unknown`.")
    headline = text("The same in words.")
    advice = text("What to do; empty where all is well.")
    last_call = fields.Nested(
        CallSchema, required=True, allow_none=True, metadata={"description": "Null: none yet."}
    )
    failures = fields.List(
        fields.Nested(CallSchema),
        required=True,
        metadata={"description": "Of the latest calls, newest first, at most 50."},
    )
    last_sync_at = instant("When the last sync ended; null: none yet.", optional=True)
    sync_is_late = fields.Boolean(
        required=True, metadata={"description": "Whether a sync is overdue."}
    )
    users = fields.Integer(
        required=True, metadata={"description": "Users with an open membership."}
    )
    waiting = fields.Integer(required=True, metadata={"description": "Open work items."})


class FindingSchema(Schema):
    """What a check found."""

    check = text("The check's id.")
    result = fields.Enum(
        Result, by_value=True, required=True, metadata={"description": "How it ended."}
    )
    subject = text("The account that it concerns; empty: the whole connection.")
    subject_name = text("What people call that account; null: it has no name.", allow_none=True)
    found = text("In words.")
    problem = text(
        "A code that stays; `docusign-iga docs troubleshooting` has them.", allow_none=True
    )
    cause = text("Why.", allow_none=True)
    remedy = text("What to do.", allow_none=True)
    link = text("Where to do it.", allow_none=True)
    evidence = text("DocuSign's own words.", allow_none=True)


class DiagnosisSchema(Schema):
    """Everything that the connection needs, looked at."""

    result = fields.Enum(
        Result, by_value=True, required=True, metadata={"description": "The worst result."}
    )
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class BudgetLineSchema(Schema):
    """One account's or organization's hour."""

    budget = text("Account id, or `organization`.")
    name = text("Alias of the account.")
    limit = fields.Integer(required=True, metadata={"description": "Calls an hour."})
    remaining = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Left, as DocuSign last said."}
    )
    resets_at = instant("When the hour begins anew.")
    closed_until = instant("Until when DocuSign takes no calls.", optional=True)
    used = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Our calls of this hour, by purpose."},
    )
    ours = fields.Integer(required=True, metadata={"description": "Our share of the hour."})
    background_left = fields.Integer(
        required=True, metadata={"description": "What sync may still use."}
    )


class BudgetSchema(Schema):
    """The calls to DocuSign."""

    budgets = fields.List(fields.Nested(BudgetLineSchema), required=True)
    today = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Calls since midnight UTC, by purpose."},
    )
    refused_today = fields.Integer(
        required=True, metadata={"description": "Calls that a limit refused since midnight UTC."}
    )
    next_sync_calls = fields.Integer(
        required=True, metadata={"description": "What the next full aggregation will take."}
    )
    next_sync_minutes = fields.Float(
        required=True, metadata={"description": "How long it will take, pauses included."}
    )


_MOST_FAILURES = 50


@resource.route("")
@resource.response(200, HealthSchema)
def show() -> Mapping[str, Any]:
    """Show how the connection to DocuSign is, from what was noted. DocuSign is not asked."""
    services = tenant()
    health = ConnectionHealth(services.context, application().settings.jobs).look()
    sync = health.last_sync
    return {
        "verdict": health.verdict,
        "headline": health.headline,
        "advice": health.advice,
        "last_call": health.last_call,
        "failures": health.failures[:_MOST_FAILURES],
        "last_sync_at": sync.finished_at if sync else None,
        "sync_is_late": health.sync_is_late,
        "users": services.browser.count_users(),
        "waiting": services.browser.count_waiting(),
    }


@resource.act("/examination")
@resource.response(200, DiagnosisSchema)
def examine() -> Mapping[str, Any]:
    """Look at everything that the connection needs, and say what is missing and what to do.

    It costs about six calls to DocuSign, and six for each account; nothing is changed there. Takes
    an operator.
    """
    needs(ConsoleRole.OPERATOR)
    take_place()
    return diagnosis_data(tenant().doctor.examine())


@resource.route("/budget")
@resource.response(200, BudgetSchema)
def budget() -> Mapping[str, Any]:
    """Show the calls of this hour, what is left, and what the next sync will take."""
    report = tenant().budget.report()
    return {
        "budgets": report.lines,
        "today": report.today,
        "refused_today": report.refused_today,
        "next_sync_calls": sum(report.forecast.calls.values()),
        "next_sync_minutes": report.forecast.minutes,
    }
