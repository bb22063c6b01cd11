"""``docusign-iga probe`` asks, tries, explains, and writes what follows into the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.config import load_settings

MINIMAL = """\
docusign:
  integration_key: {integration_key}
  private_key_file: key.pem
  behaviour:
    reactivation: resend_activation  # not sure
tenants:
  default:
    user_id: {user_id}
    accounts:
      - account_id: {account_id}
"""


@pytest.fixture
def command(connector, monkeypatch):
    monkeypatch.setattr(CommandContext, "settings", connector.application.settings)
    monkeypatch.setattr(CommandContext, "application", connector.application)
    runner = CliRunner()
    return lambda *arguments, **options: runner.invoke(main, ["probe", *arguments], **options)


def test_it_asks_before_it_makes_anything(connector, command):
    before = len(connector.world.state.users)
    result = command(input="n\n")
    assert result.exit_code == 1
    assert "100 calls" in result.output
    assert len(connector.world.state.users) == before


def test_it_explains_each_and_ends_with_the_settings(command):
    result = command("--yes")
    assert result.exit_code == 0, result.output
    assert "How is a closed user opened again?" in result.output
    snippet = yaml.safe_load(result.stdout[result.stdout.rindex("\ndocusign:") :])
    assert snippet["docusign"]["behaviour"]["list_groups"] == "yes"


def test_the_settings_go_into_the_file_on_request(connector, command, tmp_path):
    details = connector.world.details
    path = Path(tmp_path / "config.yaml")
    path.with_name("key.pem").write_text(details["private_key_pem"])
    account_id = connector.world.account.account_id
    path.write_text(MINIMAL.format(account_id=account_id, **details))
    path.chmod(0o600)
    connector.world.set_variants(reopen_by_resend=False)

    result = command("--yes", "--write", "--json", "--config", str(path))

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout[result.stdout.index("{\n") : result.stdout.rindex("}") + 1])
    assert told["behaviour"]["reactivation"] == "user_status"
    behaviour = load_settings(path).docusign.behaviour
    assert (behaviour.reactivation, behaviour.list_groups) == ("user_status", "yes")
    kept = path.with_name("config.yaml.bak")
    assert "resend_activation  # not sure" in kept.read_text()
    assert {oct(file.stat().st_mode & 0o777) for file in (path, kept)} == {"0o600"}


def test_a_file_that_cannot_take_the_settings_stays_and_nothing_lies_beside_it(command, tmp_path):
    path = Path(tmp_path / "config.yaml")
    path.write_text("docusign: {}\n")
    result = command("--yes", "--write", "--config", str(path))
    assert result.exit_code == 1
    assert "Enter the settings by hand" in result.output
    assert [
        (file.name, file.read_text()) for file in tmp_path.iterdir() if "config" in file.name
    ] == [("config.yaml", "docusign: {}\n")]


def test_an_unknown_account_is_refused_with_those_that_there_are(connector, command):
    result = command("--account", "nowhere", "--yes")
    assert result.exit_code == 1
    assert connector.world.account.name in result.output
