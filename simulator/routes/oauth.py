"""The authentication host: tokens by JWT grant (RFC 7523), userinfo, consent pages."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

import jwt
from flask import Blueprint, Response, redirect, render_template_string, request
from werkzeug.wrappers import Response as BaseResponse

from simulator import wire
from simulator.routes.access import bearer
from simulator.simulator import current
from simulator.state.consent import TOKEN_LIFETIME, Application
from simulator.state.errors import RuleError
from simulator.state.model import Membership, Status, User

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class GrantError(Exception):
    """The token endpoint refuses, in DocuSign's words."""

    def __init__(self, error: str, description: str | None = None) -> None:
        super().__init__(error)
        self.body = {"error": error}
        if description is not None:
            self.body["error_description"] = description


@blueprint.post("/token")
def token() -> Response:
    """Give an access token for an assertion."""
    simulator = current()
    try:
        with simulator.state.lock:
            return wire.answer(_grant(request.form.get("assertion", "")))
    except GrantError as refusal:
        return wire.answer(refusal.body, simulator.state.variants.token_error_status)


def _grant(assertion: str) -> dict[str, Any]:
    if request.form.get("grant_type") != JWT_GRANT:
        raise GrantError("unsupported_grant_type")
    claims, application = _verified(assertion)
    scopes = frozenset(str(claims.get("scope", "")).split())
    if "sub" not in claims:
        return _application_token(application, scopes)
    user = _subject(claims)
    if "impersonation" not in scopes or not _consented(application, user, scopes):
        raise GrantError("consent_required")
    issued = current().state.applications.issue(application, user.user_id, scopes)
    return _token_answer(issued.value, "Bearer", scopes)


