"""``docusign-iga tenant``: customers added, changed and removed from the command line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.cli.main import main
from connector.clock import SystemClock

Run = Callable[..., Result]
USER = "00000000-0000-4000-8000-0000000000ee"
ACCOUNT = "00000000-0000-4000-8000-0000000000ac"
OTHER = "00000000-0000-4000-8000-0000000000ad"


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def config_file(tmp_path: Path, pem: str) -> Path:
    data: dict[str, Any] = {
        "database": {"url": f"sqlite:///{tmp_path}/connector.db", "encryption_key": "k" * 40},
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key": pem,
        },
        "tenants": {},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def run(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, _seconds: None)

    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(main, [*arguments, "--config", str(config_file)], input=text)

    return run


def added(run: Run, name: str = "acme", account: str = f"{ACCOUNT}=main") -> dict[str, Any]:
    result = run("tenant", "add", name, "--user-id", USER, "--account", account, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_configuration_without_tenants_gets_its_first(run: Run) -> None:
    assert run("config", "check").exit_code == 0
    missing = run("client", "list")
    assert missing.exit_code == 1
    assert "There is none yet: docusign-iga tenant add" in missing.stderr
    assert added(run)["settings"]["accounts"] == [{"account_id": ACCOUNT, "alias": "main"}]
    assert run("client", "add", "iiq", "--tenant", "acme").exit_code == 0
    listed = json.loads(run("tenant", "list", "--json").stdout)
    assert [(one["name"], one["source"], one["state"]) for one in listed] == [
        ("acme", "database", "active")
    ]


def test_wrong_settings_are_told_at_once(run: Run) -> None:
    result = run("tenant", "add", "acme", "--account", "x", "--set", "scimm=1")
    assert result.exit_code == 1
    assert "tenants.acme.user_id: must be given" in result.stderr
    assert "tenants.acme.accounts[0].account_id: must be a GUID" in result.stderr
    assert "tenants.acme.scimm: unknown setting; did you mean 'scim'?" in result.stderr
    assert json.loads(run("tenant", "list", "--json").stdout) == []


def test_what_is_shown_can_be_edited_and_given_back(run: Run, tmp_path: Path) -> None:
    added(run)
    channel = "notifications.channels[0]={name: h, kind: webhook, url: https://example.com/hush}"
    assert run("tenant", "set", "acme", "--set", channel).exit_code == 0
    shown = run("tenant", "show", "acme").stdout
    assert "hush" not in shown
    file = tmp_path / "acme.yaml"
    file.write_text(shown.replace("alias: main", "alias: first"))
    assert run("tenant", "set", "acme", "--file", str(file)).exit_code == 0
    assert run("tenant", "set", "acme", "--file", str(file)).stdout == "Nothing changes.\n"
    found = json.loads(run("tenant", "show", "acme", "--json").stdout)
    assert found["settings"]["accounts"][0]["alias"] == "first"
    assert run("tenant", "set", "acme", "--unset", "notifications").exit_code == 0
    assert "notifications" not in run("tenant", "show", "acme").stdout
    history = json.loads(run("tenant", "history", "acme", "--json").stdout)
    assert [event["action"] for event in history] == ["tenant.changed"] * 3 + ["tenant.added"]
    assert "hush" not in str(history)


def test_suspended_and_resumed(run: Run) -> None:
    added(run)
    assert run("tenant", "suspend", "acme", "--reason", "unpaid").exit_code == 0
    assert "suspended (unpaid)" in run("tenant", "list").stdout
    assert run("tenant", "resume", "acme").exit_code == 0
    assert json.loads(run("tenant", "list", "--json").stdout)[0]["state"] == "active"


def test_removing_asks_for_the_name_says_what_goes_and_exports_first(
    run: Run, tmp_path: Path
) -> None:
    added(run)
    run("client", "add", "iiq", "--tenant", "acme")
    refused = run("tenant", "remove", "acme", text="acne\n")
    assert refused.exit_code == 1
    assert "api_clients 1" in refused.stderr
    assert "Nothing was removed" in refused.stderr
    target = tmp_path / "archive"
    removed = run("tenant", "remove", "acme", "--export", str(target), text="acme\n")
    assert removed.exit_code == 0, removed.stderr
    assert yaml.safe_load((target / "settings.yaml").read_text())["user_id"] == USER
    events = [json.loads(line) for line in (target / "audit.jsonl").read_text().splitlines()]
    assert [event["action"] for event in events] == ["tenant.added", "client.added"]
    with gzip.open(target / "data.jsonl.gz", "rt") as packed:
        tables = {json.loads(line)["table"] for line in packed}
    assert "api_clients" in tables
    assert "api_tokens" not in tables
    told = json.loads(run("tenant", "history", "acme", "--json").stdout)[0]
    assert told["action"] == "tenant.removed"
    assert told["data"]["hash"] == events[-1]["hash"]
    assert run("client", "list", "--tenant", "acme").exit_code == 1
    again = run("tenant", "remove", "acme", "--confirm", "acme")
    assert again.exit_code == 1


def test_a_directory_that_exists_closes_nobody(run: Run, tmp_path: Path) -> None:
    added(run)
    refused = run("tenant", "remove", "acme", "--confirm", "acme", "--export", str(tmp_path))
    assert refused.exit_code == 1
    assert "Name a new directory" in refused.stderr
    assert json.loads(run("tenant", "list", "--json").stdout)[0]["state"] == "active"


def test_a_file_that_is_no_text_is_told(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_bytes(b"user_id: \xe9\n")
    refused = run("tenant", "add", "acme", "--file", str(file))
    assert refused.exit_code == 1
    assert "is not UTF-8 text" in refused.stderr


def test_an_account_of_another_customer_is_refused(run: Run) -> None:
    added(run)
    result = run("tenant", "add", "beta", "--user-id", USER, "--account", ACCOUNT)
    assert result.exit_code == 1
    assert "belongs to the tenant 'acme', for life" in result.stderr
    added(run, "beta", OTHER)


def test_a_key_for_secrets_is_made(run: Run) -> None:
    made = CliRunner().invoke(main, ["key", "encryption"]).stdout.strip()
    assert len(made) >= 40
    assert made != CliRunner().invoke(main, ["key", "encryption"]).stdout.strip()
    assert run("tenant", "reseal").stdout == "The secrets of 0 tenants are sealed anew.\n"
