"""The services of one tenant, wired over its adapters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from connector.anchor_file import AnchorFile
from connector.bootstrap.drift import wire_drift
from connector.bootstrap.parts import shares_of
from connector.domain.audit.events import AuditHead
from connector.ports import CodeExchange, Examiner, Notifier
from connector.ports.account_setup import ProfileDesigner
from connector.ports.probing import Prober
from connector.sealing import Sealer
from connector.services.account_setup import AccountSetup
from connector.services.aggregation import (
    AggregationService,
    CatalogueReader,
    DeltaService,
    Unchanged,
)
from connector.services.audit.records import AuditService
from connector.services.bindings import AccountBindings
from connector.services.browsing.browser import Browser
from connector.services.budget import BudgetService
from connector.services.consent.book import ConsentBook
from connector.services.consent.checks import ConsentChecks
from connector.services.consent.connecting import ConnectService
from connector.services.consent.connection_check import ConnectionCheck
from connector.services.consent.key_ages import KeyAges
from connector.services.consent.links import ConsentService
from connector.services.context import Actor, TenantContext, new_id
from connector.services.doctor.doctor import Doctor
from connector.services.doctor.probe import ProbeService
from connector.services.drift.services import DriftServices
from connector.services.erasure import ErasureService
from connector.services.inbox.approvals import ApprovalService
from connector.services.inbox.delegations import DelegationService
from connector.services.inbox.due import DueService
from connector.services.inbox.personal import Inbox
from connector.services.inbox.task_verification import TaskVerification
from connector.services.inbox.tasks import TaskService
from connector.services.inbox.work_items import WorkItemService
from connector.services.jobs.runs import JobRuns
from connector.services.jobs.watch import JobWatch
from connector.services.locks import WriteLocks
from connector.services.mirror.presentation import Presenter
from connector.services.mirror.writer import MirrorWriter
from connector.services.notifications.delivery import NotificationService
from connector.services.provisioning.attempts import Attempts
from connector.services.provisioning.confirmed_facts import ConfirmedFacts
from connector.services.provisioning.effects import EffectFinder
from connector.services.provisioning.execution import Executor
from connector.services.provisioning.fulfilment import FulfilmentService
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.long_waits import LongWaits
from connector.services.provisioning.recording import ChangePipeline
from connector.services.provisioning.settlement import SettlementService
from connector.services.provisioning.subjects import Subjects
from connector.services.provisioning.turns import Repeat, Turns
from connector.services.provisioning.undoing import Undoer
from connector.services.provisioning.users import UserProvisioning
from connector.services.rules.policy import PolicyService
from connector.services.targeted_aggregation.reader import TargetedReader
from connector.services.targeted_aggregation.refresh import RefreshService
from connector.services.work.approval_desk import ApprovalDesk
from connector.services.work.leavers import Leavers
from connector.services.work.log import WorkItemLog
from connector.services.work.manual_tasks import ManualTasks
from connector.settings import Settings, TenantSettings
from mappings import UserMapping


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
    tasks: TaskService
    verification: TaskVerification
    approvals: ApprovalService
    inbox: Inbox
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
    leavers: Leavers
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


@dataclass(frozen=True)
class Adapters:
    """What reaches the world for one tenant."""

    notifier: Notifier
    examiner: Examiner
    prober: Prober
    exchange: CodeExchange | None
    """None where the tenant is impersonated."""
    sealer: Sealer
    repeat: Repeat
    designer: ProfileDesigner


@dataclass(frozen=True)
class _Changes:
    """What changes and people's work on them share."""

    mirror: MirrorWriter
    locks: WriteLocks
    log: WorkItemLog
    tasks: ManualTasks
    reader: TargetedReader
    refresh: RefreshService
    desk: ApprovalDesk
    settlement: SettlementService
    users: UserProvisioning
    groups: GroupProvisioning
    leavers: Leavers


