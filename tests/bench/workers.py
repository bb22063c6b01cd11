"""How many queued changes 1, 2 and 4 workers carry out in a second, on PostgreSQL.

    python -m tests.bench.workers --workers 1,2,4 --changes 400

The changes are asked for once; each number of workers gets a copy of that database and a DocuSign
in which none of them was made. The simulated DocuSign runs in this process and takes its part of
the processors: where there are few of them, let it take longer to answer, or they are what is
measured.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, make_url, select, text

from connector.app import create_app
from connector.bootstrap import Application, build
from connector.config import load_settings
from connector.domain.ledger.plans import PlanState
from connector.logs import configure_logging
from connector.services.context import Actor
from connector.services.jobs.declared import JOBS
from connector.settings import DatabaseSettings, LoggingSettings
from connector.store.tables import plans
from tests import databases
from tests.acceptance.processes import Running, on_socket, wait_until, write_config
from tests.ports import free_port
from tests.simulated import Simulated, simulated

_GIVE_UP_AFTER_S = 600
_USERS = 10
"""Of the organization before the changes: each time the same ones, the seed sees to that."""
_ACTOR = Actor("user:bench", "cli", "bench")
SCHEDULE = {**{job: {} for job in JOBS}, "settle": {"every_s": 1}}


@dataclass(frozen=True)
class _Wanted:
    """What stays the same from one number of workers to the next."""

    server: str
    changes: int
    threads: int
    read_s: float
    write_s: float


@dataclass(frozen=True)
class _Outcome:
    """What one number of workers took."""

    seconds: float
    busy: float
    """Processors that were kept busy meanwhile, by whomever."""


@click.command()
@click.option("--workers", default="1,2,4", show_default=True, help="Numbers of processes.")
@click.option("--changes", default=400, show_default=True, help="Users that wait to be created.")
@click.option("--read-s", default=0.1, show_default=True, help="What DocuSign takes for a read.")
@click.option("--write-s", default=0.3, show_default=True, help="What it takes for a write.")
@click.option("--threads", default=4, show_default=True, help="jobs.worker_threads.")
def main(workers: str, changes: int, read_s: float, write_s: float, threads: int) -> None:
    """Measure the settlement of queued changes."""
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    configure_logging(LoggingSettings(level="warning"))
    console = Console()
    table = Table("Workers", "Seconds", "Changes a second", "Times the first", "Processors busy")
    with ExitStack() as stack:
        server = stack.enter_context(databases.postgresql_server("bench-workers"))
        wanted = _Wanted(server, changes, threads, read_s, write_s)
        template = stack.enter_context(databases.postgresql_database(server, "queued"))
        console.print(f"{changes} changes are asked for ...")
        _prepare(wanted, template)
        first = None
        for number in map(int, workers.split(",")):
            console.print(f"{number} workers of {threads} threads ...")
            outcome = _measured(wanted, template, number)
            console.print(f"... {outcome.seconds:.1f} s")
            first = first or outcome.seconds
            table.add_row(
                str(number),
                f"{outcome.seconds:.1f}",
                f"{changes / outcome.seconds:.2f}",
                f"{first / outcome.seconds:.2f}",
                f"{outcome.busy:.1f} of {psutil.cpu_count()}",
            )
    console.print(table)


def _prepare(wanted: _Wanted, database: DatabaseSettings) -> None:
    """Let the changes wait in a database."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world = simulated(_USERS)
        stack.enter_context(on_socket(world))
        config = _configuration(directory, world, database, wanted.threads)
        application = build(load_settings(config), role="cli")
        stack.callback(application.close)
        _queue(application, wanted.changes)
        application.tenant("default").runs.pause("settle", _ACTOR)


def _measured(wanted: _Wanted, template: DatabaseSettings, workers: int) -> _Outcome:
    """Return what passes from the moment that settlement may begin to its end."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world = simulated(_USERS)
        stack.enter_context(on_socket(world))
        database = stack.enter_context(
            databases.postgresql_database(wanted.server, f"w{workers}", template)
        )
        config = _configuration(directory, world, database, wanted.threads)
        application = build(load_settings(config), role="cli")
        stack.callback(application.close)
        before = len(world.state.users)
        world.latency.read_s, world.latency.write_s = wanted.read_s, wanted.write_s
        processes = [Running("worker", config, directory / f"{n}.log") for n in range(workers)]
        for process in processes:
            stack.callback(process.kill)
            process.start()
        # A worker that still starts takes more of the processors than one that works.
        wait_until(lambda: _workers(application) == workers, 120)
        application.tenant("default").runs.resume("settle", _ACTOR)
        psutil.cpu_percent()
        started = time.perf_counter()
        wait_until(lambda: _waiting(application) == 0, _GIVE_UP_AFTER_S)
        seconds = time.perf_counter() - started
        busy = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
        created = len(world.state.users) - before
        if created != wanted.changes:
            raise click.ClickException(f"{created} of {wanted.changes} users were created.")
        return _Outcome(seconds, busy)


def _configuration(
    directory: Path, world: Simulated, database: DatabaseSettings, threads: int
) -> Path:
    url = make_url(database.url).set(drivername="postgresql+psycopg")
    return write_config(
        directory,
        world,
        free_port(),
        database={"url": url.render_as_string(hide_password=False)},
        jobs={"schedule": SCHEDULE, "worker_threads": threads},
    )


def _workers(application: Application) -> int:
    with application.store.database.reading() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM procrastinate_workers")) or 0)


def _queue(application: Application, changes: int) -> None:
    """Let that many changes wait."""
    application.tenant("default").aggregation.sync()
    _, token = application.clients.add("default", "bench")
    http = create_app(application).test_client()
    headers = {"Authorization": f"Bearer {token}", "Prefer": "respond-async"}
    for number in range(changes):
        body = {"userName": f"bench{number}@partner.example"}
        answer = http.post("/scim/v2/Users", json=body, headers=headers)
        if answer.status_code != 202:
            raise click.ClickException(answer.get_data(as_text=True))


def _waiting(application: Application) -> int:
    with application.store.database.reading() as connection:
        number: int = connection.execute(
            select(func.count()).select_from(plans).where(plans.c.state == PlanState.QUEUED)
        ).scalar_one()
        return number


if __name__ == "__main__":
    main()
