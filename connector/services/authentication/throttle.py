"""Stops counting on luck: after repeated failures an address or a client has to wait.

A right credential passes all the same. Refusing it would let anybody lock out a client by its name,
or everybody behind one proxy, and protect nothing: a secret has 256 random bits. The throttle makes
broken clients wait and tells operators of them. It counts in this process; several workers allow as
many times the failures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import structlog
from cachetools import LRUCache

from connector.domain.audit.events import AuditEvent
from connector.errors import ConnectorError, TemporaryError
from connector.ports import Clock, Store
from connector.services.authentication.api_clients import InvalidTokenError

_log = structlog.get_logger(__name__)

MAX_FAILURES = 20
WINDOW = timedelta(seconds=60)
"""Failures are counted for this long; whoever had too many waits until it is over."""
_REMEMBERED = 10_000

Key = tuple[str, str]


class TooManyFailuresError(TemporaryError):
    """The address or the client failed too often."""


@dataclass
class _Count:
    ends_at: datetime
    failures: int = 0


class Throttle:
    """Failures to authenticate, by tenant and address or client name. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, is_tenant: Callable[[str], bool]) -> None:
        """:param is_tenant: whether there is a tenant of this name."""
        self._store = store
        self._clock = clock
        self._is_tenant = is_tenant
        self._counts: LRUCache[Key, _Count] = LRUCache(_REMEMBERED)
        self._lock = threading.Lock()

    @contextmanager
    def watching(self, tenant: str, address: str, client_id: str = "") -> Iterator[None]:
        """Count an :class:`InvalidTokenError` of the block against the address and the client.

        :raises TooManyFailuresError: instead, where one of them had too many.
        """
        try:
            yield
        except InvalidTokenError:
            subjects = [f"address:{network_of(address)}"] if address else []
            subjects += [f"client:{client_id[:64]}"] if client_id else []
            keys = [(tenant, subject) for subject in subjects]
            self._check(keys)
            for key in keys:
                if self._count(key) == MAX_FAILURES:
                    self._record(key)
            raise

    def _check(self, keys: list[Key]) -> None:
        now = self._clock.now()
        with self._lock:
            for key in keys:
                count = self._counts.get(key)
                if count and count.failures >= MAX_FAILURES and count.ends_at > now:
                    raise TooManyFailuresError(
                        "Too many requests with a wrong credential (429); repeat later.",
                        retry_after_s=(count.ends_at - now).total_seconds(),
                    )

    def _count(self, key: Key) -> int:
        now = self._clock.now()
        with self._lock:
            count = self._counts.get(key)
            if count is None or count.ends_at <= now:
                count = self._counts[key] = _Count(now + WINDOW)
            count.failures += 1
            if count.failures == MAX_FAILURES:
                count.ends_at = now + WINDOW
            return count.failures

    def _record(self, key: Key) -> None:
        tenant, subject = key
        _log.warning("throttled after repeated failures", tenant=tenant[:64], subject=subject)
        if not self._is_tenant(tenant):
            # Who may be anybody would begin an audit trail for each name that is made up.
            return
        event = AuditEvent(
            at=self._clock.now(),
            actor=subject,
            action="client.throttled",
            subject=subject,
            correlation_id=uuid4().hex,
        )
        try:
            with self._store.write(tenant) as unit:
                unit.audit.append(event)
                unit.commit()
        except ConnectorError as error:
            _log.warning("could not record the throttling", cause=str(error))


def network_of(address: str) -> str:
    """Return the address as it is counted, of IPv6 the network that one subscriber usually has."""
    if ":" not in address:
        return address
    try:
        return str(ip_network(f"{address}/64", strict=False))
    except ValueError:
        return address
