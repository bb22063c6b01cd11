"""Which processes run with another version of their configuration file than it has now.

The file is read at start alone. A command reads it anew, and would go by other rules than the
server without anybody knowing.
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from connector.domain.tenants.records import INSTALLATION
from connector.errors import TemporaryError
from connector.parentage import has_ended, machine
from connector.ports import Clock, RunningProcess, Store

_log = structlog.get_logger(__name__)

SEEN_EVERY_S = 30.0
GONE_AFTER = timedelta(minutes=2)
"""Not seen for so long, which is several times :data:`SEEN_EVERY_S`, a process is gone."""
_NAMES = {"serve": "`serve`", "jobs": "The jobs process (of `serve`, or a `worker`)"}


def absolute(path: Path) -> str:
    """Return the path of a configuration file as every process writes it."""
    return str(path.resolve())


def checksum_of(path: Path) -> str:
    """Return what tells the text of a configuration file from any other; empty where it cannot be
    read.

    Of the text, and not of the settings that come of it: those have the environment in them, which
    is another one in every shell.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


class Heartbeat:
    """Keeps the row of this process as long as it lives."""

    def __init__(self, store: Store, clock: Clock, process: RunningProcess) -> None:
        self._store = store
        self._clock = clock
        self._process = process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @classmethod
    def of_this(
        cls, store: Store, clock: Clock, process_id: str, role: str, path: Path
    ) -> Heartbeat:
        """Return that of the process that asks, which has read the configuration file at *path*."""
        now = clock.now()
        process = RunningProcess(
            process_id,
            role,
            socket.gethostname(),
            machine(),
            os.getpid(),
            absolute(path),
            checksum_of(path),
            started_at=now,
            seen_at=now,
        )
        return cls(store, clock, process)

    def start(self) -> None:
        """Tell of the process, now and every :data:`SEEN_EVERY_S`."""
        self.tell()
        self._thread.start()

    def stop(self) -> None:
        """Tell that the process ends."""
        self._stop.set()
        self._thread.join()
        try:
            with self._store.write(INSTALLATION) as uow:
                uow.processes.remove(self._process.process_id)
                uow.commit()
        except TemporaryError as error:
            _log.info("the end of this process is not in the database", error=str(error))

    def tell(self) -> None:
        """Write that the process lives; forget those that are gone."""
        now = self._clock.now()
        try:
            with self._store.write(INSTALLATION) as uow:
                uow.processes.forget_unseen(now - GONE_AFTER)
                uow.processes.put(replace(self._process, seen_at=now))
                uow.commit()
        except TemporaryError as error:  # Told again soon; the work goes on without it.
            _log.info("this process cannot be told of in the database", error=str(error))

    def _beat(self) -> None:
        while not self._stop.wait(SEEN_EVERY_S):
            self.tell()


def outdated(store: Store, checksum: str, path: Path, now: datetime) -> Sequence[str]:
    """Return, in words, which processes read this file when it said something else.

    Those with a file of another path are not told: that is another configuration, and meant.

    :param checksum: of the file at *path* as it is now; empty where nobody could read it, and
        nothing is told.
    """
    if not checksum:
        return ()
    file = absolute(path)
    with store.read(INSTALLATION) as uow:
        found = [
            process
            for process in uow.processes.list()
            if process.config_path == file
            and process.checksum != checksum
            and process.seen_at >= now - GONE_AFTER
        ]
    # One that was killed could not say that it ends.
    return list(_told(one for one in found if not has_ended(one.machine, one.pid)))


def _told(processes: Iterable[RunningProcess]) -> Iterable[str]:
    told = set()
    for process in processes:
        which = (process.role, process.host)
        if which not in told:  # A server has several workers.
            told.add(which)
            name = _NAMES.get(process.role, process.role)
            yield (
                f"{name} on {process.host} runs since {process.started_at:%Y-%m-%d %H:%M} UTC with "
                f"another version of {process.config_path}: restart it for what the file says now "
                "to hold there."
            )
