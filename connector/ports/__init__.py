"""What the services need from the outside, as Protocols, a module for each idea.

Adapters: :mod:`connector.docusign` is a :class:`Directory`, :mod:`connector.store` a
:class:`Store`. :mod:`connector.bootstrap` chooses them.
"""

from connector.ports.account_setup import ProfileDesigner
from connector.ports.audit import AuditRepository, CallJournal, PendingEvents
from connector.ports.budget import BudgetRepository
from connector.ports.clock import Clock, looks
from connector.ports.consents import ConsentRepository, TokenListener
from connector.ports.console import ConsoleRepository
from connector.ports.directory import Directory, GroupList, GroupMembers, UserPage
from connector.ports.drift import DriftRepository
from connector.ports.erasures import ErasureRepository
from connector.ports.events import Event, EventPage
from connector.ports.examination import (
    AccountPlan,
    AdministeredOrganization,
    ClaimedDomain,
    CodeExchange,
    Examiner,
    Identity,
    KnownAccount,
    LimitReading,
)
from connector.ports.exports import ExportRow, ExportState
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
from connector.ports.notifications import AnchorSink, NotificationRepository, Notifier
from connector.ports.processes import ProcessRepository, RunningProcess
from connector.ports.queue import Asker, JobQueue
from connector.ports.resources import (
    BASE_URL_MARK,
    ENTITLEMENT,
    EXTERNAL_ID_MARK,
    GROUP,
    ROLE,
    TOMBSTONE,
    USER,
    GroupMember,
    JoinedPage,
    ResourceQuery,
    ResourceRepository,
    ResourceRow,
    SortKey,
    StoredPage,
    StoredResource,
)
from connector.ports.store import LockRepository, Store, UnitOfWork
from connector.ports.tenants import HoldingsRepository, TenantDocuments, TenantRepository
from connector.ports.totals import TotalsRepository

__all__ = [
    "BASE_URL_MARK",
    "ENTITLEMENT",
    "EXTERNAL_ID_MARK",
    "GROUP",
    "ROLE",
    "TOMBSTONE",
    "USER",
    "AccountPlan",
    "AdministeredOrganization",
    "AnchorSink",
    "Asker",
    "AttributeRepository",
    "AuditRepository",
    "BudgetRepository",
    "CallJournal",
    "ClaimedDomain",
    "ClientRepository",
    "Clock",
    "CodeExchange",
    "ConsentRepository",
    "ConsoleRepository",
    "Directory",
    "DriftRepository",
    "ErasureRepository",
    "Event",
    "EventPage",
    "Examiner",
    "ExportRow",
    "ExportState",
    "GroupList",
    "GroupMember",
    "GroupMembers",
    "HintRepository",
    "HoldingsRepository",
    "Identity",
    "JobQueue",
    "JobRepository",
    "JoinedPage",
    "KnownAccount",
    "LimitReading",
    "LockRepository",
    "MirrorRepository",
    "NotificationRepository",
    "Notifier",
    "PendingEvents",
    "PlanRepository",
    "ProcessRepository",
    "ProfileDesigner",
    "ResourceQuery",
    "ResourceRepository",
    "ResourceRow",
    "RunningProcess",
    "SortKey",
    "Store",
    "StoredPage",
    "StoredResource",
    "TenantDocuments",
    "TenantRepository",
    "TokenListener",
    "TotalsRepository",
    "TurnRepository",
    "UnitOfWork",
    "UserPage",
    "WorkItemRepository",
    "looks",
]
