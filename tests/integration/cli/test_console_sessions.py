"""``docusign-iga console session``: who is signed in is listed, and signed out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.clock import SystemClock
from connector.domain.authentication.console import SignInMethod
from connector.services.authentication.console_sessions import ConsoleSessions
from connector.settings import ConsoleSettings
from tests.contract.store.test_console import SESSION


@pytest.fixture
def run(monkeypatch, sqlite_store):
    """A function that runs ``docusign-iga console session …`` where ann is signed in twice."""
    clock = SystemClock()
    now = clock.now()
    with sqlite_store.write("default") as unit:
        for name, method in (("1", SignInMethod.LOCAL), ("2", SignInMethod.OIDC)):
            session = replace(SESSION, session_hash=name, login="ann", method=method)
            ends_at = now + timedelta(hours=1)
            unit.console.add_session(replace(session, last_seen_at=now, ends_at=ends_at))
        unit.commit()
    sessions = ConsoleSessions(sqlite_store, clock, ConsoleSettings())
    monkeypatch.setattr(CommandContext, "application", SimpleNamespace(console_sessions=sessions))
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    return lambda *arguments: CliRunner().invoke(main, ["console", "session", *arguments])


def test_sessions_are_listed_and_ended_however_somebody_signed_in(run):
    listed = json.loads(run("list", "--json").output)
    assert {(one["login"], one["method"]) for one in listed} == {("ann", "local"), ("ann", "oidc")}
    assert "identity provider" in run("list").output
    assert run("end", "ANN").output == "2 sessions of ann ended.\n"
    assert run("list").output == "Nobody is signed in.\n"


def test_a_name_that_nobody_has_is_an_error(run):
    result = run("end", "zoe")
    assert result.exit_code != 0
    assert "Nobody is signed in as 'zoe'" in result.output
