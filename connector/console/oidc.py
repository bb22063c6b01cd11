"""Sign-in through the identity provider: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, abort, current_app, flash, redirect, request, session, url_for
from joserfc.errors import JoseError
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, own_path, tenant, tenant_name
from connector.console.sign_in import start_session
from connector.errors import ConnectorError
from connector.logs import correlation_id
from connector.services.authentication.identities import SignInRefusedError, identity_of
from connector.settings import OidcSettings, Settings

_log = structlog.get_logger(__name__)

blueprint = Blueprint("oidc", __name__, url_prefix="/sign-in/oidc")
_CLIENT = "provider"
_EXTENSION = "authlib.integrations.flask_client"
_NEXT = "oidc_next"
_LONGEST_NEXT = 1_000


def install(app: Flask, settings: Settings) -> None:
    """Let the application know the provider, where there is one. Nothing is asked of it yet."""
    oidc = settings.console.oidc
    if not oidc.issuer:
        return
    known: dict[str, Any] = {"timeout": oidc.timeout_s, "code_challenge_method": "S256"}
    if settings.docusign.ca_bundle:
        known["verify"] = settings.docusign.ca_bundle
    OAuth(app).register(  # type: ignore[no-untyped-call]
        _CLIENT,
        client_id=oidc.client_id,
        client_secret=oidc.client_secret.reveal() if oidc.client_secret else None,
        server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": " ".join(oidc.scopes), **known},
    )


@blueprint.get("")
def begin() -> BaseResponse:
    """Send the person to the provider."""
    session.clear()
    session[_NEXT] = request.args.get("next", "/")[:_LONGEST_NEXT]
    try:
        answer: BaseResponse = _client().authorize_redirect(_redirect_uri())
    except (requests.RequestException, AuthlibBaseError, ValueError, KeyError) as error:
        return _failed(error, "The identity provider cannot be reached. Try again in a moment.")
    return answer


@blueprint.get("/answer")
def answer() -> BaseResponse:
    """Take the provider's answer, and open a session for whom it names."""
    wanted = session.get(_NEXT, "/")
    oidc = application().settings.console.oidc
    try:
        token = _client().authorize_access_token()
        claims = dict(token.get("userinfo") or {})
        if oidc.groups_claim not in claims:
            claims = {**_client().userinfo(token=token), **claims}
        _require_same_issuer(claims, oidc)
        identity = identity_of(claims, oidc, tenant().settings.console_groups)
        opened = application().console_sign_in.with_identity(
            tenant_name(), identity, correlation_id()
        )
    except SignInRefusedError as error:
        return _failed(error, str(error))
    except ConnectorError:
        raise
    except (requests.RequestException, AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        return _failed(
            error,
            "The identity provider's answer was not accepted. Begin again; if it stays so, its "
            "administrator finds the reason in the connector's log.",
        )
    start_session(opened)
    return redirect(own_path(wanted), 303)


def _client() -> Any:
    if _EXTENSION not in current_app.extensions:
        abort(404)
    return current_app.extensions[_EXTENSION].create_client(_CLIENT)


def _redirect_uri() -> str:
    """Return the address that is registered at the provider; the Host header is never used."""
    return application().settings.server.url + url_for("oidc.answer")


def _require_same_issuer(claims: Mapping[str, Any], oidc: OidcSettings) -> None:
    # The provider's own metadata say who it is; believed is only what the setting names.
    issuer = str(claims.get("iss", ""))
    if issuer.rstrip("/") != oidc.issuer.rstrip("/"):
        raise SignInRefusedError(
            "The identity provider calls itself otherwise than the setting console.oidc.issuer."
        )


def _failed(error: Exception, words: str) -> BaseResponse:
    _log.warning("sign-in through the identity provider failed", error=str(error))
    session.clear()
    flash(words, "bad")
    return redirect(url_for("sign_in.form"))
