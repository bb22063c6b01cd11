"""``docusign-iga worker``: runs jobs, as many processes as one likes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import click

from connector.bootstrap import Application, build
from connector.cli.context import CommandContext, config_option, handle_errors
from connector.cli.leases import release_dead
from connector.cli.processes import stopped_by_signals
from connector.errors import PermanentError
from connector.scheduler import JobScheduler, Start
from connector.services.jobs.declared import JOBS
from connector.services.jobs.runner import JobRunner


@click.command()
@config_option
@handle_errors
def worker(context: CommandContext) -> None:
    """Run jobs beside the others (PostgreSQL): start as many as you like, on any machine.

    Each takes jobs from the queue in the database, `jobs.worker_threads` at a time; of all of them
    one is the clock that fills it. `serve` starts one by itself unless jobs.enabled is false. On
    SIGTERM a job ends at the next point from which it can go on, and another worker takes it.

    \b
    Example:
      docusign-iga worker --config /etc/docusign-iga/config.yaml
    """
    if not context.settings.database.is_postgresql:
        raise PermanentError(
            "Workers need PostgreSQL (database.url). On SQLite `docusign-iga serve` runs the jobs "
            "by itself; `docusign-iga db copy --to URL` moves the database."
        )
    run_jobs_process(context)


def run_jobs_process(context: CommandContext) -> None:
    """Run the jobs until SIGTERM or SIGINT: on SQLite here, on PostgreSQL as a worker."""
    application = build(context.settings, role="jobs")
    try:
        application.require_bound_accounts()
        # After one that was killed nobody waits for its leases to end.
        release_dead(application, ("jobs",), wait_s=0)
        heartbeat = application.begin_telling(context.config_path)
        try:
            with stopped_by_signals() as stop:
                _run(application, stop)
        finally:
            heartbeat.stop()
    finally:
        application.close()


def _scheduler(
    application: Application, start: Start, leading: Callable[[], None] = lambda: None
) -> JobScheduler:
    return JobScheduler(
        application.store,
        application.clock,
        application.owner,
        application.settings.jobs,
        tenants=application.tenants,
        start=start,
        waiting=application.waiting_runs,
        leading=leading,
    )


def _run(application: Application, stop: threading.Event) -> None:
    queue, settings = application.queue, application.settings
    runner = JobRunner(application.served, application.acting, stop, queue)
    if queue is None:
        _scheduler(application, runner.run).run(stop)
        return
    from connector.queue import QueueWorker  # noqa: PLC0415 - comes with PostgreSQL

    working = QueueWorker(
        settings.database, runner.run, queue, threads=settings.jobs.worker_threads
    )

    def start(tenant: str, job: str) -> None:
        queue.defer(tenant, job, priority=JOBS[job].priority)

    scheduler = _scheduler(application, start, working.recover)
    clock = threading.Thread(target=scheduler.run, args=(stop,), name="clock")
    clock.start()
    try:
        working.run(stop)
    finally:
        stop.set()
        clock.join()
