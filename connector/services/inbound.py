"""What the inbound adapters need alike of the application; :mod:`connector.bootstrap` provides it.

SCIM, console and REST API each add what they alone need in a module ``ports`` of their own. The
Protocols name services, and siblings import nothing of each other: so they are the services' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from connector.ports import Clock
from connector.services.audit.records import AuditService
from connector.services.authentication.personal_tokens import PersonalTokens
from connector.services.browsing.browser import Browser
from connector.services.budget import BudgetService
from connector.services.consent.book import ConsentBook
from connector.services.consent.checks import ConsentChecks
from connector.services.consent.connecting import ConnectService
from connector.services.consent.links import ConsentService
from connector.services.context import TenantContext
from connector.services.doctor.doctor import Doctor
from connector.services.drift.services import DriftServices
from connector.services.inbox.approvals import ApprovalService
from connector.services.inbox.delegations import DelegationService
from connector.services.inbox.task_verification import TaskVerification
from connector.services.inbox.tasks import TaskService
from connector.services.inbox.work_items import WorkItemService
from connector.services.jobs.runs import JobRuns
from connector.services.tenants.administration import TenantService
from connector.services.tenants.catalogue import TenantCatalogue
from connector.services.tenants.overview import Standing
from connector.services.work.leavers import Leavers
from connector.settings import Settings, TenantSettings


class Application(Protocol):
    """The connector as a whole."""

    @property
    def settings(self) -> Settings:
        """The whole configuration."""

    @property
    def catalogue(self) -> TenantCatalogue:
        """Which tenants there are."""

    @property
    def clock(self) -> Clock:
        """The time."""

    def acting(self, tenant: str, actor: str) -> AbstractContextManager[None]:
        """Let the audit know who acts for a tenant in the block, and miss nothing at its end."""

    def request(self, correlation_id: str = "") -> AbstractContextManager[str]:
        """Let the block finish with the settings it began with; return its correlation id."""


class PeopleApplication(Application, Protocol):
    """The connector as people use it, at the console or with programs of theirs."""

    @property
    def tenancy(self) -> TenantService:
        """Adds and changes tenants."""

    @property
    def personal_tokens(self) -> PersonalTokens:
        """Tokens of local accounts for the REST API."""

    def overview(self) -> Sequence[Standing]:
        """Return how every tenant is."""

    def has_tenant(self, name: str) -> bool:
        """Whether there is a tenant of this name, served or suspended."""


class PeopleTenant(Protocol):
    """What one tenant can do for people."""

    @property
    def context(self) -> TenantContext:
        """Adapters and settings."""

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""

    @property
    def browser(self) -> Browser:
        """Read models of users, accounts and work items."""

    @property
    def audit(self) -> AuditService:
        """The record of what happened."""

    @property
    def approvals(self) -> ApprovalService:
        """What waits for a decision."""

    @property
    def delegations(self) -> DelegationService:
        """Who decides for whom."""

    @property
    def connecting(self) -> ConnectService:
        """The connection by authorization code."""

    @property
    def consent(self) -> ConsentService:
        """Links by which consent is given, and whether it works."""

    @property
    def consents(self) -> ConsentBook:
        """What is known of consent."""

    @property
    def consent_checks(self) -> ConsentChecks:
        """Whether users can be impersonated."""

    @property
    def doctor(self) -> Doctor:
        """Why the connection does not work."""

    @property
    def budget(self) -> BudgetService:
        """DocuSign's hourly calls."""

    @property
    def leavers(self) -> Leavers:
        """What becomes of what people own when they leave."""

    @property
    def runs(self) -> JobRuns:
        """The runs of jobs."""

    @property
    def drift(self) -> DriftServices:
        """What was changed in DocuSign itself."""

    @property
    def work_items(self) -> WorkItemService:
        """What waits for people, looked at and talked about."""

    @property
    def tasks(self) -> TaskService:
        """What people do to manual tasks."""

    @property
    def verification(self) -> TaskVerification:
        """Whether manual tasks were done, as DocuSign shows it."""
