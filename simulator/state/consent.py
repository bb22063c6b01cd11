"""Integration keys, consent and access tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TOKEN_LIFETIME = timedelta(hours=1)
"""A longer ``exp`` in the assertion does not lengthen it."""

CODE_TOKEN_LIFETIME = timedelta(hours=8)
"""Of an access token by authorization code."""
_CODE_LIFETIME = timedelta(minutes=2)


@dataclass(slots=True)
class Application:
    """An integration key with the public half of its key pair."""

    integration_key: str
    name: str
    public_key_pem: str
    private_key_pem: str
    """DocuSign hands it out once; the simulator hands it to whoever starts it."""
    client_secret: str = field(default_factory=lambda: secrets.token_hex(18))
    is_public: bool = False
    """Whether it may do without its secret, with PKCE alone."""
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


@dataclass(frozen=True, slots=True)
class Code:
    """What a browser brings back, to be exchanged once."""

    integration_key: str
    user_id: str
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str
    expires_at: datetime


@dataclass(slots=True)
class RefreshToken:
    """Renews access tokens. One that was used is followed by another."""

    value: str
    integration_key: str
    user_id: str
    scopes: frozenset[str]
    expires_at: datetime
    used: bool = False


class Applications:
    """The integration keys of the environment and the tokens given out."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.by_key: dict[str, Application] = {}
        self._tokens: dict[str, Token] = {}
        self._codes: dict[str, Code] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}

    def add(self, application: Application) -> None:
        """Register an integration key."""
        self.by_key[application.integration_key] = application

    def issue(
        self,
        application: Application,
        user_id: str | None,
        scopes: frozenset[str],
        lifetime: timedelta = TOKEN_LIFETIME,
    ) -> Token:
        """Return a new access token."""
        token = Token(
            value=secrets.token_urlsafe(32),
            integration_key=application.integration_key,
            user_id=user_id,
            scopes=scopes,
            expires_at=self._now() + lifetime,
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
        self._refresh_tokens.clear()

    def withdraw(self, application: Application, user_id: str | None) -> None:
        """Take the consent of a user back, or with None an administrator's: refresh tokens are
        worthless at once, access tokens live on until they expire."""
        if user_id is None:
            application.admin_consent.clear()
        else:
            application.consents.pop(user_id, None)
        self._refresh_tokens = {
            value: token
            for value, token in self._refresh_tokens.items()
            if user_id not in (None, token.user_id)
        }

    # by code ------------------------------------------------------------------

    def issue_code(
        self,
        application: Application,
        user_id: str,
        scopes: frozenset[str],
        *,
        redirect_uri: str,
        challenge: str,
    ) -> str:
        """Return a code that can be exchanged once, soon."""
        value = secrets.token_urlsafe(24)
        self._codes[value] = Code(
            application.integration_key,
            user_id,
            scopes,
            redirect_uri,
            challenge,
            self._now() + _CODE_LIFETIME,
        )
        return value

    def redeem_code(self, application: Application, value: str) -> Code | None:
        """Return a code that is good, and never again."""
        code = self._codes.pop(value, None)
        if code is None or code.integration_key != application.integration_key:
            return None
        return code if code.expires_at > self._now() else None

    def issue_refresh(
        self,
        application: Application,
        user_id: str,
        scopes: frozenset[str],
        expires_at: datetime,
    ) -> RefreshToken:
        """Return a new refresh token."""
        value = secrets.token_urlsafe(40)
        token = RefreshToken(value, application.integration_key, user_id, scopes, expires_at)
        self._refresh_tokens[value] = token
        return token

    def redeem_refresh(
        self, application: Application, value: str, *, again: bool
    ) -> RefreshToken | None:
        """Return a refresh token that is good.

        :param again: whether one that was used before is.
        """
        token = self._refresh_tokens.get(value)
        if token is None or token.integration_key != application.integration_key:
            return None
        if token.expires_at <= self._now() or (token.used and not again):
            return None
        token.used = True
        return token
