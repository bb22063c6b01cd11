"""The console's accounts, sessions and failed attempts to sign in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.authentication.console import (
    ConsoleAccount,
    ConsoleSession,
    PersonalToken,
    SignInFailures,
)


class ConsoleRepository(Protocol):
    """Who may use the console of a tenant, and who does."""

    def add_account(self, account: ConsoleAccount) -> None:
        """Insert a local account.

        :raises connector.errors.UniquenessError: the login is taken.
        """

    def get_account(self, login: str) -> ConsoleAccount:
        """Return a local account.

        :raises connector.errors.NotFoundError: no such account.
        """

    def find_account(self, login: str) -> ConsoleAccount | None:
        """Return a local account, or None."""

    def accounts(self) -> Sequence[ConsoleAccount]:
        """Return the local accounts by login."""

    def save_account(self, account: ConsoleAccount) -> None:
        """Overwrite a local account."""

    def note_address(self, login: str, email: str) -> None:
        """Note an address by which somebody is, or was, known; also one of the identity
        provider's people."""

    def forget_address(self, login: str, email: str) -> None:
        """Forget an address of a login: it was never theirs."""

    def names_on(self, email_keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return by folded address who has come in with it: their logins, and every other address
        of theirs, folded. An address that nobody came in with is left out."""

    def add_session(self, session: ConsoleSession) -> None:
        """Insert a session."""

    def find_session(self, session_hash: str) -> ConsoleSession | None:
        """Return a session, over or not."""

    def sessions(self) -> Sequence[ConsoleSession]:
        """Return every session, over or not, the one that was used last first."""

    def provider_sessions(self) -> Sequence[ConsoleSession]:
        """Return the sessions of people whom the identity provider knows, newest first."""

    def touch_session(self, session_hash: str, last_seen_at: datetime) -> None:
        """Note that a session was used; one that was removed meanwhile stays so."""

    def remove_session(self, session_hash: str) -> None:
        """End a session."""

    def remove_sessions_of(self, login: str) -> int:
        """End every session of a local account and return how many there were."""

    def remove_old_sessions(self, *, unseen_since: datetime, now: datetime) -> None:
        """Forget the sessions that are over."""

    def put_token(self, token: PersonalToken) -> None:
        """Insert or overwrite a personal token."""

    def find_token(self, token_hash: str) -> PersonalToken | None:
        """Return a personal token by its hash, valid or not."""

    def tokens(self, login: str | None = None) -> Sequence[PersonalToken]:
        """Return the personal tokens of an account, or of all, newest first."""

    def touch_token(self, token_id: str, last_used_at: datetime) -> None:
        """Note that a personal token was used; nothing else of it changes."""

    def failures(self, subjects: Iterable[str], now: datetime) -> Mapping[str, SignInFailures]:
        """Return the failures of these subjects that are not forgotten yet."""

    def put_failures(self, failures: Sequence[SignInFailures], now: datetime) -> None:
        """Overwrite failures; those of others that are over are dropped."""

    def remove_failures(self, subject: str) -> None:
        """Forget the failures of a subject."""
