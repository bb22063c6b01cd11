"""Access tokens by JWT grant (RFC 7523): cached, renewed early, by one thread."""

from __future__ import annotations

import copy
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import jwt
import structlog
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connector.docusign.causes import json_object, refusal_error, said
from connector.docusign.errors import (
    BadAnswerError,
    DocusignError,
    KeyRejectedError,
    NoAnswerError,
    RateLimitedError,
    UnavailableError,
)
from connector.docusign.hosts import Hosts
from connector.docusign.transport import Transport
from connector.errors import ConnectorError
from connector.ports import Clock
from connector.settings import DocusignSettings, Secret

_log = structlog.get_logger(__name__)

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME = timedelta(hours=1)
"""DocuSign's tokens live an hour whatever the assertion says."""
_EXPIRY_MARGIN = timedelta(seconds=30)
"""A token is not used in its last seconds: a call may take that long to arrive."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What can stand in a header (RFC 6750 §2.1)."""
_REMEMBER_FAILURE = timedelta(seconds=5)
"""While a refusal is this fresh, nobody asks again: not a thousand threads, one after another."""
_WHAT = "getting an access token"


@dataclass(frozen=True)
class Subject:
    """Whom a token stands for, and what it may do."""

    user_id: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class _Grant:
    token: str = field(repr=False)
    scopes: frozenset[str]
    renew_at: datetime
    expires_at: datetime


