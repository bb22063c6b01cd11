"""What the console needs of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from connector.ports import Clock, Store
from connector.services.approvals import ApprovalService
from connector.services.audit import AuditService
from connector.services.browsing import Browser
from connector.services.budget import BudgetService
from connector.services.connecting import ConnectService
from connector.services.consent import ConsentService
from connector.services.consent_book import ConsentBook
from connector.services.consent_checks import ConsentChecks
from connector.services.consent_watch import ConsentWatch
from connector.services.console_sign_in import ConsoleSignIn
from connector.services.context import TenantContext
from connector.services.delegations import DelegationService
from connector.services.doctor import Doctor
from connector.services.drift import DriftServices
from connector.services.job_runs import JobRuns
from connector.services.personal_tokens import PersonalTokens
from connector.services.tenant_catalogue import TenantCatalogue
from connector.services.tenant_overview import Standing
from connector.services.tenants import TenantService
from connector.services.work_items import WorkItemService
from connector.settings import Settings, TenantSettings


class TenantServices(Protocol):
    """What one tenant can do."""

    @property
    def context(self) -> TenantContext:
        """Adapters and settings."""

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""

    @property
    def runs(self) -> JobRuns:
        """The runs of jobs."""

    @property
    def budget(self) -> BudgetService:
        """The calls to DocuSign."""

    @property
    def browser(self) -> Browser:
        """What pages show of users, accounts and groups."""

    @property
    def drift(self) -> DriftServices:
        """What was changed in DocuSign itself."""

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
    def consent(self) -> ConsentService:
        """Links by which consent is given, and whether it works."""

    @property
    def connecting(self) -> ConnectService:
        """The connection by authorization code."""

    @property
    def consent_checks(self) -> ConsentChecks:
        """Whether users can be impersonated."""

    @property
    def doctor(self) -> Doctor:
        """Says why a connection does not work."""

    @property
    def consents(self) -> ConsentBook:
        """What is known of consent."""

    @property
    def work_items(self) -> WorkItemService:
        """Manual tasks."""


class Application(Protocol):
    """The connector as a whole."""

    @property
    def settings(self) -> Settings:
        """The whole configuration."""

    @property
    def catalogue(self) -> TenantCatalogue:
        """Which tenants there are."""

    @property
    def tenancy(self) -> TenantService:
        """Adds and changes tenants."""

    def overview(self) -> Sequence[Standing]:
        """Return how every tenant is."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def store(self) -> Store:
        """The database, for what belongs to no tenant."""

    @property
    def personal_tokens(self) -> PersonalTokens:
        """Tokens for the REST API."""

    @property
    def console_sign_in(self) -> ConsoleSignIn:
        """Who is signed in."""

    @property
    def consent_watch(self) -> ConsentWatch:
        """Writes down what DocuSign answers."""

    def acting(self, tenant: str, actor: str) -> AbstractContextManager[None]:
        """Let the audit know who acts for a tenant in the block, and miss nothing at its end."""

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant.

        :raises connector.errors.NotFoundError: there is no such tenant.
        """

    def request(self, correlation_id: str = "") -> AbstractContextManager[str]:
        """Let the block finish with the settings it began with; return its correlation id."""

    def has_tenant(self, name: str) -> bool:
        """Whether there is a tenant of this name, served or suspended."""
