"""Which tenants there are: those of the file, and those of the database as they are now.

Every process notices a change in the database within a second, by one number that counts them all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import structlog

from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantSource, TenantState
from connector.errors import ConnectorError, ForbiddenError, NotFoundError
from connector.ports import Store, TenantDocuments
from connector.settings import TenantSettings

_log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How long another process may go on with the settings before a change."""
_MANY = 20
"""Names that a message still lists."""


class TenantSuspendedError(ForbiddenError):
    """The tenant is suspended: nobody is served until somebody resumes it."""


class TenantEntry:
    """One tenant, as it is between two changes."""

    def __init__(
        self,
        name: str,
        *,
        declared: TenantSettings | None = None,
        record: TenantRecord | None = None,
        documents: TenantDocuments | None = None,
    ) -> None:
        """:param declared: the settings of the file.
        :param record: what the database has, read by *documents*."""
        self.name = name
        self.record = record
        self._declared = declared
        self._documents = documents

    @property
    def source(self) -> TenantSource:
        """Where it is declared."""
        return TenantSource.FILE if self.record is None else TenantSource.DATABASE

    @property
    def state(self) -> TenantState:
        """Whether it is served."""
        return TenantState.ACTIVE if self.record is None else self.record.state

    @property
    def is_active(self) -> bool:
        """Whether it is served and its jobs run."""
        return self.state is TenantState.ACTIVE

    @property
    def revision(self) -> int:
        """Differs whenever the tenant does."""
        return 0 if self.record is None else self.record.revision

    @cached_property
    def settings(self) -> TenantSettings:
        """The checked settings; those of the database are read when they are first needed.

        :raises connector.errors.ConfigError: they no longer hold here, such as an environment
            variable that this process does not have.
        """
        if self._declared is not None:
            return self._declared
        assert self.record is not None  # noqa: S101 - one of the two is given
        assert self._documents is not None  # noqa: S101 - comes with the record
        return self._documents.read(self.name, self.record.document)

    def require_active(self) -> None:
        """Let requests through.

        :raises TenantSuspendedError: the tenant is not served.
        """
        if not self.is_active:
            raise TenantSuspendedError(_CLOSED[self.state])


class TenantCatalogue:
    """All tenants by name. Thread-safe."""

    def __init__(
        self, store: Store, declared: Mapping[str, TenantSettings], documents: TenantDocuments
    ) -> None:
        """:param declared: the tenants of the configuration file; they win over the database."""
        self._store = store
        self._declared = declared
        self._documents = documents
        self._lock = threading.Lock()
        self._stored: Mapping[str, TenantEntry] = {}
        self._files: dict[str, TenantEntry] = {}
        self._revision = 0
        self._look_at = 0.0

    # asking -------------------------------------------------------------------

    def find(self, name: str) -> TenantEntry | None:
        """Return a tenant, or None where there is none."""
        declared = self._declared.get(name)
        if declared is not None:
            return self._file_entry(name, declared)
        self._look_now_and_then()
        return self._stored.get(name)

    def get(self, name: str) -> TenantEntry:
        """Return a tenant.

        :raises NotFoundError: there is none of that name.
        """
        found = self.find(name)
        if found is None:
            raise NotFoundError(f"There is no tenant {name!r}. {self._known()}")
        return found

    def entries(self) -> Sequence[TenantEntry]:
        """Return every tenant by name, suspended ones included."""
        self._look_now_and_then()
        declared = {name: self._file_entry(name, one) for name, one in self._declared.items()}
        return [entry for _, entry in sorted({**self._stored, **declared}.items())]

    def active(self) -> Iterator[TenantEntry]:
        """Walk the tenants that are served."""
        return (entry for entry in self.entries() if entry.is_active)

    @property
    def revision(self) -> int:
        """Return a number that differs after any change to any tenant of the database."""
        self._look_now_and_then()
        return self._revision

    # following ----------------------------------------------------------------

    def look(self) -> None:
        """Take in what changed in the database, now.

        :raises connector.errors.TemporaryError: the database cannot be asked.
        """
        with self._lock:
            self._look()

    def _look_now_and_then(self) -> None:
        if time.monotonic() < self._look_at or not self._lock.acquire(blocking=False):
            return  # What is known is recent, or somebody else is asking.
        try:
            # Those who are known are served without the database as well as one can.
            with suppress(ConnectorError):
                self._look()
        finally:
            self._lock.release()

    def _look(self) -> None:
        self._look_at = time.monotonic() + LOOK_EVERY_S
        with self._store.read(INSTALLATION) as uow:
            revision = uow.tenants.revision()
            if revision == self._revision:
                return
            names = set(uow.tenants.names())
            changed = uow.tenants.since(self._revision)
        stored = {name: entry for name, entry in self._stored.items() if name in names}
        for record in changed:
            stored[record.name] = TenantEntry(record.name, record=record, documents=self._documents)
        self._stored, self._revision = stored, revision
        _log.info("tenants changed", revision=revision, changed=len(changed), tenants=len(names))

    def _file_entry(self, name: str, declared: TenantSettings) -> TenantEntry:
        known = self._files.get(name)
        if known is None or known.settings is not declared:
            known = self._files[name] = TenantEntry(name, declared=declared)
        return known

    def _known(self) -> str:
        names = [entry.name for entry in self.entries()]
        if not names:
            return "There is none yet: docusign-iga tenant add NAME."
        more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        return f"Tenants: {', '.join(names[:_MANY])}{more}."


_CLOSED = {
    # The reason is the operator's: whoever asks may be anybody.
    TenantState.SUSPENDED: (
        "This tenant is suspended: nothing is read or changed until the connector's operator "
        "resumes it. Ask them why."
    ),
    TenantState.REMOVING: "This tenant is being removed.",
}