def _verified(assertion: str) -> tuple[dict[str, Any], Application]:
    """Return the claims of a good assertion and whose they are."""
    try:
        claims: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise GrantError("invalid_grant", "no_valid_keys_or_signatures") from None
    application = current().state.applications.by_key.get(str(claims.get("iss")))
    audience = claims.get("aud")
    if not isinstance(audience, str) or "/" in audience:
        raise GrantError("invalid_grant", "no_valid_keys_or_signatures")
    if application is None or audience != request.host:
        raise GrantError("invalid_grant", "issuer_not_found")
    try:
        jwt.decode(
            assertion,
            application.public_key_pem,
            algorithms=["RS256"],
            audience=audience,
            # The time is the simulated one, which the library does not know.
            options={
                "require": ["exp"],
                "verify_sub": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        _check_times(claims, current().state.now().timestamp())
    except jwt.ExpiredSignatureError:
        raise GrantError("invalid_grant", "expired_grant") from None
    except jwt.InvalidTokenError:
        raise GrantError("invalid_grant", "no_valid_keys_or_signatures") from None
    return claims, application


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Refuse an assertion that is used after or before its time (RFC 7519 section 4.1)."""
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if not all(type(value) in (int, float) for value in times.values()):
        raise jwt.DecodeError("times are numbers of seconds")
    if times["exp"] <= now:
        raise jwt.ExpiredSignatureError("the assertion has expired")
    if any(times.get(name, now) > now + 1 for name in ("nbf", "iat")):
        raise jwt.ImmatureSignatureError("the assertion is not valid yet")


def _subject(claims: dict[str, Any]) -> User:
    """Return the active user whom the assertion names by GUID."""
    user = current().state.users.get(str(claims["sub"]).lower())
    if user is None or user.admin_status != "active":
        raise GrantError("invalid_grant", "user_not_found")
    return user


def _consented(application: Application, user: User, scopes: frozenset[str]) -> bool:
    """Whether one consent, of the user or of an administrator, covers every scope."""
    if scopes <= application.consents.get(user.user_id, set()):
        return True
    return current().state.claimed(user.email) is not None and scopes <= application.admin_consent


def _application_token(application: Application, scopes: frozenset[str]) -> dict[str, Any]:
    if not scopes <= application.admin_consent:
        raise GrantError("consent_required")
    issued = current().state.applications.issue(application, None, scopes)
    return _token_answer(issued.value, "Application", scopes)


def _token_answer(value: str, kind: str, scopes: frozenset[str]) -> dict[str, Any]:
    return {
        "access_token": value,
        "token_type": kind,
        "expires_in": int(TOKEN_LIFETIME.total_seconds()),
        "scope": " ".join(sorted(scopes)),
    }


@blueprint.get("/userinfo")
def userinfo() -> Response:
    """Tell who the token stands for, and in which accounts."""
    state = current().state
    with state.lock:
        try:
            presented = bearer()
            user = state.user(presented.user_id or "")
        except RuleError:
            body = {"error": "internal_server_error", "reference_id": secrets.token_hex(16)}
            return wire.answer(body, 401)
        return wire.answer(_who(user))


def _who(user: User) -> dict[str, Any]:
    active = [item for item in user.memberships.values() if item.status is Status.ACTIVE]
    return {
        "sub": user.user_id,
        "name": user.user_name,
        "given_name": user.first_name,
        "family_name": user.last_name,
        "email": user.email,
        "created": f"{user.created_at:%Y-%m-%dT%H:%M:%S.%f}"[:-3],
        "accounts": [_account_of(item, user) for item in active],
    }


def _account_of(membership: Membership, user: User) -> dict[str, Any]:
    account = membership.account
    organization_id = current().state.organization.organization_id
    link = f"{request.host_url}organizations/{organization_id}"
    return {
        "account_id": account.account_id,
        "account_name": account.name,
        "is_default": account.account_id == user.default_account_id,
        "base_uri": request.host_url.rstrip("/"),
        "organization": {
            "organization_id": organization_id,
            "links": [{"rel": "self", "href": link}],
        },
    }


CONSENT_PAGE = """<!doctype html><html lang="en"><title>Consent</title>
<h1>{{ name }} asks for access</h1>
<p>It asks for: <strong>{{ scopes }}</strong>{% if admin %}, for everybody in the claimed
domains of the organization{% endif %}.</p>
<form method="post"><label>You are
<select name="user_id">{% for user in users %}
<option value="{{ user.user_id }}">{{ user.user_name }} ({{ user.email }})</option>
{% endfor %}</select></label>
<button name="decision" value="accept">Accept</button>
<button name="decision" value="decline">Decline</button></form></html>"""

PROBLEM_PAGE = """<!doctype html><html lang="en"><title>Error</title>
<h1>{{ problem }}</h1></html>"""


@blueprint.get("/auth")
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
    return Response(page)


@blueprint.post("/auth")
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
        if request.form.get("decision") == "accept" and _store_consent(application):
            back["code"] = secrets.token_urlsafe(24)
        else:
            back["error"] = "access_denied"
    separator = "&" if "?" in request.args["redirect_uri"] else "?"
    return redirect(request.args["redirect_uri"] + separator + urlencode(back))


def _consent_request() -> tuple[Application | None, str]:
    """Return the application that asks, or what is wrong with the link."""
    application = current().state.applications.by_key.get(request.args.get("client_id", ""))
    if application is None:
        return None, "The client ID provided is not registered with Docusign."
    if request.args.get("redirect_uri") not in application.redirect_uris:
        return None, "The redirect URI is not registered properly with Docusign."
    return application, ""


def _asked_scopes() -> set[str]:
    return set(request.args.get("admin_consent_scope", request.args.get("scope", "")).split())


def _store_consent(application: Application) -> bool:
    """Store what was accepted; only organization admins accept for others."""
    user = current().state.users.get(request.form.get("user_id", ""))
    if user is None or user.admin_status != "active":
        return False
    if "admin_consent_scope" not in request.args:
        application.consents.setdefault(user.user_id, set()).update(_asked_scopes())
    elif user.is_organization_admin:
        application.admin_consent |= _asked_scopes()
    else:
        return False
    return True