@dataclass
class _Slot:
    """The token of one subject. The lock is held by who renews."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    grant: _Grant | None = None
    failure: ConnectorError | None = None
    failed_at: datetime | None = None


class TokenSource:
    """Gives access tokens of one integration key to any thread."""

    def __init__(
        self, settings: DocusignSettings, hosts: Hosts, transport: Transport, clock: Clock
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._transport = transport
        self._clock = clock
        self._slots: dict[Subject, _Slot] = {}
        self._lock = threading.Lock()
        given = (settings.private_key, settings.previous_private_key)
        self._secrets = [secret for secret in given if secret] or [Secret("")]
        self._keys: dict[int, Any] = {}
        self._chosen = 0
        """Which of the keys DocuSign accepted last."""

    def token(self, subject: Subject, tenant: str = "") -> str:
        """Return a token that is valid for a while longer.

        One thread renews; the others go on with the old token as long as it is valid.

        :param tenant: for whom, in the audit.

        :raises ConsentRequiredError: and the other errors of the token endpoint.
        :raises UnavailableError: the token endpoint does not answer.
        """
        slot = self._slot(subject)
        grant, now = slot.grant, self._clock.now()
        if grant is not None and now < grant.renew_at:
            return grant.token
        if grant is not None and now < grant.expires_at:
            return self._renewed_if_free(subject, slot, grant, tenant)
        with slot.lock:
            grant = slot.grant
            if grant is None or self._clock.now() >= grant.renew_at:
                grant = self._renew(subject, slot, tenant)
            return grant.token

    def request(self, subject: Subject, tenant: str = "") -> frozenset[str]:
        """Ask for a new token whatever is known, and return the scopes that it has.

        What is learned counts at once: the token is used from now on, and a refusal that was
        remembered is forgotten.

        :raises ConsentRequiredError: and the other errors of the token endpoint.
        """
        slot = self._slot(subject)
        grant = self._request(subject, self._clock.now(), tenant)
        with slot.lock:
            slot.grant, slot.failure = grant, None
        return grant.scopes

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the key before, and not the one that replaces it."""
        return self._chosen > 0

    def invalidate(self, subject: Subject, token: str) -> None:
        """Forget a token that DocuSign refused, unless it was replaced meanwhile."""
        slot = self._slot(subject)
        with slot.lock:
            if slot.grant is not None and slot.grant.token == token:
                slot.grant = None

    def _slot(self, subject: Subject) -> _Slot:
        with self._lock:
            return self._slots.setdefault(subject, _Slot())

    def _renewed_if_free(self, subject: Subject, slot: _Slot, grant: _Grant, tenant: str) -> str:
        """Renew unless another thread does; a failure waits until the old token is of no use."""
        if not slot.lock.acquire(blocking=False):
            return grant.token
        try:
            if slot.grant is not grant and slot.grant is not None:
                return slot.grant.token
            return self._renew(subject, slot, tenant).token
        except ConnectorError as error:
            _log.warning("docusign token renewal failed", error=type(error).__name__)
            return grant.token
        finally:
            slot.lock.release()

    def _renew(self, subject: Subject, slot: _Slot, tenant: str) -> _Grant:
        now = self._clock.now()
        if slot.failure is not None and slot.failed_at is not None:
            if now - slot.failed_at < _REMEMBER_FAILURE:
                # A copy: threads must not share one traceback.
                raise copy.copy(slot.failure)
            slot.failure = None
        try:
            slot.grant = self._request(subject, now, tenant)
        except ConnectorError as error:
            slot.failure, slot.failed_at = copy.copy(error), now
            raise
        return slot.grant

    # the grant ----------------------------------------------------------------

    def _request(self, subject: Subject, now: datetime, tenant: str) -> _Grant:
        """Ask with each key in turn, the new one first: during a rotation DocuSign knows one."""
        last = len(self._secrets) - 1
        for number in range(last + 1):
            try:
                grant = self._request_with(number, subject, now, tenant)
            except KeyRejectedError:
                if number == last:
                    raise
            else:
                self._chosen = number
                return grant
        raise AssertionError("there is at least one key")

    def _request_with(self, number: int, subject: Subject, now: datetime, tenant: str) -> _Grant:
        assertion = self._assertion(number, subject, now)
        try:
            response = self._transport.send(
                _WHAT,
                "POST",
                f"{self._hosts.oauth_url}/oauth/token",
                template="/oauth/token",
                tenant=tenant,
                data={"grant_type": JWT_GRANT, "assertion": assertion},
            )
        except (NoAnswerError, UnavailableError) as error:
            raise _unavailable(str(error)) from None
        if response.status_code != 200:  # noqa: PLR2004 -- the only success of RFC 6749
            raise _refused(refusal_error(_WHAT, said(response, at_token_endpoint=True)))
        return self._grant(json_object(response) or {}, subject, now)

    def _grant(self, body: dict[str, Any], subject: Subject, now: datetime) -> _Grant:
        token = body.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise BadAnswerError(
                f"{_WHAT.capitalize()} failed. The answer carries no token: it does not come from "
                "DocuSign. Check docusign.oauth_url and whether a proxy stands in between."
            )
        try:
            lifetime = timedelta(seconds=float(body.get("expires_in", 3600)))
        except (TypeError, ValueError, OverflowError):
            lifetime = timedelta(hours=1)
        # DocuSign's tokens live an hour, or eight: more is a mistake that must not outlive a day.
        lifetime = min(max(lifetime, timedelta(0)), timedelta(days=1))
        # A margin above the lifetime would renew at every call.
        early = min(timedelta(seconds=self._settings.token_renew_before_s), lifetime / 2)
        # A success that names no scope gave all that were asked for (RFC 6749 §5.1).
        scopes = frozenset(str(body.get("scope") or "").split()) or subject.scopes
        return _Grant(token, scopes, now + lifetime - early, now + lifetime - _EXPIRY_MARGIN)

    def _assertion(self, number: int, subject: Subject, now: datetime) -> str:
        claims = {
            "iss": self._settings.integration_key,
            "sub": subject.user_id,
            "aud": self._hosts.jwt_audience,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFETIME).timestamp()),
            "scope": " ".join(sorted(subject.scopes)),
        }
        try:
            return jwt.encode(claims, self._private_key(number), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # Not chained: the cause may quote the key.
            raise KeyRejectedError(
                "The private key cannot be used: docusign.private_key must be an RSA key in PEM "
                "form, complete with its first and last line, and without a passphrase."
            ) from None

    def _private_key(self, number: int) -> Any:
        if number not in self._keys:
            pem = self._secrets[number].reveal()
            self._keys[number] = load_pem_private_key(pem.encode(), password=None)
        return self._keys[number]


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
