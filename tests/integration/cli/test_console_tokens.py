"""``docusign-iga console token``: personal tokens are made, shown and ended."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.clock import SystemClock
from connector.domain.authentication.console import ConsoleRole
from connector.services.authentication.console_accounts import ConsoleAccounts
from connector.services.authentication.personal_tokens import PersonalTokens
from connector.services.context import Actor
from connector.settings import ApiSettings


@pytest.fixture
def run(monkeypatch, sqlite_store):
    """A function that runs ``docusign-iga console token …`` where there is an account ann."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    clock = SystemClock()
    ConsoleAccounts(sqlite_store, clock, hasher).add(
        "default",
        "ann",
        "four quiet green lamps",
        [ConsoleRole.VIEWER, ConsoleRole.APPROVER],
        Actor("user:root", "cli", "c0"),
        email="ann@staff.example",
    )
    tokens = PersonalTokens(sqlite_store, clock, ApiSettings())
    known = SimpleNamespace(personal_tokens=tokens, clock=clock)
    monkeypatch.setattr(CommandContext, "application", known)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    return lambda *arguments: CliRunner().invoke(main, ["console", "token", *arguments])


def test_a_token_is_shown_once_listed_and_revoked(run):
    made = json.loads(run("add", "ann", "--name", "report", "--role", "viewer", "--json").output)
    assert made["token"].startswith("dsiga_pat_") and made["roles"] == ["viewer"]
    listed = run("list", "ann", "--json")
    assert made["token"] not in listed.output
    [shown] = json.loads(listed.output)
    assert (shown["id"], shown["name"]) == (made["id"], "report")
    assert "is revoked" in run("revoke", made["id"]).output
    assert json.loads(run("list", "--json").output)[0]["revoked_at"]


def test_the_words_say_how_to_use_it(run):
    words = run("add", "ann", "--name", "report").output
    assert "dsiga_pat_" in words and "Authorization: Bearer" in words and "ends on" in words


def test_the_table_tells_what_a_token_is_worth(run):
    assert "There are no tokens" in run("list").output
    run("add", "ann", "--name", "report")
    assert "never" in run("list").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "bob", "--name", "x"), "no console account 'bob'"),
        (("add", "ann", "--name", "x", "--role", "operator"), "no more than its person"),
        (("add", "ann", "--name", " "), "what the token is for"),
        (("add", "ann", "--name", "x", "--days", "400"), "token_max_days"),
        (("revoke", "none"), "no personal token 'none'"),
    ],
)
def test_what_cannot_be_done_is_told(run, arguments, words):
    refused = run(*arguments)
    assert refused.exit_code != 0 and words in refused.output
