"""Bearer tokens (RFC 6750) of the tenant's API clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.services.api_clients import ApiClientService, InvalidTokenError
from scim.errors import Unauthorized
from scim.handlers import Authenticator, Caller

_CHALLENGE = 'Bearer realm="scim", error="invalid_token"'


class BearerAuthenticator(Authenticator):
    """Knows the caller by a token. Tokens are found by their hash, so nothing is compared."""

    def __init__(self, clients: ApiClientService) -> None:
        self._clients = clients

    def authenticate(self, tenant: str, headers: Mapping[str, str]) -> Caller:
        """Return the client that presents a valid token of the tenant.

        :raises Unauthorized: no token, or one that is unknown, expired or revoked.
        """
        scheme, _, token = (headers.get("Authorization") or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Unauthorized: send the header Authorization: Bearer <token>.")
        try:
            client = self._clients.authenticate(tenant, token)
        except InvalidTokenError as error:
            raise Unauthorized(f"Unauthorized: {error}") from error
        return Caller(
            tenant=tenant,
            client_id=client.client_id,
            scopes=frozenset(client.scopes),
            external_id_scope=client.external_id_scope,
            settings=client.settings,
        )

    def challenges(self) -> Sequence[str]:
        """Return the one challenge."""
        return [_CHALLENGE]
