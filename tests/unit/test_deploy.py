"""What the examples in deploy/ name exists: commands, files, extras, settings."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
CONFIG_VARIABLE = "DOCUSIGN_IGA_CONFIG"
"""What every command reads its file's name from (its --help says so)."""


def ini(path):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as it documents
    parser.read(path)
    return parser


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def is_command(words):
    return CliRunner().invoke(main, [*words, "--help"]).exit_code == 0


# systemd ----------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_and_gives_it_time_to_end(unit):
    service = ini(unit)["Service"]
    program, command, *options = service["ExecStart"].split()
    assert program == "/opt/docusign-iga/bin/docusign-iga"
    assert "docusign-iga" in ini(ROOT / "setup.cfg")["options.entry_points"]["console_scripts"]
    assert options == ["--config", "/etc/docusign-iga/config.yaml"]
    assert is_command([command])
    assert int(service["TimeoutStopSec"]) >= 30


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_may_write_where_it_works_alone(unit):
    service = ini(unit)["Service"]
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["ProtectSystem"] == "strict"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(unit, tmp_path):
    copy = tmp_path / unit.name.replace("@", "@1")
    # It looks for the program, which is not installed here.
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.M))
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(copy)]
    environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


# containers -------------------------------------------------------------------


def test_the_compose_file_runs_commands_over_one_database(compose):
    services = compose["services"]
    commands = {
        name: service["command"] for name, service in services.items() if name != "database"
    }
    assert set(commands) == {"upgrade", "serve", "worker"}
    assert all(is_command(command) for command in commands.values())
    for name in ("serve", "worker"):
        assert services[name]["depends_on"]["upgrade"]["condition"].endswith("successfully")


def test_the_image_is_built_from_this_clone_with_extras_that_exist(compose):
    build = compose["x-connector"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    lines = [line.split() for line in build["dockerfile_inline"].splitlines()]
    copied = {name for first, *names in lines if first == "COPY" for name in names[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    setup = ini(ROOT / "setup.cfg")
    packages = setup["options.packages.find"]["include"].split()
    assert {name.rstrip("*") for name in packages} <= copied
    [wanted] = re.findall(r'pip install --no-cache-dir "\.\[(.+)\]"', build["dockerfile_inline"])
    assert set(wanted.split(",")) <= set(setup["options.extras_require"])


def test_the_image_is_of_a_version_that_the_product_supports(compose):
    dockerfile = compose["x-connector"]["build"]["dockerfile_inline"]
    [version] = re.findall(r"FROM python:([\d.]+)-", dockerfile)
    assert f"Python :: {version}" in ini(ROOT / "setup.cfg")["metadata"]["classifiers"]


def test_containers_get_variables_that_the_example_configuration_asks_for(compose):
    asked = set(re.findall(r"\$\{(\w+)\}", (ROOT / "config.example.yaml").read_text()))
    environment = compose["x-connector"]["environment"]
    assert set(environment) - {CONFIG_VARIABLE} <= asked
    mounted = [volume.split(":")[1] for volume in compose["x-connector"]["volumes"]]
    assert environment[CONFIG_VARIABLE] in mounted


def test_the_manual_names_every_file():
    manual = (DEPLOY.parent / "docs" / "scaling.md").read_text()
    assert set(re.findall(r"deploy/[\w./]+\w", manual)) == {"deploy/systemd", "deploy/compose.yaml"}
