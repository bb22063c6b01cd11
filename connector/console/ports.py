"""What the console needs of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connector.ports import Store
from connector.services import inbound
from connector.services.authentication.console_sessions import ConsoleSessions
from connector.services.authentication.console_sign_in import ConsoleSignIn
from connector.services.consent.watch import ConsentWatch
from connector.services.erasure import ErasureService
from connector.services.inbox.personal import Inbox
from mappings import UserMapping


class TenantServices(inbound.PeopleTenant, Protocol):
    """What one tenant can do."""

    @property
    def erasures(self) -> ErasureService:
        """People who asked to be forgotten."""

    @property
    def user_mapping(self) -> UserMapping:
        """How the attributes of users correspond."""

    @property
    def inbox(self) -> Inbox:
        """What waits for each person."""


class Application(inbound.PeopleApplication, Protocol):
    """The connector as a whole."""

    @property
    def store(self) -> Store:
        """The database, for what belongs to no tenant."""

    @property
    def console_sign_in(self) -> ConsoleSignIn:
        """Who is signed in."""

    @property
    def console_sessions(self) -> ConsoleSessions:
        """Who is signed in, for administrators."""

    @property
    def consent_watch(self) -> ConsentWatch:
        """Writes down what DocuSign answers."""

    def outdated(self) -> Sequence[str]:
        """Return, in words, which processes run with another version of the configuration file
        than it has now."""

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant.

        :raises connector.errors.NotFoundError: there is no such tenant.
        """
