"""Who sends a request to the REST API: the person of a personal token, or of the provider's."""

from __future__ import annotations

from collections.abc import Callable

from connector.errors import ForbiddenError
from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.authentication.identities import SignInRefusedError, identity_of
from connector.services.authentication.identity_tokens import MAX_LENGTH, TokenVerifier
from connector.services.authentication.known_addresses import KnownAddresses
from connector.services.authentication.personal_tokens import PREFIX, PersonalTokens
from connector.services.authentication.throttle import Throttle
from connector.services.context import Principal, person
from connector.settings import ConsoleGroups, OidcSettings


class ApiSignIn:
    """Knows people by the bearer token that they, or their programs, present. Thread-safe."""

    def __init__(
        self,
        tokens: PersonalTokens,
        throttle: Throttle,
        oidc: OidcSettings,
        groups: Callable[[str], ConsoleGroups],
        *,
        verifier: TokenVerifier | None,
        addresses: KnownAddresses,
    ) -> None:
        """:param groups: from a tenant's name, which groups of the provider have which role.
        :param verifier: of tokens of the identity provider, where they are accepted."""
        self._tokens = tokens
        self._throttle = throttle
        self._oidc = oidc
        self._groups = groups
        self._verifier = verifier
        self._addresses = addresses

    def authenticate(self, tenant: str, token: str, address: str, correlation_id: str) -> Principal:
        """Return the person who acts.

        :param address: where the request comes from, for counting failures.
        :raises InvalidTokenError: the token is not to be believed in this tenant.
        :raises connector.services.authentication.throttle.TooManyFailuresError: so it was again
            and again.
        :raises ForbiddenError: the person is known and has no role in this tenant.
        """
        with self._throttle.watching(tenant, address):
            if len(token) > MAX_LENGTH:
                raise InvalidTokenError("the token is too long.")
            if token.startswith(PREFIX) or self._verifier is None:
                return self._of_personal(tenant, token, correlation_id)
            return self._of_provider(tenant, self._verifier, token, correlation_id)

    def _of_personal(self, tenant: str, token: str, correlation_id: str) -> Principal:
        account, found = self._tokens.authenticate(tenant, token)
        return _with_roles(
            person(
                account.login,
                source="api",
                correlation_id=correlation_id,
                email=account.email,
                roles=found.roles,
                is_local=True,
            )
        )

    def _of_provider(
        self, tenant: str, verifier: TokenVerifier, token: str, correlation_id: str
    ) -> Principal:
        claims = verifier.claims(token)
        try:
            identity = identity_of(claims, self._oidc, self._groups(tenant))
        except SignInRefusedError as error:
            raise InvalidTokenError(str(error)) from error
        found = _with_roles(
            person(
                identity.login,
                source="api",
                correlation_id=correlation_id,
                email=identity.email,
                groups=identity.groups,
                roles=identity.roles,
            )
        )
        self._addresses.note(tenant, found.login, found.email)
        return found


def _with_roles(found: Principal) -> Principal:
    if not found.roles:
        raise ForbiddenError(
            f"{found.login} has no role in this tenant. `docusign-iga console user role`, or the "
            "groups that the setting console_groups names, give one."
        )
    return found
