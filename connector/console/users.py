"""Users: search, and one user with everything known of them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, may_try, principal, tenant
from connector.console.words import told
from connector.domain.audit.events import AuditFilter
from connector.patience import take_place
from connector.services.browsing.views import UserQuery
from connector.services.drift.desk import open_findings

blueprint = Blueprint("users", __name__, url_prefix="/users")
_STATES = {"active": True, "inactive": False}
_FIELDS = ("q", "state", "profile", "group")
_LONGEST_TEXT = 100


@blueprint.get("")
def search() -> str:
    """Show a page of users. Who was deleted over SCIM may still hold a role that only people take,
    so that a name finds them too."""
    state, text = request.args.get("state", ""), printable(request.args.get("q", ""))
    # Without a text the page is that of SCIM, which counters find, however many users there are.
    deleted = None if text.strip() and not state else state == "deleted"
    query = UserQuery(
        text=text,
        active=_STATES.get(state),
        deleted=deleted,
        profile=printable(request.args.get("profile", "")),
        group=printable(request.args.get("group", "")),
        after=number_of(request.args.get("after")),
    )
    labels = tenant().browser.labels()
    held = query.profile or query.group
    page = tenant().browser.users(query)
    follows = None
    if page.next_after is not None:
        kept = {name: value for name, value in request.args.items() if value and name in _FIELDS}
        follows = f"{url_for('users.search')}?{urlencode({**kept, 'after': page.next_after})}"
    return render_template(
        "user_lines.html" if is_fragment() else "users.html",
        query=query,
        page=page,
        follows=follows,
        profiles=sorted(
            (
                (item.scim_id, labels.entitlement(item.scim_id))
                for item in labels.catalogue.profiles.values()
            ),
            key=lambda item: item[1].casefold(),
        ),
        held_name=labels.entitlement(held) if held else "",
        state=state,
    )


@blueprint.post("/<user_id>/consent")
@may_try(lambda person: person.may_work)
def consent(user_id: str) -> BaseResponse:
    """Try now whether the user can be impersonated; or, on request, invite them to agree."""
    take_place()
    checks = tenant().consent_checks
    report = checks.check(checks.people([user_id]), max_age=timedelta(0))
    if report.left:
        flash(report.reason, "wait")
    elif request.form.get("act") == "invite":
        for email, link, is_sent in checks.invite(report.lacking, principal()):
            words = f"{email} is invited." if is_sent else f"Send {email} this link: {link}"
            flash(words, "good" if is_sent else "wait")
    return redirect(url_for("users.show", user_id=user_id), 303)


@blueprint.get("/<user_id>")
def show(user_id: str) -> str:
    """Show one user."""
    services = tenant()
    detail = services.browser.user(user_id.lower())
    before = number_of(request.args.get("before"))
    page = services.browser.events(
        AuditFilter(people=(detail.user.user_id,)), before=before, calls=False
    )
    return render_template(
        "user.html",
        detail=detail,
        user=detail.user,
        consent=services.consents.of_users([detail.user.user_id]).get(detail.user.user_id),
        events=told(page),
        before=page.next_before,
        labels=services.browser.labels(),
        successions=services.leavers.successions(detail.user.user_id),
        findings=services.drift.desk.list(open_findings(detail.user.user_id)),
        settings=services.settings,
    )


def printable(text: str) -> str:
    """Return the beginning of a query's text without what no name has."""
    return "".join(char for char in text[:_LONGEST_TEXT] if char.isprintable())


def number_of(text: str | None) -> int:
    """Return a number of a query string; what is none, or not one of ours, begins anew."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0  # noqa: PLR2004
