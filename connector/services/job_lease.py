"""One run at a time of each job of a tenant, whoever starts it and on whatever machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog

from connector.errors import ConflictingWriteError, ConnectorError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext, new_id

_log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
"""After a killed process the next run waits so long. Renewed while the run goes on."""
RENEW_EVERY_S = 15.0


def lease_key(job: str) -> str:
    """Return the lock of a job."""
    return f"run:{job}"


@contextmanager
def holding_lease(
    context: TenantContext, job: str, taken: Callable[[UnitOfWork], None]
) -> Iterator[str]:
    """Hold the lease of a job and yield its owner, for :func:`give_back`.

    :param taken: what else belongs to the transaction in which the lease is taken.
    :raises ConflictingWriteError: another run holds it.
    """
    owner = f"{context.owner}:{new_id()}"
    with context.write() as uow:
        if not _take(context, uow, job, owner):
            raise ConflictingWriteError(
                f"The job {job} of this tenant is running, or its process was killed less than "
                f"{LEASE.total_seconds():.0f} seconds ago. See `docusign-iga jobs list`.",
                retry_after_s=LEASE.total_seconds(),
            )
        taken(uow)
        uow.commit()
    ended = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(context, job, owner, ended), name=f"lease:{job}", daemon=True
    )
    keeper.start()
    try:
        yield owner
    finally:
        ended.set()
        keeper.join()


def give_back(uow: UnitOfWork, job: str, owner: str) -> None:
    """Let the next run begin, within the transaction that records how this one ended."""
    uow.locks.release([lease_key(job)], owner)


def _take(context: TenantContext, uow: UnitOfWork, job: str, owner: str) -> bool:
    now = context.clock.now()
    return uow.locks.acquire([lease_key(job)], owner, now + LEASE, now)


def _keep(context: TenantContext, job: str, owner: str, ended: threading.Event) -> None:
    while not ended.wait(RENEW_EVERY_S):
        try:
            with context.write() as uow:
                kept = _take(context, uow, job, owner)
                uow.commit()
        except ConnectorError as error:
            _log.warning("a job's lease cannot be renewed", job=job, error=str(error))
            continue
        if not kept:
            # It slept longer than the lease. What it does to a plan or a user has its own lock.
            _log.warning("another run took the lease of a job over", job=job)
            return
