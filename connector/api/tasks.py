"""Manual tasks: what no API does, worked on by people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from connector.api.fields import CommentArguments, RequiredCommentArguments, instant, text, written
from connector.api.here import needs, principal, tenant
from connector.api.paging import Page, page_of, text_of, to_cursor
from connector.api.resource import Resource, seen
from connector.api.work_item_schemas import (
    EventSchema,
    EvidenceSchema,
    WorkItemQuery,
    WorkItemSchema,
    filter_of,
)
from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.items import WorkItem, WorkItemKind
from connector.errors import NotFoundError
from connector.services.browsing.views import ItemQuery
from connector.services.context import Seen
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES
from connector.services.inbox.work_items import TaskView
from connector.services.plain_data import event_data, evidence_data, named_item_data

resource = Resource("tasks", __name__, "What only people can do in DocuSign.", "/tasks")
_LOGIN_MAX = 320


class TaskSchema(WorkItemSchema):
    """A manual task in a list."""

    assignee = text("Who has claimed it: `user:<login>`; null: nobody.", allow_none=True)
    due_at = instant("Until when it should be done.", optional=True)
    verification = text("`docusign`, `organization_admin`, `attestation` or `word`.")


class TaskDetailSchema(TaskSchema):
    """A manual task with its steps."""

    instructions = fields.List(
        fields.String(), required=True, metadata={"description": "Exact steps, in order."}
    )
    deep_link = text("Where to start in DocuSign.", allow_none=True)
    reason = text("Why whoever asked wants it, in their words; may be empty.")
    completed_by = text("Who said that it is done.", allow_none=True)
    last_checked_at = instant("When DocuSign was last asked.", optional=True)
    last_check = text("What it showed then, in words.", allow_none=True)
    history = fields.List(fields.Nested(EventSchema), required=True)
    evidence = fields.List(fields.Nested(EvidenceSchema), required=True)


class TaskQuery(WorkItemQuery):
    """Which tasks."""

    mine = fields.Boolean(
        load_default=False, metadata={"description": "Only those that you have claimed."}
    )


class HandOverArguments(CommentArguments):
    """Whom a task is given to."""

    to = written("Login of somebody who may work tasks.", required=True, longest=_LOGIN_MAX)


class FileArguments(Schema):
    """A file that shows that the task was done."""

    file = Upload(required=True, metadata={"description": "At most 5 MB; a screenshot, a PDF."})


@resource.route("")
@resource.arguments(TaskQuery, location="query")
@resource.response(200, page_of(TaskSchema, "TaskPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List manual tasks, or find some."""
    browser = tenant().browser
    found = browser.items(
        ItemQuery(
            WorkItemKind.MANUAL_TASK,
            query["state"] == "closed",
            principal().name if query["mine"] else None,
            filter_of(query),
            after=text_of(query["cursor"]),
            limit=query["limit"],
        )
    )
    labels = browser.labels()
    lines = [
        named_item_data(item, found.people.get(item.subject_id), labels) for item in found.items
    ]
    return Page(lines, to_cursor(found.next_after))


@resource.route("/<item_id>")
@resource.response(200, TaskDetailSchema)
def show(item_id: str) -> Mapping[str, Any]:
    """Show a manual task with its steps.

    An unambiguous beginning of the id is enough.
    """
    return _detail(_view(item_id))


@resource.act("/<item_id>/claim")
@resource.response(200, TaskDetailSchema)
def claim(item_id: str) -> Mapping[str, Any]:
    """Claim a task: others see who works on it."""
    return _after(tenant().tasks.claim(item_id, principal(), seen=_seen(item_id)))


