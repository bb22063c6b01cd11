"""What the console needs of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from typing import Protocol

from connector.ports import Store
from connector.services import inbound
from connector.services.authentication.console_sign_in import ConsoleSignIn
from connector.services.consent.watch import ConsentWatch
from connector.services.erasure import ErasureService


class TenantServices(inbound.PeopleTenant, Protocol):
    """What one tenant can do."""

    @property
    def erasures(self) -> ErasureService:
        """People who asked to be forgotten."""


class Application(inbound.PeopleApplication, Protocol):
    """The connector as a whole."""

    @property
    def store(self) -> Store:
        """The database, for what belongs to no tenant."""

    @property
    def console_sign_in(self) -> ConsoleSignIn:
        """Who is signed in."""

    @property
    def consent_watch(self) -> ConsentWatch:
        """Writes down what DocuSign answers."""

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant.

        :raises connector.errors.NotFoundError: there is no such tenant.
        """
