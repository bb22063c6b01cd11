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


def lease_key(job: str, part: int | str | None = None) -> str:
    """Return the lock of a job, or of a part of it; with an empty part, how all of them begin."""
    return f"run:{job}:{'all' if part is None else part}"


@contextmanager
def holding_lease(
    context: TenantContext, key: str, taken: Callable[[UnitOfWork], None]
) -> Iterator[str]:
    """Hold a lease and yield its owner, for :func:`give_back`.

    :param taken: what else belongs to the transaction in which the lease is taken.
    :raises ConflictingWriteError: another run holds it.
    """
    owner = f"{context.owner}:{new_id()}"
    with context.write() as uow:
        if not _take(context, uow, key, owner):
            raise ConflictingWriteError(
                f"The job {key.split(':')[1]} of this tenant is running, or its process was killed "
                f"less than {LEASE.total_seconds():.0f} s ago. See `docusign-iga jobs list`.",
                retry_after_s=LEASE.total_seconds(),
            )
        taken(uow)
        uow.commit()
    with keeping(context, key, owner, LEASE):
        yield owner


@contextmanager
def keeping(context: TenantContext, key: str, owner: str, lease: timedelta) -> Iterator[None]:
    """Renew a lease that *owner* took, as long as the block goes on: no call that hangs, nor a
    number of them, outlasts it. What is given back within the block is not taken again.

    :param lease: how long it lasts from each renewal on.
    """
    ended = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(context, key, owner, lease, ended), name=key, daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


def give_back(uow: UnitOfWork, key: str, owner: str) -> None:
    """Let the next run begin, within the transaction that records how this one ended."""
    uow.locks.release([key], owner)


def _take(context: TenantContext, uow: UnitOfWork, key: str, owner: str) -> bool:
    now = context.clock.now()
    return uow.locks.acquire([key], owner, now + LEASE, now)


def _keep(
    context: TenantContext, key: str, owner: str, lease: timedelta, ended: threading.Event
) -> None:
    ends_at = context.clock.now() + lease
    while not ended.wait(RENEW_EVERY_S):
        try:
            # Not behind others who wait for their turn to write: that may take long.
            with context.store.lease(context.tenant) as uow:
                now = context.clock.now()
                is_kept = uow.locks.renew(key, owner, now + lease)
                other = None if is_kept else uow.locks.owner_of(key)
                uow.commit()
        except ConnectorError as error:
            _log.warning("a job's lease cannot be renewed", lease=key, error=str(error))
            continue
        if not is_kept:
            _tell_of_loss(key, other, lease, ran_out=ends_at <= now)
            return
        ends_at = now + lease


def _tell_of_loss(key: str, other: str | None, lease: timedelta, *, ran_out: bool) -> None:
    """Say why a lease is kept no longer.

    :param other: who has it now.
    :param ran_out: whether it ended before it could be renewed.
    """
    if other is None and not ran_out:
        _log.debug("the lease of a job was given back", lease=key)
        return
    # What either run does to a plan or a user has its own lock.
    _log.warning(
        "the lease of a job was lost while it ran: another run of it may go on, or have gone on, "
        "at the same time. See `docusign-iga jobs history`, and whether this process was suspended "
        f"for longer than {lease.total_seconds():.0f} s or could not reach the database",
        lease=key,
        held_by=other or "nobody any more",
    )
