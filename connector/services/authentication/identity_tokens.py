"""Access tokens of the customer's identity provider: signed JWTs (RFC 7519, RFC 9068).

The algorithm is one of the settings' and has to fit the key; keys come from the set that the
provider publishes, never from the token (RFC 8725).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from connector.domain.authentication.api_clients import Scope, widened
from connector.errors import TemporaryError
from connector.ports import Clock
from connector.services.authentication.api_clients import InvalidTokenError
from connector.settings import JwtSettings

_log = structlog.get_logger(__name__)

MAX_LENGTH = 16_384
"""Characters; those of a person in very many groups have a few thousand."""
_MIN_BITS = 2048
"""RFC 7518 §3.3."""
_FRESH = timedelta(hours=1)
"""Keys are read again after this time, so that one that was withdrawn ends."""
_PAUSE = timedelta(seconds=60)
"""Between two attempts to read the keys, whatever kids are sent to us."""
_LAST_INSTANT = 2.0**53

PublicKey = RSAPublicKey | EllipticCurvePublicKey
Fetch = Callable[[], Mapping[str, Any]]
"""Returns the provider's JWK set, or raises a TemporaryError."""


@dataclass(frozen=True)
class VerifiedToken:
    """What a token says that is what it claims to be."""

    application: str
    """The id at the identity provider of the program that presents it."""
    scopes: frozenset[Scope] | None
    """What the token is limited to; None: nothing."""


class KeySet:
    """The provider's public keys by kid. Thread-safe.

    While the provider is down the last known ones are kept.
    """

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, tuple[PublicKey, str | None]] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._lock = threading.Lock()

    def find(self, kid: str, algorithm: str) -> PublicKey:
        """Return the key of this kid for this algorithm.

        :raises InvalidTokenError: there is none.
        :raises TemporaryError: no keys could be read yet.
        """
        if kid not in self._keys:
            # Others wait for the one that reads: the key may be new.
            with self._lock:
                if kid not in self._keys:
                    self._refresh()
        elif self._is_stale() and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()
        if self._read_at is None:
            raise TemporaryError(
                "The keys of the identity provider cannot be read.",
                retry_after_s=_PAUSE.total_seconds(),
            )
        key, only_for = self._keys.get(kid, (None, None))
        if key is None or only_for not in (None, algorithm) or not _fits(key, algorithm):
            raise InvalidTokenError("The token is signed with a key that its issuer does not have.")
        return key

    def _is_stale(self) -> bool:
        return self._read_at is None or self._clock.now() - self._read_at > _FRESH

    def _refresh(self) -> None:
        now = self._clock.now()
        if self._tried_at is not None and now - self._tried_at < _PAUSE:
            return
        self._tried_at = now
        try:
            self._keys = _usable(self._fetch())
            self._read_at = now
        except TemporaryError as error:
            _log.warning("keys of the identity provider not read", cause=str(error))


def _usable(key_set: Mapping[str, Any]) -> Mapping[str, tuple[PublicKey, str | None]]:
    """Return the public keys for signatures that we can use; others are no concern of ours."""
    listed = key_set.get("keys")
    found: dict[str, tuple[PublicKey, str | None]] = {}
    for item in listed if isinstance(listed, list) else ():
        if not isinstance(item, Mapping) or item.get("use", "sig") != "sig":
            continue
        kid, only_for = item.get("kid"), item.get("alg")
        # Symmetric and private keys have no place in a published set.
        if not isinstance(kid, str) or item.get("kty") not in ("RSA", "EC") or "d" in item:
            continue
        try:
            key = jwt.PyJWK(dict(item)).key
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
            found[kid] = key, only_for
    return found


def _fits(key: PublicKey, algorithm: str) -> bool:
    if isinstance(key, RSAPublicKey):
        return algorithm in ("RS256", "PS256") and key.key_size >= _MIN_BITS
    return algorithm == "ES256" and isinstance(key.curve, SECP256R1)


class TokenVerifier:
    """Knows what is wrong with a token. Thread-safe."""

    def __init__(
        self, settings: JwtSettings, keys: KeySet, clock: Clock, audience: str = ""
    ) -> None:
        """:param audience: whom tokens have to be for, in place of the setting's."""
        self._settings = settings
        self._audience = audience or settings.audience
        self._keys = keys
        self._clock = clock

    def verify(self, token: str) -> VerifiedToken:
        """Return which application a token stands for, and what it is limited to.

        :raises InvalidTokenError: it is not to be believed; the text says why.
        :raises TemporaryError: no keys could be read yet.
        """
        claims = self.claims(token)
        return VerifiedToken(self._application(claims), self._scopes(claims))

    def claims(self, token: str) -> Mapping[str, Any]:
        """Return everything that a token says, once signature, time, issuer and audience are right.

        :raises InvalidTokenError: it is not to be believed; the text says why.
        :raises TemporaryError: no keys could be read yet.
        """
        claims = self._signed(token)
        self._check_times(claims)
        if claims.get("iss") != self._settings.issuer:
            raise InvalidTokenError("The token is of another issuer (iss).")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise InvalidTokenError("The token is for another audience (aud).")
        return claims

    def _signed(self, token: str) -> Mapping[str, Any]:
        if len(token) > MAX_LENGTH:
            raise InvalidTokenError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            if algorithm not in self._settings.algorithms or "crit" in header:
                raise InvalidTokenError("The token is signed in a way that is not accepted.")
            if not isinstance(kid, str):
                raise InvalidTokenError("The token does not name its key (kid).")
            key = self._keys.find(kid, algorithm)
            # Every claim is checked here, against our own clock.
            claims = jwt.decode(token, key, [algorithm], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidTokenError("The token is no JWT with a valid signature.") from error
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock.now().timestamp(), self._settings.leeway_s
        if "exp" not in claims:
            raise InvalidTokenError("The token never expires (exp).")
        if _instant(claims, "exp", now) <= now - leeway:
            raise InvalidTokenError("The token has expired.")
        if max(_instant(claims, "nbf", now), _instant(claims, "iat", now)) > now + leeway:
            raise InvalidTokenError("The token is not valid yet (nbf, iat).")

    def _application(self, claims: Mapping[str, Any]) -> str:
        for name in self._settings.client_claims:
            if name in claims:
                value = claims[name]
                if isinstance(value, str) and value:
                    return value
                break
        names = ", ".join(self._settings.client_claims)
        raise InvalidTokenError(f"The token does not name its application ({names}).")

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[Scope] | None:
        claim = self._settings.scope_claim
        if not claim:
            return None
        value = claims.get(claim)
        named = value.split() if isinstance(value, str) else value
        ours = [scope for scope in Scope if isinstance(named, list) and scope.value in named]
        if not ours:
            raise InvalidTokenError(f"The token has none of our scopes ({claim}).")
        return widened(frozenset(ours))


_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def _instant(claims: Mapping[str, Any], name: str, default: float) -> float:
    """Return a NumericDate (RFC 7519 §2): JSON also allows text, true, NaN and 1e999."""
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidTokenError(f"The token's {name} is no time.")
    if not 0 <= value < _LAST_INSTANT:
        raise InvalidTokenError(f"The token's {name} is no time.")
    return value
