"""A database that was restored from a backup reverts nothing until a person has looked."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.domain.ledger.restoring import IDENTITY
from connector.settings import DriftRule, DriftSettings
from connector.store.backup import backup_sqlite
from simulator.state.model import Status
from tests.connector import ManualClock, connected
from tests.simulated import simulated

REVERT = DriftSettings(policy=(DriftRule(then="revert"),), pending_after_days=0)
JOINER = "new.joiner@northwind-freight.example"


def run(monkeypatch, connector, *arguments):
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "settings", connector.application.settings)
    result = CliRunner().invoke(main, ["db", "restored", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def held_back(connector, user_id):
    (finding,) = (
        item for item in connector.findings(DriftKind.UNMANAGED_USER) if item.subject_id == user_id
    )
    accept = "drift accept ID --as LOGIN --reason TEXT"
    assert accept in (finding.problem or ""), "the whole command"
    return finding.state is FindingState.OPEN and "db restored --go-on" in (finding.problem or "")


def told(connector):
    with connector.services.context.read() as uow:
        return [event.action for event in uow.audit.events(limit=10_000)]


def test_who_joined_since_the_backup_stays_until_a_person_says_go_on(tmp_path, monkeypatch):
    clock = ManualClock()
    world = simulated(12, now=clock.now)
    before = connected(tmp_path / "a.db", world=world, clock=clock, drift=REVERT)
    before.reconcile()
    backup_sqlite(tmp_path / "a.db", tmp_path / "b.db", lambda *_: None)
    with closing(sqlite3.connect(tmp_path / "b.db")) as copy:
        copy.execute("DELETE FROM api_clients")  # The helper below adds its own.
        copy.commit()
    joiner = before.create(JOINER, displayName="New Joiner")["id"]
    before.close()
    clock.advance(3600)

    after = connected(tmp_path / "b.db", world=world, clock=clock, drift=REVERT)
    assert after.reconcile()["held_back"] == 1
    assert after.membership(joiner).status is not Status.CLOSED
    assert held_back(after, joiner)
    assert "drift.held_back" in told(after)

    assert run(monkeypatch, after, "--go-on")["held_back"] is False
    after.reconcile()
    assert after.membership(joiner).status is Status.CLOSED
    assert "database.released" in told(after)
    after.close()


def test_going_on_promises_no_revert_where_no_policy_reverts(start, monkeypatch):
    native = start(drift=DriftSettings(policy=(DriftRule(then="report"),), pending_after_days=0))
    run(monkeypatch, native.connector)
    native.set_profile(native.ann, native.other_profile())
    native.connector.reconcile()
    result = CliRunner().invoke(main, ["db", "restored", "--go-on"])
    said = " ".join(result.output.split())
    assert said.startswith("Nothing is held back any more") and "revert" not in said
    counts = native.connector.reconcile()
    assert "reverting" not in counts and "held_back" not in counts
    again = CliRunner().invoke(main, ["db", "restored", "--go-on"])
    assert again.output.strip() == "Nothing was held back."


def test_a_person_says_that_a_database_was_restored_in_place(start, monkeypatch):
    native = start(drift=REVERT)
    assert run(monkeypatch, native.connector)["tenants"] == ["default"]
    native.set_profile(native.ann, native.other_profile())
    counts = native.connector.reconcile()
    assert (counts["held_back"], "reverting" in counts) == (1, False)
    run(monkeypatch, native.connector, "--go-on")
    assert native.connector.reconcile()["reverting"] == 1
    assert native.snapshot() == native.held


def test_a_dump_in_another_postgresql_database_is_known(start):
    native = start("postgresql", drift=REVERT)
    native.set_profile(native.ann, native.other_profile())
    assert native.connector.reconcile()["reverting"] == 1
    with native.connector.services.context.write() as uow:
        assert uow.facts()[IDENTITY] == uow.identity()
        uow.put_fact(IDENTITY, "the database of the dump")
        uow.commit()
    native.set_profile(native.ann, native.other_profile())
    counts = native.connector.reconcile()
    assert (counts["held_back"], "reverting" in counts) == (1, False)
    assert native.connector.reconcile(sync=False)["held_back"] == 1, "until a person has looked"


def test_a_dump_of_before_the_first_drift_is_known(start):
    native = start("postgresql", drift=REVERT)
    assert "reverting" not in native.connector.reconcile()
    with native.connector.services.context.write() as uow:
        assert uow.facts()[IDENTITY] == uow.identity()
        uow.put_fact(IDENTITY, "the database of the dump")
        uow.commit()
    native.connector.reconcile()
    native.set_profile(native.ann, native.other_profile())
    counts = native.connector.reconcile()
    assert (counts["held_back"], "reverting" in counts) == (1, False)
