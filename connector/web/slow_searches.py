"""Keeps threads free while searches take long that no index answers.

They compute all the time, and the threads of a worker share one processor: two at once serve
nobody worse than ten would, and a client that has one running waits with its next. Whoever waits
holds a thread too. So half of the threads search or wait for it at most, all but the first of them
in places of those who wait for DocuSign (:mod:`connector.web.slow_writes`), and a thread is free
for everybody else whatever comes together. Where all places are taken, whoever has fewer of them
than another takes over one in which that one waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector.errors import TemporaryError

AT_ONCE = 2
"""With one alone, a search of a second would wait for one of ten."""
_RETRY_AFTER_S = 5.0
_TOO_MANY = (
    "As many searches as this process takes at once take long (server.threads), because no index "
    "answers them; this one is temporarily unavailable. Ask one after the other, narrow them by a "
    "comparison that an index answers, such as userName eq, or repeat it later."
)


class _Waiting:
    """Somebody who waits for a turn."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.may_search = False


class SlowSearches:
    """The places of a worker; see :class:`connector.store.long_searches.SearchPlaces`."""

    def __init__(
        self,
        threads: int,
        wait_s: float,
        lend: Callable[[], bool],
        take_back: Callable[[], None],
    ) -> None:
        """
        :param threads: the threads of the worker.
        :param wait_s: how long a search waits for its turn.
        :param lend: takes a place of those who wait for DocuSign, and returns whether one is free.
        :param take_back: gives such a place back.
        """
        self._most = max(1, threads // 2)
        self._wait_s = wait_s
        self._lend, self._take_back = lend, take_back
        self._guard = threading.Lock()
        self._inside = 0
        """How many search or wait. All but one have a lent place."""
        self._searching: set[str] = set()
        self._waiting: dict[str, deque[_Waiting]] = {}
        """By who asks, in the order of their turns."""

    def has_some(self, whom: str) -> bool:
        """Return whether somebody has a place, or waits for one."""
        return whom in self._searching or whom in self._waiting

    @contextmanager
    def place(self, whom: str) -> Iterator[None]:
        """Have a place in the block.

        :raises TemporaryError: there is none, or no turn in time.
        """
        self._enter(whom)
        try:
            yield
        finally:
            self._leave(whom)

    def _enter(self, whom: str) -> None:
        with self._guard:
            self._come_in(whom)
            if whom not in self._searching and len(self._searching) < AT_ONCE:
                self._searching.add(whom)
                return
            waiting = _Waiting()
            self._waiting.setdefault(whom, deque()).append(waiting)
        waiting.told.wait(self._wait_s)
        with self._guard:
            if waiting.may_search:
                return
            if not waiting.told.is_set():
                self._remove(whom, waiting)
                self._go_out()
        raise _too_many()

    def _come_in(self, whom: str) -> None:
        if self._inside < self._most and (not self._inside or self._lend()):
            self._inside += 1
            return
        most = max(self._waiting, key=self._held, default=whom)
        # The place stays taken, by another.
        if self._held(most) <= self._held(whom) + 1:
            raise _too_many()
        last = self._waiting[most][-1]
        self._remove(most, last)
        last.told.set()

    def _held(self, whom: str) -> int:
        return len(self._waiting.get(whom, ())) + (whom in self._searching)

    def _remove(self, whom: str, waiting: _Waiting) -> None:
        self._waiting[whom].remove(waiting)
        if not self._waiting[whom]:
            del self._waiting[whom]

    def _go_out(self) -> None:
        self._inside -= 1
        if self._inside:
            self._take_back()

    def _leave(self, whom: str) -> None:
        with self._guard:
            self._searching.discard(whom)
            self._go_out()
            if whom in self._waiting:
                # Whoever had a turn is behind the others.
                self._waiting[whom] = self._waiting.pop(whom)
            self._call_next()

    def _call_next(self) -> None:
        following = next((name for name in self._waiting if name not in self._searching), None)
        if following is None:
            return
        waiting = self._waiting[following][0]
        self._remove(following, waiting)
        self._searching.add(following)
        waiting.may_search = True
        waiting.told.set()


def _too_many() -> TemporaryError:
    return TemporaryError(_TOO_MANY, retry_after_s=_RETRY_AFTER_S)
