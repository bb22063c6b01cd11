"""Who uses the database, and leases of processes that are gone: nobody need wait for their end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from filelock import FileLock, Timeout
from sqlalchemy.engine import make_url

from connector.bootstrap import Application, owner_prefix
from connector.domain.tenants.records import INSTALLATION
from connector.errors import PermanentError
from connector.parentage import knows_its_dead, lives
from connector.settings import Settings

_log = structlog.get_logger(__name__)


def release_dead(application: Application, roles: Sequence[str], *, wait_s: float) -> None:
    """End the leases of processes that are gone; of those that are about to go, once they are.

    The lease of a process that stays is left alone: it may be in the middle of a change.

    :param wait_s: for processes that still live.
    """
    if application.settings.database.is_postgresql and not knows_its_dead():
        return
    deadline = time.monotonic() + wait_s
    prefixes = [owner_prefix(role) for role in roles]
    for tenant in application.tenants():
        for prefix in prefixes:
            owners = tenant.settlement.lease_owners(prefix)
            for owner in _gone(owners, prefix, deadline):
                tenant.settlement.release_dead(owner)
    for prefix in prefixes:
        with application.store.write(INSTALLATION) as uow:
            for owner in _gone(uow.locks.owners(prefix), prefix, deadline):
                uow.locks.release_owner(owner)
            uow.commit()


def _gone(owners: Iterable[str], prefix: str, deadline: float) -> Iterable[str]:
    for owner in owners:
        pid = int(owner.removeprefix(prefix).partition(":")[0])
        if pid != os.getpid() and lives(pid) and time.monotonic() < deadline:
            _log.warning("waiting for a process of an earlier start to end", pid=pid)
            while lives(pid) and time.monotonic() < deadline:
                time.sleep(0.1)
        if pid == os.getpid() or not lives(pid):
            yield owner


@contextmanager
def only_server(settings: Settings, *, wait_s: float) -> Iterator[None]:
    """Make sure that nobody else serves this SQLite file: then every lease in it is an old one.

    Web workers share the lock of the `serve` that forked them.

    :param wait_s: for a killed `serve` to end.
    :raises PermanentError: another `serve` uses it.
    """
    url = make_url(settings.database.url)
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    with only_server_of(Path(url.database), wait_s=wait_s):
        yield


@contextmanager
def only_server_of(database: Path, *, wait_s: float) -> Iterator[None]:
    """As :func:`only_server`, of a SQLite file."""
    path = Path(f"{database}.serve.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path).acquire(timeout=wait_s):
            yield
    except Timeout as error:
        raise PermanentError(
            f"Another `docusign-iga serve` uses {database}. End it, or use PostgreSQL to run "
            "several (database.url)."
        ) from error
