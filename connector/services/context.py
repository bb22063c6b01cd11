"""What every service of one tenant shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.console import ConsoleRole
from connector.domain.model import Catalogue, fold
from connector.domain.naming.account_book import AccountBook
from connector.domain.policy.entitlement_rules import Policy
from connector.domain.work_items.approvals import NO_ADDRESS, give_address
from connector.errors import ForbiddenError
from connector.ports import Clock, Directory, Store, UnitOfWork
from connector.services.outbox import announce
from connector.settings import Settings, TenantSettings


@dataclass(frozen=True)
class Actor:
    """On whose behalf something happens, for ledger and audit."""

    name: str
    """``client:<name>``, ``user:<login>`` or ``job:<name>``."""
    source: str
    """``scim``, ``cli``, ``job``, ``console`` or ``api``."""
    correlation_id: str
    external_id_scope: str = ""
    """Whose external ids are read and written."""
    waits: bool = True
    """Whether the actor waits until DocuSign has the change; otherwise it is only planned and
    recorded, and the jobs carry it out."""
    request: Mapping[str, Any] | None = None
    """What is asked for, to be asked for again when its turn comes; None for what cannot wait."""
    turn: str | None = None
    """The queued request whose turn it is now; its plan gets the id under which it waited."""


@dataclass(frozen=True)
class Principal(Actor):
    """A person who acts, as their sign-in or their shell shows them. ``name`` is
    ``user:<login>``."""

    email: str = ""
    """Empty where nobody vouches for one."""
    groups: frozenset[str] = frozenset()
    """Groups of the identity provider."""
    roles: frozenset[ConsoleRole] = frozenset()
    """What the person may do in this tenant."""
    is_local: bool = False
    """Whether a local account of the console vouches for them."""

    @property
    def login(self) -> str:
        """The login alone."""
        return self.name.partition(":")[2]

    @property
    def names(self) -> frozenset[str]:
        """Everything the person is called, as compared."""
        return frozenset(fold(name) for name in (self.login, self.email) if name)

    @property
    def is_approver(self) -> bool:
        """Whether their role lets them decide where the policy names nobody."""
        return bool(self.roles & {ConsoleRole.APPROVER, ConsoleRole.ADMINISTRATOR})

    def require_address(self, tenant: str) -> None:
        """Let the person do what takes somebody else than the one whom it is about.

        :param tenant: in which they act.
        :raises ForbiddenError: they have no address to compare, and could be the same.
        """
        if not self.email:
            raise ForbiddenError(NO_ADDRESS.format(login=self.login), remedy=give_address(tenant))

    def require(self, *roles: ConsoleRole) -> None:
        """Let the person act.

        :raises ForbiddenError: they have none of these roles and are no administrator.
        """
        if not self.roles & {*roles, ConsoleRole.ADMINISTRATOR}:
            wanted = " or ".join((*roles, ConsoleRole.ADMINISTRATOR))
            raise ForbiddenError(f"This takes the role {wanted}, which {self.login} does not have.")


def person(
    login: str,
    *,
    source: str,
    correlation_id: str,
    email: str = "",
    groups: Iterable[str] = (),
    roles: Iterable[ConsoleRole] = (),
    is_local: bool = False,
) -> Principal:
    """Return a person who acts.

    :param source: ``cli``, ``console`` or ``api``.
    """
    return Principal(
        f"user:{login}",
        source,
        correlation_id,
        email=email,
        groups=frozenset(groups),
        roles=frozenset(roles),
        is_local=is_local,
    )


Seen = Callable[[], None]
"""Holds an act to what somebody saw, read anew within the act's transaction: raises
:class:`~connector.errors.PreconditionError` where it is another thing by now."""


@dataclass(frozen=True)
class WaysIn:
    """By what people come in at all."""

    passwords: bool = True
    """``console.local_accounts``."""
    tokens: bool = True
    """``api.personal_tokens``, where there is a REST API."""
    provider: bool = True
    """Through an identity provider: ``console.oidc``, or ``api.identity_tokens``."""

    @classmethod
    def of(cls, settings: Settings) -> WaysIn:
        """Return those that a configuration opens."""
        console, api = settings.console, settings.api
        return cls(
            passwords=console.local_accounts,
            tokens=api.enabled and api.personal_tokens,
            provider=(console.enabled and bool(console.oidc.issuer))
            or (api.enabled and api.identity_tokens),
        )


@dataclass(frozen=True)
class TenantContext:
    """The adapters and settings of one tenant."""

    settings: TenantSettings
    store: Store
    directory: Directory
    clock: Clock
    policy: Policy
    owner: str
    """Names this process in leases: ``node:pid:boot``."""
    attribute_names: Mapping[str, str] = field(default_factory=dict)
    """By field of a person, and by ``group_name``, the SCIM attribute by which clients know it."""
    ways_in: WaysIn = WaysIn()
    docusign_admin: str = ""
    """Where people sign in to DocuSign Admin; empty where that is not known."""

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.settings.name

    def read(self, *, single: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a view for reading; see :meth:`connector.ports.Store.read`."""
        return self.store.read(self.tenant, single=single)

    @contextmanager
    def write(self, seen: Seen | None = None) -> Iterator[UnitOfWork]:
        """Open a transaction for writing.

        :param seen: asked first. Writers of a tenant take turns, so what others committed is all
            there is: of two who saw the same, one acts.
        :raises PreconditionError: it is not what was seen.
        """
        with self.store.write(self.tenant) as uow:
            if seen is not None:
                with self.store.reads_of(uow):
                    seen()
            yield uow

    def book(self, catalogue: Catalogue) -> AccountBook:
        """Return the tenant's accounts over a catalogue."""
        return AccountBook(self.settings, catalogue, self.attribute_names)

    def audit(
        self, uow: UnitOfWork, actor: Actor, action: str, subject: str, **data: object
    ) -> None:
        """Append an audit event within a transaction, and tell whoever wants to hear of it."""
        now = self.clock.now()
        uow.audit.append(AuditEvent(now, actor.name, action, subject, actor.correlation_id, data))
        announce(
            uow,
            self.settings.notifications,
            now,
            action=action,
            subject_id=subject,
            data=data,
        )


def new_id() -> str:
    """Return a fresh identifier: a random UUID in lower case."""
    return str(uuid4())
