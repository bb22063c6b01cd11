"""A load generator that costs little: raw sockets, ready-made requests, one thread.

It runs in a process of its own. Each connection keeps alive and sends its next request when the
answer to the last one is complete.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from statistics import median

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_BUFFER_BYTES = 1 << 18
_PATIENCE_S = 60.0
"""Longest silence of the server before the benchmark gives up."""


@dataclass(frozen=True)
class Load:
    """What to send."""

    port: int
    lanes: Sequence[Sequence[bytes]]
    """The requests of each connection."""
    seconds: float
    """No request is sent after this time."""
    repeat: bool = True
    """Whether a connection begins again after its last request."""
    limit: int = 100_000
    """The most requests of one connection."""


@dataclass
class Sample:
    """What came back."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending a request to the last byte of its answer."""
    body_bytes: int = 0
    failures: int = 0
    failure: str = ""
    """The first answer that was not 2xx."""
    rounds: list[float] = field(default_factory=list)
    """Requests a second of each run, in order."""

    def add(self, other: Sample) -> None:
        """Join what another run of the same load brought."""
        self.rounds.append(other.per_second)
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.body_bytes += other.body_bytes
        self.failures += other.failures
        self.failure = self.failure or other.failure

    @property
    def per_second(self) -> float:
        """Requests a second over all connections."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def ratio_to(self, other: Sample) -> float:
        """Return how many times as many requests a second there were as of another load that ran
        in the same rounds: the median, since a busy moment of the machine falls on one of them."""
        return median(own / its for own, its in zip(self.rounds, other.rounds, strict=True))

    def percentile_ms(self, percent: float) -> float:
        """Return the latency in milliseconds that so many per cent of the requests kept."""
        ordered = sorted(self.latencies)
        if not ordered:
            return 0.0
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def run(load: Load) -> Sample:
    """Send a load and return what came back.

    :raises OSError: the server closed a connection, broke the framing or fell silent.
    """
    sample = Sample()
    with selectors.DefaultSelector() as selector:
        lanes = [_Lane(load, requests) for requests in load.lanes if requests]
        for lane in lanes:
            selector.register(lane.socket, selectors.EVENT_READ, lane)
        started = time.perf_counter()
        deadline = started + load.seconds
        busy = sum(lane.send() for lane in lanes)
        while busy:
            ready = selector.select(_PATIENCE_S)
            if not ready:
                raise OSError("The server has not answered for a minute.")
            for key, _ in ready:
                if key.data.receive(sample):
                    busy -= time.perf_counter() >= deadline or not key.data.send()
        sample.seconds = time.perf_counter() - started
        for lane in lanes:
            lane.socket.close()
    return sample


class _Lane:
    """One connection and the requests that go through it."""

    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        again: Iterator[bytes] = chain(requests, cycle(requests)) if load.repeat else iter(requests)
        self._requests = islice(again, load.limit)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._sent_at = 0.0
        self._head = b""
        self._missing = 0
        self.socket = socket.create_connection(("127.0.0.1", load.port), _PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self) -> bool:
        """Send the next request; return whether there was one."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._head, self._missing = b"", 0
        self._sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self, sample: Sample) -> bool:
        """Read what is there; return whether the answer is complete."""
        count = self.socket.recv_into(self._buffer)
        if not count:
            raise OSError("The server closed a connection.")
        if self._missing:
            self._missing -= count
        elif not self._begin(bytes(self._buffer[:count]), sample):
            return False
        if self._missing < 0:
            raise OSError("The server sent more than it announced.")
        if self._missing:
            return False
        sample.latencies.append(time.perf_counter() - self._sent_at)
        return True

    def _begin(self, data: bytes, sample: Sample) -> bool:
        """Read the head of an answer; return whether all of it is there."""
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return False
        announced = _CONTENT_LENGTH.search(self._head, 0, end + 2)
        length = int(announced[1]) if announced else 0
        self._missing = length - (len(self._head) - end - 4)
        sample.body_bytes += length
        if self._head[9:10] != b"2":
            sample.failures += 1
            sample.failure = sample.failure or self._head[:600].decode("utf-8", "replace")
        return True
