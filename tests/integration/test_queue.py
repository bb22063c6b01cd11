"""The job queue on PostgreSQL: tables, one run at a time, stalled jobs, a lost database."""

import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from connector.errors import ConfigError
from tests import databases

pytest.importorskip("procrastinate", reason="comes with the extra postgresql")

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker

from connector.ports import Asker
from connector.queue import ProcrastinateQueue, QueueWorker, install


@pytest.fixture
def settings(postgresql_server):
    with databases.postgresql_database(postgresql_server, "queue") as made:
        yield made


@pytest.fixture
def queue(settings):
    install(settings)
    made = ProcrastinateQueue(settings)
    yield made
    made.close()


def execute(settings, statement):
    with psycopg.connect(settings.url, autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchall() if found.description else []


def waiting(settings):
    return execute(settings, "SELECT args->>'tenant', args->>'job' FROM procrastinate_jobs")


class Working:
    """Workers in threads, and what they did."""

    def __init__(self, settings, queue, run, *, workers=1, threads=2):
        self.stop = threading.Event()
        self.workers = [QueueWorker(settings, run, queue, threads=threads) for _ in range(workers)]
        self._threads = [threading.Thread(target=w.run, args=(self.stop,)) for w in self.workers]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self._threads:
            thread.join()


def eventually(is_so, *, timeout_s=90.0, every_s=0.05):
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(every_s)


# the tables --------------------------------------------------------------------------------


def functions(settings):
    return execute(
        settings, "SELECT proname FROM pg_proc WHERE proname LIKE 'procrastinate%' ORDER BY 1"
    )


def test_a_fresh_database_gets_the_tables_once(settings):
    assert install(settings) == ("schema.sql",)
    assert install(settings) == ()


def test_processes_that_start_at_once_install_once(settings):
    done = []
    threads = [threading.Thread(target=lambda: done.append(install(settings))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, done)) == [0, 0, 0, 1]


def test_tables_of_an_earlier_version_get_what_they_lack(settings, postgresql_server):
    scripts = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    earlier = [path for path in scripts if path.name < "03.02"]
    with psycopg.connect(settings.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE job_queue_scripts (name text PRIMARY KEY)")
        for path in earlier:
            connection.execute(path.read_text())
            connection.execute("INSERT INTO job_queue_scripts VALUES (%s)", [path.name])
    assert list(install(settings)) == [path.name for path in scripts[len(earlier) :]]
    assert install(settings) == ()
    with databases.postgresql_database(postgresql_server, "fresh") as fresh:
        install(fresh)
        assert functions(settings) == functions(fresh)


def test_the_queue_of_another_program_is_left_alone(settings):
    execute(settings, SchemaManager.get_schema())
    with pytest.raises(ConfigError, match="another program keeps its Procrastinate queue"):
        install(settings)


def test_tables_of_a_newer_version_are_refused(settings):
    install(settings)
    execute(settings, "INSERT INTO job_queue_scripts (name) VALUES ('99.00.sql')")
    with pytest.raises(ConfigError, match=r"newer version of this program \(99.00.sql\)"):
        install(settings)


# jobs --------------------------------------------------------------------------------------


def test_a_job_waits_once(settings, queue):
    assert queue.defer("default", "sync")
    assert not queue.defer("default", "sync")
    assert queue.defer("default", "settle", part=0)
    assert queue.defer("default", "settle", part=1)
    assert queue.defer("another", "sync")
    assert len(waiting(settings)) == 4


def test_a_run_that_somebody_asked_for_waits_beside_that_of_the_clock(settings, queue):
    ada, runs = Asker("user:ada", "c-7"), []
    assert queue.defer("default", "sync")
    assert queue.defer("default", "sync", asker=ada)
    assert not queue.defer("default", "sync", asker=Asker("user:ben", "c-8"))
    with Working(settings, queue, lambda *told: runs.append(told)):
        eventually(lambda: not waiting(settings))
    assert sorted(runs, key=str) == [
        ("default", "sync", None, ada),
        ("default", "sync", None, None),
    ]


def test_no_job_of_a_tenant_runs_twice_at_a_time(settings, queue):
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    guard, together = threading.Lock(), threading.Event()

    def run(tenant, job, *_):
        with guard:
            running[tenant] += 1
            most[tenant] = max(most[tenant], running[tenant])
            most["all"] = max(most["all"], sum(running.values()))
            if sum(running.values()) > 1:
                together.set()
        together.wait(30)  # Until another one runs beside it.
        with guard:
            running[tenant] -= 1
            ran[tenant] += 1

    tenants = ("one", "two", "three")

    def is_enough():
        for tenant in tenants:
            queue.defer(tenant, "settle")
        return min(ran[tenant] for tenant in tenants) > 10

    with Working(settings, queue, run, workers=3):
        eventually(is_enough, every_s=0.005)
        eventually(lambda: not waiting(settings))
    assert [most[tenant] for tenant in tenants] == [1, 1, 1]
    assert most["all"] > 1


def test_what_somebody_waits_for_begins_before_what_takes_long(settings, queue):
    ran = []
    for tenant in ("one", "two"):
        queue.defer(tenant, "sync", priority=-10)
        queue.defer(tenant, "settle", priority=10)
    with Working(settings, queue, lambda _tenant, job, *_: ran.append(job), threads=1):
        eventually(lambda: len(ran) == 4)
    assert ran == ["settle", "settle", "sync", "sync"]


def test_a_job_that_has_to_pause_waits_for_its_time(settings, queue):
    [(before,)] = execute(settings, "SELECT now()")
    with Working(settings, queue, lambda *_: 600.0):
        queue.defer("default", "sync")
        again = "SELECT scheduled_at, now() FROM procrastinate_jobs WHERE status = 'todo'"
        eventually(lambda: any(at for at, _ in execute(settings, again)))
        [(at, after)] = execute(settings, again)
    assert before <= at - timedelta(seconds=600) <= after


def test_a_job_that_fails_leaves_nothing_behind(settings, queue):
    def run(*_):
        ran.set()
        raise ValueError("a defect")

    ran = threading.Event()
    with Working(settings, queue, run):
        queue.defer("default", "settle")
        assert ran.wait(90)
        eventually(lambda: not waiting(settings))


def test_a_worker_that_is_stopped_ends_what_it_has_and_takes_nothing_more(
    settings, queue, monkeypatch
):
    began, stopped, done = threading.Event(), threading.Event(), threading.Event()
    stop = Worker.stop

    def noticed(worker):
        stop(worker)
        stopped.set()

    def run(_tenant, job, *_):
        began.set()
        assert stopped.wait(90)
        done.set()

    monkeypatch.setattr(Worker, "stop", noticed)

    with Working(settings, queue, run, threads=1):
        queue.defer("default", "sync")
        queue.defer("default", "settle")
        assert began.wait(90)
    assert done.is_set()
    assert waiting(settings) == [("default", "settle")]


def test_what_a_worker_had_that_is_gone_is_given_to_another(settings, queue):
    queue.defer("default", "sync")
    execute(
        settings,
        "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) "
        "VALUES (now() - interval '1 minute') RETURNING id) "
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = gone.id FROM gone",
    )
    ran = threading.Event()
    with Working(settings, queue, lambda *_: ran.set()) as working:
        assert not ran.wait(3), "it may still run"
        working.workers[0].recover()
        assert ran.wait(90)


def test_a_job_that_waits_again_takes_the_place_of_one_that_stalled(settings, queue):
    queue.defer("default", "sync")
    execute(settings, "UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")
    queue.defer("default", "sync")
    ran = []
    with Working(settings, queue, lambda *_: ran.append(1)) as working:
        eventually(lambda: working.workers[0]._app)
        working.workers[0].recover()
        eventually(lambda: not waiting(settings))
    assert ran == [1]


def test_a_worker_that_lost_the_queue_runs_jobs_again(settings, queue, monkeypatch):
    """The loop of its first attempt has ended, and with it that loop's threads."""
    ran, work = [], App.run_worker_async
    lost: list[int] = []

    async def lost_once(app, **options):
        if not lost:
            lost.append(1)
            raise ConnectorException("the database is away")
        await work(app, **options)

    monkeypatch.setattr(App, "run_worker_async", lost_once)
    queue.defer("default", "sync")
    with Working(settings, queue, lambda _tenant, job, *_: ran.append(job)):
        eventually(lambda: not waiting(settings))
    assert ran == ["sync"]


def test_a_database_that_goes_away_and_returns_is_borne(settings, queue):
    ran: Counter[str] = Counter()

    def run(_tenant, job, *_):
        ran[job] += 1

    with Working(settings, queue, run):
        queue.defer("default", "settle")
        eventually(lambda: ran["settle"] == 1)
        execute(
            settings,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        queue.defer("default", "sync")
        eventually(lambda: ran["sync"] == 1)
