"""Who is signed in, for administrators, and ending it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, may_try, principal, session, tenant_name
from connector.domain.writing import counted

blueprint = Blueprint("sessions", __name__, url_prefix="/sessions")


@blueprint.get("")
@may_try(lambda person: person.may_administer)
def every() -> str:
    """Show who is signed in."""
    sessions = application().console_sessions.list(tenant_name())
    return render_template("sessions.html", sessions=sessions, mine=session().session_hash)


@blueprint.post("/end")
@may_try(lambda person: person.may_administer)
def end() -> BaseResponse:
    """End every session of the login of one line."""
    login = request.form.get("login", "")
    ended = application().console_sessions.end_of_login(tenant_name(), login, principal())
    flash(f"{counted(ended, 'session')} of {login} ended.", "good")
    return redirect(url_for("sessions.every"), 303)
