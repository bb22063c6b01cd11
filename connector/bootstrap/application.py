"""The connector as a whole: what its tenants share, and who they are.

What web servers and workers alone need is imported where it is first used: people wait for the
start of a command.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from connector.bootstrap.parts import owner_prefix, sealer_of, tenant_documents
from connector.bootstrap.tenant import Adapters, TenantServices, wire
from connector.config import load_settings
from connector.config.masking import flattened
from connector.docusign.connection import Connection
from connector.domain.authentication.api_clients import Method
from connector.domain.ledger.job_runs import JobRun
from connector.domain.ledger.plans import PlanRecord
from connector.domain.policy.entitlement_rules import Policy
from connector.domain.tenants.records import INSTALLATION
from connector.errors import ConfigError
from connector.logs import correlated
from connector.metrics import Metrics
from connector.notifications import ChannelNotifier
from connector.ports import Clock, Examiner, JobQueue
from connector.services.authentication.api_clients import ApiClientService
from connector.services.authentication.personal_tokens import PersonalTokens
from connector.services.authentication.throttle import Throttle
from connector.services.consent.watch import ConsentWatch
from connector.services.context import Actor, TenantContext, WaysIn, new_id
from connector.services.jobs.schedule_problems import tenant_job_problems
from connector.services.journal import Journal
from connector.services.mirror.persons import attribute_names
from connector.services.mirror.presentation import Presenter
from connector.services.mirror.version_key import version_key
from connector.services.monitoring.observation import Readiness
from connector.services.monitoring.running import Heartbeat, checksum_of, outdated
from connector.services.provisioning.turns import Repeat
from connector.services.tenants.account_owners import account_problems, claim_accounts
from connector.services.tenants.administration import TenantService
from connector.services.tenants.catalogue import TenantCatalogue, TenantEntry
from connector.services.tenants.configuration import record_configuration
from connector.services.tenants.declarations import declaration_problems
from connector.services.tenants.overview import Standing, overview
from connector.settings import Settings, TenantSettings
from connector.store import SqlStore
from connector.store.jobs import waiting_runs
from mappings import load_entitlements, load_user_mapping

if TYPE_CHECKING:
    from connector.services.authentication.api_sign_in import ApiSignIn
    from connector.services.authentication.console_accounts import ConsoleAccounts
    from connector.services.authentication.console_sessions import ConsoleSessions
    from connector.services.authentication.console_sign_in import ConsoleSignIn
    from connector.services.authentication.identity_tokens import TokenVerifier

_log = structlog.get_logger(__name__)
_begun: ContextVar[dict[str, TenantServices] | None] = ContextVar("begun", default=None)


class _Request:
    """What :meth:`Application.request` returns."""

    __slots__ = ("_correlated", "_token")

    def __init__(self, correlated: AbstractContextManager[str]) -> None:
        self._correlated = correlated

    def __enter__(self) -> str:
        self._token = _begun.set({})
        return self._correlated.__enter__()

    def __exit__(self, *raised: object) -> None:
        self._correlated.__exit__(None, None, None)
        _begun.reset(self._token)


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
        self.role = role
        self.config_path: Path | None = None
        """The file of the settings, where this process serves or runs jobs."""
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

    def waiting_runs(self, now: datetime) -> Mapping[tuple[str, str], JobRun]:
        """Return the last runs of jobs that wait for calls, by tenant and job, of every tenant."""
        return waiting_runs(self.store.database, now)

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
        from connector.docusign.session import pooled_session  # noqa: PLC0415 - see the module
        from connector.identity_provider import PublishedKeys  # noqa: PLC0415
        from connector.services.authentication.identity_tokens import KeySet, TokenVerifier  # noqa: PLC0415

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
        from connector.services.authentication.api_sign_in import ApiSignIn  # noqa: PLC0415 - see the module
        from connector.services.authentication.known_addresses import KnownAddresses  # noqa: PLC0415 - see the module

        api = self.settings.api
        return ApiSignIn(
            self.personal_tokens,
            self.throttle,
            self.settings.console.oidc,
            lambda name: self.tenant(name).settings.console_groups,
            verifier=self._verifier(api.audience) if api.identity_tokens else None,
            addresses=KnownAddresses(self.store),
        )

    @cached_property
    def console_accounts(self) -> ConsoleAccounts:
        """Local accounts of the console."""
        from connector.services.authentication.console_accounts import ConsoleAccounts  # noqa: PLC0415 - see the module

        return ConsoleAccounts(self.store, self.clock)

    @cached_property
    def console_sign_in(self) -> ConsoleSignIn:
        """Who is signed in to the console."""
        from connector.services.authentication.console_sign_in import ConsoleSignIn  # noqa: PLC0415 - see the module

        return ConsoleSignIn(self.store, self.clock, self.settings.console, self.console_accounts)

    @cached_property
    def console_sessions(self) -> ConsoleSessions:
        """Sessions of the console, for administrators."""
        from connector.services.authentication.console_sessions import ConsoleSessions  # noqa: PLC0415 - see the module

        return ConsoleSessions(self.store, self.clock, self.settings.console)

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
        return Throttle(self.store, self.clock, lambda name: self.catalogue.find(name) is not None)

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

    @staticmethod
    def request(correlation_id: str = "") -> AbstractContextManager[str]:
        """Let the block finish with the tenants' settings it began with, whatever changes
        meanwhile; return its correlation id."""
        return _Request(correlated(correlation_id))

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
        if problems := self.binding_problems() or self._claimed():
            raise ConfigError(problems)

    def binding_problems(self) -> Sequence[str]:
        """Return why :meth:`require_bound_accounts` would refuse the file; nothing is written."""
        return declaration_problems(self.store, self.settings.tenants)

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
            attribute_names=attribute_names(user_mapping),
            docusign_admin=self.connection.people_url,
            ways_in=WaysIn.of(self.settings),
        )
        notifier = ChannelNotifier(
            settings.notifications, self.clock, self.settings.docusign.ca_bundle
        )
        presenter = Presenter(user_mapping, settings, entitlements, version_key(context))
        adapters = Adapters(
            notifier=notifier,
            examiner=self._examiner(settings),
            prober=self.connection.prober(settings),
            exchange=self.connection.code_granter(settings, self.store, self.sealer),
            sealer=self.sealer,
            repeat=self._repeat(settings.name),
            designer=self.connection.designer(settings),
        )
        return wire(context, presenter, user_mapping, self.settings, adapters)

    def _repeat(self, tenant: str) -> Repeat:
        """Return what asks for queued requests again, with all of SCIM once there is one."""

        @cache
        def repeater() -> Repeat:
            from connector.scim_handlers.turns import Repeater  # noqa: PLC0415 - see the module

            return Repeater(self, tenant)

        def repeat(plan: PlanRecord) -> None:
            repeater()(plan)

        return repeat

    def _examiner(self, tenant: TenantSettings) -> Examiner:
        server, docusign = self.settings.server, self.settings.docusign
        redirect_uri = docusign.redirect_uri or f"{server.url}/consent/callback"
        return self.connection.examiner(tenant, redirect_uri)

    def begin_telling(self, config_path: Path) -> Heartbeat:
        """Let the database know, from now on, that this process runs with the settings of this
        file; return what ends it."""
        self.config_path = config_path
        heartbeat = Heartbeat.of_this(self.store, self.clock, self.owner, self.role, config_path)
        heartbeat.start()
        return heartbeat

    def outdated(self) -> Sequence[str]:
        """Return, in words, which processes run with another version of this process's file than
        it has now; nothing where this process has none."""
        if self.config_path is None:
            return ()
        try:
            load_settings(self.config_path)
        except ConfigError:
            why = "cannot be used as it is now, and `serve` would not start again"
            return [f"{self.config_path} {why}: `docusign-iga config check` says what is wrong."]
        now, checksum = self.clock.now(), checksum_of(self.config_path)
        return outdated(self.store, checksum, self.config_path, now)

    def record_configuration(self) -> None:
        """Write into each tenant's audit that its configuration changed since the last start."""
        for services in self.tenants():
            name = services.settings.name
            actor = Actor("connector", "start", new_id())
            record_configuration(services.context, actor, partial(flattened, self.settings, name))
