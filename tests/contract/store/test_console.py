"""The console's accounts, sessions and failures, on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.authentication.console import (
    ConsoleAccount,
    ConsoleRole,
    ConsoleSession,
    PersonalToken,
    SignInFailures,
    SignInMethod,
)
from connector.errors import NotFoundError, UniquenessError

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANN = ConsoleAccount("ann", "Ann", "a@x.test", "hash", frozenset({ConsoleRole.VIEWER}), NOW, NOW)
SESSION = ConsoleSession(
    session_hash="h1",
    login="ann",
    display_name="Ann",
    email="",
    roles=frozenset({ConsoleRole.APPROVER, ConsoleRole.OPERATOR}),
    groups=frozenset({"g1", "g2"}),
    method=SignInMethod.LOCAL,
    created_at=NOW,
    last_seen_at=NOW,
    ends_at=NOW + HOUR,
)
FAILURES = SignInFailures("a", 1, NOW + HOUR)


def test_an_account_comes_back_as_it_was_saved(store):
    with store.write("t1") as uow:
        uow.console.add_account(ANN)
        changed = replace(ANN, roles=frozenset(ConsoleRole), disabled_at=NOW)
        uow.console.save_account(changed)
        uow.commit()
    with store.read("t1") as uow:
        assert uow.console.get_account("ann") == changed
        assert uow.console.accounts() == [changed]


def test_a_login_is_unique_in_its_tenant_and_the_transaction_goes_on(store):
    with store.write("t1") as uow:
        uow.console.add_account(ANN)
        with pytest.raises(UniquenessError):
            uow.console.add_account(ANN)
        uow.commit()
    with store.write("t2") as uow:
        assert uow.console.find_account("ann") is None
        with pytest.raises(NotFoundError):
            uow.console.get_account("ann")
        uow.console.add_account(ANN)


def test_a_session_is_found_in_its_tenant_until_it_is_removed(store):
    with store.write("t1") as uow:
        uow.console.add_session(SESSION)
        uow.console.touch_session("h1", NOW + HOUR)
        uow.console.touch_session("gone", NOW)
        uow.commit()
    with store.read("t2") as uow:
        assert uow.console.find_session("h1") is None
    with store.write("t1") as uow:
        assert uow.console.find_session("h1") == replace(SESSION, last_seen_at=NOW + HOUR)
        uow.console.remove_session("h1")
        assert uow.console.find_session("h1") is None
        assert uow.console.find_session("gone") is None


def test_an_account_s_sessions_end_and_not_those_of_its_namesake_at_the_provider(store):
    with store.write("t1") as uow:
        uow.console.add_session(SESSION)
        uow.console.add_session(replace(SESSION, session_hash="h2"))
        uow.console.add_session(replace(SESSION, session_hash="h3", method=SignInMethod.OIDC))
        assert uow.console.remove_sessions_of("ann") == 2
        assert uow.console.find_session("h3") is not None


def test_sessions_that_are_over_are_forgotten(store):
    with store.write("t1") as uow:
        uow.console.add_session(SESSION)
        uow.console.add_session(replace(SESSION, session_hash="h2", last_seen_at=NOW - HOUR))
        uow.console.add_session(replace(SESSION, session_hash="h3", ends_at=NOW))
        uow.console.remove_old_sessions(unseen_since=NOW - HOUR / 2, now=NOW)
        found = [uow.console.find_session(name) is not None for name in ("h1", "h2", "h3")]
        assert found == [True, False, False]


def test_failures_are_kept_until_their_time_is_over(store):
    with store.write("t1") as uow:
        one, two = FAILURES, SignInFailures("b", 5, NOW + 3 * HOUR)
        uow.console.put_failures([one, two], NOW)
        uow.console.put_failures([replace(one, failures=2)], NOW)
        assert uow.console.failures(["a", "b", "c"], NOW) == {
            "a": replace(one, failures=2),
            "b": two,
        }
        assert set(uow.console.failures(["a", "b"], NOW + 2 * HOUR)) == {"b"}
        uow.console.put_failures([], NOW + 2 * HOUR)
        assert set(uow.console.failures(["a", "b"], NOW)) == {"b"}
        uow.console.remove_failures("b")
        assert uow.console.failures(["b"], NOW) == {}


TOKEN = PersonalToken(
    token_id="t1",
    login="ann",
    name="report",
    token_hash="h1",
    roles=frozenset({ConsoleRole.VIEWER}),
    created_at=NOW,
    created_by="user:root",
    expires_at=NOW + HOUR,
)


def test_a_personal_token_is_found_by_its_hash_in_its_tenant_only(store):
    with store.write("t1") as uow:
        uow.console.put_token(TOKEN)
        uow.console.put_token(replace(TOKEN, token_id="t2", login="bob", token_hash="h2"))
        uow.commit()
    with store.write("t2") as uow:
        assert uow.console.find_token("h1") is None and uow.console.tokens() == []
        uow.console.touch_token("t1", NOW + HOUR)
        uow.commit()
    with store.read("t1") as uow:
        assert uow.console.find_token("h1") == TOKEN
        assert uow.console.tokens("ann") == [TOKEN]
        assert [token.token_id for token in uow.console.tokens()] == ["t1", "t2"]


def test_a_personal_token_is_touched_and_revoked(store):
    with store.write("t1") as uow:
        uow.console.put_token(TOKEN)
        uow.console.touch_token("t1", NOW + HOUR / 2)
        [touched] = uow.console.tokens()
        assert touched == replace(TOKEN, last_used_at=NOW + HOUR / 2)
        uow.console.put_token(replace(touched, revoked_at=NOW))
        assert uow.console.find_token("h1").is_valid(NOW) is False
        uow.commit()
