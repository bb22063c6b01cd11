"""Bearer tokens (RFC 6750), HTTP Basic (RFC 7617) and certificates of the tenant's API clients."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from connector.domain.authentication.api_clients import ApiClient, Method, Scope, widened
from connector.errors import TemporaryError
from connector.ports import GROUP, USER
from connector.scim_handlers.certificates import Certificates
from connector.scim_handlers.errors import to_scim_error
from connector.services.authentication.api_clients import (
    TOKEN_PREFIX,
    ApiClientService,
    InvalidTokenError,
)
from connector.services.authentication.identity_tokens import MAX_LENGTH, TokenVerifier
from connector.services.authentication.throttle import Throttle, TooManyFailuresError
from scim.errors import TooManyRequests, Unauthorized
from scim.handlers import Authenticator, Caller

_BEARER = 'Bearer realm="scim"'
_REFUSED = ', error="invalid_token"'
_BASIC = 'Basic realm="scim", charset="UTF-8"'
_WRITABLE = {Scope.WRITE_USERS: USER, Scope.WRITE_GROUPS: GROUP}


class ClientAuthenticator(Authenticator):
    """Knows the caller by a credential, found by its hash, so that nothing is compared."""

    def __init__(
        self,
        clients: ApiClientService,
        throttle: Throttle,
        offered: frozenset[Method],
        tokens: TokenVerifier | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        """:param tokens: verifies JWTs, where they are offered.
        :param certificates: reads the proxy's header, where it is offered.
        """
        self._clients = clients
        self._throttle = throttle
        self._tokens = tokens
        self._certificates = certificates
        self._challenges = challenges_for(offered)
        self._known: dict[tuple[str, str], tuple[ApiClient, Caller]] = {}

    def authenticate(
        self, tenant: str, headers: Mapping[str, str], remote_address: str = ""
    ) -> Caller:
        """Return the client that presents a valid credential of the tenant.

        :raises Unauthorized: none, or one that is unknown, expired or revoked.
        :raises TooManyRequests: so it was again and again.
        """
        authorization = headers.get("Authorization")
        try:
            if authorization:
                client = self._client(tenant, authorization, remote_address)
            else:
                client = self._certified(tenant, headers, remote_address)
        except TooManyFailuresError as error:
            raise TooManyRequests(str(error), retry_after_s=error.retry_after_s) from error
        except TemporaryError as error:
            raise to_scim_error(error) from error
        except InvalidTokenError as error:
            raise Unauthorized(f"Unauthorized: {error}") from error
        return self._caller(tenant, client)

    def _caller(self, tenant: str, client: ApiClient) -> Caller:
        """Return what :func:`caller_of` made of the same client for an earlier request."""
        key = (tenant, client.client_id)
        known = self._known.get(key)
        if known is None or known[0] is not client:
            known = self._known[key] = (client, caller_of(tenant, client))
        return known[1]

    def _client(self, tenant: str, authorization: str, address: str) -> ApiClient:
        scheme, _, value = authorization.partition(" ")
        scheme, value = scheme.lower(), value.strip()
        if not value or len(value) > MAX_LENGTH:
            raise _nothing_sent()
        if scheme == "bearer":
            with self._throttle.watching(tenant, address):
                if self._tokens is None or value.startswith(TOKEN_PREFIX):
                    return self._clients.authenticate(tenant, value)
                return self._bearer_of_jwt(tenant, self._tokens, value)
        if scheme != "basic":
            raise _nothing_sent()
        with self._throttle.watching(tenant, address):
            name, secret = parse_basic(value)
        with self._throttle.watching(tenant, address, name):
            return self._clients.authenticate_secret(tenant, Method.BASIC, name, secret)

    def _bearer_of_jwt(self, tenant: str, tokens: TokenVerifier, value: str) -> ApiClient:
        verified = tokens.verify(value)
        client = self._clients.authenticate_bound(tenant, Method.JWT, verified.application)
        if verified.scopes is None:
            return client
        return replace(client, scopes=widened(client.scopes) & verified.scopes)

    def _certified(self, tenant: str, headers: Mapping[str, str], address: str) -> ApiClient:
        if self._certificates is None:
            raise _nothing_sent()
        # The address is the proxy's, which many share, and it verified the certificate.
        found = self._certificates.fingerprint(headers, address)
        if found is None:
            raise _nothing_sent()
        with self._throttle.watching(tenant, "", f"certificate-{found[:16]}"):
            return self._clients.authenticate_bound(tenant, Method.MTLS, found)

    def challenges(self, *, refused: bool) -> Sequence[str]:
        """Return one challenge for each scheme that is offered.

        :param refused: whether a credential was sent: only then an error is told (RFC 6750 §3.1).
        """
        error = _REFUSED if refused else ""
        return [f"{each}{error if each is _BEARER else ''}" for each in self._challenges]


def challenges_for(offered: frozenset[Method]) -> Sequence[str]:
    """Return the values of ``WWW-Authenticate``; certificates have none of their own.

    Where nothing else is offered it is Bearer, because 401 must name a scheme (RFC 9110 §11.6.1).
    """
    basic = (_BASIC,) if Method.BASIC in offered else ()
    bearer = offered & {Method.TOKEN, Method.OAUTH, Method.JWT}
    return (_BEARER, *basic) if bearer or not basic else basic


def _nothing_sent() -> Unauthorized:
    return Unauthorized("Unauthorized: send the header Authorization: Bearer <token>.")


def parse_basic(value: str) -> tuple[str, str]:
    """Return name and secret of Basic credentials (RFC 7617 §2), UTF-8 as our challenge says.

    :raises InvalidTokenError: they are malformed.
    """
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidTokenError("the Basic credentials are not base64 text.") from error
    name, colon, secret = text.partition(":")
    if not colon:
        raise InvalidTokenError("the Basic credentials lack the colon.")
    return name, secret


def caller_of(tenant: str, client: ApiClient) -> Caller:
    """Return a client as the SCIM service knows it: its scopes, its external ids, its dialect."""
    scopes, writable = _rights(frozenset(client.scopes))
    return Caller(
        tenant=tenant,
        client_id=client.client_id,
        scopes=scopes,
        external_id_scope=client.external_id_scope,
        settings=client.settings,
        writable=writable,
    )


@lru_cache
def _rights(granted: frozenset[Scope]) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return the scopes that a caller has, and the resource types it may change; None: all."""
    scopes = widened(granted)
    writable = frozenset(kind for scope, kind in _WRITABLE.items() if scope in scopes)
    # Whoever may write everything is not held to a list.
    return (
        scopes | {"write"} if writable else scopes,
        None if Scope.WRITE in scopes else writable,
    )
