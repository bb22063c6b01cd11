"""Local accounts and sessions of the console: who gets in, who stays, who is kept waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from argon2 import PasswordHasher

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.errors import InvalidRequestError, NotFoundError, UniquenessError
from connector.services.authentication.console_accounts import ConsoleAccounts
from connector.services.authentication.console_sign_in import (
    LIMITS,
    WINDOW,
    ConsoleSignIn,
    TooManyAttemptsError,
)
from connector.services.authentication.identities import Identity, SignInRefusedError
from connector.services.context import Actor
from connector.settings import ConsoleSettings
from tests.connector import ManualClock

ACTOR = Actor("user:root", "cli", "c1")
PASSWORD = "four quiet green lamps"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SETTINGS = ConsoleSettings(session_idle_s=600, session_max_s=3600)
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class Console:
    """Accounts and sessions over one store."""

    def __init__(self, store, settings=SETTINGS):
        self.store, self.clock = store, ManualClock()
        self.accounts = ConsoleAccounts(store, self.clock, HASHER)
        self.door = ConsoleSignIn(store, self.clock, settings, self.accounts)

    def add(self, login="ann", roles=(ConsoleRole.VIEWER,), tenant="default"):
        email = f"{login}@staff.example"
        return self.accounts.add(tenant, login, PASSWORD, roles, ACTOR, email=email)

    def enter(self, password=PASSWORD, login="ann", address=HERE, tenant="default"):
        return self.door.with_password(tenant, login, password, address, "c2")

    def find(self, token, tenant="default"):
        return self.door.find(tenant, token)

    def audited(self):
        with self.store.read("default") as uow:
            return [event.action for event in uow.audit.events()]


@pytest.fixture
def console(sqlite_store):
    return Console(sqlite_store)


def test_the_right_password_opens_a_session_with_the_account_s_roles(console):
    console.add(roles=(ConsoleRole.APPROVER, ConsoleRole.OPERATOR))
    session = console.find(console.enter(login=" ANN "))
    assert (session.login, session.actor, session.method) == ("ann", "user:ann", SignInMethod.LOCAL)
    assert session.may_decide and session.may_work and not session.may_administer
    assert console.audited() == ["console.account_added", "console.signed_in"]


def test_neither_password_nor_token_is_kept(console):
    account = console.add()
    token = console.enter()
    assert PASSWORD not in account.password_hash and "$argon2id$" in account.password_hash
    with console.store.read("default") as uow:
        assert uow.console.find_session(token) is None


@pytest.mark.parametrize(("login", "password"), [("ann", "wrong"), ("bob", PASSWORD), ("", "")])
def test_a_wrong_password_and_an_unknown_login_are_refused_alike(console, login, password):
    console.add()
    with pytest.raises(SignInRefusedError, match="do not go together"):
        console.enter(password, login)
    assert console.audited()[-1] == "console.sign_in_refused"


def test_after_too_many_attempts_even_the_right_password_waits(console):
    console.add()
    for _ in range(LIMITS["login_here"]):
        with pytest.raises(SignInRefusedError):
            console.enter("wrong")
    with pytest.raises(TooManyAttemptsError, match="15 minutes") as refused:
        console.enter()
    assert refused.value.retry_after_s > 800
    assert console.audited().count("console.throttled") == 1
    assert console.find(console.enter(address=ELSEWHERE)) is not None
    console.clock.advance(WINDOW.total_seconds() + 1)
    assert console.find(console.enter()) is not None


def test_one_address_cannot_try_many_logins(console):
    console.add()
    for number in range(LIMITS["address"]):
        with pytest.raises(SignInRefusedError):
            console.enter(login=f"guess{number}", address="2001:db8::1")
    with pytest.raises(TooManyAttemptsError):
        console.enter(address="2001:db8::2")


def test_signing_in_rightly_is_not_counted(console):
    console.add()
    for _ in range(LIMITS["address"] + 1):
        console.enter()


def test_a_session_ends_when_it_is_not_used(console):
    console.add()
    token = console.enter()
    for _ in range(3):
        console.clock.advance(SETTINGS.session_idle_s - 60)
        assert console.find(token) is not None
    console.clock.advance(SETTINGS.session_idle_s + 1)
    assert console.find(token) is None


def test_a_session_ends_however_much_it_is_used(console):
    console.add()
    token = console.enter()
    for _ in range(10):
        console.clock.advance(SETTINGS.session_max_s / 10 - 1)
        assert console.find(token) is not None
    console.clock.advance(11)
    assert console.find(token) is None


def test_signing_out_ends_the_session_wherever_its_token_is_kept(console):
    console.add()
    token, other = console.enter(), console.enter()
    console.door.sign_out("default", console.find(token), "c3")
    assert console.find(token) is None
    assert console.find(other) is not None


@pytest.mark.parametrize(
    "end",
    [
        lambda accounts: accounts.disable("default", "ann", ACTOR),
        lambda accounts: accounts.set_password("default", "ann", "another quiet lamp", ACTOR),
    ],
)
def test_disabling_and_a_new_password_end_every_session(console, end):
    console.add()
    tokens = [console.enter(), console.enter()]
    assert end(console.accounts) == 2
    assert [console.find(token) for token in tokens] == [None, None]
    with pytest.raises(SignInRefusedError):
        console.enter()


def test_an_enabled_account_signs_in_again(console):
    console.add()
    console.accounts.disable("default", "ann", ACTOR)
    console.accounts.enable("default", "ann", ACTOR)
    assert console.find(console.enter()) is not None


def test_changed_roles_hold_at_once(console):
    console.add(roles=(ConsoleRole.ADMINISTRATOR,))
    token = console.enter()
    console.accounts.set_roles("default", "ann", [ConsoleRole.VIEWER], ACTOR)
    assert console.find(token).roles == {ConsoleRole.VIEWER}


def test_accounts_and_sessions_are_one_tenant_s(console):
    console.add()
    token = console.enter()
    assert console.find(token, tenant="acme") is None
    assert console.accounts.list("acme") == []
    with pytest.raises(SignInRefusedError):
        console.enter(tenant="acme")


def test_without_local_accounts_nobody_gets_in_or_stays_by_password(sqlite_store):
    console = Console(sqlite_store)
    console.add()
    token = console.enter()
    closed = Console(sqlite_store, replace(SETTINGS, local_accounts=False))
    assert closed.find(token) is None
    with pytest.raises(SignInRefusedError):
        closed.enter()


def test_the_identity_provider_s_person_needs_a_role(console):
    someone = Identity("eve@x.example", "Eve", "", frozenset(), method=SignInMethod.OIDC)
    with pytest.raises(SignInRefusedError, match="console_groups"):
        console.door.with_identity("default", someone, "c4")
    known = replace(someone, roles=frozenset({ConsoleRole.APPROVER}), groups=frozenset({"g1"}))
    session = console.find(console.door.with_identity("default", known, "c5"))
    assert session.groups == {"g1"} and session.may_decide


@pytest.mark.parametrize("login", ["", "a b", "-ann", "ann/x", "a" * 101])
def test_a_login_that_cannot_be_used_is_refused(console, login):
    with pytest.raises(InvalidRequestError, match="cannot be used"):
        console.add(login)


@pytest.mark.parametrize("password", ["short", "x" * 257, "annabel-annabel", "aaaaaaaaaaaaaaaa"])
def test_a_password_that_is_easily_guessed_is_refused(console, password):
    with pytest.raises(InvalidRequestError):
        console.accounts.add("default", "annabel", password, [ConsoleRole.VIEWER], ACTOR)


def test_a_login_is_given_once_and_an_unknown_one_is_told(console):
    console.add()
    with pytest.raises(UniquenessError):
        console.add()
    with pytest.raises(NotFoundError):
        console.accounts.disable("default", "bob", ACTOR)
