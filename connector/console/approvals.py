"""An approval: the whole context on one page, and the decision."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import may_try, principal, session, tenant
from connector.console.words import state_words
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from connector.services.inbox.approvals import ApprovalView

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")


@blueprint.get("/<item_id>")
def show(item_id: str) -> str:
    """Show an approval with everything that a decision needs."""
    services = tenant()
    view = services.approvals.get(item_id, principal())
    steps = [record.operation for record in view.operations]
    return render_template(
        "approval.html",
        view=view,
        item=view.item,
        changes=services.browser.describe(steps),
        detail=services.browser.user(view.subject.user_id),
        labels=services.browser.labels(),
        may_withdraw=session().may_administer or view.item.requester == principal().name,
    )


@blueprint.post("/<item_id>/decide")
def decide(item_id: str) -> BaseResponse:
    """Approve or deny what the person saw; the service says who may."""
    verdict = request.form.get("verdict", "")
    if verdict not in list(Verdict):
        abort(400)
    view = tenant().approvals.decide(
        item_id,
        Verdict(verdict),
        principal(),
        comment=request.form.get("comment", ""),
        checksum=request.form.get("checksum", ""),
    )
    flash(_outcome(view), "wait" if view.item.state.is_open else "good")
    return redirect(url_for("approvals.show", item_id=view.item.work_item_id), 303)


@blueprint.post("/<item_id>/withdraw")
def withdraw(item_id: str) -> BaseResponse:
    """Take a request back."""
    comment = request.form.get("comment", "")
    view = tenant().approvals.withdraw(item_id, principal(), comment)
    flash("The request is withdrawn; the access stays as it is.", "good")
    return redirect(url_for("approvals.show", item_id=view.item.work_item_id), 303)


@blueprint.post("/<item_id>/comment")
@may_try(lambda person: person.may_work or person.may_decide)
def comment(item_id: str) -> BaseResponse:
    """Say something about an approval or a task."""
    item = tenant().work_items.comment(item_id, principal(), request.form.get("comment", ""))
    flash("The comment is noted.", "good")
    return redirect(url_for("tasks.show", item_id=item.work_item_id), 303)


def _outcome(view: ApprovalView) -> str:
    state, agreed = view.item.state, len(view.approved_by)
    if state is WorkItemState.OPEN:
        return f"You agreed: {agreed} of {view.needed}. The others are still asked."
    if state is WorkItemState.APPROVED:
        return "Approved. The connector carries it out as soon as DocuSign can be reached."
    if state is WorkItemState.DENIED:
        return "Denied. The access stays as it is."
    if state is WorkItemState.DONE:
        return "Approved, and carried out in DocuSign."
    return f"The approval is {state_words(state)}: {view.item.comment or ''}"
