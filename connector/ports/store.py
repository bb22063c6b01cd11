"""The database: one transaction of one tenant over the mirror and the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from connector.ports.audit import AuditRepository
from connector.ports.budget import BudgetRepository
from connector.ports.consents import ConsentRepository
from connector.ports.console import ConsoleRepository
from connector.ports.drift import DriftRepository
from connector.ports.erasures import ErasureRepository
from connector.ports.hints import HintRepository
from connector.ports.ledger import (
    AttributeRepository,
    ClientRepository,
    JobRepository,
    PlanRepository,
    TurnRepository,
    WorkItemRepository,
)
from connector.ports.mirror import MirrorRepository
from connector.ports.notifications import NotificationRepository
from connector.ports.processes import ProcessRepository
from connector.ports.resources import ResourceRepository
from connector.ports.tenants import HoldingsRepository, TenantRepository
from connector.ports.totals import TotalsRepository


class LockRepository(Protocol):
    """Leases that serialise writers across processes and machines."""

    def acquire(self, keys: Sequence[str], owner: str, until: datetime, now: datetime) -> bool:
        """Take all keys or none. An expired lease is free; the owner's own is renewed."""

    def release(self, keys: Sequence[str], owner: str) -> None:
        """Give keys back; those of other owners are left alone."""

    def renew(self, key: str, owner: str, until: datetime) -> bool:
        """Let a lease last until then; return whether its owner still has it."""

    def owner_of(self, key: str) -> str | None:
        """Return who has a key, its lease run out or not; None for nobody."""

    def prolong(self, keys: Sequence[str], owner_prefix: str, until: datetime) -> None:
        """Renew those of the keys that are held by owners that start so."""

    def owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of locks that start so."""

    def live(self, now: datetime) -> Sequence[str]:
        """Return the keys of the leases that have not run out."""

    def release_owner(self, owner_prefix: str) -> None:
        """Give back everything held by owners that start so."""

    def count_live(self, key_prefix: str, now: datetime) -> int:
        """Return how many leases on keys that start so have not ended."""

    def forget_ended(self, before: datetime) -> int:
        """Delete leases that ended before then, and return how many."""


class UnitOfWork(Protocol):
    """One transaction of one tenant. Leaving the block without ``commit`` rolls back."""

    tenant: str
    resources: ResourceRepository
    mirror: MirrorRepository
    plans: PlanRepository
    turns: TurnRepository
    work_items: WorkItemRepository
    clients: ClientRepository
    attributes: AttributeRepository
    audit: AuditRepository
    jobs: JobRepository
    console: ConsoleRepository
    locks: LockRepository
    notifications: NotificationRepository
    totals: TotalsRepository
    erasures: ErasureRepository
    budgets: BudgetRepository
    tenants: TenantRepository
    consents: ConsentRepository
    holdings: HoldingsRepository
    hints: HintRepository
    drift: DriftRepository
    processes: ProcessRepository

    def commit(self) -> None:
        """Make everything since the start durable."""

    def facts(self) -> Mapping[str, Any]:
        """Return the tenant's small settings kept in the database."""

    def put_fact(self, key: str, value: Any) -> None:
        """Keep a small JSON value, such as the account ids bound to the tenant."""

    def identity(self) -> str | None:
        """Return what tells this database from every other, also from one into which a dump of it
        is restored; None where nothing does (a file that was copied)."""


class Store(Protocol):
    """The database."""

    def read(self, tenant: str, *, single: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a consistent view for reading; it never waits for writers on SQLite.

        :param single: promises to find one resource, or to search once with a filter: cheaper.
        """

    def write(self, tenant: str) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction for writing. On SQLite writers take turns, in this process by a
        lock and between processes by the database."""

    def lease(self, tenant: str) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction for :attr:`UnitOfWork.locks` alone: where writers of a tenant take
        turns, it waits for none of them. It takes no audit events along."""

    def reads_of(self, uow: UnitOfWork) -> AbstractContextManager[None]:
        """Let what this thread reads within the block come from a transaction that it has open,
        over its connection, whichever tenant is read.

        A second connection beside the first would be waited for by threads that each hold one,
        until none is left to give.
        """
