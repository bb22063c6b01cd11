"""The way in and out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from connector.console.here import Person, application, own_path, tenant_name
from connector.errors import TemporaryError
from connector.logs import correlation_id
from connector.mount import client_address
from connector.services.authentication.console_sign_in import TooManyAttemptsError
from connector.services.authentication.identities import SignInRefusedError

blueprint = Blueprint("sign_in", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc]
    """Login and password."""

    login = StringField(
        "Login",
        [InputRequired("Enter your login."), Length(max=100, message="This login is too long.")],
    )
    password = PasswordField(
        "Password",
        [
            InputRequired("Enter your password."),
            Length(max=1000, message="This password is too long."),
        ],
    )


@blueprint.get("/sign-in")
def form() -> str | BaseResponse:
    """Show the form, or go on where somebody is signed in already."""
    if current_user.is_authenticated:
        return redirect(own_path(request.args.get("next")))
    return _page(SignInForm(), "")


@blueprint.post("/sign-in")
def enter() -> BaseResponse | tuple[str, int]:
    """Sign in with a password."""
    sent = SignInForm()
    if not sent.validate_on_submit():
        return _page(sent, ""), 400
    try:
        token = application().console_sign_in.with_password(
            tenant_name(),
            sent.login.data or "",
            sent.password.data or "",
            client_address(
                request.remote_addr or "",
                request.access_route,
                application().settings.authentication.trusted_proxies,
            ),
            correlation_id(),
        )
    except TooManyAttemptsError as error:
        return _page(sent, str(error)), 429
    except SignInRefusedError as error:
        return _page(sent, str(error)), 403
    start_session(token)
    return redirect(own_path(request.args.get("next")), 303)


def start_session(token: str) -> None:
    """Begin a session anew: nothing that was in the cookie before goes along."""
    session.clear()
    found = application().console_sign_in.find(tenant_name(), token)
    if found is None:
        raise TemporaryError("The session could not be opened. Try again.")
    login_user(Person(token, found))


@blueprint.post("/sign-out")
def leave() -> BaseResponse:
    """End the session, here and wherever its cookie was copied to."""
    if current_user.is_authenticated:
        sign_in = application().console_sign_in
        sign_in.sign_out(tenant_name(), current_user.session, correlation_id())
    logout_user()
    session.clear()
    flash("You are signed out.", "good")
    return redirect(url_for("sign_in.form"), 303)


def _page(sent: SignInForm, problem: str) -> str:
    settings = application().settings.console
    return render_template(
        "sign_in.html",
        form=sent,
        problem=problem,
        local=settings.local_accounts,
        oidc=settings.oidc,
        next=request.args.get("next"),
    )
