"""The command line: answers for people and for scripts, one message and status 1 on refusal."""

import json
import re
import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from connector.bootstrap import build
from connector.cli.context import config_option, handle_errors
from connector.cli.main import main
from connector.config import load_settings
from connector.domain.model import Account, Profile
from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantState
from connector.errors import GuardError, TemporaryError
from connector.services.bindings import bind

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


def test_a_server_that_runs_with_an_earlier_version_of_the_file_is_told(run, config_file):
    application = build(load_settings(config_file), role="serve")
    with closing(application):
        heartbeat = application.begin_telling(config_file)
        assert "Warning" not in run("config", "check").stdout

        data = yaml.safe_load(config_file.read_text())
        data["server"] = {"port": 8081}
        config_file.write_text(yaml.safe_dump(data))
        shown = run("config", "check").stdout
        assert "is good" in shown
        started = f"{application.clock.now():%Y-%m-%d}"
        assert f"Warning: `serve` on {socket.gethostname()} runs since {started}" in shown
        assert f"with another version of {config_file}: restart it" in shown

        elsewhere = config_file.with_name("other.yaml")
        elsewhere.write_text(config_file.read_text())
        assert "Warning" not in run("config", "check", config=elsewhere).stdout

        heartbeat.stop()
        assert "Warning" not in run("config", "check").stdout


def test_another_environment_is_no_other_version_of_the_file(run, config_file, monkeypatch):
    data = yaml.safe_load(config_file.read_text())
    data["server"] = {"public_url": "${PUBLIC_URL}"}
    config_file.write_text(yaml.safe_dump(data))
    monkeypatch.setenv("PUBLIC_URL", "https://iga.example.com")
    application = build(load_settings(config_file), role="serve")
    with closing(application):
        heartbeat = application.begin_telling(config_file)
        monkeypatch.setenv("PUBLIC_URL", "https://elsewhere.example.com")
        shown = run("config", "check").stdout
        heartbeat.stop()
    assert "is good" in shown and "another version" not in shown


def test_accounts_that_the_database_has_and_the_file_has_not_are_told(run, config_file):
    other = "00000000-0000-4000-8000-0000000000a2"
    settings = load_settings(config_file)
    tenant = settings.tenants["default"]
    application = build(settings, role="cli")
    with closing(application), application.store.write("default") as uow:
        for account_id in (other, tenant.accounts[0].account_id):
            bind(uow, tenant, Account(account_id, f"Account {account_id[-2:]}"))
        uow.commit()
    result = run("config", "check")
    assert result.exit_code == 1
    assert other in result.stderr and "--forget-account" in result.stderr
    assert not json.loads(run("config", "check", "--json").stdout)["ok"]


@pytest.mark.parametrize("name", ["connector.db", "acme #1.db"])
def test_a_tenant_that_the_database_has_too_is_told(run, config_file, name):
    config_file.write_text(config_file.read_text().replace("connector.db", name))
    settings = load_settings(config_file)
    now = datetime.now(UTC)
    record = TenantRecord("default", TenantState.ACTIVE, {}, 1, now, "ann", now, "ann")
    application = build(settings, role="cli")
    with closing(application), application.store.write(INSTALLATION) as uow:
        account = settings.tenants["default"].accounts[0].account_id
        uow.tenants.put(record)
        uow.tenants.claim([account], "acme")
        uow.commit()
    result = run("config", "check")
    assert result.exit_code == 1
    assert "tenants.default: is kept in the database too" in result.stderr
    assert "tenant remove default --keep-data" in result.stderr
    assert f"{account} belongs to the tenant 'acme'" in result.stderr


@pytest.mark.parametrize("is_there", [True, False])
def test_approvers_who_cannot_be_anybody_are_warnings(run, config_file, is_there):
    approvers = {"people": ["zoe@acme.test"], "groups": ["it-security"]}
    rule = {"match": "*", "kind": "profile", "fulfilment": "approval", "approvers": approvers}
    content = yaml.safe_load(config_file.read_text())
    content["tenants"]["default"]["entitlements"] = [rule]
    config_file.write_text(yaml.safe_dump(content))
    if is_there:
        build(load_settings(config_file), role="cli").close()
    path = "tenants.default.entitlements[0].approvers"
    warnings = json.loads(run("config", "check", "--json").stdout)["warnings"]
    assert [item.partition(": ")[0] for item in warnings] == [
        f"{path}.groups[0]",
        f"{path}.people[0]",
    ]
    assert f"Warning: {path}.groups[0]: nobody can be in" in run("config", "check").stdout


