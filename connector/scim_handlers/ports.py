"""What the handlers need of the application; :mod:`connector.bootstrap` provides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connector.domain.authentication.api_clients import Method
from connector.metrics import Metrics
from connector.services import inbound
from connector.services.authentication.api_clients import ApiClientService
from connector.services.authentication.identity_tokens import TokenVerifier
from connector.services.authentication.throttle import Throttle
from connector.services.context import Actor, TenantContext
from connector.services.journal import Journal
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.users import UserProvisioning
from connector.services.queued_requests import THEN
from connector.settings import TenantSettings
from mappings import UserMapping
from scim.handlers import Asked, Caller, RequestContext


class TenantServices(Protocol):
    """What one tenant can do."""

    @property
    def context(self) -> TenantContext:
        """Adapters and settings."""

    @property
    def user_mapping(self) -> UserMapping:
        """How a SCIM User and a DocuSign person correspond."""

    @property
    def mirror(self) -> MirrorWriter:
        """Writes confirmed facts."""

    @property
    def users(self) -> UserProvisioning:
        """Creates, changes and deletes users."""

    @property
    def groups(self) -> GroupProvisioning:
        """Creates, changes and deletes DocuSign groups."""

    @property
    def settings(self) -> TenantSettings:
        """The tenant's settings."""


class Application(inbound.Application, Protocol):
    """The connector as a whole."""

    @property
    def metrics(self) -> Metrics:
        """Counts the requests."""

    @property
    def clients(self) -> ApiClientService:
        """API clients and their credentials."""

    @property
    def offered(self) -> frozenset[Method]:
        """How API clients may show who they are."""

    @property
    def token_verifier(self) -> TokenVerifier | None:
        """Verifies tokens of the identity provider, where they are offered."""

    @property
    def throttle(self) -> Throttle:
        """Counts failures to authenticate."""

    @property
    def journal(self) -> Journal:
        """Notes for the audit."""

    def tenant(self, name: str) -> TenantServices:
        """Return the services of a tenant.

        :raises connector.errors.NotFoundError: there is no such tenant.
        """


def actor_of(context: RequestContext, then: Sequence[Mapping[str, Any]] = ()) -> Actor:
    """Return on whose behalf a request changes something.

    :param then: the requests that follow where this one has to wait for its turn.
    """
    caller = context.caller
    return Actor(
        f"client:{caller.client_id}",
        "scim",
        context.correlation_id,
        caller.external_id_scope,
        waits=not context.respond_async,
        request=None if context.asked is None else _request(caller, context.asked, then),
        turn=context.turn,
    )


def _request(caller: Caller, asked: Asked, then: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a request as the ledger keeps it, with what it needs to know of the client."""
    asked_for = {
        "method": asked.method,
        "kind": asked.resource_type,
        "id": asked.scim_id,
        "data": asked.document,
    }
    client = {
        "client_id": caller.client_id,
        "external_id_scope": caller.external_id_scope,
        "settings": dict(caller.settings),
        "writable": None if caller.writable is None else sorted(caller.writable),
    }
    followers = [{**follower, "client": client} for follower in then]
    return {**asked_for, "client": client, **({THEN: followers} if followers else {})}
