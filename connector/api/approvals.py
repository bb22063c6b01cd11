"""Approvals: what waits for a decision, and the decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import (
    CommentArguments,
    RequiredCommentArguments,
    instant,
    needed_words,
    text,
    written,
)
from connector.api.here import principal, tenant
from connector.api.paging import Page, page_of, text_of, to_cursor
from connector.api.resource import Resource, seen
from connector.api.work_item_schemas import EventSchema, WorkItemQuery, WorkItemSchema, filter_of
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemKind
from connector.services.browsing.views import ItemPage, ItemQuery, Labels
from connector.services.context import Seen
from connector.services.inbox.approvals import ApprovalView
from connector.services.plain_data import event_data, named_item_data

resource = Resource("approvals", __name__, "What waits for a decision.", "/approvals")


class ApprovalSchema(WorkItemSchema):
    """An approval in a list."""

    checksum = text("Of the plan that is decided on.")
    expires_at = instant("When it ends undecided.", optional=True)


class PlanSchema(Schema):
    """What is done once enough approvers agree."""

    id = text("The plan's id, as in the audit.")
    summary = text("One line for people.")
    reason = text("Why whoever asked wants it, in their words; may be empty.")
    changes = fields.List(
        fields.String(), required=True, metadata={"description": "Each step in words."}
    )


class ApprovalDetailSchema(ApprovalSchema):
    """An approval with everything that a decision needs."""

    plan = fields.Nested(PlanSchema, required=True)
    approvers = text("Who decides, in words.")
    approved_by = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Logins of those who agreed to this plan and still count."},
    )
    needed = fields.Integer(
        required=True, metadata={"description": "How many have to agree. One denial ends it."}
    )
    too_few = text(
        "That fewer people can agree than have to, until when, and what to do; empty where enough "
        "can now, or nobody here can tell."
    )
    denied_before = fields.Nested(
        ApprovalSchema,
        required=True,
        allow_none=True,
        metadata={"description": "When the same was denied last; null: never."},
    )
    may_decide = fields.Boolean(
        required=True, metadata={"description": "Whether you can decide now."}
    )
    refusal = text("Why you cannot; null where you can.", allow_none=True)
    history = fields.List(fields.Nested(EventSchema), required=True)


class ApprovalQuery(WorkItemQuery):
    """Which approvals."""

    mine = fields.Boolean(
        load_default=False,
        metadata={"description": "Only open ones that you can decide now."},
    )


class DecisionArguments(Schema):
    """A decision on what was looked at."""

    checksum = fields.String(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"description": "`checksum` of the approval as you read it."},
    )
    comment = written("Why; the policy may require it of an approval.")


class DenialArguments(DecisionArguments):
    """A denial, which always says why."""

    comment = needed_words("Why; whoever asked reads it: SCIM shows it for a while.")


ApprovalPageSchema = page_of(ApprovalSchema, "ApprovalPage")


@resource.route("")
@resource.arguments(ApprovalQuery, location="query")
@resource.response(200, ApprovalPageSchema)
def listed(query: Mapping[str, Any]) -> Page:
    """List approvals, or find some."""
    services, limit, cursor = tenant(), query["limit"], query["cursor"]
    labels = services.browser.labels()
    if query["mine"]:
        items, after = services.approvals.inbox_page(
            principal(), text_of(cursor), limit, wanted=filter_of(query)
        )
        people = services.browser.people({item.subject_id for item in items})
        return Page(_lines(ItemPage(items, people, None), labels), to_cursor(after))
    wanted = ItemQuery(
        WorkItemKind.APPROVAL,
        query["state"] == "closed",
        wanted=filter_of(query),
        after=text_of(cursor),
        limit=limit,
    )
    found = services.browser.items(wanted)
    return Page(_lines(found, labels), to_cursor(found.next_after))


@resource.route("/<item_id>")
@resource.response(200, ApprovalDetailSchema)
def show(item_id: str) -> Mapping[str, Any]:
    """Show an approval.

    An unambiguous beginning of the id is enough.
    """
    return _detail(tenant().approvals.get(item_id, principal()))


@resource.act("/<item_id>/approve")
@resource.arguments(DecisionArguments)
@resource.response(200, ApprovalDetailSchema)
def approve(decision: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Approve.

    With the last approval that is needed the change is carried out at once; where DocuSign does not
    answer, the connector goes on by itself, and the state stays `approved`. 412 says that the plan
    is another one by now: read it again and decide on that.
    """
    return _decide(item_id, Verdict.APPROVE, decision)


@resource.act("/<item_id>/deny")
@resource.arguments(DenialArguments)
@resource.response(200, ApprovalDetailSchema)
def deny(decision: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Deny. One denial ends the approval; the access stays as it is."""
    return _decide(item_id, Verdict.DENY, decision)


@resource.act("/<item_id>/withdraw")
@resource.arguments(CommentArguments)
@resource.response(200, ApprovalDetailSchema)
def withdraw(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Take a request back, as its requester or an administrator."""
    service = tenant().approvals
    return _detail(service.withdraw(item_id, principal(), said["comment"], seen=_seen(item_id)))


@resource.act("/<item_id>/comments")
@resource.arguments(RequiredCommentArguments)
@resource.response(200, ApprovalDetailSchema)
def comment(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Say something about an approval."""
    services = tenant()
    known = services.approvals.get(item_id).item.work_item_id
    services.work_items.comment(known, principal(), said["comment"], seen=_seen(item_id))
    return _detail(services.approvals.get(item_id, principal()))


def _decide(item_id: str, verdict: Verdict, decision: Mapping[str, Any]) -> Mapping[str, Any]:
    view = tenant().approvals.decide(
        item_id,
        verdict,
        principal(),
        comment=decision["comment"],
        checksum=decision["checksum"],
        seen=_seen(item_id),
    )
    return _detail(view)


def _seen(item_id: str) -> Seen:
    return seen(ApprovalDetailSchema, lambda: _detail(tenant().approvals.get(item_id, principal())))


def _lines(page: ItemPage, labels: Labels) -> list[Mapping[str, Any]]:
    return [named_item_data(item, page.people.get(item.subject_id), labels) for item in page.items]


def _detail(view: ApprovalView) -> Mapping[str, Any]:
    browser, item, before = tenant().browser, view.item, view.denied_before
    labels = browser.labels()
    return {
        **named_item_data(item, view.subject, labels),
        "denied_before": named_item_data(before, view.subject, labels) if before else None,
        "plan": {
            "id": view.plan.plan_id,
            "summary": view.plan.summary,
            "reason": view.reason,
            "changes": browser.describe([record.operation for record in view.operations]),
        },
        "approvers": view.approvers,
        "approved_by": view.approved_by,
        "needed": view.needed,
        "too_few": view.too_few,
        "may_decide": view.refusal is None,
        "refusal": view.refusal,
        "history": [event_data(event) for event in view.history],
    }
