"""Puts jobs into the queue."""

from __future__ import annotations

import threading
from dataclasses import asdict

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from connector.errors import TemporaryError
from connector.ports import Asker
from connector.queue.address import QUEUE, TASK, connection_options, conninfo, lock_of
from connector.settings import DatabaseSettings

_WAIT_S = 15.0
"""For a connection, before whoever defers is told that the database is away."""


class ProcrastinateQueue:
    """A :class:`connector.ports.JobQueue`. Thread-safe; connects when it is first used."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._app = App(
            connector=SyncPsycopgConnector(
                conninfo=conninfo(settings),
                kwargs=connection_options(),
                min_size=1,
                max_size=2,
                timeout=_WAIT_S,
                name="job-queue",
            )
        )
        self._lock = threading.Lock()
        self._is_open = False

    def defer(
        self,
        tenant: str,
        job: str,
        *,
        part: int | None = None,
        in_s: float = 0.0,
        priority: int = 0,
        asker: Asker | None = None,
    ) -> bool:
        """Let a worker run a job of a tenant, or a part of it; return False where it waits already.

        :raises TemporaryError: the database cannot be reached.
        """
        name = lock_of(tenant, job, part)
        # A worker of an earlier version runs what the clock defers: it knows of no asker.
        asked = {} if asker is None else {"asker": asdict(asker)}
        try:
            self._open()
            self._app.configure_task(
                TASK,
                queue=QUEUE,
                lock=name,
                queueing_lock=f"{name} asked" if asked else name,
                priority=priority,
                schedule_in={"seconds": int(in_s)} if in_s else None,
            ).defer(tenant=tenant, job=job, part=part, **asked)
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            raise TemporaryError("The job queue cannot be reached just now.") from error
        return True

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._is_open:
                self._app.close()
                self._is_open = False

    def _open(self) -> None:
        with self._lock:
            if not self._is_open:
                self._app.open()
                self._is_open = True
