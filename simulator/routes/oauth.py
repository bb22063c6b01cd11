"""The authentication host: tokens by JWT grant (RFC 7523) and by code (RFC 6749), userinfo."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes.access import bearer
from simulator.simulator import current
from simulator.state.consent import CODE_TOKEN_LIFETIME, TOKEN_LIFETIME, Application
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
            return wire.answer(_GRANTS.get(request.form.get("grant_type", ""), _unsupported)())
    except GrantError as refusal:
        return wire.answer(refusal.body, simulator.state.variants.token_error_status)


def _unsupported() -> dict[str, Any]:
    raise GrantError("unsupported_grant_type")


def _by_assertion() -> dict[str, Any]:
    claims, application = _verified(request.form.get("assertion", ""))
    scopes = frozenset(str(claims.get("scope", "")).split())
    if "sub" not in claims:
        return _application_token(application, scopes)
    user = _subject(claims)
    if "impersonation" not in scopes or not _consented(application, user, scopes):
        raise GrantError("consent_required")
    issued = current().state.applications.issue(application, user.user_id, scopes)
    return _token_answer(issued.value, "Bearer", scopes)


def _by_code() -> dict[str, Any]:
    """Exchange the code that the browser brought (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    application = _client()
    code = current().state.applications.redeem_code(application, request.form.get("code", ""))
    if code is None or code.redirect_uri != request.form.get("redirect_uri", code.redirect_uri):
        raise GrantError("invalid_grant", "expired_client_token")
    verifier = request.form.get("code_verifier", "")
    if code.challenge and _challenge(verifier) != code.challenge:
        raise GrantError("invalid_grant", "invalid_code_verifier")
    return _with_refresh(application, code.user_id, code.scopes)


def _by_refresh_token() -> dict[str, Any]:
    """Give a new pair for a refresh token; the old one may be worthless from then on."""
    application, applications = _client(), current().state.applications
    known = applications.redeem_refresh(
        application,
        request.form.get("refresh_token", ""),
        again=current().state.variants.refresh_rotation == "lenient",
    )
    user = current().state.users.get(known.user_id) if known else None
    if known is None or user is None or user.admin_status != "active":
        raise GrantError("invalid_grant", "expired_client_token")
    until = None if "extended" in known.scopes else known.expires_at
    return _with_refresh(application, known.user_id, known.scopes, until)


def _with_refresh(
    application: Application, user_id: str, scopes: frozenset[str], until: datetime | None = None
) -> dict[str, Any]:
    applications = current().state.applications
    issued = applications.issue(application, user_id, scopes, CODE_TOKEN_LIFETIME)
    days = timedelta(days=current().state.variants.refresh_days)
    refresh = applications.issue_refresh(
        application, user_id, scopes, until or current().state.now() + days
    )
    answer = _token_answer(issued.value, "Bearer", scopes, CODE_TOKEN_LIFETIME)
    return {**answer, "refresh_token": refresh.value}


def _client() -> Application:
    """Return the application that authenticates by its secret, or names itself (PKCE)."""
    named = request.form.get("client_id", "")
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        named = basic.username or ""
    application = current().state.applications.by_key.get(named)
    if application is None:
        raise GrantError("invalid_client")
    by_secret = basic is not None and secrets.compare_digest(
        str(basic.password or "").encode(), application.client_secret.encode()
    )
    is_public = basic is None and application.is_public
    if not by_secret and not is_public:
        raise GrantError("invalid_client")
    return application


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


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


def _token_answer(
    value: str, kind: str, scopes: frozenset[str], lifetime: timedelta = TOKEN_LIFETIME
) -> dict[str, Any]:
    return {
        "access_token": value,
        "token_type": kind,
        "expires_in": int(lifetime.total_seconds()),
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
            return wire.answer(body, state.variants.broken_token_status)
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


_GRANTS: dict[str, Callable[[], dict[str, Any]]] = {
    JWT_GRANT: _by_assertion,
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
}
