"""How many queued changes 1, 2 and 4 workers carry out in a second, on PostgreSQL.

    python -m tests.bench.workers --workers 1,2,4 --changes 400

Each number of workers gets a fresh database with the same changes waiting. The simulated DocuSign
runs in this process and takes its part of the processors: where there are few of them, let it take
longer to answer, or they are what is measured.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, make_url, select, text

from connector.app import create_app
from connector.bootstrap import Application, build
from connector.config import load_settings
from connector.domain.ledger import PlanState
from connector.logs import configure_logging
from connector.services.context import Actor
from connector.services.jobs import JOBS
from connector.settings import LoggingSettings
from connector.store.tables import plans
from tests import databases
from tests.acceptance.processes import Running, free_port, on_socket, wait_until, write_config
from tests.simulated import simulated

_GIVE_UP_AFTER_S = 600
_ACTOR = Actor("user:bench", "cli", "bench")
SCHEDULE = {**{job: {} for job in JOBS}, "settle": {"every_s": 1}}


@click.command()
@click.option("--workers", default="1,2,4", show_default=True, help="Numbers of processes.")
@click.option("--changes", default=400, show_default=True, help="Users that wait to be created.")
@click.option("--read-s", default=0.2, show_default=True, help="What DocuSign takes for a read.")
@click.option("--write-s", default=0.5, show_default=True, help="What it takes for a write.")
@click.option("--threads", default=4, show_default=True, help="jobs.worker_threads.")
def main(workers: str, changes: int, read_s: float, write_s: float, threads: int) -> None:
    """Measure the settlement of queued changes."""
    # So that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    configure_logging(LoggingSettings(level="warning"))
    console = Console()
    table = Table("Workers", "Changes", "Seconds", "Changes a second")
    with databases.postgresql_server("bench-workers") as server:
        for number in map(int, workers.split(",")):
            seconds = _measured(server, number, changes, threads, (read_s, write_s))
            table.add_row(str(number), str(changes), f"{seconds:.1f}", f"{changes / seconds:.1f}")
    console.print(table)


def _measured(
    server: str, workers: int, changes: int, threads: int, latency: tuple[float, float]
) -> float:
    """Return the seconds from the moment that settlement may begin to its end."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        world = simulated(10)
        stack.enter_context(on_socket(world))
        settings = stack.enter_context(databases.postgresql_database(server, f"w{workers}"))
        url = make_url(settings.url).set(drivername="postgresql+psycopg")
        config = write_config(
            directory,
            world,
            free_port(),
            database={"url": url.render_as_string(hide_password=False)},
            jobs={"schedule": SCHEDULE, "worker_threads": threads},
        )
        application = build(load_settings(config), role="cli")
        stack.callback(application.close)
        _queue(application, changes)
        runs = application.tenant("default").runs
        runs.pause("settle", _ACTOR)
        world.latency.read_s, world.latency.write_s = latency
        processes = [Running("worker", config, directory / f"{n}.log") for n in range(workers)]
        for process in processes:
            stack.callback(process.kill)
            process.start()
        # A worker that still starts takes more of the processors than one that works.
        wait_until(lambda: _workers(application) == workers, 120)
        runs.resume("settle", _ACTOR)
        started = time.perf_counter()
        wait_until(lambda: _waiting(application) == 0, _GIVE_UP_AFTER_S)
        return time.perf_counter() - started


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
