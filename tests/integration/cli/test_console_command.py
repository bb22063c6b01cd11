"""``docusign-iga console user``: accounts are made, shown, changed and locked."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.clock import SystemClock
from connector.services.authentication.console_accounts import ConsoleAccounts

PASSWORD = "four quiet green lamps"
ADDRESS = "ann@staff.example"


@pytest.fixture
def run(monkeypatch, sqlite_store):
    """A function that runs ``docusign-iga console user …`` and returns the result."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    accounts = ConsoleAccounts(sqlite_store, SystemClock(), hasher)
    monkeypatch.setattr(CommandContext, "application", SimpleNamespace(console_accounts=accounts))
    monkeypatch.setattr(CommandContext, "known_tenant", "default")

    def run(*arguments, input_text=None):
        return CliRunner().invoke(main, ["console", "user", *arguments], input=input_text)

    return run


def test_an_account_is_added_listed_and_locked(run):
    arguments = ("add", "ann", "--role", "approver", "--email", ADDRESS, "--password-stdin")
    added = run(*arguments, input_text=PASSWORD + "\n")
    assert added.exit_code == 0, added.output
    assert "ann may sign in as approver" in added.output
    [shown] = json.loads(run("list", "--json").output)
    assert (shown["login"], shown["roles"], shown["disabled_at"]) == ("ann", ["approver"], None)
    assert "0 sessions ended" in run("disable", "ann").output
    assert json.loads(run("list", "--json").output)[0]["disabled_at"]


def test_a_generated_password_is_shown_once(run):
    added = json.loads(run("add", "ann", "--role", "viewer", "--generate", "--json").output)
    assert len(added["password"]) >= 20
    assert added["password"] not in run("list", "--json").output


def test_roles_are_replaced(run):
    run("add", "ann", "--role", "viewer", "--email", ADDRESS, "--generate")
    changed = run("role", "ann", "--role", "operator", "--role", "approver")
    assert "approver, operator" in changed.output


@pytest.mark.parametrize("role", ["approver", "operator", "administrator"])
def test_who_does_more_than_read_needs_an_address(run, role):
    refused = run("add", "ann", "--role", role, "--generate")
    assert (refused.exit_code, "--email" in refused.output) == (1, True)
    run("add", "ann", "--role", "viewer", "--generate")
    refused = run("role", "ann", "--role", role)
    assert (refused.exit_code, "console user email ann ADDRESS" in refused.output) == (1, True)
    assert run("email", "ann", ADDRESS).exit_code == 0
    assert run("role", "ann", "--role", role).exit_code == 0
    assert run("email", "ann", "").exit_code == 1
    assert json.loads(run("list", "--json").output)[0]["email"] == ADDRESS


def test_a_login_that_is_an_address_serves(run):
    run("add", ADDRESS, "--role", "approver", "--generate")
    assert json.loads(run("list", "--json").output)[0]["email"] == ADDRESS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "ann", "--role", "viewer", "--password-stdin"), "12 to 256 characters"),
        (("disable", "bob"), "no console account 'bob'"),
        (("add", "ann", "--role", "viewer", "--email", "ann", "--generate"), "no e-mail address"),
        (("add", "ann", "--role", "viewer"), "--password-stdin or --generate"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(run, arguments, words):
    refused = run(*arguments, input_text="short\n")
    assert refused.exit_code == 1
    assert words in refused.output
