"""Drift: what was changed in DocuSign itself, to accept or to have put right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, may_try, own_path, principal, session, tenant
from connector.console.users import printable
from connector.console.words import state_words
from connector.domain.drift.difference import CHANGES, STANDING, DriftKind
from connector.domain.drift.findings import (
    CLOSED_FINDINGS,
    OPEN_FINDINGS,
    FindingFilter,
    FindingState,
)
from connector.services.drift.desk import PAGE

blueprint = Blueprint("drift", __name__, url_prefix="/drift")
_TOLD = 5
"""Reasons that are told of findings that stayed."""
_FIELDS = ("class", "account", "user")
_VIEWS: Mapping[str, tuple[str, tuple[DriftKind, ...], tuple[FindingState, ...]]] = {
    "changes": ("Changes", CHANGES, OPEN_FINDINGS),
    "pending": ("Invited, never accepted", (DriftKind.PENDING_USER,), OPEN_FINDINGS),
    "unused": (
        "Dormant or orphaned",
        tuple(kind for kind in STANDING if kind is not DriftKind.PENDING_USER),
        OPEN_FINDINGS,
    ),
    "all": ("Everything open", tuple(DriftKind), OPEN_FINDINGS),
    "closed": ("Closed", tuple(DriftKind), CLOSED_FINDINGS),
}
"""What each list is called, and which findings it holds."""


@blueprint.get("")
def every() -> str:
    """Show a page of one of the lists of findings."""
    desk, browser = tenant().drift.desk, tenant().browser
    kept = {name: printable(request.args.get(name, "")) for name in _FIELDS}
    kept = {name: value for name, value in kept.items() if value}
    view, kind = _view_of(kept)
    _, kinds, states = _VIEWS[view]
    user, account = kept.get("user"), kept.get("account")
    wanted = FindingFilter(
        states,
        (kind,) if kind else kinds,
        (tuple(desk.people(user)) or ("",)) if user else (),
        (account,) if account else (),
    )
    found = desk.list(wanted, after=request.args.get("after", ""), limit=PAGE + 1)
    views, follows = found[:PAGE], None
    if len(found) > PAGE:
        last = views[-1].finding.finding_id
        follows = _path(**kept, view=view, after=last)
    counts = desk.open_counts()
    return render_template(
        "drift_lines.html" if is_fragment() else "drift.html",
        views=views,
        follows=follows,
        kept=kept,
        view=view,
        page=_path(**kept, view=view)[len(request.script_root) :],
        tabs=[
            (name, words, sum(counts.get(one, 0) for one in within) if name != "closed" else 0)
            for name, (words, within, _) in _VIEWS.items()
        ],
        kinds=kinds,
        accounts=browser.accounts(),
        counts={one: counts[one] for one in kinds if one in counts and view != "closed"},
        chooses=session().may_work and view != "closed",
    )


def _view_of(kept: Mapping[str, str]) -> tuple[str, DriftKind | None]:
    """Return which list is wanted, and which class of it, if one is."""
    kind = next((item for item in DriftKind if item == kept.get("class")), None)
    # Before there were lists, what is over was found by this.
    before = "closed" if request.args.get("state") == "closed" else ""
    view = request.args.get("view") or before or ("all" if kept else "changes")
    if view not in _VIEWS or ("class" in kept and kind is None):
        abort(404)
    # The tabs keep no class, but an address that somebody wrote may name one of another list.
    return (view if kind is None or kind in _VIEWS[view][1] else "all"), kind


def _path(**query: str) -> str:
    return f"{url_for('drift.every')}?{urlencode(query)}"


@blueprint.get("/<finding_id>")
def show(finding_id: str) -> str:
    """Show one finding with its evidence."""
    view = tenant().drift.desk.get(finding_id)
    return render_template("finding.html", view=view, item=view.finding)


@blueprint.post("/several")
@may_try(lambda person: person.may_work)
def several() -> BaseResponse:
    """Accept the chosen findings or have them put right; why some stay is told."""
    decisions, back = tenant().drift.decisions, redirect(own_path(request.form.get("back")), 303)
    acts = {"accept": decisions.accept, "revert": decisions.revert}
    act = acts.get(request.form.get("act", ""))
    if act is None:
        abort(404)
    chosen = request.form.getlist("finding")
    if not chosen:
        flash("Choose the findings first.", "bad")
        return back
    decided = act(decisions.named(chosen), principal(), request.form.get("reason", ""))
    for state, number in decided.states.items():
        waits = state is FindingState.REVERTING
        more = "; what waits for a person is in the inbox" if waits else ""
        flash(f"{number:,} {state_words(state)}{more}.", "wait" if waits else "good")
    for why, number in Counter(decided.problems.values()).most_common(_TOLD):
        flash(f"{number:,} stayed as they were: {why}", "bad")
    if decided.stopped_by:
        flash(f"{len(decided.left):,} were not tried: {decided.stopped_by}", "bad")
    return back


@blueprint.post("/<finding_id>/<act>")
@may_try(lambda person: person.may_work)
def do(finding_id: str, act: str) -> BaseResponse:
    """Accept a finding or have it put right; the service says who may, and when."""
    desk = tenant().drift.desk
    acts = {"accept": desk.accept, "revert": desk.revert}
    if act not in acts:
        abort(404)
    finding = acts[act](finding_id, principal(), request.form.get("reason", ""))
    if finding.state is FindingState.REVERTING:
        flash("A plan is on its way; what waits for a person is in the inbox.", "wait")
    else:
        flash(f"The finding is {state_words(finding.state)}.", "good")
    return redirect(url_for("drift.show", finding_id=finding.finding_id), 303)
