"""Searches that take long leave threads to everything else, and are fair to whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from connector.errors import TemporaryError
from connector.web.slow_searches import SlowSearches
from connector.web.slow_writes import SlowWrites

WITHIN_S = 30
"""For what happens at once, on a machine that is busy."""


class Searching:
    """Searches of clients, each over when it is told to end."""

    def __init__(self, threads: int = 8, wait_s: float = WITHIN_S) -> None:
        self.lent = 0
        self.lends = True
        self.places = SlowSearches(threads, wait_s, self._lend, self._take_back)
        self.begun: list[str] = []
        self.refused: list[str] = []
        self._ends: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def _lend(self) -> bool:
        self.lent += self.lends
        return self.lends

    def _take_back(self) -> None:
        self.lent -= 1

    def ask(self, name: str) -> None:
        """Begin a search, named by its client's letter and a number, in a thread of its own; return
        once it searches, waits or was refused."""
        before = self._settled()
        self._ends[name] = threading.Event()
        self._threads.append(threading.Thread(target=self._search, args=(name,)))
        self._threads[-1].start()
        eventually(lambda: self._settled() > before)

    def _search(self, name: str) -> None:
        try:
            with self.places.place(name[0]):
                self.begun.append(name)
                self._ends[name].wait(WITHIN_S)
        except TemporaryError as error:
            assert "server.threads" in str(error) and error.retry_after_s > 0
            self.refused.append(name)

    def _settled(self) -> int:
        waiting = sum(map(len, list(self.places._waiting.values())))
        return len(self.begun) + len(self.refused) + waiting

    def end(self, name: str) -> None:
        """End a search, and return once its place is another's or nobody's."""
        inside = self.places._inside
        self._ends[name].set()
        eventually(lambda: self.places._inside < inside)

    def end_all(self) -> None:
        """End everything."""
        for end in self._ends.values():
            end.set()
        for thread in self._threads:
            thread.join(WITHIN_S)
            assert not thread.is_alive()


@pytest.fixture
def searching() -> Iterator[Searching]:
    made = Searching()
    yield made
    made.end_all()
    assert (made.lent, made.places._inside) == (0, 0)
    assert not made.places.has_some("a")


def eventually(is_so) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def test_a_client_searches_once_at_a_time(searching):
    for name in ("a1", "a2", "b1"):
        searching.ask(name)
    assert searching.begun == ["a1", "b1"]
    assert searching.places.has_some("a") and searching.places.has_some("b")
    assert not searching.places.has_some("c")
    searching.end("b1")
    assert searching.begun == ["a1", "b1"]
    searching.end("a1")
    eventually(lambda: searching.begun == ["a1", "b1", "a2"])


def test_clients_take_turns(searching):
    for name in ("a1", "b1", "a2", "c1"):
        searching.ask(name)
    assert searching.begun == ["a1", "b1"]
    searching.end("a1")
    # Not a2, though it has waited longer: its client has just had a turn.
    eventually(lambda: searching.begun == ["a1", "b1", "c1"])
    searching.end("b1")
    eventually(lambda: searching.begun == ["a1", "b1", "c1", "a2"])


def test_half_of_the_threads_search_or_wait_at_most(searching):
    for number in range(6):
        searching.ask(f"a{number}")
    assert (searching.begun, searching.refused) == (["a0"], ["a4", "a5"])
    assert searching.lent == 3


def test_whoever_has_less_takes_the_place_of_one_who_waits(searching):
    for name in ("a1", "a2", "a3", "a4", "b1"):
        searching.ask(name)
    eventually(lambda: searching.refused == ["a4"])
    assert searching.begun == ["a1", "b1"]
    searching.ask("b2")  # Two each.
    eventually(lambda: searching.refused == ["a4", "a3"])
    searching.ask("b3")
    assert searching.refused == ["a4", "a3", "b3"]
    assert searching.lent == 3


def test_places_that_wait_for_docusign_are_not_taken(searching):
    searching.lends = False
    searching.ask("a1")
    searching.ask("b1")
    assert (searching.begun, searching.refused, searching.lent) == (["a1"], ["b1"], 0)
    searching.lends = True
    searching.ask("b2")
    assert searching.begun == ["a1", "b2"]


def test_nobody_waits_for_ever():
    searching = Searching(wait_s=0.05)
    for name in ("a1", "a2"):
        searching.ask(name)
    eventually(lambda: searching.refused == ["a2"])
    assert (searching.lent, searching.places._inside) == (0, 1)
    searching.end_all()


def test_writes_and_searches_together_leave_a_thread():
    writes = SlowWrites(lambda _environ, _start: [], threads=8)
    searches = SlowSearches(8, 0, writes.lend, writes.take_back)
    with searches.place("a"), searches.place("b"):
        taken = 0
        while writes.lend():
            taken += 1
        assert 2 + taken == 7
