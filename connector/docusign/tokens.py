"""Tokens and the endpoint that gives them, whatever the grant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from connector.docusign.causes import GRANT_ENDPOINT, json_object, refusal_error, said
from connector.docusign.errors import (
    BadAnswerError,
    DocusignError,
    NoAnswerError,
    RateLimitedError,
    UnavailableError,
)
from connector.docusign.hosts import Hosts
from connector.docusign.transport import Basic, Transport
from connector.settings import DocusignSettings

WHAT = "getting an access token"
_EXPIRY_MARGIN = timedelta(seconds=30)
"""A token is not used in its last seconds: a call may take that long to arrive."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What can stand in a header (RFC 6750 §2.1)."""


@dataclass(frozen=True)
class Subject:
    """Whom a token stands for, and what it may do."""

    user_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Grant:
    """An access token."""

    token: str = field(repr=False)
    scopes: frozenset[str]
    renew_at: datetime
    expires_at: datetime


class Granter(Protocol):
    """One way to come by access tokens."""

    def grant(self, subject: Subject, now: datetime, tenant: str, *, anew: bool = False) -> Grant:
        """Return a token of the token endpoint.

        :param anew: whatever is known, ask: an old token that still works does not count.
        :raises ConsentRequiredError: and the other errors of the token endpoint.
        """


class TokenEndpoint:
    """``POST /oauth/token``: sends a form, and reads the answer. Thread-safe."""

    def __init__(self, settings: DocusignSettings, hosts: Hosts, transport: Transport) -> None:
        self._settings = settings
        self._url = f"{hosts.oauth_url}{GRANT_ENDPOINT}"
        self._transport = transport

    def ask(
        self, form: Mapping[str, str], tenant: str, auth: Basic | None = None
    ) -> dict[str, Any]:
        """Return the JSON object of a success.

        :raises UnavailableError: the endpoint does not answer; nothing that wanted a token was
            sent.
        """
        try:
            response = self._transport.send(
                WHAT,
                "POST",
                self._url,
                template=GRANT_ENDPOINT,
                tenant=tenant,
                auth=auth,
                data=form,
            )
        except (NoAnswerError, UnavailableError) as error:
            raise _unavailable(str(error)) from None
        if response.status_code != 200:  # noqa: PLR2004 -- the only success of RFC 6749
            raise _refused(refusal_error(WHAT, said(response, GRANT_ENDPOINT)))
        return json_object(response) or {}

    def grant_of(self, body: Mapping[str, Any], asked: frozenset[str], now: datetime) -> Grant:
        """Return the access token of an answer.

        :raises BadAnswerError: there is none in it.
        """
        token = token_in(body, "access_token")
        if token is None:
            raise BadAnswerError(
                f"{WHAT.capitalize()} failed. The answer carries no token: it does not come from "
                "DocuSign. Check docusign.oauth_url and whether a proxy stands in between."
            )
        try:
            lifetime = timedelta(seconds=float(body.get("expires_in", 3600)))
        except (TypeError, ValueError, OverflowError):
            lifetime = timedelta(hours=1)
        # DocuSign's tokens live an hour, or eight: more is a mistake that must not outlive a day.
        lifetime = min(max(lifetime, timedelta(0)), timedelta(days=1))
        # A success that names no scope gave all that were asked for (RFC 6749 §5.1).
        scopes = frozenset(str(body.get("scope") or "").split()) or asked
        return self.grant_until(token, scopes, now, now + lifetime)

    def grant_until(
        self, token: str, scopes: frozenset[str], now: datetime, until: datetime
    ) -> Grant:
        """Return a token that ends at a time, renewed some while before."""
        # A margin above the lifetime would renew at every call.
        early = min(timedelta(seconds=self._settings.token_renew_before_s), (until - now) / 2)
        return Grant(token, scopes, until - early, until - _EXPIRY_MARGIN)


def token_in(body: Mapping[str, Any], name: str) -> str | None:
    """Return a token of an answer, None where there is none that can stand in a header."""
    token = body.get(name)
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def _unavailable(text: str) -> UnavailableError:
    """Return the error of a call that could not even begin: there is no token for it."""
    error = UnavailableError(text)
    error.nothing_sent = True
    return error


def _refused(error: DocusignError) -> DocusignError:
    """Mark that of the call which wanted a token nothing was sent."""
    if isinstance(error, UnavailableError):
        error.nothing_sent = True
    if isinstance(error, RateLimitedError):
        error.retry_after_s = 30.0
    return error
