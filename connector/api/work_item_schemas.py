"""What approvals and manual tasks have in common, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.fields import instant, text
from connector.api.paging import PageArguments
from connector.domain.work_items.items import Direction, WorkItemFilter, WorkItemState

_RISKS = ("low", "medium", "high", "critical")


class SubjectSchema(Schema):
    """Whose access it is about."""

    id = text("SCIM id, which is the DocuSign user id.")
    name = text("Display name; may be empty.")
    email = text("Address; empty for somebody who was erased.")


class EntitlementSchema(Schema):
    """What the access is."""

    id = text("SCIM id of a permission profile, a group or a role.")
    name = text("Its name with that of its account.")


class EventSchema(Schema):
    """A line of the history."""

    at = instant("When.")
    actor = text("`user:<login>`, `client:<name>` or `job:<name>`.")
    act = text("`opened`, `claimed`, `approved` …; `docusign-iga docs approvals` has them all.")
    comment = text("What they said; may be empty.")


class EvidenceSchema(Schema):
    """A file that shows that a task was done."""

    id = text("To fetch it by.")
    name = text("File name.")
    media_type = text("As whoever attached it said.")
    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    sha256 = text("Of the content, in hexadecimal; it is in the audit too.")
    added_by = text("Who attached it.")
    added_at = instant("When.")


class WorkItemSchema(Schema):
    """What every work item has."""

    id = text("The work item's id.")
    state = fields.Enum(
        WorkItemState,
        by_value=True,
        required=True,
        metadata={"description": "Where it stands; the first three are open."},
    )
    title = text("One line for people.")
    subject = fields.Nested(SubjectSchema, required=True)
    entitlement = fields.Nested(EntitlementSchema, required=True)
    direction = fields.Enum(
        Direction,
        by_value=True,
        required=True,
        metadata={"description": "Whether access is given or taken."},
    )
    risk = text(f"Of the entitlement: {', '.join(_RISKS)}.")
    owner = text("Who answers for the entitlement; may be empty.")
    rule = text("The rule of the policy that asks for it, in words.")
    requester = text("Who asked: `client:<name>`, `user:<login>` or `job:<name>`.")
    created_at = instant("When it was opened.")
    closed_at = instant("When it ended; null while it is open.", optional=True)
    closed_by = text("Who ended it; null while it is open.", allow_none=True)
    comment = text("Why it was completed, denied or rejected.", allow_none=True)


class WorkItemQuery(PageArguments):
    """Which work items."""

    state = fields.String(
        load_default="open",
        validate=validate.OneOf(("open", "closed")),
        metadata={"description": "`open`: oldest first; `closed`: newest first."},
    )
    person = fields.String(
        load_default="",
        validate=validate.Length(max=320),
        metadata={"description": "Whom it is about: parts of name or address, or the id."},
    )
    entitlement = fields.String(
        load_default="",
        validate=validate.Length(max=300),
        metadata={"description": "Parts of its name or its account's, or its id."},
    )
    requester = fields.String(
        load_default="",
        validate=validate.Length(max=320),
        metadata={"description": "A part of who asked, such as `client:iga`."},
    )


def filter_of(query: Mapping[str, Any]) -> WorkItemFilter:
    """Return what :class:`WorkItemQuery` looks for."""
    return WorkItemFilter(query["person"], query["entitlement"], query["requester"])
