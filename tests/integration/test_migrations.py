"""Migrations on both databases: up, down, many processes at once, and a newer database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from connector.domain.ledger.plans import ROLES_KEY
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.plan import AddGroupMembers
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.errors import ConfigError, TemporaryError
from connector.ports import USER
from connector.settings import DatabaseSettings
from connector.store import SqlStore, migrate, open_database
from connector.store.tables import metadata
from tests import databases
from tests.contract.store import people, records
from tests.contract.store.test_console import ANN, SESSION

LATEST = migrate.newest()
"""The newest migration that the package ships."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseSettings]:
    """A database without tables."""
    if request.param == "sqlite":
        yield databases.sqlite_settings(tmp_path / "new.db")
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "migrations") as settings:
        yield settings


@pytest.fixture
def new_store(empty_database: DatabaseSettings) -> Iterator[SqlStore]:
    """A store that was never migrated."""
    with databases.opened(empty_database) as store:
        yield store


def _tables(store: SqlStore) -> set[str]:
    return set(inspect(store.database.engine).get_table_names())


def test_migrations_create_the_tables_that_the_program_uses(new_store: SqlStore) -> None:
    assert new_store.schema_version() is None
    new_store.migrate()
    assert new_store.schema_version() == LATEST
    with new_store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(new_store: SqlStore) -> None:
    new_store.migrate()
    with new_store.write("default") as unit:
        unit.put_fact("kept", [1, 2])
        unit.commit()
    new_store.migrate()
    with new_store.read("default") as unit:
        assert unit.facts() == {"kept": [1, 2]}


def test_the_files_of_migrations_bear_their_revisions_in_order() -> None:
    location = str(Path(migrate.__file__).parent / "migrations")
    in_order = [script.revision for script in ScriptDirectory(location).walk_revisions()][::-1]
    names = [Path(script.path).name for script in ScriptDirectory(location).walk_revisions()][::-1]
    assert [name.partition("_")[0] for name in names] == in_order == sorted(in_order)
    assert migrate.newest() == in_order[-1]


def test_down_leaves_nothing_and_up_works_again(new_store: SqlStore) -> None:
    new_store.migrate()
    migrate.downgrade(new_store.database)
    assert _tables(new_store) <= {"alembic_version", "sqlite_sequence", "sqlite_stat1"}
    new_store.migrate()
    assert "resources" in _tables(new_store)


def test_external_ids_move_into_the_documents_and_out_again(new_store: SqlStore) -> None:
    new_store.migrate()
    value = '"\\`\x7fé",'
    before = people.plain_row(1).document
    with new_store.write("default") as unit:
        unit.resources.put([people.plain_row(1), people.plain_row(2), people.plain_row(3)])
        unit.attributes.put(ClientAttributes(USER, "user-00001", {"okta": value, "entra": "e1"}))
        unit.attributes.put(ClientAttributes(USER, "user-00002", {"okta": value}))
        unit.commit()

    migrate.downgrade(new_store.database, "0004")
    new_store.migrate()

    with new_store.read("default") as unit:
        rows = unit.resources.rows(USER, ["user-00001", "user-00002", "user-00003"])
    assert [row.scopes for row in rows.values()] == ["entra,okta", "okta", ""]
    first, second = (orjson.loads(rows[f"user-0000{number}"].document) for number in (1, 2))
    assert (first["`entra"], first["`okta"], second["externalId"]) == ("e1", value, value)
    assert rows["user-00001"].document.count("`") == len("``"), "a client's own is escaped"
    assert rows["user-00003"].document == people.plain_row(3).document

    migrate.downgrade(new_store.database, "0004")
    with new_store.database.reading() as connection:
        statement = text("SELECT document FROM resources WHERE scim_id = 'user-00001'")
        assert connection.scalar(statement) == before


def test_names_of_users_are_folded_for_those_who_were_there_before(new_store: SqlStore) -> None:
    new_store.migrate()
    with new_store.write("default") as unit:
        unit.mirror.put_users([people.user(1, user_name="Jürgen ÖZ STRAẞE")], people.NOW)
        unit.commit()

    migrate.downgrade(new_store.database, "0035")
    new_store.migrate()

    with new_store.database.reading() as connection:
        keys = connection.scalars(text("SELECT user_name_key FROM users")).all()
    assert keys == ["jürgen öz strasse"]


def test_roles_that_were_attested_before_are_found_by_role(new_store: SqlStore) -> None:
    new_store.migrate()
    kept = {ROLES_KEY: ["auditor", "notary"], "urn:x": {"_roles": "no"}}
    with new_store.write("default") as unit:
        unit.attributes.put(ClientAttributes(USER, "user-00001", {}, kept))
        unit.attributes.put(ClientAttributes(USER, "user-00002", {}, {"urn:_roles": ["no"]}))
        unit.commit()

    migrate.downgrade(new_store.database, "0036")
    new_store.migrate()

    with new_store.database.reading() as connection:
        found = connection.execute(text("SELECT * FROM attested_roles ORDER BY role")).all()
    assert [tuple(row) for row in found] == [
        ("default", role, "user-00001") for role in ("auditor", "notary")
    ]


