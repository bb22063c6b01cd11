"""The audit: search, and export in the form that auditors take along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, abort, render_template, request

from connector.console.here import is_fragment, principal, tenant
from connector.console.users import number_of, printable
from connector.console.words import told
from connector.domain.audit.events import AuditFilter
from connector.domain.audit.titles import TITLES, event_title
from connector.services.audit.export import FORMS

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
_FIELDS = ("subject", "actor", "action", "since", "until", "request")


@blueprint.get("")
def search() -> str:
    """Show a page of events, the newest first."""
    wanted, problem = _wanted()
    before = number_of(request.args.get("before"))
    page = tenant().browser.events(wanted, before=before, person=_text("subject"))
    kept = {name: request.args[name] for name in _FIELDS if request.args.get(name)}
    follows = None
    if page.next_before:
        follows = "?" + urlencode({**kept, "before": page.next_before})
    return render_template(
        "audit_lines.html" if is_fragment() else "audit.html",
        events=told(page),
        people=page.people,
        labels=page.labels,
        follows=follows,
        problem=problem,
        kept=kept,
        actions=_actions(kept.get("action", "")),
        query=urlencode(kept),
    )


@blueprint.get("/<int:sequence>")
def show(sequence: int) -> str:
    """Show one event with its data and its place in the chain."""
    event = tenant().audit.event(sequence)
    text = orjson.dumps(event.data, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    return render_template("audit_event.html", event=event, title=event_title(event), data=text)


@blueprint.get("/export.<form>")
def export(form: str) -> Response:
    """Send the events that are asked for, oldest first, as they are read."""
    if form not in FORMS:
        abort(404)
    wanted, problem = _wanted()
    if problem:
        abort(400)
    asked = {name: request.args[name] for name in _FIELDS if request.args.get(name)}
    mimetype, lines = tenant().audit.export(
        wanted, form, principal(), person=_text("subject"), asked=urlencode(asked)
    )
    response = Response(lines, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{form}"'
    return response


def _actions(chosen: str) -> Sequence[tuple[str, str]]:
    """Return what can be asked for, with its title, in the order of titles.

    :param chosen: what is asked for now; a pattern that came by a link is kept.
    """
    known = sorted(TITLES.items(), key=lambda item: item[1].casefold())
    return [*known, (chosen, chosen)] if chosen and chosen not in TITLES else known


def _wanted() -> tuple[AuditFilter, str]:
    """Return what the query asks for, and what is wrong with it."""
    since, first = _day(_text("since"))
    # The last day counts.
    until, second = _day(_text("until"), timedelta(days=1))
    wanted = AuditFilter(
        request=_text("request"),
        actor=_text("actor"),
        action=_text("action"),
        since=since,
        until=until,
    )
    return wanted, first or second


def _text(name: str) -> str:
    return printable(request.args.get(name, "")).strip()


def _day(text: str, more: timedelta = timedelta(0)) -> tuple[datetime | None, str]:
    if not text:
        return None, ""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) + more, ""
    except (ValueError, OverflowError):
        return None, f"{text!r} is not a day such as 2026-03-31."
