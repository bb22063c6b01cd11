"""Adding, changing, suspending and removing tenants that are kept in the database.

Each is written into the audit of the installation, which no removal of a tenant touches, and into
the tenant's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connector.domain.audit.events import AuditEvent, AuditHead
from connector.domain.tenants.documents import differences, value_at
from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantState
from connector.domain.writing import counted, require_words
from connector.errors import (
    ConfigError,
    ConflictingWriteError,
    InvalidRequestError,
    NotFoundError,
    UniquenessError,
)
from connector.ports import Clock, Store, TenantDocuments, UnitOfWork
from connector.services.bindings import binding_problems
from connector.services.context import Actor, Seen
from connector.services.tenants.account_owners import account_problems, claim_accounts
from connector.services.tenants.catalogue import LOOK_EVERY_S, TenantCatalogue
from connector.settings import TenantSettings

Check = Callable[[TenantSettings], Iterable[str]]
_QUIET_WITHIN_S = 60.0
"""Longer than any request takes; a sync gives up its place sooner."""
_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True)
class Removal:
    """What a removal deleted."""

    name: str
    counts: Mapping[str, int]
    """Rows by table."""
    head: AuditHead
    """Where the tenant's audit chain ended."""


class TenantService:
    """The tenants of the database. Thread-safe."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: TenantCatalogue,
        documents: TenantDocuments,
        check: Check = lambda _settings: (),
    ) -> None:
        """:param check: yields what else is wrong with a tenant's settings."""
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._documents = documents
        self._check = check

    # declaring ----------------------------------------------------------------

    def add(
        self, name: str, document: Mapping[str, Any], actor: Actor, *, adopt: bool = False
    ) -> TenantRecord:
        """Keep a new tenant; it is served within a second, by every process.

        :param adopt: whether data that the database has under this name are the tenant's, such as
            those of one that was taken out of the file.
        :raises ConfigError: with everything that is wrong with its settings.
        :raises UniquenessError: the name is taken.
        :raises InvalidRequestError: there are data of that name.
        """
        if self._catalogue.find(name):
            raise UniquenessError(f"There is a tenant {name!r} already.")
        settings, sealed = self._read(name, document)
        if not adopt and (rows := sum(self.holdings(name).values())):
            raise InvalidRequestError(
                f"The database has {counted(rows, 'row')} of an earlier tenant {name!r}. Say "
                "--adopt if the new one is the same customer; else `docusign-iga tenant remove "
                f"{name}` first."
            )
        self._require_bound(settings)
        now = self._clock.now()
        with self._store.write(INSTALLATION) as uow:
            if uow.tenants.find(name):
                raise UniquenessError(f"There is a tenant {name!r} already.")
            self._claim(uow, settings)
            record = TenantRecord(
                name=name,
                state=TenantState.ACTIVE,
                document=sealed,
                revision=uow.tenants.count_change(),
                created_at=now,
                created_by=actor.name,
                changed_at=now,
                changed_by=actor.name,
            )
            uow.tenants.put(record)
            self._note(uow, actor, "tenant.added", name, accounts=_accounts(settings))
            uow.commit()
        self._note_in_tenant(actor, "tenant.added", name)
        return self._done(record)

    def change(
        self,
        name: str,
        document: Mapping[str, Any],
        actor: Actor,
        *,
        let_go: bool = False,
        revision: int | None = None,
    ) -> TenantRecord:
        """Give a tenant other settings; requests under way finish with those before.

        A secret that is still asterisks stays as it is.

        :param let_go: whether accounts may be missing that the database has data of; somebody
            takes them out with :meth:`connector.services.bindings.AccountBindings.forget_account`.
        :param revision: the revision that the new settings were made from, if it matters.
        :raises ConfigError: with everything that is wrong with the settings.
        :raises NotFoundError: the database has no such tenant.
        :raises InvalidRequestError: somebody else changed it since *revision*.
        """
        before = self.get(name)
        whole = self._documents.unmasked(document, before.document)
        settings, sealed = self._read(name, whole)
        if not let_go:
            self._require_bound(settings)
        old, new = self._documents.masked(before.document), self._documents.masked(sealed)
        changed = differences(before.document, sealed)
        if not changed:
            return before
        with self._store.write(INSTALLATION) as uow:
            now_kept = self._kept(uow, name)
            if now_kept.revision != (before.revision if revision is None else revision):
                raise InvalidRequestError(
                    f"Somebody else changed the tenant {name!r} meanwhile. Look at it again."
                )
            kept_ids = {item.account_id for item in settings.accounts}
            gone = [one for one in _accounts_in(before.document) if one not in kept_ids]
            if not let_go:
                uow.tenants.release(name, gone)
            self._claim(uow, settings)
            record = self._saved(uow, replace(now_kept, document=sealed), actor)
            values = {path: [value_at(old, path), value_at(new, path)] for path in changed}
            self._note(uow, actor, "tenant.changed", name, settings=changed, values=values)
            uow.commit()
        self._note_in_tenant(actor, "tenant.changed", name, settings=changed)
        return self._done(record)

    def suspend(
        self, name: str, reason: str, actor: Actor, *, seen: Seen | None = None
    ) -> TenantRecord:
        """Turn everybody away and let the jobs rest; the data stay. A job or request under way is
        finished.

        :raises NotFoundError: the database has no such tenant.
        :raises InvalidRequestError: the reason is missing.
        """
        reason = require_words(reason, "Say why, for whoever resumes it.")
        return self._turn(name, TenantState.SUSPENDED, reason, actor, seen)

    def resume(self, name: str, actor: Actor, *, seen: Seen | None = None) -> TenantRecord:
        """Serve a tenant again.

        :raises NotFoundError: the database has no such tenant.
        :raises InvalidRequestError: its removal has begun.
        """
        return self._turn(name, TenantState.ACTIVE, "", actor, seen)

    def reseal(self, actor: Actor) -> int:
        """Seal every tenant's secrets with the key of now; return how many tenants have some.

        :raises connector.errors.PermanentError: a secret cannot be opened; nothing was changed.
        """
        with self._store.write(INSTALLATION) as uow:
            resealed = [
                replace(record, document=document)
                for record in uow.tenants.since(0)
                if (document := self._documents.resealed(record.document)) != record.document
            ]
            for record in resealed:
                self._saved(uow, record, actor)
                self._note(uow, actor, "tenant.resealed", record.name)
            uow.commit()
        self._catalogue.look()
        return len(resealed)

    # removing -----------------------------------------------------------------

    def holdings(self, name: str) -> Mapping[str, int]:
        """Return how many rows the database has of a tenant, by table."""
        with self._store.read(name) as uow:
            return uow.holdings.count()

    def forget(self, name: str, actor: Actor) -> None:
        """Take a tenant out of the list and keep its data, such as to declare it in the file.

        :raises NotFoundError: the database has no such tenant.
        """
        with self._store.write(INSTALLATION) as uow:
            self._kept(uow, name)
            uow.tenants.remove(name)
            uow.tenants.count_change()
            self._note(uow, actor, "tenant.forgotten", name)
            uow.commit()
        self._note_in_tenant(actor, "tenant.forgotten", name)
        self._catalogue.look()

    def begin_removal(self, name: str, actor: Actor) -> None:
        """Close a tenant for good, and return when nothing works for it any longer. A removal that
        was broken off is gone on with.

        :raises NotFoundError: there is neither a tenant nor data of that name.
        :raises InvalidRequestError: the file declares it.
        :raises ConflictingWriteError: something still works for it after a minute; ask again.
        """
        if self._is_declared(name):
            raise InvalidRequestError(
                f"The tenant {name!r} stands in the configuration file. Take it out there and "
                "restart, then remove its data."
            )
        with self._store.write(INSTALLATION) as uow:
            record = uow.tenants.find(name)
            if record is not None and record.state is not TenantState.REMOVING:
                self._saved(uow, replace(record, state=TenantState.REMOVING), actor)
                self._note(uow, actor, "tenant.removal_began", name)
                uow.commit()
        if record is None and not self.holdings(name):
            raise NotFoundError(f"There is neither a tenant {name!r} nor data of one.")
        self._catalogue.look()
        self._wait_until_quiet(name)

    def finish_removal(self, name: str, actor: Actor) -> Removal:
        """Delete everything that the database has of a tenant, in one transaction, and let go of
        its accounts. Where its audit chain ended stays in the audit of the installation."""
        with self._store.write(name) as uow:
            head, counts = uow.audit.head(), uow.holdings.count()
            uow.holdings.delete()
            uow.commit()
        with self._store.write(INSTALLATION) as uow:
            uow.tenants.remove(name)
            uow.tenants.release(name)
            uow.tenants.count_change()
            facts = {"sequence": head.sequence, "hash": head.hash, "counts": dict(counts)}
            self._note(uow, actor, "tenant.removed", name, **facts)
            uow.commit()
        self._catalogue.look()
        return Removal(name, counts, head)

    # asking -------------------------------------------------------------------

    def get(self, name: str) -> TenantRecord:
        """Return a tenant of the database.

        :raises NotFoundError: it has none of that name.
        """
        with self._store.read(INSTALLATION) as uow:
            return self._kept(uow, name)

    def shown(self, record: TenantRecord) -> Mapping[str, Any]:
        """Return the settings of a tenant as they may be shown."""
        return self._documents.masked(record.document)

    def history(self, name: str = "", limit: int = 100) -> Sequence[AuditEvent]:
        """Return what was done to tenants, the newest first."""
        with self._store.read(INSTALLATION) as uow:
            events = uow.audit.events(newest_first=True, limit=limit if not name else 10_000)
        about = f"tenant:{name}"
        return [event for event in events if not name or event.subject == about][:limit]

    # within -------------------------------------------------------------------

    def _read(
        self, name: str, document: Mapping[str, Any]
    ) -> tuple[TenantSettings, Mapping[str, Any]]:
        """Return the settings of a document, and the document as it may be kept."""
        problems: list[str] = []
        sealed: Mapping[str, Any] = {}
        settings: TenantSettings | None = None
        try:
            settings = self._documents.read(name, document)
            problems += [*self._check(settings), *self._taken(settings)]
        except ConfigError as error:
            problems += error.problems
        try:
            sealed = self._documents.sealed(name, document)
        except ConfigError as error:
            problems += error.problems
        if problems or settings is None:
            raise ConfigError(sorted(set(problems)))
        return settings, sealed

    def _taken(self, settings: TenantSettings) -> Sequence[str]:
        with self._store.read(INSTALLATION) as uow:
            return account_problems(uow, settings)

    def _claim(self, uow: UnitOfWork, settings: TenantSettings) -> None:
        if problems := account_problems(uow, settings):
            raise ConfigError(problems)
        claim_accounts(uow, settings)

    def _require_bound(self, settings: TenantSettings) -> None:
        with self._store.read(settings.name) as uow:
            if problems := binding_problems(uow, settings):
                raise ConfigError(problems)

    def _is_declared(self, name: str) -> bool:
        found = self._catalogue.find(name)
        return found is not None and found.record is None

    def _kept(self, uow: UnitOfWork, name: str) -> TenantRecord:
        record = uow.tenants.find(name)
        if record is None:
            with self._store.reads_of(uow):
                if self._is_declared(name):
                    raise NotFoundError(
                        f"The tenant {name!r} stands in the configuration file: change it there."
                    )
                self._catalogue.get(name)  # Says which there are.
            raise NotFoundError(f"There is no tenant {name!r}.")
        return record

    def _turn(
        self, name: str, state: TenantState, reason: str, actor: Actor, seen: Seen | None
    ) -> TenantRecord:
        action = "tenant.suspended" if state is TenantState.SUSPENDED else "tenant.resumed"
        with self._store.write(INSTALLATION) as uow:
            if seen is not None:
                with self._store.reads_of(uow):
                    seen()
            record = self._kept(uow, name)
            if record.state is TenantState.REMOVING:
                raise InvalidRequestError(f"The tenant {name!r} is being removed.")
            if record.state is state and record.reason == reason:
                return record
            record = self._saved(uow, replace(record, state=state, reason=reason), actor)
            self._note(uow, actor, action, name, **({"reason": reason} if reason else {}))
            uow.commit()
        self._note_in_tenant(actor, action, name, **({"reason": reason} if reason else {}))
        return self._done(record)

    def _saved(self, uow: UnitOfWork, record: TenantRecord, actor: Actor) -> TenantRecord:
        saved = replace(
            record,
            revision=uow.tenants.count_change(),
            changed_at=self._clock.now(),
            changed_by=actor.name,
        )
        uow.tenants.put(saved)
        return saved

    def _done(self, record: TenantRecord) -> TenantRecord:
        self._catalogue.look()
        return record

    def _wait_until_quiet(self, name: str) -> None:
        """Return when every process knows that the tenant is closed and nothing is under way."""
        ends_at = self._clock.now() + timedelta(seconds=_QUIET_WITHIN_S)
        self._clock.sleep(2 * LOOK_EVERY_S)
        while True:
            with self._store.read(name) as uow:
                held = uow.locks.live(self._clock.now())
            if not held:
                return
            if self._clock.now() >= ends_at:
                raise ConflictingWriteError(
                    f"The tenant {name!r} is closed, but {len(held)} pieces of work for it are "
                    "still under way. Ask again when they are done.",
                    retry_after_s=_QUIET_WITHIN_S,
                )
            self._clock.sleep(_LOOK_AGAIN_S)

    def _note(self, uow: UnitOfWork, actor: Actor, action: str, name: str, **data: object) -> None:
        about = f"tenant:{name}"
        now = self._clock.now()
        uow.audit.append(AuditEvent(now, actor.name, action, about, actor.correlation_id, data))

    def _note_in_tenant(self, actor: Actor, action: str, name: str, **data: object) -> None:
        with self._store.write(name) as uow:
            self._note(uow, actor, action, name, **data)
            uow.commit()


def _accounts(settings: TenantSettings) -> Sequence[str]:
    return [item.account_id for item in settings.accounts]


def _accounts_in(document: Mapping[str, Any]) -> Sequence[str]:
    listed = document.get("accounts")
    return [str(item.get("account_id")) for item in listed] if isinstance(listed, list) else []
