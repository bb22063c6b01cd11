"""The store: units of work over one database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, select

from connector.ports import (
    AttributeRepository,
    AuditRepository,
    ClientRepository,
    ConsoleRepository,
    JobRepository,
    LockRepository,
    MirrorRepository,
    PlanRepository,
    ResourceRepository,
    UnitOfWork,
    WorkItemRepository,
)
from connector.settings import DatabaseSettings
from connector.store import migrate
from connector.store.attributes import SqlAttributes
from connector.store.audit import SqlAudit
from connector.store.clients import SqlClients
from connector.store.console import SqlConsole
from connector.store.engine import Database, open_engine
from connector.store.jobs import SqlJobs
from connector.store.locks import SqlLocks
from connector.store.mirror import SqlMirror
from connector.store.plans import SqlPlans
from connector.store.resources import SqlResources
from connector.store.scim_sources import STANDARD_SCHEMAS, Schemas
from connector.store.statements import Session, put_rows
from connector.store.tables import facts
from connector.store.work_items import SqlWorkItems


class SqlUnitOfWork:
    """One transaction of one tenant; see :class:`connector.ports.UnitOfWork`."""

    # Declared as the ports, because a mutable attribute of a Protocol is matched exactly.
    resources: ResourceRepository
    mirror: MirrorRepository
    plans: PlanRepository
    work_items: WorkItemRepository
    clients: ClientRepository
    attributes: AttributeRepository
    audit: AuditRepository
    jobs: JobRepository
    console: ConsoleRepository
    locks: LockRepository

    def __init__(self, tenant: str, connection: Connection, schemas: Schemas) -> None:
        session = Session(tenant, connection)
        self.tenant = tenant
        self._connection = connection
        self.resources = SqlResources(session, schemas)
        self.mirror = SqlMirror(session)
        self.plans = SqlPlans(session)
        self.work_items = SqlWorkItems(session)
        self.clients = SqlClients(session)
        self.attributes = SqlAttributes(session)
        self.audit = SqlAudit(session)
        self.jobs = SqlJobs(session)
        self.console = SqlConsole(session)
        self.locks = SqlLocks(session)

    def commit(self) -> None:
        """Make everything since the start durable."""
        self._connection.commit()

    def facts(self) -> Mapping[str, Any]:
        """Return the tenant's small settings kept in the database."""
        statement = select(facts.c.key, facts.c.value).where(facts.c.tenant == self.tenant)
        return {row.key: row.value for row in self._connection.execute(statement)}

    def put_fact(self, key: str, value: Any) -> None:
        """Keep a small JSON value."""
        put_rows(self._connection, facts, [{"tenant": self.tenant, "key": key, "value": value}])


class SqlStore:
    """A :class:`connector.ports.Store` in SQLite or PostgreSQL. Thread-safe."""

    def __init__(self, database: Database, schemas: Schemas) -> None:
        self.database = database
        self._schemas = schemas

    @contextmanager
    def read(self, tenant: str, *, single: bool = False) -> Iterator[UnitOfWork]:
        """Open a consistent view for reading; on SQLite it never waits for writers."""
        with self.database.reading(single=single) as connection:
            yield SqlUnitOfWork(tenant, connection, self._schemas)

    @contextmanager
    def write(self, tenant: str) -> Iterator[UnitOfWork]:
        """Open a transaction for writing.

        :raises connector.errors.TemporaryError: other writers took longer than
            ``busy_timeout_s``, or the database cannot be reached.
        """
        with self.database.writing(tenant) as connection:
            yield SqlUnitOfWork(tenant, connection, self._schemas)

    def migrate(self) -> None:
        """Bring the tables to this version of the program; several processes may do so at once.

        :raises connector.errors.ConfigError: the database is newer than the program.
        """
        migrate.upgrade(self.database)

    def schema_version(self) -> str | None:
        """Return the revision of the tables, None for an empty database."""
        return migrate.current(self.database)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def open_database(settings: DatabaseSettings, schemas: Schemas | None = None) -> SqlStore:
    """Return the store; nothing is created or connected before :meth:`SqlStore.migrate`.

    :param schemas: by kind, what filters may name; None for what the RFCs define.
    :raises connector.errors.ConfigError: the URL cannot be used.
    """
    return SqlStore(open_engine(settings), schemas or STANDARD_SCHEMAS)