def _migrate(settings: DatabaseSettings) -> str | None:
    with databases.opened(settings) as store:
        store.migrate()
        return store.schema_version()


def test_processes_that_start_at_once_migrate_once(empty_database: DatabaseSettings) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.map(_migrate, [empty_database] * 4) == [LATEST] * 4


def test_a_newer_database_is_refused(new_store: SqlStore) -> None:
    new_store.migrate()
    with new_store.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(ConfigError, match="newer version"):
        new_store.migrate()


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "sqlite://", "not a url", "sqlite:///:memory:"]
)
def test_an_unusable_url_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.url"):
        open_database(DatabaseSettings(url=url))


def test_an_unreachable_server_is_temporary() -> None:
    settings = DatabaseSettings(url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    with databases.opened(settings) as store, pytest.raises(TemporaryError):
        store.migrate()


def test_whom_older_events_name_is_looked_up(new_store: SqlStore) -> None:
    new_store.migrate()
    ann, bob = "user-ann", "user-bob"
    step = AddGroupMembers("account", "1", (ann, bob))
    group = {"subject": "account.g1", "correlation_id": "c1"}
    for tenant in ("default", "acme"):
        with new_store.write(tenant) as unit:
            unit.plans.add(
                records.plan(subject_kind="Group", subject_id="account.g1"),
                [records.operation(operation=step)],
            )
            unit.audit.append(
                records.event("plan.recorded", data={"operations": [step.to_dict()]}, **group),
                records.event("operation.done", subject=ann, data={"operation": {"user_id": ann}}),
                records.event("plan.failed", data={"plan": "plan-1"}, **group),
                records.event("operation.done", data={"operation": {"to_user_id": bob}}),
                *(records.event("docusign.called", data={"method": "GET"}) for _ in range(600)),
                records.event("operation.done", data={"operation": step.to_dict()}, **group),
            )
            unit.commit()
    written = _people_named(new_store)
    assert [row[1:] for row in written if row[0] == "acme"] == [
        *((ann, number) for number in (1, 3, 605)),
        *((bob, number) for number in (1, 3, 4, 605)),
    ]

    migrate.downgrade(new_store.database, "0037")
    assert "audit_people" not in _tables(new_store)
    new_store.migrate()

    assert _people_named(new_store) == written


def _people_named(store: SqlStore) -> list[tuple[object, ...]]:
    with store.database.reading() as connection:
        statement = text("SELECT tenant, user_id, sequence FROM audit_people ORDER BY 1, 2, 3")
        return [tuple(row) for row in connection.execute(statement)]


def test_who_has_an_address_in_the_console_is_known_by_it_from_then_on(new_store: SqlStore) -> None:
    new_store.migrate()
    with new_store.write("default") as unit:
        unit.console.add_account(replace(ANN, email="Ann@X.test"))
        unit.console.add_session(replace(SESSION, login="Pat", email="pat@x.test"))
        unit.console.add_session(replace(SESSION, session_hash="h2", login="nobody", email=""))
        unit.commit()
    migrate.downgrade(new_store.database, "0043")
    new_store.migrate()
    with new_store.read("default") as unit:
        found = unit.console.names_on(["ann@x.test", "pat@x.test", ""])
    assert found == {"ann@x.test": {"ann", "ann@x.test"}, "pat@x.test": {"pat", "pat@x.test"}}


def test_denied_approvals_are_called_so_and_rejected_tasks_stay(new_store: SqlStore) -> None:
    new_store.migrate()
    ended = {"approval": WorkItemState.DENIED, "manual_task": WorkItemState.REJECTED}
    with new_store.write("default") as unit:
        for kind, state in ended.items():
            item = records.work_item(kind, entitlement=kind, kind=WorkItemKind(kind), state=state)
            unit.work_items.add(item)
            data = {"state": state}
            closed = WorkItemEvent(kind, people.NOW, "user:ann", Act.CLOSED, "No", data)
            unit.work_items.add_event(closed)
        unit.commit()
    migrate.downgrade(new_store.database, "0044")
    with new_store.database.reading() as connection:
        before = set(connection.scalars(text("SELECT state FROM work_items")))
    assert before == {"rejected"}
    new_store.migrate()
    with new_store.read("default") as unit:
        for kind, state in ended.items():
            assert unit.work_items.get(kind).state is state
            (event,) = unit.work_items.events(kind)
            assert event.data == {"state": state}
