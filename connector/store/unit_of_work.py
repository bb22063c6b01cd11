"""The store: units of work over one database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import local
from types import TracebackType
from typing import Any, cast

from sqlalchemy import Connection, select, text

from connector.domain.audit.events import AuditEvent
from connector.ports import (
    AttributeRepository,
    AuditRepository,
    BudgetRepository,
    ClientRepository,
    ConsentRepository,
    ConsoleRepository,
    DriftRepository,
    ErasureRepository,
    HintRepository,
    HoldingsRepository,
    JobRepository,
    LockRepository,
    MirrorRepository,
    NotificationRepository,
    PendingEvents,
    PlanRepository,
    ProcessRepository,
    ResourceRepository,
    TenantRepository,
    TotalsRepository,
    TurnRepository,
    UnitOfWork,
    WorkItemRepository,
)
from connector.settings import DatabaseSettings
from connector.store import migrate
from connector.store.attributes import SqlAttributes
from connector.store.audit import SqlAudit
from connector.store.budget import SqlBudgets
from connector.store.clients import SqlClients
from connector.store.consents import SqlConsents
from connector.store.console import SqlConsole
from connector.store.drift import SqlDrift
from connector.store.engine import Database, open_engine
from connector.store.erasures import SqlErasures
from connector.store.hints import SqlHints
from connector.store.holdings import SqlHoldings
from connector.store.jobs import SqlJobs
from connector.store.locks import SqlLocks
from connector.store.long_searches import LongSearches
from connector.store.mirror import SqlMirror
from connector.store.notifications import SqlNotifications
from connector.store.plans import SqlPlans
from connector.store.processes import SqlProcesses
from connector.store.resources import SqlResources
from connector.store.scim_sources import STANDARD_SCHEMAS, Schemas
from connector.store.search import SearchRules
from connector.store.statements import Session, put_rows
from connector.store.tables import facts
from connector.store.tenants import SqlTenants
from connector.store.totals import SqlTotals
from connector.store.turns import SqlTurns
from connector.store.work_items import SqlWorkItems

_MANY = 50
"""Audit events that no transaction wrote yet: so many are worth the head of the chain."""


_REPOSITORIES: Mapping[str, Callable[[Session], Any]] = {
    "mirror": SqlMirror,
    "plans": SqlPlans,
    "work_items": SqlWorkItems,
    "clients": SqlClients,
    "turns": SqlTurns,
    "attributes": SqlAttributes,
    "audit": SqlAudit,
    "jobs": SqlJobs,
    "console": SqlConsole,
    "locks": SqlLocks,
    "notifications": SqlNotifications,
    "totals": SqlTotals,
    "erasures": SqlErasures,
    "budgets": SqlBudgets,
    "tenants": SqlTenants,
    "consents": SqlConsents,
    "holdings": SqlHoldings,
    "hints": SqlHints,
    "drift": SqlDrift,
    "processes": SqlProcesses,
}


_MAY_ASK_FOR_SERVER = text("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
_SERVER = text("SELECT system_identifier FROM pg_control_system()")
_DATABASE = text("SELECT oid FROM pg_database WHERE datname = current_database()")


class SqlUnitOfWork:
    """One transaction of one tenant; see :class:`connector.ports.UnitOfWork`.

    A repository is made when it is first asked for: a read, of which there are most, takes one.
    """

    # Declared as the ports, because a mutable attribute of a Protocol is matched exactly.
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

    def __init__(
        self,
        tenant: str,
        connection: Connection,
        rules: SearchRules,
        pending: PendingEvents | None = None,
    ) -> None:
        self.tenant = tenant
        self._session = Session(tenant, connection)
        self._rules = rules
        self.connection = connection
        self._pending = pending

    def __getattr__(self, name: str) -> Any:
        """Make a repository; once made, it is found without coming here."""
        if name == "resources":
            made: Any = SqlResources(self._session, self._rules)
        elif name in _REPOSITORIES:
            made = _REPOSITORIES[name](self._session)
        else:
            raise AttributeError(name)
        setattr(self, name, made)
        return made

    @property
    def _audit(self) -> SqlAudit:
        return cast(SqlAudit, self.audit)

    def commit(self) -> None:
        """Make everything since the start durable, with the audit events that waited for it."""
        taken = self._take_along()
        try:
            self._audit.flush()
            self.connection.commit()
        except BaseException:
            if self._pending is not None and taken:
                self._pending.put_back(self.tenant, taken)
            raise

    def _take_along(self) -> Sequence[AuditEvent]:
        """Append what was noted since the last transaction, before this one's own events.

        A transaction without events of its own, such as that of a lock, takes along only many:
        the head of the chain costs it as much as all else.
        """
        if self._pending is None:
            return ()
        taken = self._pending.take(self.tenant, least=1 if self._audit.is_used else _MANY)
        self._audit.prepend(taken)
        return taken

    def facts(self) -> Mapping[str, Any]:
        """Return the tenant's small settings kept in the database."""
        statement = select(facts.c.key, facts.c.value).where(facts.c.tenant == self.tenant)
        return {row.key: row.value for row in self.connection.execute(statement)}

    def put_fact(self, key: str, value: Any) -> None:
        """Keep a small JSON value."""
        put_rows(self.connection, facts, [{"tenant": self.tenant, "key": key, "value": value}])

    def identity(self) -> str | None:
        """Return what tells this database from every other; None on SQLite."""
        if self.connection.dialect.name != "postgresql":
            return None
        server = "unknown"
        if self.connection.execute(_MAY_ASK_FOR_SERVER).scalar_one():
            server = self.connection.execute(_SERVER).scalar_one()
        return f"{server}/{self.connection.execute(_DATABASE).scalar_one()}"


