"""What people see when something cannot be done: what is wrong, and what to do."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from connector.console.here import own_path
from connector.errors import ConnectorError, ForbiddenError, NotFoundError, TemporaryError
from connector.logs import correlation_id
from connector.services.tenants.catalogue import TenantSuspendedError

_log = structlog.get_logger(__name__)

_TEXTS = {
    400: (
        "This request cannot be read",
        "Go back to where you came from, reload that page and try again. Nothing was changed.",
    ),
    403: (
        "You may not do this",
        "Your role does not allow it. An administrator of this console can give you another one.",
    ),
    404: (
        "There is no such page",
        "The address may be mistyped, or what was here has been removed. Begin at the inbox.",
    ),
    405: ("This cannot be done here", "Begin again at the inbox. Nothing was changed."),
    413: ("This is too large", "Send a smaller file: it may have 5 MB."),
    500: (
        "The console has made a mistake",
        "Try again. If it stays so, give this number to whoever runs the connector.",
    ),
    503: ("This cannot be done just now", "Try again in a moment. Nothing was changed."),
}


def install(app: Flask) -> None:
    """Let the application answer errors with these pages."""
    app.register_error_handler(CSRFError, _old_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NotFoundError, lambda error: _page(404, advice=str(error)))
    app.register_error_handler(ConnectorError, _refused)
    app.register_error_handler(Exception, _bug)


def _old_form(_: CSRFError) -> Any:
    return _page(
        400,
        "This form cannot be accepted",
        "It is too old, or it does not come from a page of this console. Nothing was changed. Go "
        "back, reload the page and try again.",
    )


def _http(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - a redirect is an answer
        return error
    return _page(status, headers=dict(error.get_headers()) if status == 405 else None)  # noqa: PLR2004


def _refused(error: ConnectorError) -> Any:
    """Tell a refused change on the page where it was asked for."""
    if isinstance(error, TenantSuspendedError):
        return _page(403, "This console is closed", str(error))
    is_temporary = isinstance(error, TemporaryError)
    if request.method == "POST" and current_user.is_authenticated:
        flash(str(error), "bad")
        back = request.form.get("back")
        return redirect(own_path(back) if back else url_for("inbox.show"), 303)
    forbidden = 403 if isinstance(error, ForbiddenError) else 400
    return _page(503 if is_temporary else forbidden, advice=str(error))


def _bug(error: Exception) -> Any:
    _log.error("console page failed", path=request.path, exc_info=error)
    return _page(500)


def _page(
    status: int,
    title: str = "",
    advice: str = "",
    headers: dict[str, str] | None = None,
) -> Any:
    known = _TEXTS.get(status, _TEXTS[500 if status >= 500 else 400])  # noqa: PLR2004
    text = render_template(
        "error.html",
        title=title or known[0],
        advice=advice or known[1],
        number=correlation_id() if status >= 500 else "",  # noqa: PLR2004
    )
    allow = {"Allow": headers["Allow"]} if headers and "Allow" in headers else {}
    return text, status, allow
