"""One's own access tokens for the REST API."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, principal, session, tenant_name
from connector.domain.authentication.console import ConsoleRole, SignInMethod, included
from connector.errors import InvalidRequestError
from connector.services.authentication.personal_tokens import DEFAULT_DAYS

blueprint = Blueprint("tokens", __name__, url_prefix="/access-tokens")


def may_have_tokens() -> bool:
    """Whether whoever is signed in can make tokens: those of the identity provider use its own."""
    api = application().settings.api
    return api.enabled and api.personal_tokens and session().method is SignInMethod.LOCAL


@blueprint.get("")
def every() -> str:
    """Show one's own tokens, and the form for another."""
    return _page()


@blueprint.post("")
def make() -> str:
    """Make a token and show it, this once: it is in no redirect and in no cookie."""
    _require()
    _, text = application().personal_tokens.add(
        tenant_name(),
        session().login,
        request.form.get("name", ""),
        principal(),
        roles=[role for role in ConsoleRole if role in request.form.getlist("role")],
        days=_days(request.form.get("days", "")),
    )
    return _page(text)


@blueprint.post("/<token_id>/revoke")
def revoke(token_id: str) -> BaseResponse:
    """End one of one's own tokens."""
    _require()
    login = session().login
    found = application().personal_tokens.revoke(tenant_name(), token_id, principal(), login=login)
    flash(f"The token for “{found.name}” is revoked.", "good")
    return redirect(url_for("tokens.every"), 303)


def _page(made: str = "") -> str:
    _require()
    now = application().clock.now()
    known = application().personal_tokens.list(tenant_name(), session().login)
    mount = request.script_root.removesuffix("/console")
    return render_template(
        "tokens.html",
        made=made,
        roles=[role for role in ConsoleRole if role in included(session().roles)],
        valid=[item for item in known if item.is_valid(now)],
        over=[item for item in known if not item.is_valid(now)][:50],
        days=min(DEFAULT_DAYS, application().settings.api.token_max_days),
        most_days=application().settings.api.token_max_days,
        docs=f"{mount}/api/v1/docs",
        api=f"{application().settings.server.url}{mount}/api/v1",
    )


def _require() -> None:
    if not may_have_tokens():
        abort(404)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):  # noqa: PLR2004
        raise InvalidRequestError(f"{text!r} is no number of days.")
    return int(text)
