"""Puts the console together: pages, session cookie, forms, headers, what is shown of errors."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from connector.console import (
    absences,
    accounts,
    approvals,
    audit,
    consents,
    drift,
    erasures,
    errors,
    explanations,
    filters,
    inbox,
    oidc,
    runs,
    sessions,
    settings,
    sign_in,
    tasks,
    tenants,
    tokens,
    users,
)
from connector.console.here import (
    EXTENSION,
    begin_acting,
    end_acting,
    find_person,
    require_active,
    require_person,
)
from connector.console.ports import Application
from connector.domain.tenants.records import INSTALLATION
from connector.mount import keep_here
from connector.ports import Store
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES

_PAGES = (
    drift,
    erasures,
    *(sign_in, oidc, inbox, tasks, approvals, absences, tokens, sessions, users, accounts),
    *(runs, settings, consents, audit, explanations, tenants),
)
_STATIC = Path(__file__).parent / "static"
_FORM_BYTES = 65_536
"""What a form has beside a file."""
_KEY_FACT = "console.cookie_key"
_CONTENT = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
_FORBIDDEN_FEATURES = dict.fromkeys(
    ("camera", "microphone", "geolocation", "payment", "usb", "browsing-topics"), "()"
)


def create_console(application: Application) -> Flask:
    """Return the console's application; :class:`connector.console.ConsoleMount` calls it."""
    app = Flask(__name__, static_url_path="/static")
    is_https = application.settings.server.public_url.startswith("https:")
    app.config.update(
        SECRET_KEY=_cookie_key(application.store),
        SESSION_COOKIE_NAME="__Secure-console" if is_https else "console",
        SESSION_COOKIE_HTTPONLY=True,
        MAX_CONTENT_LENGTH=MAX_EVIDENCE_BYTES + _FORM_BYTES,
        # The token ends with the session, which has its own time limits.
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )
    app.session_interface = _Cookies()
    app.extensions[EXTENSION] = application
    app.jinja_env.globals["asset"] = _asset_versions()
    _protect(app, is_https=is_https)
    oidc.install(app, application.settings)
    filters.install(app)
    errors.install(app)
    for module in _PAGES:
        app.register_blueprint(module.blueprint)
    app.before_request(require_active)
    app.before_request(require_person)
    app.before_request(begin_acting)
    app.teardown_request(end_acting)
    app.after_request(_keep_private)
    app.after_request(keep_here)
    return app


def _protect(app: Flask, *, is_https: bool) -> None:
    manager = LoginManager(app)
    manager.session_protection = None  # The session is a row that ends; addresses change.
    manager.user_loader(find_person)
    CSRFProtect(app)
    Talisman(
        app,
        # TLS ends at the proxy in front, which redirects.
        force_https=False,
        strict_transport_security=False,  # Set below: behind the proxy no request looks secure.
        session_cookie_secure=is_https,
        session_cookie_samesite="Lax",  # The identity provider's answer comes from another site.
        content_security_policy=_CONTENT,
        permissions_policy=_FORBIDDEN_FEATURES,
        referrer_policy="same-origin",
        frame_options="DENY",
    )


class _Cookies(SecureCookieSessionInterface):
    """Keeps each tenant's cookie to the paths of its console."""

    def get_cookie_path(self, app: Flask) -> str:
        """Return where the console is mounted."""
        return request.script_root or "/"

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session; files need none, and their answers are then the same for all."""
        if request.endpoint == "static":
            return self.session_class()
        return super().open_session(app, request)


def _keep_private(response: Response) -> Response:
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def _cookie_key(store: Store) -> str:
    """Return the key that seals the cookies of every process; the first one makes it."""
    with store.write(INSTALLATION) as uow:
        key: str = uow.facts().get(_KEY_FACT) or secrets.token_hex(32)
        uow.put_fact(_KEY_FACT, key)
        uow.commit()
    return key


def _asset_versions() -> Any:
    """Return a function that gives a file's version, which changes with its content."""
    versions = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in _STATIC.iterdir()
    }
    return versions.__getitem__
