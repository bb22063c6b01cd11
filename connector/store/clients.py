"""API clients and their tokens."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from connector.domain.authentication.api_clients import ApiClient, ApiToken, Scope
from connector.errors import NotFoundError, UniquenessError
from connector.store.statements import Records, Session, add_rows, put_rows
from connector.store.tables import api_clients, api_tokens

CLIENTS = Records(api_clients, ApiClient)
TOKENS = Records(api_tokens, ApiToken)


class SqlClients:
    """See :class:`connector.ports.ClientRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, client: ApiClient) -> None:
        """Insert a client.

        :raises UniquenessError: the name is taken.
        """
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(api_clients), CLIENTS.to_row(self._tenant, client))
        except IntegrityError as error:
            raise UniquenessError(
                f"There is, or was, a client {client.client_id!r}. `docusign-iga client rotate` "
                "gives it a new token. Or choose another name; `--replaces` takes its externalId "
                "values over."
            ) from error

    def get(self, client_id: str) -> ApiClient:
        """Return a client.

        :raises NotFoundError: no such client.
        """
        found = self._connection.execute(
            select(*CLIENTS.columns).where(
                api_clients.c.tenant == self._tenant, api_clients.c.client_id == client_id
            )
        ).first()
        if found is None:
            raise NotFoundError(f"There is no client {client_id!r}.")
        return _client(found)

    def list(self) -> Sequence[ApiClient]:
        """Return all clients by name."""
        found = self._connection.execute(
            select(*CLIENTS.columns)
            .where(api_clients.c.tenant == self._tenant)
            .order_by(api_clients.c.client_id)
        )
        return [_client(row) for row in found]

    def save(self, client: ApiClient) -> None:
        """Overwrite a client."""
        put_rows(self._connection, api_clients, [CLIENTS.to_row(self._tenant, client)])

    def add_token(self, token: ApiToken) -> None:
        """Insert a token."""
        add_rows(self._connection, api_tokens, [TOKENS.to_row(self._tenant, token)])

    def tokens(self, client_id: str) -> Sequence[ApiToken]:
        """Return a client's tokens, newest first."""
        found = self._connection.execute(
            select(*TOKENS.columns)
            .where(api_tokens.c.tenant == self._tenant, api_tokens.c.client_id == client_id)
            .order_by(api_tokens.c.created_at.desc(), api_tokens.c.token_id)
        )
        return [_token(row) for row in found]

    def save_token(self, token: ApiToken) -> None:
        """Overwrite a token."""
        put_rows(self._connection, api_tokens, [TOKENS.to_row(self._tenant, token)])

    def remove_token(self, token_id: str) -> None:
        """Forget a token."""
        self._connection.execute(
            delete(api_tokens).where(
                api_tokens.c.tenant == self._tenant, api_tokens.c.token_id == token_id
            )
        )

    def find_by_token_hash(self, token_hash: str) -> tuple[ApiClient, ApiToken] | None:
        """Return who presents this token, revoked or expired included."""
        found = self._connection.execute(
            select(*TOKENS.columns).where(
                api_tokens.c.tenant == self._tenant, api_tokens.c.token_hash == token_hash
            )
        ).first()
        if found is None:
            return None
        token = _token(found)
        return self.get(token.client_id), token


def _client(row: Row[Any]) -> ApiClient:
    return CLIENTS.from_row(row, scopes=_scopes(row.scopes))


def _token(row: Row[Any]) -> ApiToken:
    return TOKENS.from_row(row, scopes=_scopes(row.scopes))


def _scopes(names: builtins.list[str]) -> frozenset[Scope]:
    return frozenset(Scope(name) for name in names)
