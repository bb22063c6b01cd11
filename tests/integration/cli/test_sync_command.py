"""``docusign-iga sync``: delta, one user, waiting for the budget."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli.main import main
from connector.store import open_database
from simulator.faults import Fault
from simulator.state import users
from tests.acceptance.processes import free_port, on_socket, write_config
from tests.databases import sqlite_settings
from tests.simulated import simulated


@pytest.fixture(scope="module")
def world():
    world = simulated(30)
    with on_socket(world):
        yield world


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
    assert run(config).exit_code == 0
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
