"""What the API needs of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from connector.ports import Clock, JobQueue
from connector.services.api_sign_in import ApiSignIn
from connector.services.approvals import ApprovalService
from connector.services.audit import AuditService
from connector.services.browsing import Browser
from connector.services.budget import BudgetService
from connector.services.consent import ConsentService
from connector.services.consent_book import ConsentBook
from connector.services.consent_checks import ConsentChecks
from connector.services.context import TenantContext
from connector.services.delegations import DelegationService
from connector.services.doctor import Doctor
from connector.services.jobs import JobTenant
from connector.services.personal_tokens import PersonalTokens
from connector.services.policy import PolicyService
from connector.services.tenant_catalogue import TenantCatalogue
from connector.services.tenant_overview import Standing
from connector.services.tenants import TenantService
from connector.settings import Settings


class TenantServices(JobTenant, Protocol):
    """What one tenant can do."""

    @property
    def context(self) -> TenantContext:
        """Adapters and settings."""

    @property
    def browser(self) -> Browser:
        """Read models of users, accounts and work items."""

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
    def audit(self) -> AuditService:
        """The record of what happened."""

    @property
    def approvals(self) -> ApprovalService:
        """What waits for a decision."""

    @property
    def delegations(self) -> DelegationService:
        """Who decides for whom."""

    @property
    def policy(self) -> PolicyService:
        """Who gives access, and who is asked first."""

    @property
    def doctor(self) -> Doctor:
        """Why the connection does not work."""

    @property
    def budget(self) -> BudgetService:
        """DocuSign's hourly calls."""


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
    def queue(self) -> JobQueue | None:
        """Where jobs wait for workers; None where there are none."""

    @property
    def personal_tokens(self) -> PersonalTokens:
        """Tokens of local accounts."""

    @property
    def api_sign_in(self) -> ApiSignIn:
        """Who sends a request."""

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
