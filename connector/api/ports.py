"""What the API needs of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from typing import Protocol

from connector.ports import JobQueue
from connector.services import inbound
from connector.services.authentication.api_sign_in import ApiSignIn
from connector.services.jobs.declared import JobTenant
from connector.services.rules.policy import PolicyService


class TenantServices(inbound.PeopleTenant, JobTenant, Protocol):
    """What one tenant can do."""

    @property
    def policy(self) -> PolicyService:
        """Who gives access, and who is asked first."""


class Application(inbound.PeopleApplication, Protocol):
    """The connector as a whole."""

    @property
    def queue(self) -> JobQueue | None:
        """Where jobs wait for workers; None where there are none."""

    @property
    def api_sign_in(self) -> ApiSignIn:
        """Who sends a request."""

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant.

        :raises connector.errors.NotFoundError: there is no such tenant.
        """
