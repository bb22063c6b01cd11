"""The command line: answers for people and for scripts, one message and status 1 on refusal."""

import json
import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import click
import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.cli.context import CommandContext, config_option, handle_errors
from connector.cli.main import main
from connector.clock import SystemClock
from connector.config.tenants import StoredTenants
from connector.domain.api_clients import Method
from connector.errors import GuardError, TemporaryError
from connector.sealing import Sealer
from connector.services.authentication.api_clients import ApiClientService, InvalidTokenError
from connector.services.tenants.catalogue import TenantCatalogue
from connector.settings import TenantSettings


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def config_file(tmp_path, pem):
    data = {
        "database": {"url": f"sqlite:///{tmp_path}/connector.db"},
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key": pem,
        },
        "tenants": {
            "default": {
                "user_id": "00000000-0000-4000-8000-000000000001",
                "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a1"}],
            }
        },
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def run(config_file):
    def run(*arguments, config=config_file):
        return CliRunner().invoke(main, [*arguments, "--config", str(config)])

    return run


# ------------------------------------------------------------------------------ help


def test_the_help_lists_every_command_once_with_its_whole_first_sentence():
    result = CliRunner().invoke(main, ["--help"], terminal_width=80)
    named = [
        line.split()[0] for line in result.output.splitlines() if re.match(r"  [a-z]+  ", line)
    ]
    assert sorted(named) == sorted(main.list_commands(click.Context(main)))
    assert "..." not in result.output.partition("Try and set up:")[2]


@pytest.mark.parametrize(("typed", "meant"), [(["synk"], "sync"), (["tasks", "lst"], "list")])
def test_a_misspelled_command_is_answered_with_what_was_meant(typed, meant):
    result = CliRunner().invoke(main, typed)
    assert result.exit_code == 2
    assert (
        result.output.count(f"Did you mean {meant}")
        + result.output.count(f"Did you mean '{meant}'")
        == 1
    )


# ------------------------------------------------------------------------------ config


def test_a_good_configuration_is_said_to_be_good(run, config_file):
    result = run("config", "check")
    assert result.exit_code == 0
    assert f"{config_file} is good" in result.output