@resource.act("/<item_id>/release")
@resource.arguments(CommentArguments)
@resource.response(200, TaskDetailSchema)
def release(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Give a task back to everybody."""
    return _after(
        tenant().tasks.release(item_id, principal(), said["comment"], seen=_seen(item_id))
    )


@resource.act("/<item_id>/hand-over")
@resource.arguments(HandOverArguments)
@resource.response(200, TaskDetailSchema)
def hand_over(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Hand a task over to somebody else."""
    done = tenant().tasks.hand_over(
        item_id, principal(), said["to"], said["comment"], seen=_seen(item_id)
    )
    return _after(done)


@resource.act("/<item_id>/complete")
@resource.arguments(CommentArguments)
@resource.response(200, TaskDetailSchema)
def complete(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Say that a task is done.

    DocuSign is asked at once. The state stays `awaiting_verification` until DocuSign shows it or,
    where no API does, until a second person attests it.
    """
    return _after(
        tenant().tasks.complete(item_id, principal(), said["comment"], seen=_seen(item_id))
    )


@resource.act("/<item_id>/attest")
@resource.arguments(CommentArguments)
@resource.response(200, TaskDetailSchema)
def attest(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Attest as a second person that a task was done which no API shows.

    Say what you saw, or attach a file that shows it first.
    """
    return _after(tenant().tasks.attest(item_id, principal(), said["comment"], seen=_seen(item_id)))


@resource.act("/<item_id>/reject")
@resource.arguments(RequiredCommentArguments)
@resource.response(200, TaskDetailSchema)
def reject(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Refuse a task; the access stays as it is."""
    return _after(tenant().tasks.reject(item_id, principal(), said["comment"], seen=_seen(item_id)))


@resource.act("/<item_id>/verify")
@resource.response(200, TaskDetailSchema)
def verify(item_id: str) -> Mapping[str, Any]:
    """Look into DocuSign now whether a task was done; it closes if so."""
    needs(ConsoleRole.OPERATOR)
    _seen(item_id)()  # Looking twice does no harm.
    return _after(tenant().verification.verify(_view(item_id).item.work_item_id, principal()))


@resource.act("/<item_id>/comments")
@resource.arguments(RequiredCommentArguments)
@resource.response(200, TaskDetailSchema)
def comment(said: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Say something about a task."""
    known, service = _view(item_id).item.work_item_id, tenant().work_items
    return _after(service.comment(known, principal(), said["comment"], seen=_seen(item_id)))


@resource.act("/<item_id>/evidence")
@resource.arguments(FileArguments, location="files")
@resource.response(201, TaskDetailSchema)
def attach(sent: Mapping[str, Any], item_id: str) -> Mapping[str, Any]:
    """Attach a file that shows that a task was done."""
    file = sent["file"]
    content = file.read(MAX_EVIDENCE_BYTES + 1)
    known = _view(item_id).item.work_item_id
    tenant().tasks.attach(
        known,
        principal(),
        file.filename or "",
        file.mimetype,
        content,
        seen=_seen(item_id),
    )
    return _detail(_view(known))


@resource.route("/<item_id>/evidence/<evidence_id>")
@resource.response(
    200, {"type": "string", "format": "binary"}, content_type="application/octet-stream"
)
def evidence(item_id: str, evidence_id: str) -> Response:
    """Fetch a file as it was attached, to be saved: its type is whatever somebody said."""
    known = _view(item_id).item.work_item_id
    found, content = tenant().work_items.evidence_content(known, evidence_id)
    response = Response(content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=found.name)
    return response


def _view(item_id: str) -> TaskView:
    view = tenant().work_items.view(item_id)
    if view.item.kind is not WorkItemKind.MANUAL_TASK:
        raise NotFoundError(f"Work item {view.item.work_item_id} is an approval, no manual task.")
    return view


def _seen(item_id: str) -> Seen:
    """Return what holds the task to ``If-Match``, within the transaction of the act."""
    _view(item_id)  # An approval is no task.
    return seen(TaskDetailSchema, lambda: _detail(_view(item_id)))


def _after(item: WorkItem) -> Mapping[str, Any]:
    return _detail(_view(item.work_item_id))


def _detail(view: TaskView) -> Mapping[str, Any]:
    item = view.item
    return {
        **named_item_data(item, view.subject, tenant().browser.labels()),
        "reason": view.reason,
        "history": [event_data(event) for event in view.history],
        "evidence": [evidence_data(file) for file in view.evidence],
    }
