"""The JWT grant (RFC 7523): tokens for whomever consent covers, signed with the private key."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from connector.docusign.errors import KeyRejectedError
from connector.docusign.hosts import Hosts
from connector.docusign.tokens import Grant, Subject, TokenEndpoint
from connector.settings import DocusignSettings, Secret

_log = structlog.get_logger(__name__)

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME = timedelta(hours=1)
"""DocuSign's tokens live an hour whatever the assertion says."""


class JwtGranter:
    """Asks for tokens with signed assertions. Thread-safe."""

    def __init__(self, settings: DocusignSettings, hosts: Hosts, endpoint: TokenEndpoint) -> None:
        self._settings = settings
        self._hosts = hosts
        self._endpoint = endpoint
        given = (settings.private_key, settings.previous_private_key)
        self._secrets: Sequence[Secret] = [secret for secret in given if secret] or [Secret("")]
        self._reading = threading.Lock()
        self._keys: dict[Secret, Any] = {}
        self._chosen = 0
        """Which of the keys DocuSign accepted last."""

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the key before, and not the one that replaces it."""
        return self._chosen > 0

    def grant(self, subject: Subject, now: datetime, tenant: str, *, anew: bool = False) -> Grant:
        """Ask with each key in turn, the new one first: during a rotation DocuSign knows one.

        Where DocuSign accepts none, and the file of one has another by now, that one is asked with:
        no process has to be restarted for it.
        """
        secrets = self._secrets
        try:
            return self._ask_with_each(secrets, subject, now, tenant)
        except KeyRejectedError:
            current = self._read_anew()
            if current == secrets:
                raise
        return self._ask_with_each(current, subject, now, tenant)

    def _read_anew(self) -> Sequence[Secret]:
        """Take the keys as their files have them, and return them."""
        with self._reading:
            anew = [secret.read_anew() for secret in self._secrets]
            if anew != self._secrets:
                _log.info("a private key was read anew from its file")
                self._secrets = anew
            return self._secrets

    def _ask_with_each(
        self, secrets: Sequence[Secret], subject: Subject, now: datetime, tenant: str
    ) -> Grant:
        last = len(secrets) - 1
        for number, secret in enumerate(secrets):
            assertion = self._assertion(secret, subject, now)
            form = {"grant_type": JWT_GRANT, "assertion": assertion}
            try:
                answer = self._endpoint.ask(form, tenant)
            except KeyRejectedError:
                if number == last:
                    raise
            else:
                self._chosen = number
                return self._endpoint.grant_of(answer, subject.scopes, now)
        raise AssertionError("there is at least one key")

    def _assertion(self, secret: Secret, subject: Subject, now: datetime) -> str:
        import jwt  # noqa: PLC0415 - most commands ask for no token

        claims = {
            "iss": self._settings.integration_key,
            "sub": subject.user_id,
            "aud": self._hosts.jwt_audience,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFETIME).timestamp()),
            "scope": " ".join(sorted(subject.scopes)),
        }
        try:
            return jwt.encode(claims, self._private_key(secret), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # Not chained: the cause may quote the key.
            raise KeyRejectedError(
                "The private key cannot be used: docusign.private_key must be an RSA key in PEM "
                "form, complete with its first and last line, and without a passphrase."
            ) from None

    def _private_key(self, secret: Secret) -> Any:
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
            load_pem_private_key,
        )

        if secret not in self._keys:
            pem = secret.reveal()
            self._keys[secret] = load_pem_private_key(pem.encode(), password=None)
        return self._keys[secret]
