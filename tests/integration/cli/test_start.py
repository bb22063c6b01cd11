"""A command imports what it needs: people wait for its start."""

import subprocess
import sys

import pytest

from connector.cli.main import _COMMANDS, main
from tests.acceptance.processes import write_config
from tests.simulated import simulated

HEAVY = {
    "alembic",
    "apscheduler",
    "flask",
    "granian",
    "jinja2",
    "jwt",
    "opentelemetry",
    "procrastinate",
    "prometheus_client",
    "psycopg",
    "requests",
    "simulator",
    "werkzeug",
}


def imported(*arguments):
    """Return the packages that a command leaves imported."""
    script = (
        "import sys; from connector.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_help_imports_no_command():
    assert imported("--help") & {*HEAVY, "marshmallow", "rich", "sqlalchemy", "yaml"} == set()


def test_a_command_about_the_database_imports_neither_servers_nor_clients(tmp_path):
    config = write_config(tmp_path, simulated(10), 8080)
    assert "alembic" in imported("tasks", "list", "--config", config)
    assert imported("tasks", "list", "--config", config) & HEAVY == set()


@pytest.mark.parametrize("name", _COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_first(name):
    with main.make_context("docusign-iga", ["demo"], resilient_parsing=True) as context:
        command = main.get_command(context, name)
        assert _COMMANDS[name][1] == command.get_short_help_str(300)
        assert not command.hidden
