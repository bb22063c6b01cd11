"""What people see in a browser: the consent page, and where they take consent back."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template_string, request
from werkzeug.wrappers import Response as BaseResponse

from simulator.simulator import current
from simulator.state.consent import Application
from simulator.state.model import User

blueprint = Blueprint("consent_pages", __name__)

_HEADERS = {"X-Frame-Options": "DENY", "Cache-Control": "no-store"}
"""DocuSign's pages are shown in no frame."""

CONSENT_PAGE = """<!doctype html><html lang="en"><title>Consent</title>
<h1>{{ name }} asks for access</h1>
<p>It asks for: <strong>{{ scopes }}</strong>{% if admin %}, for everybody in the claimed
domains of the organization{% endif %}.</p>
<form method="post"><p><label>You are
<select name="user_id">{% for user in users %}
<option value="{{ user.user_id }}">{{ user.user_name }} ({{ user.email }})</option>
{% endfor %}</select></label></p>
<p><label>or somebody else, by address <input name="email" type="email"></label></p>
<button name="decision" value="accept">Accept</button>
<button name="decision" value="decline">Decline</button></form></html>"""

APPS_PAGE = """<!doctype html><html lang="en"><title>Connected apps</title>
<h1>Connected apps</h1>
<p>Who agreed to what. To take it back makes refresh tokens worthless at once; access tokens live
on until they expire.</p>
{% for app in apps %}<h2>{{ app.name }}</h2><ul>
{% if app.admin_consent %}<li>Everybody in claimed domains:
<code>{{ app.admin_consent | sort | join(" ") }}</code>
<form method="post"><button name="revoke" value="everybody">Revoke for everybody</button></form>
</li>{% endif %}
{% for user in users if user.user_id in app.consents %}<li>{{ user.user_name }} ({{ user.email }}):
<code>{{ app.consents[user.user_id] | sort | join(" ") }}</code>
<form method="post"><button name="revoke" value="{{ user.user_id }}">Revoke for {{ user.email }}
</button></form></li>{% endfor %}</ul>{% endfor %}</html>"""

PROBLEM_PAGE = """<!doctype html><html lang="en"><title>Error</title>
<h1>{{ problem }}</h1></html>"""


@blueprint.get("/oauth/auth")
def ask_consent() -> Response:
    """Show the consent page; a wrong redirect URI ends here and never at the caller."""
    state = current().state
    with state.lock:
        application, problem = _consent_request()
        if application is None:
            return Response(render_template_string(PROBLEM_PAGE, problem=problem), 400)
        admins = [u for u in state.users.values() if u.is_organization_admin and u.is_open]
        page = render_template_string(
            CONSENT_PAGE,
            name=application.name,
            scopes=", ".join(sorted(_asked_scopes())),
            admin="admin_consent_scope" in request.args,
            users=admins,
        )
    return Response(page, headers=_HEADERS)


@blueprint.post("/oauth/auth")
def decide_consent() -> BaseResponse:
    """Store the decision and send the browser back."""
    state = current().state
    with state.lock:
        application, problem = _consent_request()
        if application is None:
            return Response(render_template_string(PROBLEM_PAGE, problem=problem), 400)
        back: dict[str, str] = {}
        if "state" in request.args:
            back["state"] = request.args["state"]
        user = _who()
        accepted = request.form.get("decision") == "accept"
        if accepted and user is not None and _store_consent(application, user):
            back["code"] = _code(application, user)
        else:
            back["error"] = "access_denied"
    separator = "&" if "?" in request.args["redirect_uri"] else "?"
    return redirect(request.args["redirect_uri"] + separator + urlencode(back))


@blueprint.get("/connected-apps")
def connected_apps() -> Response:
    """Show who agreed to what, with a way back."""
    state = current().state
    with state.lock:
        apps = list(state.applications.by_key.values())
        page = render_template_string(APPS_PAGE, apps=apps, users=list(state.users.values()))
    return Response(page, headers=_HEADERS)


@blueprint.post("/connected-apps")
def revoke() -> BaseResponse:
    """Take a consent back."""
    state, whose = current().state, request.form.get("revoke", "")
    with state.lock:
        for application in state.applications.by_key.values():
            state.applications.withdraw(application, None if whose == "everybody" else whose)
    return redirect("/connected-apps", 303)


def _consent_request() -> tuple[Application | None, str]:
    """Return the application that asks, or what is wrong with the link."""
    application = current().state.applications.by_key.get(request.args.get("client_id", ""))
    if application is None:
        return None, "The client ID provided is not registered with Docusign."
    if request.args.get("redirect_uri") not in application.redirect_uris:
        return None, "The redirect URI is not registered properly with Docusign."
    if request.args.get("code_challenge_method", "S256") != "S256":
        return None, "The code challenge method is not supported."
    return application, ""


def _asked_scopes() -> set[str]:
    return set(request.args.get("admin_consent_scope", request.args.get("scope", "")).split())


def _who() -> User | None:
    """Return the active user who signed in, by id or address."""
    state, email = current().state, request.form.get("email", "")
    found = state.users.get(request.form.get("user_id", ""))
    user = state.open_on_address(email) if email else found
    return user if user is not None and user.admin_status == "active" else None


def _store_consent(application: Application, user: User) -> bool:
    """Store what was accepted; only organization admins accept for others."""
    if "admin_consent_scope" not in request.args:
        application.consents.setdefault(user.user_id, set()).update(_asked_scopes())
    elif user.is_organization_admin:
        application.admin_consent |= _asked_scopes()
    else:
        return False
    return True


def _code(application: Application, user: User) -> str:
    """Return a code; only one that was asked for by plain scopes can be exchanged."""
    if "admin_consent_scope" in request.args:
        return secrets.token_urlsafe(24)
    return current().state.applications.issue_code(
        application,
        user.user_id,
        frozenset(_asked_scopes()),
        redirect_uri=request.args["redirect_uri"],
        challenge=request.args.get("code_challenge", ""),
    )
