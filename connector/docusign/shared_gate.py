"""One gate for each account, shared by all processes through the database.

Each process keeps to what it knows and tells the others every few seconds: one transaction for many
calls. It is written in a thread of its own, because a call may be made while the caller holds the
database's one turn to write.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connector.docusign.limits import LimitGate, rate_limited
from connector.domain.budget import BudgetState, CallCount, Shares, hour_end, hour_start
from connector.domain.writing import counted
from connector.errors import ConnectorError
from connector.ports import Clock, Store
from connector.progress import go_on
from connector.purpose import Purpose, current_purpose

_log = structlog.get_logger(__name__)

_TELL_EVERY_S = 2.0
_KEEP_COUNTS = timedelta(days=32)
_Key = tuple[str, str]
"""(tenant, budget)."""


class SharedGate(LimitGate):
    """A :class:`connector.docusign.limits.Gate` over the database. Thread-safe."""

    def __init__(self, clock: Clock, store: Store, shares: Callable[[str], Shares]) -> None:
        """:param shares: from a tenant's name to whose are the calls of its hours."""
        super().__init__(clock)
        self._store = store
        self._shares = shares
        self._guard = threading.Lock()
        self._told: dict[_Key, BudgetState] = {}
        self._untold: set[_Key] = set()
        self._counts: Counter[tuple[str, str, datetime, str, bool]] = Counter()
        self._used: dict[tuple[str, str, datetime], int] = {}
        self._read_at: dict[str, float] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._teller: threading.Thread | None = None

    def check(self, budget: str, tenant: str = "", called: str = "") -> None:
        """Let a call pass, or tell when it may; background work leaves the reserve alone.

        :raises StoppedError: the process is being stopped, and the call is a job's.
        :raises RateLimitedError: the budget is used up, or what is left is kept for changes.
        """
        go_on()
        self._hear(tenant)
        super().check(budget, tenant, called)
        purpose = current_purpose()
        if purpose.can_wait:
            self._check_reserve(tenant, budget, purpose, called or budget)
            if (pause_s := self.pause_s(budget)) > 0:
                self._clock.sleep(pause_s)

    def learn(self, budget: str, headers: Mapping[str, str], tenant: str = "") -> None:
        """Count a call, and take in what its answer says of the limits."""
        super().learn(budget, headers, tenant)
        now = self._clock.now()
        hour = hour_start(now)
        with self._guard:
            self._counts[tenant, budget, hour, current_purpose(), False] += 1
            used = self._used.get((tenant, budget, hour), 0)
            self._used[tenant, budget, hour] = used + 1
            self._note(tenant, budget, now, headers)
        self._tell_soon()

    def exceeded(self, budget: str, code: str, status: int, tenant: str = "") -> float:
        """Close a budget for all processes; return the seconds to wait."""
        wait_s = super().exceeded(budget, code, status, tenant)
        now = self._clock.now()
        with self._guard:
            self._counts[tenant, budget, hour_start(now), current_purpose(), True] += 1
            known = self._told.get((tenant, budget)) or BudgetState(budget, now)
            self._told[tenant, budget] = replace(known, seen_at=now, **self._closings(budget))
            self._untold.add((tenant, budget))
        self._tell_soon()
        return wait_s

    def flush(self) -> None:
        """Tell the database what it has not heard yet. Where it refuses, it hears it later."""
        with self._guard:
            tenants = {key[0] for key in self._counts} | {key[0] for key in self._untold}
        for tenant in tenants:
            self._tell(tenant)

    def close(self) -> None:
        """Stop telling; what is left is told now."""
        self._stop.set()
        self._wake.set()
        if self._teller is not None:
            self._teller.join()
            self._teller = None
        self.flush()

    # deciding -----------------------------------------------------------------

    def _check_reserve(self, tenant: str, budget: str, purpose: Purpose, whose: str) -> None:
        now = self._clock.now()
        with self._guard:
            state = self._told.get((tenant, budget))
            used = self._used.get((tenant, budget, hour_start(now)), 0)
        state = state.current(now) if state else None
        if self._shares(tenant).background_left(state, used) > 0:
            return
        until = (state.reset_at if state else None) or hour_end(now)
        wait_s = max(1.0, (until - now).total_seconds())
        raise rate_limited(
            f"What is left of this hour's DocuSign API calls of {whose} is kept for changes, so "
            f"{purpose} pauses ({counted(used, 'call')} of ours in this hour). It may go on in "
            f"{wait_s:.0f} s. See `docusign-iga budget`.",
            wait_s,
        )

    def _note(self, tenant: str, budget: str, now: datetime, headers: Mapping[str, str]) -> None:
        limit, remaining = _number(headers, "Limit"), _number(headers, "Remaining")
        if remaining is None:
            return
        known = self._told.get((tenant, budget)) or BudgetState(budget, now)
        self._told[tenant, budget] = replace(
            known,
            seen_at=now,
            call_limit=limit or known.call_limit,
            remaining=remaining,
            reset_at=self._reset_at.get(budget),
            # The last call of an hour closes it as a refusal does.
            **self._closings(budget),
        )
        self._untold.add((tenant, budget))

    # hearing and telling ------------------------------------------------------

    def _hear(self, tenant: str) -> None:
        """Take in what other processes told, a few seconds old at most."""
        if time.monotonic() - self._read_at.get(tenant, -_TELL_EVERY_S) < _TELL_EVERY_S:
            return
        self._read_at[tenant] = time.monotonic()
        now = self._clock.now()
        try:
            with self._store.read(tenant) as uow:
                states, counts = uow.budgets.states(), uow.budgets.calls(hour_start(now))
        except ConnectorError as error:
            _log.warning("the shared budget cannot be read", error=str(error))
            return
        self._take_in(tenant, states, counts)

    def _take_in(
        self, tenant: str, states: Mapping[str, BudgetState], counts: Sequence[CallCount]
    ) -> None:
        with self._guard:
            for name, state in states.items():
                known = self._told.get((tenant, name))
                if known is None or known.seen_at < state.seen_at:
                    self._told[tenant, name] = state
                self._close(state)
            used: Counter[tuple[str, str, datetime]] = Counter()
            for count in counts:
                used[tenant, count.budget, count.hour] += count.calls
            for (own_tenant, budget, hour, _, is_refused), number in self._counts.items():
                if own_tenant == tenant and not is_refused:
                    used[tenant, budget, hour] += number
            others = {key: number for key, number in self._used.items() if key[0] != tenant}
            self._used = {**others, **used}

    def _tell_soon(self) -> None:
        self._wake.set()
        if self._teller is None:
            with self._guard:
                if self._teller is None and not self._stop.is_set():
                    self._teller = threading.Thread(
                        target=self._keep_telling, name="budget", daemon=True
                    )
                    self._teller.start()

    def _keep_telling(self) -> None:
        while not self._stop.wait(_TELL_EVERY_S):
            self._wake.wait()
            self._wake.clear()
            if not self._stop.is_set():
                self.flush()

    def _tell(self, tenant: str) -> None:
        with self._guard:
            counts = {key: number for key, number in self._counts.items() if key[0] == tenant}
            keys = [key for key in self._untold if key[0] == tenant]
            states = [self._told[key] for key in keys]
            for key in counts:
                del self._counts[key]
            self._untold.difference_update(keys)
        try:
            with self._store.write(tenant) as uow:
                uow.budgets.put_states(states)
                uow.budgets.add_calls(_call_counts(counts))
                uow.budgets.forget_calls(self._clock.now() - _KEEP_COUNTS)
                uow.commit()
        except ConnectorError as error:
            _log.warning("the shared budget cannot be written", error=str(error))
            with self._guard:
                self._counts.update(counts)
                self._untold.update(keys)


def _call_counts(
    counts: Mapping[tuple[str, str, datetime, str, bool], int],
) -> list[CallCount]:
    places = sorted({key[1:4] for key in counts})
    by_place = {key[1:]: number for key, number in counts.items()}
    return [
        CallCount(
            budget,
            hour,
            purpose,
            by_place.get((budget, hour, purpose, False), 0),
            by_place.get((budget, hour, purpose, True), 0),
        )
        for budget, hour, purpose in places
    ]


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(f"X-RateLimit-{name}", "").strip()
    return int(text) if text.isascii() and text.isdigit() else None
