"""Access tokens: cached, renewed early, by one thread, whatever the grant."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from connector.docusign.errors import UnavailableError
from connector.docusign.hosts import Hosts
from connector.docusign.jwt_grant import JWT_GRANT, JwtGranter
from connector.docusign.tokens import Grant, Granter, Subject, TokenEndpoint
from connector.docusign.transport import Transport
from connector.domain.consent.state import TokenOutcome
from connector.errors import ConnectorError
from connector.patience import is_too_late, left_s, waiting
from connector.ports import Clock, TokenListener
from connector.settings import DocusignSettings

__all__ = ["JWT_GRANT", "Subject", "TokenSource"]

_log = structlog.get_logger(__name__)

_REMEMBER_FAILURE = timedelta(seconds=5)
"""While a refusal is this fresh, nobody asks again: not a thousand threads, one after another."""
_EARLY_S = 2.0
"""Whoever waits for an answer, and has a token that works, waits no longer for a new one."""


@dataclass
class _Slot:
    """The token of one subject. The lock is held by who renews."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    grant: Grant | None = None
    failure: ConnectorError | None = None
    failed_at: datetime | None = None
    failed_early_at: datetime | None = None
    """When a new token could not be had while the old one was still good."""
    invalidated: bool = False
    """Whether DocuSign refused the last token: one that others still hold is no better."""


