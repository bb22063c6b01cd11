"""The one composition root: chooses the adapters and wires the services.

Production uses the defaults; tests hand in another clock, or a session that is served by the
simulator in process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import structlog

from connector.anchor_file import AnchorFile
from connector.clock import SystemClock
from connector.config.masking import flattened
from connector.config.tenants import StoredTenants
from connector.docusign.directory import Connection
from connector.docusign.shared_gate import SharedGate
from connector.docusign.transport import pooled_session
from connector.domain.budget import Shares
from connector.domain.consent import Way
from connector.domain.ledger import AuditHead, Method
from connector.domain.policy import Policy
from connector.domain.tenants import INSTALLATION
from connector.errors import ConfigError
from connector.identity_provider import PublishedKeys
from connector.logs import correlated
from connector.metrics import Metrics
from connector.notifications import ChannelNotifier
from connector.parentage import machine
from connector.ports import CallJournal, Clock, CodeExchange, Examiner, JobQueue, Notifier
from connector.ports.account_setup import ProfileDesigner
from connector.ports.probing import Prober
from connector.scim_handlers.schemas import ATTRIBUTE_SCHEMAS
from connector.scim_handlers.turns import Repeater
from connector.sealing import Sealer
from connector.services.account_owners import account_problems, claim_accounts
from connector.services.account_setup import AccountSetup
from connector.services.aggregation import (
    AggregationService,
    CatalogueReader,
    DeltaService,
    TargetedReader,
    Unchanged,
)
from connector.services.api_clients import ApiClientService
from connector.services.api_sign_in import ApiSignIn
from connector.services.approval_desk import ApprovalDesk
from connector.services.approvals import ApprovalService
from connector.services.attempts import Attempts
from connector.services.audit import AuditService
from connector.services.bindings import AccountBindings, binding_problems
from connector.services.browsing import Browser
from connector.services.budget import BudgetService
from connector.services.configuration import record_configuration
from connector.services.connecting import ConnectService
from connector.services.connection_check import ConnectionCheck
from connector.services.consent import ConsentService
from connector.services.consent_book import ConsentBook
from connector.services.consent_checks import ConsentChecks
from connector.services.consent_watch import ConsentWatch
from connector.services.console_accounts import ConsoleAccounts
from connector.services.console_sign_in import ConsoleSignIn
from connector.services.context import Actor, TenantContext, new_id
from connector.services.delegations import DelegationService
from connector.services.doctor import Doctor
from connector.services.drift import DriftServices, wire_drift
from connector.services.due import DueService
from connector.services.erasure import ErasureService
from connector.services.execution import Executor
from connector.services.fulfilment import FulfilmentService
from connector.services.group_provisioning import GroupProvisioning
from connector.services.identity_tokens import KeySet, TokenVerifier
from connector.services.job_runs import JobRuns
from connector.services.job_watch import JobWatch
from connector.services.jobs import require_known_jobs, tenant_job_problems
from connector.services.journal import Journal
from connector.services.key_ages import KeyAges
from connector.services.leavers import Leavers
from connector.services.locks import WriteLocks
from connector.services.manual_tasks import ManualTasks
from connector.services.mirror import MirrorWriter
from connector.services.notifications import NotificationService
from connector.services.observation import Readiness
from connector.services.personal_tokens import PersonalTokens
from connector.services.policy import PolicyService
from connector.services.presentation import Presenter
from connector.services.probe import ProbeService
from connector.services.provisioning import UserProvisioning
from connector.services.recording import ChangePipeline
from connector.services.refresh import RefreshService
from connector.services.settlement import SettlementService
from connector.services.subjects import Subjects
from connector.services.tenant_catalogue import TenantCatalogue, TenantEntry
from connector.services.tenant_overview import Standing, overview
from connector.services.tenants import TenantService
from connector.services.throttle import Throttle
from connector.services.turns import Repeat, Turns
from connector.services.undoing import Undoer
from connector.services.version_key import version_key
from connector.services.work_item_log import WorkItemLog
from connector.services.work_items import WorkItemService
from connector.settings import DatabaseSettings, Settings, TenantSettings
from connector.store import SqlStore, open_database
from connector.tracing import configure_tracing
from mappings import UserMapping, load_entitlements, load_user_mapping

_log = structlog.get_logger(__name__)
_begun: ContextVar[dict[str, TenantServices] | None] = ContextVar("begun", default=None)
_TWICE = (
    "is kept in the database too; which of the two holds must not depend on luck. Take it out of "
    "the file, or out of the database with `docusign-iga tenant remove --keep-data`"
)


@dataclass(frozen=True)
class TenantServices:
    """Everything one tenant can do."""

    context: TenantContext
    user_mapping: UserMapping
    mirror: MirrorWriter
    refresh: RefreshService
    users: UserProvisioning
    groups: GroupProvisioning
    drift: DriftServices
    work_items: WorkItemService
    approvals: ApprovalService
    delegations: DelegationService
    due: DueService
    policy: PolicyService
    aggregation: AggregationService
    delta: DeltaService
    settlement: SettlementService
    budget: BudgetService
    audit: AuditService
    notifications: NotificationService
    runs: JobRuns
    watch: JobWatch
    erasures: ErasureService
    bindings: AccountBindings
    browser: Browser
    doctor: Doctor
    consent: ConsentService
    setup: AccountSetup
    consents: ConsentBook
    consent_checks: ConsentChecks
    connection: ConnectionCheck
    connecting: ConnectService
    probe: ProbeService

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""
        return self.context.settings

    def anchor(self, actor: Actor) -> AuditHead | None:
        """Note in the anchor file, if there is one, and tell where the audit chain stands."""
        path = self.settings.audit.anchor_file
        return self.audit.anchor([AnchorFile(Path(path))] if path else [], actor)


class Application:
    """The connector: one store, one connection to DocuSign, services for each tenant.

    Tenants are wired when first asked for, so that a thousand of them cost nothing at start.
    """

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        clock: Clock,
        connection: Connection,
        *,
        journal: Journal,
        metrics: Metrics,
        role: str,
        consent_watch: ConsentWatch,
        catalogue: TenantCatalogue,
    ) -> None:
        self.metrics = metrics
        self.consent_watch = consent_watch
        consent_watch.write_with(lambda name, told: self.tenant(name).consents.record(told))
        self.settings = settings
        self.store = store
        self.journal = journal
        self.clock = clock
        self.connection = connection
        self.owner = f"{owner_prefix(role)}{os.getpid()}:{uuid4().hex[:8]}"
        self.sealer = sealer_of(settings)
        self.catalogue = catalogue
        self._tenants: dict[str, tuple[int, TenantServices]] = {}
        self._lock = threading.Lock()

    @cached_property
    def tenancy(self) -> TenantService:
        """Adds, changes and removes tenants of the database."""
        return TenantService(
            self.store,
            self.clock,
            self.catalogue,
            tenant_documents(self.settings),
            lambda tenant: tenant_job_problems(tenant, self.settings.jobs),
        )

    def overview(self) -> Sequence[Standing]:
        """Return how every tenant is, the broken ones first; DocuSign is not asked."""
        age_s = self.settings.observing.ready_sync_age_s
        readiness = Readiness(self.store, self.clock, list, self.store.revisions, age_s)
        return overview(self.catalogue, readiness)

    @cached_property
    def clients(self) -> ApiClientService:
        """API clients and their tokens."""
        return ApiClientService(self.store, self.clock, self.offered)

    @cached_property
    def offered(self) -> frozenset[Method]:
        """How API clients may show who they are."""
        listed = frozenset(map(Method, self.settings.authentication.methods))
        return listed | {Method.ACCESS_TOKEN} if Method.OAUTH in listed else listed

    @cached_property
    def token_verifier(self) -> TokenVerifier | None:
        """Verifies tokens of the identity provider, where they are offered."""
        if Method.JWT not in self.offered:
            return None
        return self._verifier()

    def _verifier(self, audience: str = "") -> TokenVerifier:
        settings = self.settings.authentication.jwt
        published = PublishedKeys(settings, pooled_session(self.settings.docusign))
        return TokenVerifier(settings, KeySet(published.fetch, self.clock), self.clock, audience)

    @cached_property
    def personal_tokens(self) -> PersonalTokens:
        """Tokens with which people and their programs use the REST API."""
        return PersonalTokens(self.store, self.clock, self.settings.api)

    @cached_property
    def api_sign_in(self) -> ApiSignIn:
        """Who uses the REST API."""
        api = self.settings.api
        return ApiSignIn(
            self.personal_tokens,
            self.throttle,
            self.settings.console.oidc,
            lambda name: self.tenant(name).settings.console_groups,
            self._verifier(api.audience) if api.identity_tokens else None,
        )

    @cached_property
    def console_accounts(self) -> ConsoleAccounts:
        """Local accounts of the console."""
        return ConsoleAccounts(self.store, self.clock)

    @cached_property
    def console_sign_in(self) -> ConsoleSignIn:
        """Who is signed in to the console."""
        return ConsoleSignIn(self.store, self.clock, self.settings.console, self.console_accounts)

    @cached_property
    def queue(self) -> JobQueue | None:
        """Where jobs wait for workers; None on SQLite, where they run in the jobs process."""
        if not self.settings.database.is_postgresql:
            return None
        from connector.queue import ProcrastinateQueue  # noqa: PLC0415 - comes with PostgreSQL

        return ProcrastinateQueue(self.settings.database)

    @cached_property
    def throttle(self) -> Throttle:
        """Counts failures to authenticate."""
        return Throttle(self.store, self.clock)

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant, suspended or not: what somebody is told of it, the
        border decides.

        :raises connector.errors.NotFoundError: there is no such tenant.
        :raises ConfigError: its settings, kept in the database, cannot be used here.
        """
        begun = _begun.get()
        if begun is not None and name in begun:
            return begun[name]
        services = self._current(self.catalogue.get(name))
        if begun is not None:
            begun[name] = services
        return services

    def served(self, name: str) -> TenantServices | None:
        """Return the services of a tenant, None where it is not served or its settings cannot be
        used here."""
        entry = self.catalogue.find(name)
        if entry is None or not entry.is_active:
            return None
        try:
            return self.tenant(name)
        except ConfigError as error:
            _log.error("a tenant is passed over", tenant=name, error=str(error))
            return None

    def tenants(self) -> Iterator[TenantServices]:
        """Walk the services of every tenant that is served. One whose settings cannot be used here
        does not take the others with it: it is passed over, and the log says why."""
        for entry in self.catalogue.active():
            try:
                services = self.tenant(entry.name)
            except ConfigError as error:
                _log.error("a tenant is passed over", tenant=entry.name, error=str(error))
                continue
            yield services

    def has_tenant(self, name: str) -> bool:
        """Whether there is a tenant of this name, served or suspended."""
        return self.catalogue.find(name) is not None

    @contextmanager
    def request(self, correlation_id: str = "") -> Iterator[str]:
        """Let the block finish with the tenants' settings it began with, whatever changes
        meanwhile; return its correlation id."""
        token = _begun.set({})
        try:
            with correlated(correlation_id) as known:
                yield known
        finally:
            _begun.reset(token)

    def _current(self, entry: TenantEntry) -> TenantServices:
        """Return the services over a tenant's settings of now, wired when first asked for."""
        known = self._tenants.get(entry.name)
        if known is None or known[0] != entry.revision:
            with self._lock:
                known = self._tenants.get(entry.name)
                if known is None or known[0] != entry.revision:
                    known = (entry.revision, self._wire(entry.settings))
                    self._tenants[entry.name] = known
        return known[1]

    def require_bound_accounts(self) -> None:
        """Let a configuration file through whose accounts are those of the database, in every
        tenant; those of tenants in the database were checked when they were changed.

        :raises ConfigError: see :func:`connector.services.bindings.require_bound`; or a tenant is
            declared twice.
        """
        problems = [f"tenants.{name}: {_TWICE}" for name in self.catalogue.twice_declared()]
        for name, settings in self.settings.tenants.items():
            with self.store.read(name) as uow:
                problems += binding_problems(uow, settings)
        problems += self._claimed()
        if problems:
            raise ConfigError(problems)

    def _claimed(self) -> Sequence[str]:
        """Let the tenants of the file hold their accounts; return those that others hold."""
        with self.store.read(INSTALLATION) as uow:
            owners = uow.tenants.owners(
                item.account_id
                for settings in self.settings.tenants.values()
                for item in settings.accounts
            )
        problems: list[str] = []
        for settings in self.settings.tenants.values():
            if all(owners.get(item.account_id) == settings.name for item in settings.accounts):
                continue
            with self.store.write(INSTALLATION) as uow:
                problems += (found := account_problems(uow, settings))
                if not found and claim_accounts(uow, settings):
                    uow.commit()
        return problems

    def acting(self, tenant: str, actor: str) -> AbstractContextManager[None]:
        """Let the audit know who acts for a tenant in the block, and miss nothing at its end."""
        return self.journal.acting(self.store, tenant, actor)

    def close(self) -> None:
        """Close the database and the connections to DocuSign."""
        self.connection.close()
        self.consent_watch.close()
        if "queue" in vars(self) and self.queue is not None:
            self.queue.close()
        self.store.close()

    def _wire(self, settings: TenantSettings) -> TenantServices:
        settings = replace(settings, grant=settings.grant or self.settings.docusign.grant)
        entitlements = load_entitlements(dict(settings.manual_roles), settings.entitlements)
        user_mapping = load_user_mapping(settings.user_mapping)
        context = TenantContext(
            settings=settings,
            store=self.store,
            directory=self.connection.directory(settings),
            clock=self.clock,
            policy=Policy(entitlements, {a.account_id: a.alias for a in settings.accounts}),
            owner=self.owner,
        )
        notifier = ChannelNotifier(
            settings.notifications, self.clock, self.settings.docusign.ca_bundle
        )
        presenter = Presenter(user_mapping, settings, entitlements, version_key(context))
        return wire(
            context,
            presenter,
            user_mapping,
            notifier=notifier,
            settings=self.settings,
            examiner=self._examiner(settings),
            prober=self.connection.prober(settings),
            exchange=self.connection.code_granter(settings, self.store, self.sealer),
            sealer=self.sealer,
            repeat=Repeater(self, settings.name),
            designer=self.connection.designer(settings),
        )

    def _examiner(self, tenant: TenantSettings) -> Examiner:
        server, docusign = self.settings.server, self.settings.docusign
        redirect_uri = docusign.redirect_uri or f"{server.url}/consent/callback"
        return self.connection.examiner(tenant, redirect_uri)

    def record_configuration(self) -> None:
        """Write into each tenant's audit that its configuration changed since the last start."""
        for services in self.tenants():
            name = services.settings.name
            actor = Actor("connector", "start", new_id())
            record_configuration(services.context, actor, partial(flattened, self.settings, name))


