"""What every service of one tenant shares."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import uuid4

from connector.domain.accounts import AccountBook
from connector.domain.ledger import AuditEvent
from connector.domain.model import Catalogue
from connector.domain.policy import Policy
from connector.ports import Clock, Directory, Store, UnitOfWork
from connector.settings import TenantSettings


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

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self.settings.name

    def read(self, *, single: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a view for reading; see :meth:`connector.ports.Store.read`."""
        return self.store.read(self.tenant, single=single)

    def write(self) -> AbstractContextManager[UnitOfWork]:
        """Open a transaction for writing."""
        return self.store.write(self.tenant)

    def book(self, catalogue: Catalogue) -> AccountBook:
        """Return the tenant's accounts over a catalogue."""
        return AccountBook(self.settings, catalogue)

    def audit(
        self, uow: UnitOfWork, actor: Actor, action: str, subject: str, **data: object
    ) -> None:
        """Append an audit event within a transaction."""
        uow.audit.append(
            AuditEvent(self.clock.now(), actor.name, action, subject, actor.correlation_id, data)
        )


def new_id() -> str:
    """Return a fresh identifier: a random UUID in lower case."""
    return str(uuid4())
