"""The one composition root: chooses the adapters and wires the services.

Production uses the defaults; tests hand in another clock, or a session that is served by the
simulator in process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.bootstrap.application import Application
from connector.bootstrap.parts import Journals, migrate, owner_prefix, shares_of, tenant_documents
from connector.bootstrap.tenant import TenantServices
from connector.clock import SystemClock
from connector.docusign.connection import Connection
from connector.docusign.shared_gate import SharedGate
from connector.domain.budget import Shares
from connector.metrics import Metrics
from connector.ports import Clock
from connector.scim_handlers.schemas import ATTRIBUTE_SCHEMAS
from connector.services.consent.watch import ConsentWatch
from connector.services.jobs.schedule_problems import require_known_jobs
from connector.services.journal import Journal
from connector.services.tenants.catalogue import TenantCatalogue
from connector.settings import Settings, TenantSettings
from connector.store import open_database
from connector.tracing import configure_tracing

if TYPE_CHECKING:
    import requests

__all__ = ["Application", "TenantServices", "build", "migrate", "owner_prefix"]


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    session: requests.Session | None = None,
    role: str = "serve",
) -> Application:
    """Return the application over the configured adapters, its database migrated.

    :param session: carries the calls to DocuSign; a test mounts the simulator on it.
    :param role: what this process is, for leases: ``serve``, ``jobs`` or ``cli``.
    :raises connector.errors.ConfigError: the database or a setting cannot be used.
    """
    require_known_jobs(settings)
    configure_tracing(settings.observing)
    clock = clock or SystemClock()
    journal = Journal(clock)
    store = open_database(settings.database, ATTRIBUTE_SCHEMAS, journal)
    migrate(store, settings.database)
    metrics = Metrics()
    catalogue = TenantCatalogue(store, settings.tenants, tenant_documents(settings))

    def shares(tenant: str) -> Shares:
        known = catalogue.find(tenant)
        return shares_of(settings, known.settings if known else TenantSettings())

    gate = SharedGate(clock, store, shares)
    journals = Journals(journal, metrics)
    watch = ConsentWatch()
    connection = Connection(settings.docusign, clock, session, journals, gate, watch)
    return Application(
        settings,
        store,
        clock,
        connection,
        journal=journal,
        metrics=metrics,
        role=role,
        consent_watch=watch,
        catalogue=catalogue,
    )