def wire(
    context: TenantContext,
    presenter: Presenter,
    user_mapping: UserMapping,
    settings: Settings,
    adapters: Adapters,
) -> TenantServices:
    """Return the services of one tenant over these adapters."""
    lag = timedelta(seconds=settings.docusign.behaviour.read_after_write_s)
    changes = _changes(context, presenter, adapters.repeat, lag)
    mirror, locks, log = changes.mirror, changes.locks, changes.log
    users, groups = changes.users, changes.groups
    approvals = ApprovalService(context, log, changes.desk, changes.settlement)
    verification = TaskVerification(context, mirror, log)
    return TenantServices(
        context=context,
        user_mapping=user_mapping,
        mirror=mirror,
        refresh=changes.refresh,
        users=users,
        groups=groups,
        setup=AccountSetup(
            context, adapters.designer, users=users, groups=groups, locks=locks, mirror=mirror
        ),
        drift=wire_drift(
            context,
            mirror,
            users,
            groups,
            changes.tasks,
            locks=locks,
            refresh=changes.refresh,
        ),
        work_items=WorkItemService(context, log),
        tasks=TaskService(context, log, verification),
        verification=verification,
        approvals=approvals,
        inbox=Inbox(context, approvals),
        delegations=DelegationService(context),
        due=DueService(context, log, changes.desk, LongWaits(context), mirror),
        policy=PolicyService(context),
        settlement=changes.settlement,
        budget=BudgetService(context, shares_of(settings, context.settings)),
        audit=AuditService(context),
        runs=JobRuns(context, settings.jobs.retention),
        watch=JobWatch(context),
        erasures=ErasureService(context, locks),
        leavers=changes.leavers,
        bindings=AccountBindings(context, locks, mirror),
        browser=Browser(context),
        probe=ProbeService(context, adapters.prober),
        **_aggregation(context, presenter, changes),
        **_consent(context, settings, adapters, mirror),
    )


def _changes(
    context: TenantContext, presenter: Presenter, repeat: Repeat, lag: timedelta
) -> _Changes:
    mirror = MirrorWriter(context, presenter, lag)
    locks = WriteLocks(context)
    log = WorkItemLog(context, mirror)
    tasks = ManualTasks(context, log)
    reader = TargetedReader(context, mirror)
    refresh = RefreshService(context, mirror, reader)
    desk = ApprovalDesk(context, log, tasks, refresh)
    subjects = Subjects(context, mirror)
    facts = ConfirmedFacts(context, mirror, lag)
    finder = EffectFinder(context, mirror, facts)
    attempts = Attempts(context, Executor(context, mirror, facts), finder)
    undoer = Undoer(context, finder, attempts)
    fulfilment = FulfilmentService(
        context, attempts, undoer, tasks, desk, subjects=subjects, mirror=mirror, locks=locks
    )
    turns = Turns(context, locks, fulfilment, subjects, repeat)
    leavers = Leavers(context)
    pipeline = ChangePipeline(
        context, fulfilment, subjects, desk, leavers, turns=turns, locks=locks
    )
    return _Changes(
        mirror=mirror,
        locks=locks,
        log=log,
        tasks=tasks,
        reader=reader,
        refresh=refresh,
        desk=desk,
        settlement=SettlementService(context, turns),
        users=UserProvisioning(context, locks, refresh, pipeline),
        groups=GroupProvisioning(context, pipeline, mirror),
        leavers=leavers,
    )


class _Aggregation(TypedDict):
    aggregation: AggregationService
    delta: DeltaService


def _aggregation(context: TenantContext, presenter: Presenter, changes: _Changes) -> _Aggregation:
    mirror, refresh = changes.mirror, changes.refresh
    reader, catalogue = changes.reader, CatalogueReader(context, mirror)
    aggregation = AggregationService(
        context,
        mirror,
        refresh,
        reader=reader,
        catalogue=catalogue,
        unchanged=Unchanged(context, presenter),
    )
    delta = DeltaService(context, aggregation, reader, catalogue, refresh)
    return {"aggregation": aggregation, "delta": delta}


class _Consent(TypedDict):
    consent: ConsentService
    consents: ConsentBook
    consent_checks: ConsentChecks
    connection: ConnectionCheck
    connecting: ConnectService
    doctor: Doctor
    notifications: NotificationService


def _consent(
    context: TenantContext, settings: Settings, adapters: Adapters, mirror: MirrorWriter
) -> _Consent:
    """Wire what asks whether DocuSign lets us in, and what tells people of it."""
    examiner = adapters.examiner
    book = ConsentBook(context, mirror)
    consent = ConsentService(context, examiner, book)
    connecting = ConnectService(
        context, examiner, consent, exchange=adapters.exchange, sealer=adapters.sealer
    )
    per_minute = settings.docusign.budget.consent_checks_per_minute
    checks = ConsentChecks(context, examiner, book=book, links=consent, per_minute=per_minute)
    keys = KeyAges(context, settings.docusign)
    return {
        "consent": consent,
        "consents": book,
        "consent_checks": checks,
        "connection": ConnectionCheck(
            context, examiner, consent=consent, checks=checks, keys=keys, connecting=connecting
        ),
        "connecting": connecting,
        "doctor": Doctor(
            settings.docusign,
            context,
            examiner,
            consent=consent,
            connecting=connecting,
            keys=keys,
            waits=LongWaits(context),
        ),
        "notifications": NotificationService(
            context,
            adapters.notifier,
            settings.server.url,
            lambda: connecting.mending_link(Actor("connector", "job", new_id())),
        ),
    }
