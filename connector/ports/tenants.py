"""Tenants that are kept in the database, and whose each DocuSign account is.

They belong to the installation: asked for in a unit of work of
:data:`connector.domain.tenants.records.INSTALLATION`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from connector.domain.tenants.records import TenantRecord
from connector.settings import TenantSettings


class TenantRepository(Protocol):
    """Tenants and the accounts they hold."""

    def put(self, record: TenantRecord) -> None:
        """Insert or overwrite a tenant."""

    def find(self, name: str) -> TenantRecord | None:
        """Return a tenant, or None."""

    def names(self) -> Sequence[str]:
        """Return the names of all tenants, sorted."""

    def since(self, revision: int) -> Sequence[TenantRecord]:
        """Return the tenants that changed after a revision, by name."""

    def remove(self, name: str) -> None:
        """Forget a tenant; its data are another matter."""

    def revision(self) -> int:
        """Return how often any tenant was changed."""

    def count_change(self) -> int:
        """Count a change and return the new revision."""

    def owners(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the tenants that hold these accounts, by account id."""

    def claim(self, account_ids: Iterable[str], name: str) -> None:
        """Let a tenant hold accounts that nobody holds."""

    def release(self, name: str, account_ids: Iterable[str] | None = None) -> None:
        """Let go of accounts of a tenant, or of all that it holds."""


class HoldingsRepository(Protocol):
    """Everything that the database has of one tenant, whatever it is."""

    def count(self) -> Mapping[str, int]:
        """Return the number of rows by table, without the empty ones."""

    def walk(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Walk every row as (table, row), without what gives access: passwords, tokens, sessions.
        Times are microseconds since 1970, as the tables keep them."""

    def delete(self) -> None:
        """Delete every row, the audit chain included."""


class TenantDocuments(Protocol):
    """Reads and checks the settings of tenants, by the same rules as those in the file."""

    def read(self, name: str, document: Mapping[str, Any]) -> TenantSettings:
        """Return the settings that a document means.

        :raises connector.errors.ConfigError: with every problem found, each with its path.
        """

    def sealed(self, name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document whose secrets nobody reads without the key of the configuration.

        :raises connector.errors.ConfigError: there are secrets and no key.
        """

    def resealed(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document whose secrets are sealed with the key of now.

        :raises connector.errors.PermanentError: one was sealed with a key that is not at hand.
        """

    def masked(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document that may be shown: asterisks stand for its secrets."""

    def unmasked(self, document: Mapping[str, Any], kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document where a secret that is still asterisks is the one that is kept."""
