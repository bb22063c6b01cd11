"""Drift: what was changed in DocuSign itself, to look at, accept and have put right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import RequiredCommentArguments, instant, text, written
from connector.api.here import needs, principal, tenant
from connector.api.paging import Page, PageArguments, page_of, text_of, to_cursor
from connector.api.resource import Resource, seen
from connector.domain.authentication.console import ConsoleRole
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import (
    CLOSED_FINDINGS,
    OPEN_FINDINGS,
    Finding,
    FindingFilter,
    FindingState,
)
from connector.domain.drift.remedies import Remedy
from connector.domain.writing import LEAST_WORDS, require_words
from connector.errors import InvalidRequestError
from connector.services.context import Principal, Seen
from connector.services.drift.decisions import Choice, Decided, Wanted
from connector.services.plain_data import finding_data

resource = Resource("drift", __name__, "What was changed in DocuSign itself.", "/drift")


def _enum(choices: Any, description: str) -> fields.Enum[Any]:
    return fields.Enum(choices, by_value=True, required=True, metadata={"description": description})


def _data(description: str) -> fields.Dict:
    return fields.Dict(keys=fields.String(), required=True, metadata={"description": description})


class DriftFindingSchema(Schema):
    """One difference between DocuSign and what is expected."""

    id = text("The finding's id.")
    kind = _enum(DriftKind, "The class of drift; `docusign-iga docs reconciliation` lists them.")
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
    entitlement = fields.String(
        load_default="", metadata={"description": "Of the profile, group or role of this id."}
    )


MOST = 200
"""Findings that one call decides on, so that it answers within a request."""


class DriftSelectionArguments(Schema):
    """Findings by their ids, or all that fit; what would be done to them, or that it be done."""

    comment = written(f"Why; kept with each of them. Needed unless `dry_run`, with {LEAST_WORDS}.")
    findings = fields.List(
        fields.String(),
        load_default=list,
        validate=validate.Length(max=MOST),
        metadata={"description": "Their ids. Without, all that fit the other members."},
    )
    kinds = fields.List(
        fields.Enum(DriftKind, by_value=True),
        load_default=list,
        metadata={"description": "Of these classes."},
    )
    states = fields.List(
        fields.Enum(FindingState, by_value=True),
        load_default=lambda: [FindingState.OPEN],
        validate=validate.ContainsOnly(list(OPEN_FINDINGS)),
        metadata={"description": "Where they stand: `open`, `reverting`."},
    )
    policies = fields.List(
        fields.Enum(Remedy, by_value=True),
        load_default=list,
        metadata={"description": "Of which the policy says so."},
    )
    account = written("Id, alias or name of the account, with `*` and `?`.", longest=200)
    entitlement = written("Id or name of the profile, group or role.", longest=200)
    attribute = written("What of it differs.", longest=100)
    user = written("Id or address of the user.", longest=300)
    limit = fields.Integer(
        load_default=None,
        validate=validate.Range(1, MOST),
        metadata={"description": "The newest so many. Needed where more than 200 fit."},
    )
    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Tell what would be done; change nothing."}
    )


class DriftProblemSchema(Schema):
    """Why a finding stayed as it was."""

    id = text("The finding's id.")
    problem = text("Why.")


class DriftDecisionSchema(Schema):
    """What became of a decision on many, or would."""

    dry_run = fields.Boolean(
        required=True, metadata={"description": "Whether nothing was changed on purpose."}
    )
    subjects = fields.Integer(
        required=True,
        metadata={"description": "People, groups and profiles whom the findings are about."},
    )
    findings = fields.List(
        fields.Nested(DriftFindingDetailSchema),
        required=True,
        metadata={"description": "All that were meant, as they stand now."},
    )
    problems = fields.List(
        fields.Nested(DriftProblemSchema),
        required=True,
        metadata={"description": "Those that stayed as they were."},
    )
    left = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Ids of those that were not tried: ask again later."},
    )
    refused = text("Why all of it was or would be refused, or ended early.", allow_none=True)


@resource.route("")
@resource.arguments(FindingQuery, location="query")
@resource.response(200, page_of(DriftFindingSchema, "DriftFindingPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List findings, the newest first."""
    limit, user_id = query["limit"], query["user_id"].lower()
    wanted = FindingFilter(
        CLOSED_FINDINGS if query["over"] else OPEN_FINDINGS,
        (query["kind"],) if query["kind"] else (),
        (user_id,) if user_id else (),
        (query["account_id"].lower(),) if query["account_id"] else (),
        (query["entitlement"],) if query["entitlement"] else (),
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


@resource.act("/accept")
@resource.arguments(DriftSelectionArguments)
@resource.response(200, DriftDecisionSchema)
def accept_many(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take many differences for right. Takes an operator.

    Those that are no difference any more are left as they are, and told.
    """
    return _decide(said, tenant().drift.decisions.accept)


@resource.act("/revert")
@resource.arguments(DriftSelectionArguments)
@resource.response(200, DriftDecisionSchema)
def revert_many(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put many differences right, each by a plan like any other. Takes an operator.

    They may be about no more users at once than `guards.max_affected_pct`. What cannot be put right
    is left as it is, and told.
    """
    decisions = tenant().drift.decisions
    return _decide(said, decisions.revert, decisions.refusal)


Decide = Callable[[Choice, Principal, str], Decided]


def _decide(
    said: Mapping[str, Any], act: Decide, refusal: Callable[[Choice], str | None] | None = None
) -> Mapping[str, Any]:
    needs(ConsoleRole.OPERATOR)
    choice = _chosen(said)
    if said["dry_run"]:
        decided, refused = Decided(), refusal(choice) if refusal else None
    else:
        decided = act(choice, principal(), said["comment"])
        refused = decided.stopped_by or None
    views = tenant().drift.decisions.views(choice.finding_ids)
    return {
        "dry_run": said["dry_run"],
        "subjects": choice.subjects,
        "findings": [finding_data(view) for view in views],
        "problems": [{"id": key, "problem": why} for key, why in decided.problems.items()],
        "left": list(decided.left),
        "refused": refused,
    }


def _chosen(said: Mapping[str, Any]) -> Choice:
    decisions = tenant().drift.decisions
    words = {name: said[name] for name in ("account", "entitlement", "attribute", "user")}
    is_filtered = any(words.values()) or said["kinds"] or said["policies"] or said["limit"]
    if not said["dry_run"]:
        require_words(said["comment"], "Say why in `comment`: it is kept with each finding.")
    if bool(said["findings"]) == bool(is_filtered):
        raise InvalidRequestError(
            "Name `findings`, or say with the other members which are meant: one of both."
        )
    if said["findings"]:
        return decisions.named(said["findings"])
    wanted = Wanted(said["kinds"], said["states"], remedies=said["policies"], **words)
    choice = decisions.choose(decisions.filter_of(wanted), said["limit"] or MOST + 1)
    if len(choice.finding_ids) > MOST:
        raise InvalidRequestError(
            f"More than {MOST} findings fit: narrow the choice, or take them in parts with `limit`."
        )
    return choice


def _seen(finding_id: str) -> Seen:
    return seen(DriftFindingDetailSchema, lambda: _again(finding_id))


def _again(finding_id: str) -> Mapping[str, Any]:
    return finding_data(tenant().drift.desk.get(finding_id))


def _after(finding: Finding) -> Mapping[str, Any]:
    return _again(finding.finding_id)
