"""Small parts that the wiring takes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.config.tenants import StoredTenants
from connector.domain.budget import Shares
from connector.errors import ConfigError
from connector.parentage import machine
from connector.ports import CallJournal
from connector.sealing import Sealer
from connector.settings import DatabaseSettings, Settings, TenantSettings
from connector.store import SqlStore


def migrate(store: SqlStore, settings: DatabaseSettings) -> Sequence[str]:
    """Bring all tables to this version of the program; return what was run for the job queue.

    :raises ConfigError: the database is newer, or the extra ``postgresql`` is not installed.
    """
    store.migrate()
    if not settings.is_postgresql:
        return ()
    try:
        from connector.queue import install  # noqa: PLC0415 - comes with PostgreSQL
    except ImportError as error:
        missing = 'database.url: PostgreSQL needs, in the clone: pip install ".[postgresql]"'
        raise ConfigError([missing]) from error
    return install(settings)


def tenant_documents(settings: Settings) -> StoredTenants:
    """Return what reads and seals the settings of tenants in the database."""
    return StoredTenants(sealer_of(settings))


def sealer_of(settings: Settings) -> Sealer:
    """Return what seals secrets in the database."""
    database = settings.database
    return Sealer([database.encryption_key, database.previous_encryption_key])


def shares_of(settings: Settings, tenant: TenantSettings) -> Shares:
    """Return whose are the calls of a tenant's hour."""
    common, own = settings.docusign.budget, tenant.budget
    return Shares(own.share_pct or common.share_pct, own.reserve_pct or common.reserve_pct)


def owner_prefix(role: str) -> str:
    """Return the beginning of every lease that processes of this role on this machine hold."""
    return f"{role}:{machine()}:"


class Journals:
    """Several journals as one; see :class:`connector.ports.CallJournal`."""

    def __init__(self, *journals: CallJournal) -> None:
        self._journals = journals

    def call(self, tenant: str, facts: Mapping[str, Any]) -> None:
        for journal in self._journals:
            journal.call(tenant, facts)
