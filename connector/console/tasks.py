"""A manual task: its steps, and everything that can be done with it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import may_try, principal, tenant
from connector.console.words import state_words
from connector.domain.policy.entitlement_rules import VERIFIED_BY_API
from connector.domain.work_items.items import WorkItem, WorkItemKind
from connector.services.context import Principal
from connector.services.inbox.attesting import is_to_attest
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES

blueprint = Blueprint("tasks", __name__, url_prefix="/tasks")


@blueprint.get("/<item_id>")
def show(item_id: str) -> str | BaseResponse:
    """Show a task."""
    services, me = tenant(), principal()
    view = services.work_items.view(item_id, me)
    item = view.item
    if item.kind is WorkItemKind.APPROVAL:
        return redirect(url_for("approvals.show", item_id=item.work_item_id))
    return render_template(
        "task.html",
        view=view,
        item=item,
        labels=services.browser.labels(),
        is_verified_by_api=item.verification in VERIFIED_BY_API,
        is_to_attest=is_to_attest(item),
        is_mine=item.assignee == me.name,
        colleagues=services.browser.colleagues(),
        largest=MAX_EVIDENCE_BYTES,
    )


def _claim(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.claim(item_id, by)


def _release(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.release(item_id, by, _comment())


def _hand_over(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.hand_over(item_id, by, request.form.get("to", ""), _comment())


def _complete(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.complete(item_id, by, _comment())


def _verify(item_id: str, by: Principal) -> WorkItem:
    return tenant().verification.verify(item_id, by)


def _attest(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.attest(item_id, by, _comment())


def _reject(item_id: str, by: Principal) -> WorkItem:
    return tenant().tasks.reject(item_id, by, _comment())


def _attach(item_id: str, by: Principal) -> WorkItem:
    sent = request.files.get("file")
    content = sent.read(MAX_EVIDENCE_BYTES + 1) if sent else b""
    name, kind = (sent.filename or "", sent.mimetype) if sent else ("", "")
    tenant().tasks.attach(item_id, by, name, kind, content)
    return tenant().work_items.get(item_id)


_ACTS: dict[str, tuple[Callable[[str, Principal], WorkItem], str]] = {
    "claim": (_claim, "The task is yours."),
    "release": (_release, "The task is open to everybody again."),
    "hand-over": (_hand_over, "The task was handed over."),
    "complete": (_complete, ""),
    "verify": (_verify, ""),
    "attest": (_attest, ""),
    "reject": (_reject, ""),
    "attach": (_attach, "The file was attached."),
}


@blueprint.post("/<item_id>/<act>")
@may_try(lambda person: person.may_work)
def do(item_id: str, act: str) -> BaseResponse:
    """Do something with a task; the service says who may do what, and when."""
    if act not in _ACTS:
        abort(404)
    work, words = _ACTS[act]
    item = work(item_id, principal())
    if words and item.state.is_open:
        flash(words, "good")
    else:
        _tell(item)
    return redirect(url_for("tasks.show", item_id=item.work_item_id), 303)


@blueprint.get("/<item_id>/evidence/<evidence_id>")
def evidence(item_id: str, evidence_id: str) -> Response:
    """Send a file to be saved: never shown as a page of ours, whatever is in it."""
    found, content = tenant().work_items.evidence_content(item_id, evidence_id)
    response = Response(content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=found.name)
    return response


def _comment() -> str:
    return request.form.get("comment", "")


def _tell(item: WorkItem) -> None:
    if not item.state.is_open:
        flash(f"The task is {state_words(item.state)}.", "good")
    elif item.verification in VERIFIED_BY_API:
        seen = f" ({item.last_check})" if item.last_check else ""
        flash(
            f"Noted. DocuSign does not confirm it yet{seen}. The task closes by itself once it "
            "does; you can leave this page.",
            "wait",
        )
    else:
        flash("Noted. A second person has to attest it: no API of DocuSign shows it.", "wait")