def test_every_problem_is_told_and_the_status_is_one(run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("server: {prot: 1}\n")
    result = run("config", "check", config=bad)
    assert result.exit_code == 1
    assert "did you mean 'port'?" in result.stderr
    assert "tenants: declare at least one" in result.stderr
    assert "Traceback" not in result.output


def test_schedules_are_told_together_with_everything_else(run, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "server: {port: 99999}\n"
        "jobs: {timezone: Mars/Base, schedule: {nosuch: {every_s: 1}, sync: {cron: x y z}}}\n"
        "tenants: {default: {entitlements: [{match: x, approvers: {people: [ann]}}]}}\n"
    )
    told = run("config", "check", config=bad).stderr
    for text in (
        "server.port: ",
        "jobs.timezone: there is no time zone 'Mars/Base'",
        "jobs.schedule.nosuch: there is no such job",
        "jobs.schedule.sync.cron: ",
        "tenants.default.entitlements[0].fulfilment: ",
    ):
        assert text in told
    assert "tenants.default.jobs" not in told


def test_a_missing_file_is_a_message(run, tmp_path):
    result = run("config", "check", config=tmp_path / "none.yaml")
    assert result.exit_code == 1
    assert "Start from config.example.yaml" in result.stderr


def test_show_masks_secrets(run, pem):
    shown = run("config", "show", "--json")
    assert json.loads(shown.stdout)["docusign"]["private_key"] == "********"
    text = run("config", "show").stdout
    assert yaml.safe_load(text)["server"]["port"] == 8080
    assert pem.splitlines()[1] not in text + shown.stdout


def test_the_environment_names_the_file(config_file):
    environment = {"DOCUSIGN_IGA_CONFIG": str(config_file)}
    assert CliRunner().invoke(main, ["config", "check"], env=environment).exit_code == 0


def test_a_wrong_usage_has_status_two(run):
    assert run("config", "chekc").exit_code == 2


# ------------------------------------------------------------------------------ db


def test_an_upgrade_is_done_once(run):
    first, second = run("db", "upgrade", "--json"), run("db", "upgrade")
    assert json.loads(first.stdout)["before"] is None
    assert second.stdout == "Up to date.\n"


# ------------------------------------------------------------------------------ client


@pytest.fixture
def clients(monkeypatch, sqlite_store):
    clock = SystemClock()
    service = ApiClientService(sqlite_store, clock)
    catalogue = TenantCatalogue(
        sqlite_store, {"default": TenantSettings()}, StoredTenants(Sealer([]))
    )
    application = SimpleNamespace(clients=service, clock=clock, catalogue=catalogue)
    monkeypatch.setattr(CommandContext, "application", application)
    return service


def test_a_token_is_shown_once(run, clients):
    token = json.loads(run("client", "add", "iiq", "--json").stdout)["token"]
    assert clients.authenticate("default", token).client_id == "iiq"
    assert token not in run("client", "list").output


def test_clients_are_listed_with_their_tokens(run, clients):
    run("client", "add", "auditor", "--read-only", "--expires", "90d")
    run("client", "add", "iiq")
    run("client", "rotate", "iiq", "--grace", "2h")
    found = json.loads(run("client", "list", "--json").stdout)
    assert [(each["client"], each["scopes"]) for each in found] == [
        ("auditor", ["read"]),
        ("iiq", ["read", "write"]),
    ]
    assert [token["state"] for token in found[1]["tokens"]] == ["valid", "valid"]
    assert found[0]["last_write_at"] is None
    shown = run("client", "list").stdout
    assert "valid until" in shown
    assert "never" in shown


def test_habits_of_a_client_are_kept(run, clients):
    run("client", "add", "entra", "--set", "check_body_version=true")
    [(client, _)] = clients.list("default")
    assert client.settings == {"check_body_version": True}


def test_a_client_gets_a_secret_and_scopes(run, clients):
    arguments = ["--method", "oauth", "--scope", "read", "--scope", "write:users", "--json"]
    added = json.loads(run("client", "add", "okta", *arguments).stdout)
    rotated = json.loads(run("client", "rotate", "okta", "--json").stdout)
    for secret in (added["secret"], rotated["secret"]):
        client = clients.authenticate_secret("default", Method.OAUTH, "okta", secret)
        assert client.scopes == {"read", "write:users"}
    assert "oauth: valid until" in run("client", "list").stdout


def test_a_client_may_be_known_by_what_others_gave_it(run, clients):
    first, second = "ab" * 32, "cd" * 32
    arguments = ["--method", "mtls", "--fingerprint", ":".join(["AB"] * 32), "--json"]
    added = json.loads(run("client", "add", "midpoint", *arguments).stdout)
    assert added == {"client": "midpoint", "method": "mtls", "bound_to": first}
    run("client", "rotate", "midpoint", "--fingerprint", second)
    for fingerprint in (first, second):
        found = clients.authenticate_bound("default", Method.MTLS, fingerprint)
        assert found.client_id == "midpoint"
    shown = run("client", "add", "entra", "--method", "jwt", "--subject", "app").stdout
    assert "entra is now known by app." in shown
    assert clients.authenticate_bound("default", Method.JWT, "app").client_id == "entra"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--method", "jwt"], 1),
        (["--method", "mtls", "--fingerprint", "ab"], 1),
        (["--method", "mtls", "--subject", "app"], 2),
        (["--subject", "app"], 2),
    ],
)
def test_a_client_is_known_by_what_goes_with_its_method(run, clients, arguments, status):
    assert run("client", "add", "x", *arguments).exit_code == status


def test_a_revoked_client_is_out(run, clients):
    token = json.loads(run("client", "add", "iiq", "--json").stdout)["token"]
    assert run("client", "revoke", "iiq").exit_code == 0
    with pytest.raises(InvalidTokenError):
        clients.authenticate("default", token)
    assert "revoked" in run("client", "list").stdout


def test_refusals_are_messages(run, clients):
    assert "There is no tenant 'other'" in run("client", "list", "--tenant", "other").stderr
    unknown = run("client", "revoke", "nobody")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert run("client", "add", "x", "--expires", "soon").exit_code == 2


# ------------------------------------------------------------------------------ the frame


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            GuardError("No: the last administrator.", guard="x"),
            "Error: No: the last administrator.",
        ),
        (TemporaryError("Busy.", retry_after_s=7), "Error: Busy.\nTry again in 7 seconds."),
    ],
)
def test_an_error_is_one_message(error, expected):
    @click.command()
    @config_option
    @handle_errors
    def command(context):
        raise error

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stderr.strip()) == (1, expected)