def wire(
    context: TenantContext,
    presenter: Presenter,
    user_mapping: UserMapping,
    *,
    notifier: Notifier,
    settings: Settings,
    examiner: Examiner,
    prober: Prober,
    exchange: CodeExchange | None,
    sealer: Sealer,
    repeat: Repeat,
    designer: ProfileDesigner,
) -> TenantServices:
    """Return the services of one tenant over these adapters."""
    mirror = MirrorWriter(context, presenter)
    locks = WriteLocks(context)
    log = WorkItemLog(context, mirror)
    tasks = ManualTasks(context, log)
    refresh = RefreshService(context, mirror)
    reader, catalogue = TargetedReader(context, mirror), CatalogueReader(context, mirror)
    aggregation = AggregationService(
        context,
        mirror,
        refresh,
        reader=reader,
        catalogue=catalogue,
        unchanged=Unchanged(context, presenter),
    )
    desk = ApprovalDesk(context, log, tasks, refresh)
    subjects = Subjects(context, mirror)
    executor = Executor(context, mirror)
    attempts = Attempts(context, executor)
    undoer = Undoer(context, executor, attempts)
    fulfilment = FulfilmentService(
        context, attempts, undoer, tasks, desk, subjects=subjects, locks=locks
    )
    turns = Turns(context, locks, fulfilment, subjects, repeat)
    pipeline = ChangePipeline(context, fulfilment, subjects, desk, Leavers(context), turns=turns)
    settlement = SettlementService(context, turns)
    users = UserProvisioning(context, locks, refresh, pipeline)
    groups = GroupProvisioning(context, locks, pipeline, mirror)
    book = ConsentBook(context, mirror)
    consent = ConsentService(context, examiner, book)
    per_minute = settings.docusign.budget.consent_checks_per_minute
    connecting = ConnectService(context, examiner, consent, exchange=exchange, sealer=sealer)
    checks = ConsentChecks(context, examiner, book=book, links=consent, per_minute=per_minute)
    keys = KeyAges(context, settings.docusign)
    drift = wire_drift(context, mirror, users, groups, tasks)
    return TenantServices(
        context=context,
        user_mapping=user_mapping,
        mirror=mirror,
        refresh=refresh,
        users=users,
        groups=groups,
        setup=AccountSetup(
            context, designer, users=users, groups=groups, locks=locks, mirror=mirror
        ),
        drift=drift,
        work_items=WorkItemService(context, mirror, log),
        approvals=ApprovalService(context, log, desk, settlement),
        delegations=DelegationService(context),
        due=DueService(context, log, desk),
        policy=PolicyService(context),
        aggregation=aggregation,
        delta=DeltaService(context, aggregation, reader, catalogue, refresh),
        settlement=settlement,
        budget=BudgetService(context, shares_of(settings, context.settings)),
        audit=AuditService(context),
        notifications=NotificationService(
            context, notifier, settings.server.url, lambda: consent.link(Way.INDIVIDUAL)
        ),
        runs=JobRuns(context, settings.jobs.retention),
        watch=JobWatch(context),
        erasures=ErasureService(context, locks),
        bindings=AccountBindings(context, locks, mirror),
        browser=Browser(context),
        doctor=Doctor(
            settings.docusign,
            context.settings,
            examiner,
            consent=consent,
            connecting=connecting,
            keys=keys,
        ),
        consent=consent,
        consents=book,
        consent_checks=checks,
        connection=ConnectionCheck(
            context, examiner, consent=consent, checks=checks, keys=keys, connecting=connecting
        ),
        connecting=connecting,
        probe=ProbeService(context, prober),
    )


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
    :raises ConfigError: the database or a setting cannot be used.
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
    journals = _Journals(journal, metrics)
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
        missing = 'database.url: PostgreSQL needs: pip install "docusign-iga-connector[postgresql]"'
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


class _Journals:
    """Several journals as one; see :class:`connector.ports.CallJournal`."""

    def __init__(self, *journals: CallJournal) -> None:
        self._journals = journals

    def call(self, tenant: str, facts: Mapping[str, Any]) -> None:
        for journal in self._journals:
            journal.call(tenant, facts)


def owner_prefix(role: str) -> str:
    """Return the beginning of every lease that processes of this role on this machine hold."""
    return f"{role}:{machine()}:"
