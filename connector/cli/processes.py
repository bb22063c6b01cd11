"""Child processes that end with us, and waiting until something answers."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from connector.errors import PermanentError

_END_WITHIN_S = 15.0


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
    """One of our own modules in a process of its own, ended by its process id."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.name = name
        self._log = log
        output = log.open("ab") if log else None
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- fixed program, no shell
                [sys.executable, "-m", *arguments],
                env=dict(environment) if environment else None,
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
