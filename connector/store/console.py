"""The console's accounts, sessions and failed attempts to sign in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from connector.domain.authentication.console import (
    ConsoleAccount,
    ConsoleRole,
    ConsoleSession,
    PersonalToken,
    SignInFailures,
    SignInMethod,
)
from connector.domain.model import fold
from connector.errors import NotFoundError, UniquenessError
from connector.store.statements import Records, Session, add_rows, chunked, put_missing, put_rows
from connector.store.tables import (
    console_accounts,
    console_failures,
    console_sessions,
    console_tokens,
    login_addresses,
)

ACCOUNTS = Records(console_accounts, ConsoleAccount)
SESSIONS = Records(console_sessions, ConsoleSession)
TOKENS = Records(console_tokens, PersonalToken)
FAILURES = Records(console_failures, SignInFailures)


class SqlConsole:
    """See :class:`connector.ports.ConsoleRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    # accounts -----------------------------------------------------------------

    def add_account(self, account: ConsoleAccount) -> None:
        """Insert a local account.

        :raises UniquenessError: the login is taken.
        """
        row = ACCOUNTS.to_row(self._tenant, account)
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(console_accounts), row)
        except IntegrityError as error:
            raise UniquenessError(
                f"There is, or was, an account {account.login!r}. Choose another login, or enable "
                "that one again."
            ) from error

    def get_account(self, login: str) -> ConsoleAccount:
        """Return a local account.

        :raises NotFoundError: no such account.
        """
        found = self.find_account(login)
        if found is None:
            raise NotFoundError(f"There is no console account {login!r}.")
        return found

    def find_account(self, login: str) -> ConsoleAccount | None:
        """Return a local account, or None."""
        found = self._connection.execute(
            select(*ACCOUNTS.columns).where(
                console_accounts.c.tenant == self._tenant, console_accounts.c.login == login
            )
        ).first()
        return None if found is None else _account(found)

    def accounts(self) -> Sequence[ConsoleAccount]:
        """Return the local accounts by login."""
        found = self._connection.execute(
            select(*ACCOUNTS.columns)
            .where(console_accounts.c.tenant == self._tenant)
            .order_by(console_accounts.c.login)
        )
        return [_account(row) for row in found]

    def save_account(self, account: ConsoleAccount) -> None:
        """Overwrite a local account."""
        put_rows(self._connection, console_accounts, [ACCOUNTS.to_row(self._tenant, account)])

    # addresses ----------------------------------------------------------------

    def note_address(self, login: str, email: str) -> None:
        """Note an address by which somebody is, or was, known."""
        if email:
            row = {"tenant": self._tenant, "login": fold(login), "email_key": fold(email)}
            put_missing(self._connection, login_addresses, [row])

    def forget_address(self, login: str, email: str) -> None:
        """Forget an address of a login: it was never theirs."""
        table = login_addresses.c
        self._connection.execute(
            delete(login_addresses).where(
                table.tenant == self._tenant,
                table.login == fold(login),
                table.email_key == fold(email),
            )
        )

    def names_on(self, email_keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return by folded address who has come in with it; see the port."""
        found: dict[str, set[str]] = {}
        here, other = login_addresses, login_addresses.alias()
        same = (other.c.tenant == here.c.tenant) & (other.c.login == here.c.login)
        for chunk in chunked(email_keys):
            statement = (
                select(here.c.email_key, here.c.login, other.c.email_key)
                .join_from(here, other, same)
                .where(here.c.tenant == self._tenant, here.c.email_key.in_(chunk))
            )
            for email_key, *names in self._connection.execute(statement):
                found.setdefault(email_key, set()).update(names)
        return {email_key: frozenset(names) for email_key, names in found.items()}

    # sessions -----------------------------------------------------------------

    def add_session(self, session: ConsoleSession) -> None:
        """Insert a session."""
        add_rows(self._connection, console_sessions, [SESSIONS.to_row(self._tenant, session)])

    def find_session(self, session_hash: str) -> ConsoleSession | None:
        """Return a session, over or not."""
        found = self._connection.execute(
            select(*SESSIONS.columns).where(*self._session(session_hash))
        ).first()
        return None if found is None else _session(found)

    def sessions(self) -> Sequence[ConsoleSession]:
        """Return every session, over or not, the one that was used last first."""
        table = console_sessions.c
        found = self._connection.execute(
            select(*SESSIONS.columns)
            .where(table.tenant == self._tenant)
            .order_by(table.last_seen_at.desc(), table.session_hash)
        )
        return [_session(row) for row in found]

    def provider_sessions(self) -> Sequence[ConsoleSession]:
        """Return the sessions of people whom the identity provider knows, newest first."""
        table = console_sessions.c
        found = self._connection.execute(
            select(*SESSIONS.columns)
            .where(table.tenant == self._tenant, table.method == SignInMethod.OIDC)
            .order_by(table.last_seen_at.desc(), table.session_hash)
        )
        return [_session(row) for row in found]

    def touch_session(self, session_hash: str, last_seen_at: datetime) -> None:
        """Note that a session was used; one that was removed meanwhile stays so."""
        self._connection.execute(
            update(console_sessions)
            .where(*self._session(session_hash))
            .values(last_seen_at=last_seen_at)
        )

    def remove_session(self, session_hash: str) -> None:
        """End a session."""
        self._connection.execute(delete(console_sessions).where(*self._session(session_hash)))

    def _session(self, session_hash: str) -> tuple[ColumnElement[bool], ...]:
        table = console_sessions.c
        return table.tenant == self._tenant, table.session_hash == session_hash

    def remove_sessions_of(self, login: str) -> int:
        """End every session of a local account and return how many there were."""
        return self._connection.execute(
            delete(console_sessions).where(
                console_sessions.c.tenant == self._tenant,
                console_sessions.c.login == login,
                console_sessions.c.method == SignInMethod.LOCAL,
            )
        ).rowcount

    def remove_old_sessions(self, *, unseen_since: datetime, now: datetime) -> None:
        """Forget the sessions that are over."""
        table = console_sessions.c
        self._connection.execute(
            delete(console_sessions).where(
                table.tenant == self._tenant,
                or_(table.last_seen_at < unseen_since, table.ends_at <= now),
            )
        )

    # personal tokens ----------------------------------------------------------

    def put_token(self, token: PersonalToken) -> None:
        """Insert or overwrite a personal token."""
        put_rows(self._connection, console_tokens, [TOKENS.to_row(self._tenant, token)])

    def find_token(self, token_hash: str) -> PersonalToken | None:
        """Return a personal token by its hash, valid or not."""
        found = self._tokens(console_tokens.c.token_hash == token_hash)
        return found[0] if found else None

    def tokens(self, login: str | None = None) -> Sequence[PersonalToken]:
        """Return the personal tokens of an account, or of all, newest first."""
        return self._tokens(*([console_tokens.c.login == login] if login is not None else []))

    def _tokens(self, *conditions: ColumnElement[bool]) -> Sequence[PersonalToken]:
        found = self._connection.execute(
            select(*TOKENS.columns)
            .where(console_tokens.c.tenant == self._tenant, *conditions)
            .order_by(console_tokens.c.created_at.desc(), console_tokens.c.token_id)
        )
        return [TOKENS.from_row(row, roles=_roles(row)) for row in found]

    def touch_token(self, token_id: str, last_used_at: datetime) -> None:
        """Note that a personal token was used; nothing else of it changes."""
        self._connection.execute(
            update(console_tokens)
            .where(console_tokens.c.tenant == self._tenant, console_tokens.c.token_id == token_id)
            .values(last_used_at=last_used_at)
        )

    # failures -----------------------------------------------------------------

    def failures(self, subjects: Iterable[str], now: datetime) -> Mapping[str, SignInFailures]:
        """Return the failures of these subjects that are not forgotten yet."""
        found = self._connection.execute(
            select(*FAILURES.columns).where(
                console_failures.c.tenant == self._tenant,
                console_failures.c.subject.in_(list(subjects)),
                console_failures.c.ends_at > now,
            )
        )
        return {row.subject: FAILURES.from_row(row) for row in found}

    def put_failures(self, failures: Sequence[SignInFailures], now: datetime) -> None:
        """Overwrite failures; those of others that are over are dropped."""
        self._connection.execute(
            delete(console_failures).where(
                console_failures.c.tenant == self._tenant, console_failures.c.ends_at <= now
            )
        )
        rows = [FAILURES.to_row(self._tenant, item) for item in failures]
        put_rows(self._connection, console_failures, rows)

    def remove_failures(self, subject: str) -> None:
        """Forget the failures of a subject."""
        self._connection.execute(
            delete(console_failures).where(
                console_failures.c.tenant == self._tenant, console_failures.c.subject == subject
            )
        )


def _session(row: Row[Any]) -> ConsoleSession:
    return SESSIONS.from_row(row, roles=_roles(row), groups=frozenset(row.groups))


def _account(row: Row[Any]) -> ConsoleAccount:
    return ACCOUNTS.from_row(row, roles=_roles(row))


def _roles(row: Row[Any]) -> frozenset[ConsoleRole]:
    return frozenset(ConsoleRole(name) for name in row.roles)
