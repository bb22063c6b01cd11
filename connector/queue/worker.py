"""Takes jobs from the queue and runs them, until it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status

from connector.ports import Asker, JobQueue
from connector.queue.address import QUEUE, TASK, connection_options, conninfo
from connector.settings import DatabaseSettings

_log = structlog.get_logger(__name__)

Run = Callable[[str, str, int | None, Asker | None], float | None]
"""Runs (tenant, job, part, who asked); returns the seconds after which to go on, or None."""

HEARTBEAT_S = 5.0
STALLED_S = 30.0
"""A worker that gave no sign of life for so long is gone, and what it had is given to another."""
_POLL_S = 2.0
"""A job is announced; this is for announcements that got lost."""
_LOOK_S = 0.2
_RETURN_S = 2.0
"""Between two attempts to reach a database that is away."""
_MOST_ATTEMPTS = 3
"""A job that its workers do not survive waits for its next time."""


class QueueWorker:
    """One worker process."""

    def __init__(
        self, settings: DatabaseSettings, run: Run, queue: JobQueue, *, threads: int
    ) -> None:
        """:param threads: jobs that run at a time."""
        self._settings = settings
        self._run_job = run
        self._queue = queue
        self._threads = threads
        self._app: App | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set; what runs then ends first. Bears a database that goes away."""
        while not stop.is_set():
            try:
                asyncio.run(self._work(stop))
            except (ConnectorException, OSError) as error:
                _log.warning("the job queue cannot be reached", error=_reason(error))
            stop.wait(_RETURN_S)

    def recover(self) -> None:
        """Put back what workers had taken that are gone."""
        app, loop = self._app, self._loop
        if app is None or loop is None:
            return
        with suppress(RuntimeError, TimeoutError):  # the loop has ended meanwhile
            asyncio.run_coroutine_threadsafe(_recover(app), loop).result(STALLED_S)

    async def _work(self, stop: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        # A loop that ends shuts its threads down: each needs its own.
        threads = ThreadPoolExecutor(self._threads + 1, thread_name_prefix="job")
        self._loop.set_default_executor(threads)
        app = self._made()
        async with app.open_async():
            self._app = app
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._threads,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=_POLL_S,
                    update_heartbeat_interval=HEARTBEAT_S,
                    stalled_worker_timeout=STALLED_S,
                )
            )
            try:
                while not stop.is_set() and not working.done():
                    await asyncio.wait([working], timeout=_LOOK_S)
                # Cancelled, it takes nothing more and waits for what it has.
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
            finally:
                self._app = self._loop = None

    def _made(self) -> App:
        app = App(
            connector=PsycopgConnector(
                conninfo=conninfo(self._settings),
                kwargs=connection_options(),
                min_size=1,
                max_size=2,
                timeout=15.0,
                name="job-worker",
            )
        )

        @app.task(name=TASK, queue=QUEUE)
        def run_job(
            tenant: str,
            job: str,
            part: int | None = None,
            asker: Mapping[str, str] | None = None,
        ) -> None:
            asked = None if asker is None else Asker(**asker)
            again_s = self._run_job(tenant, job, part, asked)
            if again_s is not None:
                self._queue.defer(tenant, job, part=part, in_s=again_s, asker=asked)

        # Procrastinate watches its heartbeat, listener and poller only while all of them run, and
        # the deferrer of periodic tasks ends at once where there are none.
        @app.periodic(cron="17 3 * * *")
        @app.task(name="connector.tidy_queue", queue=QUEUE, queueing_lock="tidy")
        async def tidy(timestamp: int) -> None:
            await app.job_manager.delete_old_jobs(
                nb_hours=24, include_failed=True, include_cancelled=True, include_aborted=True
            )

        return app


async def _recover(app: App) -> None:
    try:
        for job in await app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=STALLED_S
        ):
            await _put_back(app, job)
    except ConnectorException as error:
        _log.warning("stalled jobs cannot be looked for", error=_reason(error))


async def _put_back(app: App, job: Job) -> None:
    _log.warning("a worker is gone; its job is given to another", job=job.lock)
    if job.attempts < _MOST_ATTEMPTS:
        with suppress(UniqueViolation):
            await app.job_manager.retry_job(job)
            return
    # The same job waits anyway, or will at its next time.
    await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error)