def walk(command, path=()):
    context = click.Context(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_teaches_with_an_example():
    silent = [name for name, command in walk(main) if f"docusign-iga {name}" not in command.help]
    assert silent == []


def test_a_client_is_added_to_the_configured_database(run):
    added = run("client", "add", "iiq")
    assert added.exit_code == 0, added.output
    assert json.loads(run("client", "list", "--json").stdout)[0]["client"] == "iiq"


def test_a_client_is_given_a_dialect_and_single_settings(run):
    run("db", "upgrade")
    assert run("client", "add", "okta", "--dialect", "okta").exit_code == 0
    changed = run("client", "set", "okta", "unknown_members=strict", "check_body_version=true")
    assert changed.exit_code == 0, changed.output
    (shown,) = json.loads(run("client", "list", "--json").stdout)
    assert shown["settings"] == {
        "dialect": "okta",
        "unknown_members": "strict",
        "check_body_version": True,
    }


def test_a_setting_that_is_none_is_named(run):
    run("client", "add", "okta")
    for arguments in (("set", "okta", "put=merge"), ("add", "new", "--set", "dialect=octa")):
        result = run("client", *arguments)
        assert result.exit_code == 1
        assert "put: no such setting" in result.output or "dialect: one of" in result.output


# -------------------------------------------------------------------------------- sync


def test_an_unknown_account_cannot_be_forgotten(run):
    result = run("sync", "--forget-account", "00000000-0000-4000-8000-0000000000ff")
    assert result.exit_code == 1
    assert "The database has no account" in result.stderr


# ------------------------------------------------------------------------------ erase, notify


def test_erasing_says_that_it_cannot_be_undone_and_asks(run):
    assert "IRREVERSIBLE" in run("erase", "confirm", "--help").stdout
    assert "There are none" in run("erase", "list").stdout
    assert "--as LOGIN" in run("erase", "request", "x@y.example", "--reason", "r").stderr
    refused = run("erase", "confirm", "3f2a")
    assert refused.exit_code == 1
    assert "Nothing brings it back" in refused.stderr


def test_a_channel_that_is_not_there_is_a_message(run):
    assert "There are none" in run("notify", "list").stdout
    assert "There is no channel 'x'. Channels: none." in run("notify", "test", "x").stderr
    assert run("notify", "replay").exit_code == 1


# -------------------------------------------------------------------------------- demo


@pytest.mark.parametrize("name", ["connector.db", "config.yaml", "private-key.pem"])
def test_a_demo_overwrites_nothing_that_no_demo_made(tmp_path, name):
    (tmp_path / name).write_text("dear to somebody")

    result = CliRunner().invoke(main, ["demo", "--port", "0", "--data-dir", str(tmp_path)])

    assert result.exit_code == 1
    assert name in result.stderr
    assert "empty directory" in result.stderr
    assert [item.name for item in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "dear to somebody"


# ------------------------------------------------------------------------------ jobs, budget


def test_a_paused_job_is_listed_as_paused_until_it_is_resumed(run):
    assert run("jobs", "pause", "sync").output == "sync is paused.\n"
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    assert listed["sync"]["paused"]["by"].startswith("user:")
    assert listed["settle"]["paused"] is None
    run("jobs", "resume", "sync")
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    assert listed["sync"]["paused"] is None


def test_a_job_runs_on_demand(run):
    result = run("jobs", "run", "settle")
    assert (result.exit_code, result.output) == (
        0,
        "settle: settled 0, waiting 0, failed 0.\n",
    )
    assert run("jobs", "history").output.startswith("No job has done anything yet")
    [kept] = json.loads(run("jobs", "history", "--all", "--json").output)
    assert (kept["job"], kept["calls"], kept["error"]) == ("settle", 0, None)
    assert kept["correlation_id"]


def test_the_list_is_followed_until_ctrl_c(run, monkeypatch):
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("connector.cli.jobs.time.sleep", sleep)
    followed = run("jobs", "list", "--watch")
    assert (followed.exit_code, looks) == (0, [1.0, 1.0])
    assert "settle" in followed.output


def test_workers_need_postgresql(run):
    refused = run("worker")
    assert (refused.exit_code, "Workers need PostgreSQL" in refused.output) == (1, True)


def test_the_list_tells_when_each_job_runs_next(run):
    run("jobs", "run", "anchor")
    run("jobs", "pause", "notify")
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    began = datetime.fromisoformat(listed["anchor"]["last"]["started_at"])
    assert datetime.fromisoformat(listed["anchor"]["next_run_at"]) == began + timedelta(hours=1)
    assert listed["notify"]["next_run_at"] is None
    assert "1 h" in run("jobs", "list").output


def test_the_budget_of_a_fresh_database_is_whole(run):
    report = json.loads(run("budget", "--json").output)
    [line] = report["budgets"]
    assert (line["limit"], line["remaining"], line["background_left"]) == (3000, None, 720)
    assert run("budget").exit_code == 0
