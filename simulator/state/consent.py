"""Integration keys, consent and access tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TOKEN_LIFETIME = timedelta(hours=1)
"""A longer ``exp`` in the assertion does not lengthen it."""


@dataclass(slots=True)
class Application:
    """An integration key with the public half of its key pair."""

    integration_key: str
    name: str
    public_key_pem: str
    private_key_pem: str
    """DocuSign hands it out once; the simulator hands it to whoever starts it."""
    redirect_uris: set[str] = field(default_factory=set)
    consents: dict[str, set[str]] = field(default_factory=dict)
    """Scopes to which single users consented, by user id."""
    admin_consent: set[str] = field(default_factory=set)
    """Scopes to which an organization admin consented for the users of claimed domains."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Without a user it stands for the application itself."""

    value: str
    integration_key: str
    user_id: str | None
    scopes: frozenset[str]
    expires_at: datetime


class Applications:
    """The integration keys of the environment and the tokens given out."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.by_key: dict[str, Application] = {}
        self._tokens: dict[str, Token] = {}

    def add(self, application: Application) -> None:
        """Register an integration key."""
        self.by_key[application.integration_key] = application

    def issue(self, application: Application, user_id: str | None, scopes: frozenset[str]) -> Token:
        """Return a new access token."""
        token = Token(
            value=secrets.token_urlsafe(32),
            integration_key=application.integration_key,
            user_id=user_id,
            scopes=scopes,
            expires_at=self._now() + TOKEN_LIFETIME,
        )
        self._tokens[token.value] = token
        return token

    def find_token(self, value: str) -> Token | None:
        """Return a token that is known and has not expired."""
        token = self._tokens.get(value)
        return token if token is not None and token.expires_at > self._now() else None

    def revoke_tokens(self) -> None:
        """Make every token given out so far worthless."""
        self._tokens.clear()
