"""Erasures: a person's right to be forgotten, asked for by one administrator, confirmed by
another."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, may_try, principal, tenant
from connector.console.users import printable
from connector.domain.erasure import Erasure, ErasureState
from connector.errors import InvalidRequestError

blueprint = Blueprint("erasures", __name__, url_prefix="/erasures")
_PAGE = 50


@blueprint.get("")
def every() -> str:
    """Show a page of erasures, the newest first, and the form that asks for one."""
    services, after = tenant(), request.args.get("after", "")
    found = list(reversed(services.erasures.list()))
    ids = [item.erasure_id for item in found]
    start = ids.index(after) + 1 if after in ids else 0
    page = found[start : start + _PAGE]
    is_last = start + _PAGE >= len(found)
    return render_template(
        "erasure_lines.html" if is_fragment() else "erasures.html",
        items=page,
        people=services.browser.people({item.subject_id for item in page}),
        follows=None if is_last else url_for("erasures.every", after=page[-1].erasure_id),
        wanted=printable(request.args.get("person", "")),
    )


@blueprint.get("/<erasure_id>")
def show(erasure_id: str) -> str:
    """Show one erasure, and how far it is."""
    services = tenant()
    view = services.erasures.view(erasure_id, principal())
    return render_template(
        "erasure.html", view=view, item=view.erasure, labels=services.browser.labels()
    )


@blueprint.post("")
@may_try(lambda person: person.may_administer)
def ask() -> BaseResponse:
    """Ask for somebody to be forgotten."""
    made = tenant().erasures.request(
        request.form.get("person", "").strip(), request.form.get("reason", ""), principal()
    )
    flash("Noted. Nothing is erased before another administrator confirms it.", "wait")
    return _to(made)


@blueprint.post("/<erasure_id>/<act>")
@may_try(lambda person: person.may_administer)
def do(erasure_id: str, act: str) -> BaseResponse:
    """Confirm an erasure or take it back; the service says who may, and when."""
    service = tenant().erasures
    if act == "confirm":
        if request.form.get("irreversible") != "yes":
            raise InvalidRequestError("Nothing brings the data back: tick that you know, to go on.")
        done = service.confirm(erasure_id, principal())
        if done.state is ErasureState.DONE:
            flash("Erased, in DocuSign and here.", "good")
        else:
            flash(f"Confirmed, and not erased yet. {done.error} It is tried again hourly.", "wait")
    elif act == "withdraw":
        done = service.withdraw(erasure_id, principal())
        flash("Taken back. Nothing was erased.", "good")
    else:
        abort(404)
    return _to(done)


def _to(item: Erasure) -> BaseResponse:
    return redirect(url_for("erasures.show", erasure_id=item.erasure_id), 303)
