"""Drift: what was changed in DocuSign itself, to look at, accept and have put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import RequiredCommentArguments, instant, text
from connector.api.here import needs, principal, tenant
from connector.api.paging import Page, PageArguments, page_of, text_of, to_cursor
from connector.api.resource import Resource, seen
from connector.domain.console import ConsoleRole
from connector.domain.drift import DriftKind, Finding, FindingFilter, FindingState, Remedy
from connector.services.context import Seen
from connector.services.plain_data import finding_data

resource = Resource("drift", __name__, "What was changed in DocuSign itself.", "/drift")


def _enum(choices: Any, description: str) -> fields.Enum[Any]:
    return fields.Enum(choices, by_value=True, required=True, metadata={"description": description})


def _data(description: str) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, metadata={"description": description})


class DriftFindingSchema(Schema):
    """One difference between DocuSign and what is expected."""

    id = text("The finding's id.")
    kind = _enum(DriftKind, "The class of drift; docs/reconciliation.md lists them.")
    title = text("What it is, in one line.")
    subject_kind = text("`User`, `Group` or `Entitlement`.")
    subject_id = text("SCIM id of the user, group or profile.")
    account_id = text("DocuSign account id; null: it concerns none alone.", allow_none=True)
    entitlement = text("Id of the profile, group or role.", allow_none=True)
    attribute = text("What of it differs.", allow_none=True)
    expected = _data("What the ledger expects.")
    docusign = _data("What DocuSign shows.")
    state = _enum(FindingState, "Where it stands.")
    policy = _enum(Remedy, "What the policy does by itself.")
    first_seen_at = instant("When it was first seen.")
    last_seen_at = instant("When it was last seen.")


class DriftFindingDetailSchema(DriftFindingSchema):
    """A finding with its evidence and what would put it right."""

    evidence = _data("Which sync read what, and on whose word access was given.")
    suggested_plan = fields.List(
        fields.String(), required=True, metadata={"description": "What would put it right."}
    )
    decided_by = text("Who accepted or reverted it.", allow_none=True)
    decided_at = instant("When that was.", optional=True)
    reason = text("Why.", allow_none=True)
    plan_id = text("The plan that reverts it.", allow_none=True)
    problem = text("Why it could not be reverted yet.", allow_none=True)
    closed_at = instant("When it ended.", optional=True)


class FindingQuery(PageArguments):
    """Which findings."""

    over = fields.Boolean(
        load_default=False, metadata={"description": "Those that are over, instead of open ones."}
    )
    kind = fields.Enum(
        DriftKind, by_value=True, load_default=None, metadata={"description": "Of this class."}
    )
    user_id = fields.String(load_default="", metadata={"description": "About this user."})
    account_id = fields.String(load_default="", metadata={"description": "Of this account."})


@resource.route("")
@resource.arguments(FindingQuery, location="query")
@resource.response(200, page_of(DriftFindingSchema, "DriftFindingPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List findings, the newest first."""
    limit, user_id = query["limit"], query["user_id"].lower()
    wanted = FindingFilter(
        tuple(state for state in FindingState if state.is_open is not query["over"]),
        (query["kind"],) if query["kind"] else (),
        (user_id,) if user_id else (),
        query["account_id"].lower(),
    )
    found = tenant().drift.desk.list(wanted, after=text_of(query["cursor"]), limit=limit + 1)
    page = found[:limit]
    last = page[-1].finding.finding_id if len(found) > limit else None
    return Page([finding_data(view) for view in page], to_cursor(last))


@resource.route("/<finding_id>")
@resource.response(200, DriftFindingDetailSchema)
def show(finding_id: str) -> Mapping[str, Any]:
    """Show a finding with its evidence and what would put it right."""
    return finding_data(tenant().drift.desk.get(finding_id))


@resource.act("/<finding_id>/accept")
@resource.arguments(RequiredCommentArguments)
@resource.response(200, DriftFindingDetailSchema)
def accept(said: Mapping[str, Any], finding_id: str) -> Mapping[str, Any]:
    """Take a difference for right: it is expected from then on. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    desk = tenant().drift.desk
    return _after(desk.accept(finding_id, principal(), said["comment"], seen=_seen(finding_id)))


@resource.act("/<finding_id>/revert")
@resource.arguments(RequiredCommentArguments)
@resource.response(200, DriftFindingDetailSchema)
def revert(said: Mapping[str, Any], finding_id: str) -> Mapping[str, Any]:
    """Put a difference right, by a plan like any other. Takes an operator."""
    needs(ConsoleRole.OPERATOR)
    desk = tenant().drift.desk
    return _after(desk.revert(finding_id, principal(), said["comment"], seen=_seen(finding_id)))


def _seen(finding_id: str) -> Seen:
    return seen(DriftFindingDetailSchema, lambda: _again(finding_id))


def _again(finding_id: str) -> Mapping[str, Any]:
    return finding_data(tenant().drift.desk.get(finding_id))


def _after(finding: Finding) -> Mapping[str, Any]:
    return _again(finding.finding_id)