@pytest.mark.parametrize("database", ["none", "empty", "new"])
def test_nobody_with_the_role_approver_is_told_before_there_is_an_account(
    run, config_file, database
):
    content = yaml.safe_load(config_file.read_text())
    rule = {"match": "*", "kind": "profile", "fulfilment": "approval"}
    content["tenants"]["default"]["entitlements"] = [rule]
    config_file.write_text(yaml.safe_dump(content))
    if database == "new":
        build(load_settings(config_file), role="cli").close()
    elif database == "empty":
        (config_file.parent / "connector.db").touch()
    warnings = json.loads(run("config", "check", "--json").stdout)["warnings"]
    assert warnings[0].startswith("tenants.default.entitlements[0]: it names no approvers")
    assert "nobody with an e-mail address has it" in warnings[0]
    assert len(warnings) == (2 if database == "empty" else 1)


@pytest.fixture
def with_profiles(config_file):
    """Let the mirror know the profiles of the only account; change the tenant in the file."""

    def change(**tenant):
        settings = load_settings(config_file)
        account_id = settings.tenants["default"].accounts[0].account_id
        profiles = [Profile(account_id, "1", "DocuSign Viewer"), Profile(account_id, "2", "Legal")]
        application = build(settings, role="cli")
        with closing(application), application.store.write("default") as uow:
            uow.mirror.put_profiles(account_id, profiles)
            uow.commit()
        content = yaml.safe_load(config_file.read_text())
        content["tenants"]["default"].update(tenant)
        config_file.write_text(yaml.safe_dump(content))

    return change


def test_a_misspelt_baseline_profile_is_told_once_the_profiles_are_known(run, with_profiles):
    with_profiles(provisioning={"baseline_profile": "Legel"})
    result = run("config", "check")
    assert result.exit_code == 1
    assert "tenants.default.accounts[0].baseline_profile: The baseline profile" in result.stderr
    assert "one of: DocuSign Viewer, Legal" in result.stderr


def test_a_rule_that_covers_nothing_is_a_warning(run, with_profiles):
    used = {"match": "Legal", "fulfilment": "manual"}
    with_profiles(entitlements=[used, {"match": "Legel", "fulfilment": "manual"}])
    result = run("config", "check")
    assert result.exit_code == 0, result.output
    (warning,) = json.loads(run("config", "check", "--json").stdout)["warnings"]
    assert f"Warning: {warning}" in result.stdout
    assert "Rule 2 of the tenant 'default' (match: Legel)" in warning
    assert warning.endswith("did you mean 'Legal'?")


def test_rules_for_drift_and_leavers_that_cover_nothing_are_warnings(run, with_profiles):
    policy = [{"kind": "native_grant", "entitlement": "Legel", "then": "revert"}]
    with_profiles(drift={"policy": policy}, leavers=[{"profile": "Legl"}, {"profile": "Legal"}])
    drift, leavers = json.loads(run("config", "check", "--json").stdout)["warnings"]
    assert "drift.policy" in drift and drift.endswith("did you mean 'Legal'?")
    assert "Rule 1" in leavers and leavers.endswith("did you mean 'Legal'?")


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100], ids=["empty", "broken"])
def test_a_database_that_the_file_was_not_held_against_is_told(run, config_file, content):
    (config_file.parent / "connector.db").write_bytes(content)
    (warning,) = json.loads(run("config", "check", "--json").stdout)["warnings"]
    assert warning.startswith("Only the file was checked")


def test_a_check_of_the_configuration_makes_no_database(run, config_file):
    assert run("config", "check").exit_code == 0
    assert not (config_file.parent / "connector.db").exists()


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


def test_the_help_of_a_process_that_has_commands_is_plain_text():
    told = CliRunner().invoke(main, ["jobs", "--help"]).stdout
    assert "`serve` starts this by itself" in told and "``" not in told


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
    assert "No erasure starts with '3f2a'" in refused.stderr
    unasked = run("erase", "confirm", "3f2a", "--yes").stderr
    assert "--as LOGIN" in unasked, "nothing is looked up for a question that is not put"


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


def test_the_example_of_a_configuration_is_printed_as_it_is():
    result = CliRunner().invoke(main, ["config", "example"])
    assert result.exit_code == 0
    assert result.output == (Path(__file__).parents[3] / "config.example.yaml").read_text()
