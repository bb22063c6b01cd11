"""Signing in to the console, staying signed in, and signing out.

A session is a random number in the person's browser, of which the database keeps the hash: it ends
when the row does, in every process at once. Wrong passwords are counted in the database, before
they are checked: people choose passwords that can be guessed, so here, unlike with the tokens of
API clients, even the right one waits once there were too many wrong ones.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connector.domain.audit.events import SHELL_OF, AuditEvent
from connector.domain.authentication.console import (
    ConsoleAccount,
    ConsoleSession,
    SignInFailures,
    SignInMethod,
)
from connector.errors import TemporaryError
from connector.ports import Clock, Store, UnitOfWork
from connector.services.authentication.console_accounts import PASSWORD_MAX, ConsoleAccounts
from connector.services.authentication.identities import Identity, SignInRefusedError
from connector.services.authentication.throttle import network_of
from connector.settings import ConsoleSettings

_log = structlog.get_logger(__name__)

WINDOW = timedelta(minutes=15)
"""Attempts are counted for this long; whoever had too many waits until it is over."""
LIMITS = {"login_here": 5, "address": 50, "login": 100}
"""Attempts within a window: for one login from one address, from one address, and for one login
from everywhere. The last is high because it lets strangers keep a person out for a while."""
_SEEN_EVERY = timedelta(seconds=30)
"""A session's last use is noted no more often, so that reading pages does not write."""
_LONGEST_LOGIN = 100


class TooManyAttemptsError(TemporaryError):
    """Too many attempts to sign in; even the right password has to wait."""


