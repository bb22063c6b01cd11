"""Bearer tokens (RFC 6750) and HTTP Basic (RFC 7617) of the tenant's API clients."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from connector.domain.ledger import ApiClient, Method, Scope, widened
from connector.ports import GROUP, USER
from connector.services.api_clients import ApiClientService, InvalidTokenError
from connector.services.throttle import Throttle, TooManyFailuresError
from scim.errors import TooManyRequests, Unauthorized
from scim.handlers import Authenticator, Caller

_CHALLENGES = ('Bearer realm="scim", error="invalid_token"', 'Basic realm="scim", charset="UTF-8"')
_MAX_CREDENTIAL = 4096
"""Characters; ours have fewer than 150."""
_WRITABLE = {Scope.WRITE_USERS: USER, Scope.WRITE_GROUPS: GROUP}


class ClientAuthenticator(Authenticator):
    """Knows the caller by a credential, found by its hash, so that nothing is compared."""

    def __init__(self, clients: ApiClientService, throttle: Throttle) -> None:
        self._clients = clients
        self._throttle = throttle

    def authenticate(
        self, tenant: str, headers: Mapping[str, str], remote_address: str = ""
    ) -> Caller:
        """Return the client that presents a valid credential of the tenant.

        :raises Unauthorized: none, or one that is unknown, expired or revoked.
        :raises TooManyRequests: so it was again and again.
        """
        scheme, _, value = (headers.get("Authorization") or "").partition(" ")
        scheme, value = scheme.lower(), value.strip()
        if scheme not in ("bearer", "basic") or not value or len(value) > _MAX_CREDENTIAL:
            raise Unauthorized("Unauthorized: send the header Authorization: Bearer <token>.")
        try:
            return _caller(tenant, self._client(tenant, scheme, value, remote_address))
        except TooManyFailuresError as error:
            raise TooManyRequests(str(error), retry_after_s=error.retry_after_s) from error
        except InvalidTokenError as error:
            raise Unauthorized(f"Unauthorized: {error}") from error

    def _client(self, tenant: str, scheme: str, value: str, address: str) -> ApiClient:
        if scheme == "bearer":
            with self._throttle.watching(tenant, address):
                return self._clients.authenticate(tenant, value)
        name, secret = parse_basic(value)
        with self._throttle.watching(tenant, address, name):
            return self._clients.authenticate_secret(tenant, Method.BASIC, name, secret)

    def challenges(self) -> Sequence[str]:
        """Return one challenge for each scheme."""
        return _CHALLENGES


def parse_basic(value: str) -> tuple[str, str]:
    """Return name and secret of Basic credentials (RFC 7617 §2), UTF-8 as our challenge says.

    :raises Unauthorized: they are malformed.
    """
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Unauthorized("Unauthorized: the Basic credentials are not base64 text.") from error
    name, colon, secret = text.partition(":")
    if not colon:
        raise Unauthorized("Unauthorized: the Basic credentials lack the colon.")
    return name, secret


def _caller(tenant: str, client: ApiClient) -> Caller:
    scopes = widened(client.scopes)
    writable = frozenset(kind for scope, kind in _WRITABLE.items() if scope in scopes)
    return Caller(
        tenant=tenant,
        client_id=client.client_id,
        scopes=scopes | {"write"} if writable else scopes,
        external_id_scope=client.external_id_scope,
        settings=client.settings,
        # Whoever may write everything is not held to a list.
        writable=None if Scope.WRITE in scopes else writable,
    )
