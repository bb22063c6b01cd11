"""Child processes that end with us, and waiting until something answers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import structlog

from connector.errors import PermanentError
from connector.parentage import PARENT_VARIABLE

_log = structlog.get_logger(__name__)

_END_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.5
_START_AGAIN_AFTER_S = 3.0
"""So that one which cannot start does not keep the machine busy."""


def require_free_port(host: str, port: int) -> None:
    """Let a server start on a port that nobody listens on.

    The web server shares its port between workers (SO_REUSEPORT), so the system would let a second
    server in and give each a part of the requests.

    :raises PermanentError: the port is taken, or the address is not this machine's.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PermanentError(
                f"Cannot listen on {host}:{port}: {error.strerror}. End the program that uses it, "
                "or choose another port (server.port; `demo --port`)."
            ) from error


class Child:
    """One of our own modules in a process of its own, ended by its process id.

    It learns whose child it is, see :func:`connector.parentage.end_with_parent`.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        log: Path | None = None,
    ) -> None:
        self.name = name
        self._log = log
        output = log.open("ab") if log else None
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- fixed program, no shell
                [sys.executable, "-m", *arguments],
                env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                # Ctrl-C reaches the parent alone, which then ends its children in order.
                start_new_session=True,
            )
        finally:
            if output is not None:
                output.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it politely, and by force if that takes too long."""
        if self.is_running():
            self._process.terminate()
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until it answers.

        :raises PermanentError: it ended, or did not answer in time; its last words are quoted.
        """
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_running():
                raise PermanentError(f"The {self.name} ended while starting. {self._last_words()}")
            if time.monotonic() > deadline:
                raise PermanentError(
                    f"The {self.name} did not answer within {timeout_s:g} s. {self._last_words()}"
                )
            time.sleep(0.05)

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        lines = self._log.read_text(errors="replace").splitlines()[-8:]
        return f"Its log {self._log} ends:\n" + "\n".join(lines)


class Keeper:
    """Keeps a child running: one that ends by itself is started anew after a pause."""

    def __init__(self, start: Callable[[], Child]) -> None:
        self._start = start
        self._child = start()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the child, for good."""
        self._stop.set()
        self._thread.join()
        self._child.stop()

    def _keep(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            if not self._child.is_running():
                _log.warning("a child process ended and is started anew", process=self._child.name)
                if not self._stop.wait(_START_AGAIN_AFTER_S):
                    self._child = self._start()


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
