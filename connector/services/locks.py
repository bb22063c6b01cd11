"""Write locks on resources: one writer a user or group, across threads, processes and machines."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta

from connector.domain.model import fold
from connector.errors import ConflictingWriteError, TemporaryError
from connector.patience import waiting
from connector.services.context import TenantContext, new_id

LEASE = timedelta(seconds=120)
"""Renewed before each operation, which :func:`within_lease` keeps from outlasting it; a request
waits for 45 s at most (connector.config.limits)."""
_WRITING_DOWN = timedelta(seconds=20)
"""For what DocuSign answered. A call takes 75 s at most (30 to connect, 45 to read): one always
fits into the rest."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.005, 0.25
LOCKED_USERS = 200
"""Larger changes lock the group alone: a lock for each of thousands costs more than a re-read."""
EVERYBODY = "user:*"
"""Stands in queues for users who are not locked one by one."""
SYNC_KEY = "job:sync"
"""The lock of whoever writes the whole mirror."""


def user_key(user_id: str) -> str:
    """Return the lock of a user."""
    return f"user:{user_id}"


def address_key(email_key: str) -> str:
    """Return the lock of an address, taken while a user is created on it."""
    return f"address:{email_key}"


def plan_key(plan_id: str) -> str:
    """Return the lock of a plan, taken while it is settled."""
    return f"plan:{plan_id}"


def group_key(scim_id: str) -> str:
    """Return the lock of a group."""
    return f"group:{scim_id}"


def finding_key(finding_id: str) -> str:
    """Return the lock of a finding of drift, taken before that of whom it is about."""
    return f"finding:{finding_id}"


def group_name_key(account_id: str, name: str) -> str:
    """Return the lock of a group's name, taken while a group of that name is created."""
    return f"group-name:{account_id}:{fold(name)}"


def admins_key(account_id: str) -> str:
    """Return the lock of an account's administrators, taken after that of a user who is one."""
    return f"admins:{account_id}"


def within_lease(passed_s: float = 0.0) -> AbstractContextManager[None]:
    """Let what DocuSign is asked in a block, repetitions and waits included, end before a lease
    does that was renewed just before the block; requests wait for less in any case.

    :param passed_s: since it was renewed.
    """
    return waiting((LEASE - _WRITING_DOWN).total_seconds() - passed_s)


class WriteLocks:
    """Gives out leases. Threads of one process queue in memory and never poll the database
    against each other."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context
        self._guard = threading.Lock()
        self._local: defaultdict[str, _Counted] = defaultdict(_Counted)
        self._owed: list[tuple[Sequence[str], str]] = []
        """Leases that could not be given back: nobody shall wait until they end."""

    @contextmanager
    def hold(self, keys: Sequence[str], wait_s: float) -> Iterator[None]:
        """Hold all keys for the length of the block.

        :raises ConflictingWriteError: another writer kept one of them longer than *wait_s*.
        """
        ordered = sorted(set(keys))
        deadline = self._context.clock.now() + timedelta(seconds=wait_s)
        taken: list[str] = []
        try:
            for key in ordered:
                left_s = (deadline - self._context.clock.now()).total_seconds()
                self._take_local(key, max(0.0, left_s))
                taken.append(key)
            owner = f"{self._context.owner}:{new_id()}"
            self._take_shared(ordered, owner, deadline)
            try:
                yield
            finally:
                self._release_shared(ordered, owner)
        finally:
            for key in reversed(taken):
                self._release_local(key)

    @contextmanager
    def hold_administrators(self, user_ids: Iterable[str], wait_s: float) -> Iterator[None]:
        """Let changes of an account's administrators take turns: two that each leave one other
        administrator would together leave none. The locks of the users are taken before.

        :raises ConflictingWriteError: as :meth:`hold`.
        """
        with self._context.read() as uow:
            users = uow.mirror.get_users(user_ids).values()
        memberships = (item for user in users for item in user.open_memberships())
        keys = [admins_key(item.account_id) for item in memberships if item.is_admin]
        with self.hold(keys, wait_s) if keys else nullcontext():
            yield

    def _release_shared(self, keys: Sequence[str], owner: str) -> None:
        """Give leases back; where the database is away, before the next are taken."""
        try:
            with self._context.store.lease(self._context.tenant) as uow:
                uow.locks.release(keys, owner)
                uow.commit()
        except TemporaryError:
            with self._guard:
                self._owed.append((keys, owner))
            raise

    def _take_local(self, key: str, wait_s: float) -> None:
        with self._guard:
            entry = self._local[key]
            entry.users += 1
        if not entry.lock.acquire(timeout=wait_s):
            with self._guard:
                self._forget(key, entry)
            raise _conflict(key)

    def _release_local(self, key: str) -> None:
        with self._guard:
            entry = self._local[key]
            entry.lock.release()
            self._forget(key, entry)

    def _forget(self, key: str, entry: _Counted) -> None:
        entry.users -= 1
        if entry.users == 0:
            del self._local[key]

    def _take_shared(self, keys: Sequence[str], owner: str, deadline: datetime) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            now = self._context.clock.now()
            with self._context.store.lease(self._context.tenant) as uow:
                owed = list(self._owed)
                for owed_keys, owed_owner in owed:
                    uow.locks.release(owed_keys, owed_owner)
                if uow.locks.acquire(keys, owner, now + LEASE, now):
                    uow.commit()
                    with self._guard:
                        self._owed = [item for item in self._owed if item not in owed]
                    return
            if now >= deadline:
                raise _conflict(keys[0])
            self._context.clock.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


class _Counted:
    """A lock and the number of threads that hold it or wait for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.users = 0


def _conflict(key: str) -> ConflictingWriteError:
    return ConflictingWriteError(
        f"Another request is changing {key.partition(':')[2]}; it is temporarily unavailable for "
        "writing. Send the request again.",
        retry_after_s=5,
    )
