"""``docusign-iga account``: exported from one account, planned and applied to another."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
import yaml
from click.testing import CliRunner, Result

from connector.cli.context import CommandContext
from connector.cli.main import main
from tests.connector import Connector, connected

Run = Callable[..., Result]


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    made = connected(tmp_path / "connector.db")
    yield made
    made.close()


@pytest.fixture
def run(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")

    # A command's answer is what it prints; the log goes elsewhere.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, ["account", *arguments], input=text)

    return run


def test_one_account_becomes_like_another(connector: Connector, run: Run, tmp_path: Path) -> None:
    first, second, _ = connector.world.accounts
    exported = run("export", "--account", first.name)
    assert exported.exit_code == 0, exported.output
    document = yaml.safe_load(exported.stdout)
    document["administrators"] = []
    file = tmp_path / "first.yaml"
    file.write_text(yaml.safe_dump(document))
    assert "Nothing to do" in run("plan", str(file)).stdout
    planned = run("plan", str(file), "--account", second.name)
    assert "create the profile" in planned.stdout
    refused = run("apply", str(file), "--account", second.name, text="n\n")
    assert refused.exit_code == 1
    before = {profile.name for profile in second.profiles.values()}
    applied = run("apply", str(file), "--account", second.name, text="y\n")
    assert applied.exit_code == 0, applied.output
    assert "done: create the profile" in applied.stdout
    after = {profile.name for profile in second.profiles.values()}
    assert after == before | {one["name"] for one in document["profiles"]}
    again = run("apply", str(file), "--account", second.name, "--yes")
    assert again.stdout == "Nothing to do: the account is what the file declares.\n"


def test_scripts_apply_the_plan_that_was_looked_at(
    connector: Connector, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "wish.yaml"
    file.write_text("groups: [Harbour]\n")
    plan = json.loads(run("plan", str(file), "--json").stdout)
    assert [step["step"] for step in plan["steps"]] == ["CreateGroup"]
    other = run("apply", str(file), "--yes", "--checksum", "0" * 16)
    assert other.exit_code == 1
    assert plan["checksum"] in other.stderr
    done = run("apply", str(file), "--yes", "--json", "--checksum", plan["checksum"])
    assert json.loads(done.stdout)["done"][0]["description"] == "create the group 'Harbour'"
    assert "Harbour" in {group.name for group in connector.world.account.groups.values()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("groups: Port\n", "groups: Not a valid list."),
        ("grups: [Port]\n", "grups: is unknown here"),
        ("profiles: [{name: X, settings: {a: [1]}}]\n", "settings.a: must be true, false"),
        ("profiles: [{settings: {}}]\n", "profiles[0].name: must be given"),
        ("groups: [A, a]\n", "groups[1]: 'a' is there twice"),
        ("remove: {profiles: [{name: x, move: y}]}\n", "remove.profiles[0].move: is unknown"),
        ("a: [\n", "not valid YAML"),
        ("account: nowhere\n", "No governed account is called 'nowhere'"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(
    run: Run, tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "wish.yaml"
    file.write_text(text)
    result = run("plan", str(file))
    assert result.exit_code == 1
    assert told in result.stderr
    assert "Traceback" not in result.output
