"""Who decides for whom while somebody is away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, principal, tenant
from connector.errors import InvalidRequestError

blueprint = Blueprint("absences", __name__, url_prefix="/absences")


@blueprint.get("")
def every() -> str:
    """Show the delegations, and the form for one's own."""
    found = tenant().delegations.list()
    now = application().clock.now()
    return render_template(
        "absences.html",
        current=[item for item in found if item.revoked_at is None and item.ends_at > now],
        past=[item for item in found if item.revoked_at is not None or item.ends_at <= now][:50],
        today=now.date(),
        days=tenant().settings.approvals.delegation_max_days,
    )


@blueprint.post("")
def begin() -> BaseResponse:
    """Let somebody else decide for a while."""
    now = application().clock.now()
    starts_at = max(_day("from"), now)
    made = tenant().delegations.begin(
        principal(),
        request.form.get("to", ""),
        starts_at,
        _day("until") + timedelta(days=1),
        reason=request.form.get("reason", ""),
        absent=request.form.get("absent", "").strip() or None,
    )
    flash(f"{made.delegate} decides for {made.delegator} meanwhile.", "good")
    return redirect(url_for("absences.every"), 303)


@blueprint.post("/<delegation_id>/end")
def end(delegation_id: str) -> BaseResponse:
    """End a delegation."""
    tenant().delegations.end(delegation_id, principal())
    flash("The delegation has ended.", "good")
    return redirect(url_for("absences.every"), 303)


def _day(name: str) -> datetime:
    text = request.form.get(name, "")
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise InvalidRequestError(f"{text!r} is not a day such as 2026-03-31.") from error