class TokenSource:
    """Gives access tokens of one integration key to any thread.

    Tokens come by JWT grant, shared by the tenants that have the same service user, unless
    :meth:`use` names another way for a tenant.
    """

    def __init__(
        self,
        settings: DocusignSettings,
        hosts: Hosts,
        transport: Transport,
        clock: Clock,
        listener: TokenListener | None = None,
    ) -> None:
        """:param listener: hears every answer of the token endpoint."""
        self._clock = clock
        self._listener = listener
        self._jwt = JwtGranter(settings, hosts, TokenEndpoint(settings, hosts, transport))
        self._granters: dict[str, Granter] = {}
        self._slots: dict[tuple[str, Subject], _Slot] = {}
        self._lock = threading.Lock()

    def use(self, tenant: str, granter: Granter | None) -> None:
        """Let a tenant's tokens come in another way; None: by JWT grant."""
        with self._lock:
            # What was got in another way, or by who connected before, is used no longer.
            self._slots = {key: slot for key, slot in self._slots.items() if key[0] != tenant}
        if granter is None:
            self._granters.pop(tenant, None)
        else:
            self._granters[tenant] = granter

    def token(self, subject: Subject, tenant: str = "") -> str:
        """Return a token that is valid for a while longer.

        One thread renews; the others go on with the old token as long as it is valid.

        :param tenant: for whom, in the audit.

        :raises ConsentRequiredError: and the other errors of the token endpoint.
        :raises UnavailableError: the token endpoint does not answer.
        """
        slot = self._slot(subject, tenant)
        grant, now = slot.grant, self._clock.now()
        if grant is not None and now < grant.renew_at:
            return grant.token
        if grant is not None and now < grant.expires_at:
            return self._renewed_if_free(subject, slot, grant, tenant)
        with _held(slot.lock):
            grant = slot.grant
            if grant is None or self._clock.now() >= grant.renew_at:
                grant = self._renew(subject, slot, tenant)
            return grant.token

    def request(self, subject: Subject, tenant: str = "") -> frozenset[str]:
        """Ask for a new token whatever is known, and return the scopes that it has.

        What is learned counts at once: the token is used from now on, and a refusal that was
        remembered is forgotten.

        :raises ConsentRequiredError: and the other errors of the token endpoint.
        :raises UnavailableError: another thread waits for the token endpoint for longer.
        """
        slot = self._slot(subject, tenant)
        grant = self._request(subject, self._clock.now(), tenant, anew=True)
        with _held(slot.lock):
            slot.grant, slot.failure = grant, None
        self._forget_failures(subject, tenant)
        return grant.scopes

    def _forget_failures(self, subject: Subject, tenant: str) -> None:
        """What works for some scopes may work for others: let them be asked for at once."""
        owner = tenant if tenant in self._granters else ""
        with self._lock:
            slots = list(self._slots.items())
        for (of, other), slot in slots:
            if of == owner and other.user_id == subject.user_id:
                slot.failure = None

    def try_out(self, subject: Subject, tenant: str = "") -> frozenset[str]:
        """Ask whether there is a token for somebody, return its scopes, and throw it away.

        :raises ConsentRequiredError: and the other errors of the token endpoint.
        """
        granter = self._granters.get(tenant, self._jwt)
        return granter.grant(subject, self._clock.now(), tenant, anew=True).scopes

    @property
    def uses_previous_key(self) -> bool:
        """Whether DocuSign accepted the key before, and not the one that replaces it."""
        return self._jwt.uses_previous_key

    def invalidate(self, subject: Subject, token: str, tenant: str = "") -> None:
        """Forget a token that DocuSign refused, unless it was replaced meanwhile.

        It is not forgotten where another thread renews it for longer than somebody waits here.
        """
        slot = self._slot(subject, tenant)
        # An error here would stand in the place of what the call came to, which may be in doubt.
        with suppress(UnavailableError), _held(slot.lock):
            if slot.grant is not None and slot.grant.token == token:
                slot.grant, slot.invalidated = None, True

    def _slot(self, subject: Subject, tenant: str) -> _Slot:
        # What one customer's person connected is no other customer's.
        owner = tenant if tenant in self._granters else ""
        with self._lock:
            return self._slots.setdefault((owner, subject), _Slot())

    def _renewed_if_free(self, subject: Subject, slot: _Slot, grant: Grant, tenant: str) -> str:
        """Renew unless another thread does; a failure waits until the old token is of no use."""
        if _is_fresh(slot.failed_early_at, self._clock.now()):
            return grant.token
        if not slot.lock.acquire(blocking=False):
            return grant.token
        try:
            if slot.grant is not grant and slot.grant is not None:
                return slot.grant.token
            with self._early(tenant):
                return self._renew(subject, slot, tenant).token
        except ConnectorError as error:
            slot.failed_early_at = self._clock.now()
            _log.warning("docusign token renewal failed", error=type(error).__name__)
            return grant.token
        finally:
            slot.lock.release()

    def _early(self, tenant: str) -> AbstractContextManager[None]:
        """Leave most of the time to the call for which the token is."""
        left = left_s()
        # A refresh token may work once only: an answer that nobody waited for would be lost.
        if left is None or tenant in self._granters:
            return nullcontext()
        # Connecting and reading may take so long each.
        return waiting(min(_EARLY_S, left / 3))

    def _renew(self, subject: Subject, slot: _Slot, tenant: str) -> Grant:
        now = self._clock.now()
        if slot.failure is not None:
            if _is_fresh(slot.failed_at, now):
                # Two tenants may have one service user, and each has to know.
                self._tell_of(slot.failure, subject, now, tenant)
                # A copy: threads must not share one traceback.
                raise copy.copy(slot.failure)
            slot.failure = None
        anew = slot.grant is None and slot.invalidated
        try:
            slot.grant = self._request(subject, now, tenant, anew=anew)
        except ConnectorError as error:
            if not is_too_late():
                # Who ran out of time says nothing about those who have some.
                slot.failure, slot.failed_at = copy.copy(error), now
            raise
        slot.invalidated = False
        return slot.grant

    def _request(self, subject: Subject, now: datetime, tenant: str, *, anew: bool) -> Grant:
        granter = self._granters.get(tenant, self._jwt)
        try:
            grant = granter.grant(subject, now, tenant, anew=anew)
        except ConnectorError as error:
            self._tell_of(error, subject, now, tenant)
            raise
        self._tell(tenant, TokenOutcome(subject.user_id, subject.scopes, now, grant.scopes))
        return grant

    def _tell_of(self, error: ConnectorError, subject: Subject, now: datetime, tenant: str) -> None:
        trouble, said = error.trouble or "", str(error)
        outcome = TokenOutcome(subject.user_id, subject.scopes, now, trouble=trouble, said=said)
        if trouble:
            self._tell(tenant, outcome)

    def _tell(self, tenant: str, outcome: TokenOutcome) -> None:
        if self._listener is not None and tenant:
            self._listener.answered(tenant, outcome)


def _is_fresh(failed_at: datetime | None, now: datetime) -> bool:
    return failed_at is not None and now - failed_at < _REMEMBER_FAILURE


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock, for which nobody waits longer than for the answer.

    :raises UnavailableError: another thread still waits for DocuSign under it.
    """
    left = left_s()
    if not lock.acquire(timeout=-1 if left is None else left):
        error = UnavailableError(
            "DocuSign has not answered a request for an access token in the time that a request "
            "waits (provisioning.wait_s)."
        )
        error.nothing_sent = True
        raise error
    try:
        yield
    finally:
        lock.release()