class ConsoleSignIn:
    """Sessions of every tenant's console. Thread-safe."""

    def __init__(
        self, store: Store, clock: Clock, settings: ConsoleSettings, accounts: ConsoleAccounts
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._accounts = accounts

    # in -----------------------------------------------------------------------

    def with_password(
        self, tenant: str, login: str, password: str, address: str, correlation_id: str
    ) -> str:
        """Return the token of a new session.

        :param address: where the request comes from, for counting.
        :raises SignInRefusedError: there is no such account, the password is another, or the
            account is disabled; the message does not say which.
        :raises TooManyAttemptsError: there were too many attempts.
        """
        account, counted = self._by_password(tenant, login, password, address, correlation_id)
        return self._open(tenant, _identity(account), correlation_id, counted)

    def at_a_shell(
        self, tenant: str, login: str, password: str, shell_user: str, correlation_id: str
    ) -> ConsoleAccount:
        """Return the account that somebody at the operating system acts as, for one command.

        :param shell_user: who that is there, for counting and for the audit.
        :raises SignInRefusedError: as :meth:`with_password`.
        :raises TooManyAttemptsError: there were too many attempts.
        """
        where = f"{SHELL_OF}{shell_user}"
        account, counted = self._by_password(tenant, login, password, where, correlation_id)
        with self._store.write(tenant) as uow:
            self._uncount(uow, counted, self._clock.now())
            facts: dict[str, object] = {"method": SignInMethod.LOCAL, "address": where}
            facts["roles"] = sorted(account.roles)
            # No sign-in: nobody was at the console, and no session began.
            self._audit(uow, account.login, "console.acted_as", correlation_id, **facts)
            uow.commit()
        return account

    def _by_password(
        self, tenant: str, login: str, password: str, address: str, correlation_id: str
    ) -> tuple[ConsoleAccount, Sequence[str]]:
        """Return the account, and under what the attempt is counted until it is taken back."""
        login = login.strip().lower()[:_LONGEST_LOGIN]
        counted = self._count(tenant, login, address)
        with self._store.read(tenant) as uow:
            account = uow.console.find_account(login)
        may = len(password) <= PASSWORD_MAX and self._accounts.has_password(account, password)
        if account is None or not may or not self._settings.local_accounts:
            raise self._refused(tenant, login, address, correlation_id)
        return account, counted

    def with_identity(self, tenant: str, identity: Identity, correlation_id: str) -> str:
        """Return the token of a new session of somebody whom the identity provider knows.

        :raises SignInRefusedError: the person has no role in this tenant.
        """
        if not identity.roles:
            with self._store.write(tenant) as uow:
                self._audit(uow, identity.login, "console.sign_in_refused", correlation_id)
                uow.commit()
            raise SignInRefusedError(
                "You are known, but have no role in this console. Ask an administrator to put you "
                "into one of the groups that the setting console_groups names."
            )
        return self._open(tenant, identity, correlation_id, [])

    def _open(
        self, tenant: str, identity: Identity, correlation_id: str, counted: Sequence[str]
    ) -> str:
        token, now = secrets.token_urlsafe(32), self._clock.now()
        session = ConsoleSession(
            session_hash=_hash(token),
            login=identity.login,
            display_name=identity.display_name,
            email=identity.email,
            roles=identity.roles,
            groups=identity.groups,
            method=identity.method,
            created_at=now,
            last_seen_at=now,
            ends_at=now + timedelta(seconds=self._settings.session_max_s),
        )
        with self._store.write(tenant) as uow:
            self._uncount(uow, counted, now)
            uow.console.remove_old_sessions(unseen_since=now - self._idle, now=now)
            uow.console.add_session(session)
            uow.console.note_address(session.login, session.email)
            self._audit(
                uow,
                identity.login,
                "console.signed_in",
                correlation_id,
                method=identity.method,
                roles=sorted(identity.roles),
            )
            uow.commit()
        return token

    def _refused(
        self, tenant: str, login: str, address: str, correlation_id: str
    ) -> SignInRefusedError:
        with self._store.write(tenant) as uow:
            self._audit(
                uow, login, "console.sign_in_refused", correlation_id, address=network_of(address)
            )
            uow.commit()
        return SignInRefusedError(
            "This login and password do not go together. Check both; after several wrong attempts "
            "you have to wait."
        )

    # staying ------------------------------------------------------------------

    def find(self, tenant: str, token: str) -> ConsoleSession | None:
        """Return the session of a token, with the roles and the address that its person has now;
        None where it is over, unknown, or another tenant's."""
        now = self._clock.now()
        with self._store.read(tenant) as uow:
            session = uow.console.find_session(_hash(token))
            if session is None or session.ends_at <= now or session.last_seen_at + self._idle < now:
                return None
            if session.method is SignInMethod.LOCAL:
                account = uow.console.find_account(session.login)
                is_locked = account is None or account.disabled_at is not None
                if account is None or is_locked or not self._settings.local_accounts:
                    return None
                session = replace(session, roles=account.roles, email=account.email)
        if session.last_seen_at + _SEEN_EVERY < now:
            try:
                self._touch(tenant, session.session_hash, now)
            except TemporaryError as error:
                # A page is worth more than the note that it was read; the next one notes it.
                _log.info("a session's use was not noted", cause=str(error))
        return session

    def _touch(self, tenant: str, session_hash: str, now: datetime) -> None:
        with self._store.write(tenant) as uow:
            uow.console.touch_session(session_hash, now)
            uow.commit()

    @property
    def _idle(self) -> timedelta:
        return timedelta(seconds=self._settings.session_idle_s)

    # out ----------------------------------------------------------------------

    def sign_out(self, tenant: str, session: ConsoleSession, correlation_id: str) -> None:
        """End a session, in every process at once."""
        with self._store.write(tenant) as uow:
            uow.console.remove_session(session.session_hash)
            self._audit(uow, session.login, "console.signed_out", correlation_id)
            uow.commit()

    # counting -----------------------------------------------------------------

    def _count(self, tenant: str, login: str, address: str) -> Sequence[str]:
        """Count an attempt before it is known to be right, so that many at once count as many.

        :raises TooManyAttemptsError: there were too many.
        """
        now = self._clock.now()
        limits = _limits(login, network_of(address))
        with self._store.write(tenant) as uow:
            known = uow.console.failures(limits, now)
            for subject, limit in limits.items():
                if subject in known and known[subject].failures >= limit:
                    wait = (known[subject].ends_at - now).total_seconds()
                    raise TooManyAttemptsError(
                        f"There were too many attempts to sign in. Wait {_words(wait)}, then try "
                        "again.",
                        retry_after_s=wait,
                    )
            counted = [
                _one_more(known.get(subject, SignInFailures(subject, 0, now + WINDOW)), limit, now)
                for subject, limit in limits.items()
            ]
            uow.console.put_failures(counted, now)
            full = [item for item in counted if item.failures == limits[item.subject]]
            for item in full:
                self._audit(uow, login, "console.throttled", "", subject=item.subject)
            uow.commit()
        return list(limits)

    def _uncount(self, uow: UnitOfWork, counted: Sequence[str], now: datetime) -> None:
        """Take the attempt back that was right; the wrong ones before it are forgiven where they
        were this person's from here."""
        for subject, item in uow.console.failures(counted, now).items():
            if subject == counted[0]:
                uow.console.remove_failures(subject)
            else:
                uow.console.put_failures([replace(item, failures=item.failures - 1)], now)

    def _audit(
        self, uow: UnitOfWork, login: str, action: str, correlation_id: str, **data: object
    ) -> None:
        now = self._clock.now()
        facts = {**data, "login": login}
        uow.audit.append(AuditEvent(now, f"user:{login}", action, "", correlation_id, facts))


def _identity(account: ConsoleAccount) -> Identity:
    return Identity(account.login, account.display_name, account.email, account.roles)


def _limits(login: str, network: str) -> dict[str, int]:
    """Return how often each subject of an attempt may try, first the person from here."""
    return {
        f"login:{login}@{network}": LIMITS["login_here"],
        f"address:{network}": LIMITS["address"],
        f"login:{login}": LIMITS["login"],
    }


def _one_more(known: SignInFailures, limit: int, now: datetime) -> SignInFailures:
    """Return the count with this attempt; with the last one allowed the wait begins."""
    failures = known.failures + 1
    return SignInFailures(
        known.subject, failures, now + WINDOW if failures >= limit else known.ends_at
    )


def _words(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