class _Read:
    """What :meth:`SqlStore.read` returns."""

    __slots__ = ("_reading", "_rules", "_tenant")

    def __init__(
        self, tenant: str, reading: AbstractContextManager[Connection], rules: SearchRules
    ) -> None:
        self._tenant = tenant
        self._reading = reading
        self._rules = rules

    def __enter__(self) -> UnitOfWork:
        return SqlUnitOfWork(self._tenant, self._reading.__enter__(), self._rules)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._reading.__exit__(kind, error, traceback)


class SqlStore:
    """A :class:`connector.ports.Store` in SQLite or PostgreSQL. Thread-safe."""

    def __init__(
        self, database: Database, schemas: Schemas, pending: PendingEvents | None = None
    ) -> None:
        self.database = database
        self.long_searches = LongSearches()
        self._rules = SearchRules(schemas, self.long_searches)
        self._pending = pending
        self._joined = local()

    def read(self, tenant: str, *, single: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a consistent view for reading; on SQLite it never waits for writers."""
        joined: Connection | None = getattr(self._joined, "connection", None)
        reading = self.database.reading(single=single) if joined is None else nullcontext(joined)
        return _Read(tenant, reading, self._rules)

    @contextmanager
    def write(self, tenant: str) -> Iterator[UnitOfWork]:
        """Open a transaction for writing.

        :raises connector.errors.TemporaryError: other writers took longer than
            ``busy_timeout_s``, or the database cannot be reached.
        """
        with self.database.writing(tenant) as connection:
            yield SqlUnitOfWork(tenant, connection, self._rules, self._pending)

    @contextmanager
    def lease(self, tenant: str) -> Iterator[UnitOfWork]:
        """Open a transaction for leases alone; it takes no audit events along.

        :raises connector.errors.TemporaryError: as :meth:`write`.
        """
        with self.database.leasing() as connection:
            yield SqlUnitOfWork(tenant, connection, self._rules)

    @contextmanager
    def reads_of(self, uow: UnitOfWork) -> Iterator[None]:
        """Let what this thread reads within the block come from an open transaction."""
        self._joined.connection = cast(SqlUnitOfWork, uow).connection
        try:
            yield
        finally:
            self._joined.connection = None

    def migrate(self) -> None:
        """Bring the tables to this version of the program; several processes may do so at once.

        :raises connector.errors.ConfigError: the database is newer than the program.
        """
        migrate.upgrade(self.database)

    def schema_version(self) -> str | None:
        """Return the revision of the tables, None for an empty database."""
        return migrate.current(self.database)

    def revisions(self) -> tuple[str | None, str]:
        """Return the revision of the tables, and the one that this program needs.

        :raises connector.errors.TemporaryError: the database cannot be reached.
        """
        return migrate.current(self.database), migrate.newest()

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def open_database(
    settings: DatabaseSettings,
    schemas: Schemas | None = None,
    pending: PendingEvents | None = None,
) -> SqlStore:
    """Return the store; nothing is created or connected before :meth:`SqlStore.migrate`.

    :param schemas: by kind, what filters may name; None for what the RFCs define.
    :param pending: audit events that transactions take along.
    :raises connector.errors.ConfigError: the URL cannot be used.
    """
    return SqlStore(open_engine(settings), schemas or STANDARD_SCHEMAS, pending)
