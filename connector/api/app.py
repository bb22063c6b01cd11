"""Puts the API together: operations, who is let in, what is said of errors, its description."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from connector.api import (
    accounts,
    approvals,
    audit,
    consents,
    delegations,
    docs,
    drift,
    erasures,
    health,
    jobs,
    me,
    notifications,
    policy,
    problems,
    tasks,
    tenants,
    users,
)
from connector.api.here import (
    APPLICATION,
    LIMITS,
    begin_acting,
    end_acting,
    finish,
    require_person,
)
from connector.api.ports import Application
from connector.mount import keep_here
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES
from scim.rate_limits import RateLimits

TITLE = "DocuSign identity governance"
VERSION = "1.0"
"""Of the interface. Members may be added without a new one; programs pass by what they do not
know."""
_FORM_BYTES = 65_536
"""The largest body without a file."""
_RESOURCES = (
    approvals.resource,
    delegations.resource,
    tasks.resource,
    drift.resource,
    tenants.resource,
    users.resource,
    accounts.resource,
    accounts.roles,
    audit.resource,
    notifications.resource,
    jobs.resource,
    erasures.resource,
    policy.resource,
    health.resource,
    consents.resource,
    me.resource,
)
_ABOUT = """Approvals, manual tasks, people with what they hold and why, audit, jobs and health:
what the console and the command line offer, for programs.

Send `Authorization: Bearer TOKEN` with a personal token (`docusign-iga console token add`) or,
where `api.identity_tokens` allows it, an access token of the identity provider. A token acts as its
person, with their roles and under the same rules: nobody decides on what they asked for.

Lists come in pages: send `next_cursor` of one as `cursor` for the next. Errors are problem details
(RFC 9457). What was read has an `ETag`; send it as `If-Match` with an act, and the act is refused
with 412 where the thing changed meanwhile. A decision names the `checksum` of the plan that was
looked at."""


class _Api(Api):  # type: ignore[misc]
    """Describes errors as problem details, and answers with them."""

    DEFAULT_RESPONSE_CONTENT_TYPE: str = Api.DEFAULT_RESPONSE_CONTENT_TYPE

    ERROR_SCHEMA = problems.ProblemSchema

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = problems.MEDIA_TYPE
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE  # The class's again, for what goes well.

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Return problem details."""
        return problems.http_problem(error)


def create_api(application: Application) -> Flask:
    """Return the API's application; :class:`connector.api.ApiMount` calls it."""
    app = Flask(__name__, static_url_path="/static")
    app.config.update(
        API_TITLE=TITLE,
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=MAX_EVIDENCE_BYTES + _FORM_BYTES,
        SEND_FILE_MAX_AGE_DEFAULT=86_400,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[APPLICATION] = application
    limit = application.settings.api.requests_per_minute
    app.extensions[LIMITS] = RateLimits(
        lambda _: limit, lambda: application.clock.now().timestamp()
    )
    api = _Api(app, spec_kwargs={"info": {"description": _ABOUT}, "security": [{"bearer": []}]})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    problems.install(app)
    for resource in _RESOURCES:
        api.register_blueprint(resource)
    docs.install(app, api.spec)
    app.before_request(require_person)
    app.before_request(_require_json)
    app.before_request(begin_acting)
    app.teardown_request(end_acting)
    app.after_request(finish)
    app.after_request(keep_here)
    return app


def _require_json() -> None:
    """Refuse a body that is neither JSON nor a file's form, before anybody takes it for none."""
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return
    if request.mimetype == "multipart/form-data":
        return
    if not request.is_json:
        raise UnsupportedMediaType("Send application/json.")
    if (request.content_length or 0) > _FORM_BYTES:
        raise RequestEntityTooLarge(f"A body has at most {_FORM_BYTES:,} bytes.")
