"""``docusign-iga sync``: delta, one user, waiting for the budget."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.clock import SystemClock
from connector.domain.tenants.records import INSTALLATION
from connector.scheduler import SCHEDULER_KEY
from connector.store import open_database
from simulator.faults import Fault
from simulator.state import users
from tests.acceptance.processes import on_socket, write_config
from tests.clocks import ManualClock
from tests.connector import in_step
from tests.databases import sqlite_settings
from tests.ports import free_port
from tests.simulated import simulated


@pytest.fixture(scope="module")
def world():
    world = simulated(30)
    with on_socket(world):
        yield world


@pytest.fixture(scope="module")
def clock(world):
    """Early in an hour, at whose end DocuSign would allow calls again."""
    return in_step(world, ManualClock())


@pytest.fixture(autouse=True)
def one_clock(clock, monkeypatch):
    """Commands go by the clock that DocuSign goes by."""
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: clock.sleep(seconds))


@pytest.fixture
def config(world, tmp_path):
    return write_config(tmp_path, world, free_port())


def run(config, *arguments):
    return CliRunner().invoke(main, ["sync", "--config", str(config), *arguments])


def test_a_delta_before_everything_was_read_says_what_to_do(config):
    result = run(config, "--delta")
    assert result.exit_code != 0
    assert "docusign-iga sync" in result.output


def test_everything_then_a_delta_then_one_user(world, config):
    whole = run(config)
    assert whole.exit_code == 0
    assert "Memberships read: 45; resources changed: 45; " in whole.output
    member = world.member()
    users.rename(world.state, member.user, {"user_name": "Renamed Natively"})
    delta = run(config, "--delta", "--json")
    assert delta.exit_code == 0, delta.output
    assert json.loads(delta.stdout)["changed"] == 1
    one = run(config, "--user", member.user.email, "--json")
    shown = json.loads(one.stdout)
    assert {row["user_id"] for row in shown} == {member.user.user_id}
    assert {row["status"] for row in shown} <= {"active", "closed", "activation_sent"}
    assert "nobody" in run(config, "--user", "nobody@acme.test").output


def test_a_sync_by_command_that_begins_to_fail_is_told_and_so_is_that_it_works_again(world, config):
    world.faults.add(Fault("error", "GET", "/users$", times=None, status=503))
    try:
        assert run(config).exit_code == 1
    finally:
        world.faults.clear()
    assert run(config).exit_code == 0
    store = open_database(sqlite_settings(config.parent / "connector.db"))
    with store.read("default") as uow:
        actions = [item.action for item in uow.audit.events(limit=10_000)]
    store.close()
    told = [action for action in actions if action.startswith("job.")]
    assert told == ["job.failed", "job.recovered"]
    history = CliRunner().invoke(main, ["jobs", "history", "--config", str(config)])
    assert "State" in history.output
    assert "failed" in history.output


@pytest.fixture
def used_up(world, config):
    """A DocuSign that allows no more calls in this hour, after everything was read once."""
    assert run(config).exit_code == 0
    world.limits.use_up(world.account.account_id, remaining=1)
    yield
    world.limits.next_hour()


@pytest.mark.usefixtures("used_up")
def test_a_sync_that_has_to_wait_says_what_follows_and_ends_with_a_status_of_its_own(config, clock):
    told = run(config)
    assert told.exit_code == 75
    assert "nobody goes on with it by itself" in told.output
    assert "run `docusign-iga sync` again" in told.output
    shown = run(config, "--json")
    assert shown.exit_code == 75
    data = json.loads(shown.stdout)
    assert (data["state"], data["goes_on_by_itself"]) == ("waiting", False)
    assert data["goes_on_at"] > clock.now().isoformat()


@pytest.mark.usefixtures("used_up")
def test_a_sync_that_has_to_wait_names_who_goes_on_with_it(config, clock):
    store = open_database(sqlite_settings(config.parent / "connector.db"))
    now = clock.now()
    with store.write(INSTALLATION) as uow:
        uow.locks.acquire([SCHEDULER_KEY], "jobs:a", now + timedelta(hours=1), now)
        uow.commit()
    store.close()
    told = run(config)
    assert (told.exit_code, "The jobs process goes on with it at" in told.output) == (75, True)
    assert (
        CliRunner().invoke(main, ["jobs", "pause", "sync", "--config", str(config)]).exit_code == 0
    )
    assert "nobody goes on with it by itself" in run(config).output
    by_job = CliRunner().invoke(main, ["jobs", "run", "sync", "--config", str(config)])
    assert by_job.exit_code == 75


@pytest.mark.parametrize(
    "options",
    [
        ("--delta", "--user", "x"),
        ("--delta", "--forget-organization"),
        ("--user", "x", "--thorough"),
    ],
)
def test_options_that_exclude_each_other_are_refused(config, options):
    result = run(config, *options)
    assert result.exit_code == 2
