"""The examples in deploy/ name commands that exist."""

import configparser
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import main

DEPLOY = Path(__file__).parents[2] / "deploy"


def is_command(words):
    return CliRunner().invoke(main, [*words, "--help"]).exit_code == 0


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_a_unit_starts_a_command_and_gives_it_time_to_end(unit):
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as it documents
    parser.read(unit)
    program, command, *options = parser["Service"]["ExecStart"].split()
    assert (Path(program).name, options[0]) == ("docusign-iga", "--config")
    assert is_command([command])
    assert int(parser["Service"]["TimeoutStopSec"]) >= 30


def test_the_compose_file_runs_commands_over_one_database():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    commands = {
        name: service["command"] for name, service in services.items() if name != "database"
    }
    assert set(commands) == {"upgrade", "serve", "worker"}
    assert all(is_command(command) for command in commands.values())
    for name in ("serve", "worker"):
        assert services[name]["depends_on"]["upgrade"]["condition"].endswith("successfully")


def test_the_manual_names_every_file():
    manual = (DEPLOY.parent / "docs" / "scaling.md").read_text()
    assert set(re.findall(r"deploy/[\w./]+\w", manual)) == {"deploy/systemd", "deploy/compose.yaml"}
