"""The JWT grant (RFC 7523): tokens for whomever consent covers, signed with the private key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connector.docusign.errors import KeyRejectedError
from connector.docusign.hosts import Hosts
from connector.docusign.tokens import Grant, Subject, TokenEndpoint
from connector.settings import DocusignSettings, Secret

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
        self._secrets = [secret for secret in given if secret] or [Secret("")]
        self._keys: dict[int, Any] = {}
        self._chosen = 0
        """Which of the keys DocuSign accepted last."""

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the key before, and not the one that replaces it."""
        return self._chosen > 0

    def grant(self, subject: Subject, now: datetime, tenant: str, *, anew: bool = False) -> Grant:
        """Ask with each key in turn, the new one first: during a rotation DocuSign knows one."""
        last = len(self._secrets) - 1
        for number in range(last + 1):
            assertion = self._assertion(number, subject, now)
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

    def _assertion(self, number: int, subject: Subject, now: datetime) -> str:
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
            return jwt.encode(claims, self._private_key(number), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # Not chained: the cause may quote the key.
            raise KeyRejectedError(
                "The private key cannot be used: docusign.private_key must be an RSA key in PEM "
                "form, complete with its first and last line, and without a passphrase."
            ) from None

    def _private_key(self, number: int) -> Any:
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
            load_pem_private_key,
        )

        if number not in self._keys:
            pem = self._secrets[number].reveal()
            self._keys[number] = load_pem_private_key(pem.encode(), password=None)
        return self._keys[number]
