"""Personal tokens: with one, a program or a script acts at the REST API as a local account.

A token has 256 random bits and is shown once; the store keeps its SHA-256. It is looked up for each
request, so that one that was revoked, and an account that was disabled or lost a role, ends at once
in every process.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.console import (
    ConsoleAccount,
    ConsoleRole,
    PersonalToken,
    included,
)
from connector.domain.writing import tidy
from connector.errors import InvalidRequestError, NotFoundError, TemporaryError
from connector.ports import Clock, Store, UnitOfWork
from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.context import Actor
from connector.settings import ApiSettings

_log = structlog.get_logger(__name__)

PREFIX = "dsiga_pat_"
"""Lets secret scanners recognise a leaked token, and tells it from those of API clients."""
DEFAULT_DAYS = 90
SEEN_EVERY = timedelta(minutes=5)
"""A token's last use is noted no more often, so that reading does not write."""
_LONGEST_NAME = 100


class PersonalTokens:
    """The personal tokens of every tenant. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, settings: ApiSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def add(
        self,
        tenant: str,
        login: str,
        name: str,
        actor: Actor,
        *,
        roles: Iterable[ConsoleRole] = (),
        days: int = DEFAULT_DAYS,
    ) -> tuple[PersonalToken, str]:
        """Create a token and return it with its text, which is never shown again.

        :param name: what it is for.
        :param roles: what it may do; none given: whatever the account may.
        :param days: until it ends.
        :raises NotFoundError: there is no such local account.
        :raises InvalidRequestError: the account is disabled or lacks one of the roles, or the time
            is longer than ``api.token_max_days``.
        """
        if not self._settings.personal_tokens:
            raise InvalidRequestError("Personal tokens are switched off: api.personal_tokens.")
        if not 1 <= days <= self._settings.token_max_days:
            most = self._settings.token_max_days
            raise InvalidRequestError(f"A token ends within 1 to {most} days (api.token_max_days).")
        if not tidy(name) or len(tidy(name)) > _LONGEST_NAME:
            raise InvalidRequestError(
                f"Say what the token is for, in at most {_LONGEST_NAME} characters."
            )
        text, now = PREFIX + secrets.token_urlsafe(32), self._clock.now()
        with self._store.write(tenant) as uow:
            account = uow.console.get_account(login.strip().lower())
            token = PersonalToken(
                token_id=secrets.token_hex(6),
                login=account.login,
                name=tidy(name),
                token_hash=_hash(text),
                roles=_granted(account, frozenset(roles)),
                created_at=now,
                created_by=actor.name,
                expires_at=now + timedelta(days=days),
            )
            uow.console.put_token(token)
            self._audit(uow, actor, "console.token_added", token)
            uow.commit()
        return token, text

    def list(self, tenant: str, login: str | None = None) -> Sequence[PersonalToken]:
        """Return the tokens of an account, or of all, newest first, with those that ended."""
        with self._store.read(tenant) as uow:
            return uow.console.tokens(login.strip().lower() if login is not None else None)

    def revoke(
        self, tenant: str, token_id: str, actor: Actor, *, login: str | None = None
    ) -> PersonalToken:
        """End a token at once, in every process.

        :param login: only one of this account's.
        :raises NotFoundError: there is no such token.
        """
        with self._store.write(tenant) as uow:
            known = {token.token_id: token for token in uow.console.tokens(login)}
            if token_id not in known:
                raise NotFoundError(f"There is no personal token {token_id!r}.")
            token = known[token_id]
            if token.revoked_at is None:
                token = replace(token, revoked_at=self._clock.now())
                uow.console.put_token(token)
                self._audit(uow, actor, "console.token_revoked", token)
                uow.commit()
        return token

    def authenticate(self, tenant: str, text: str) -> tuple[ConsoleAccount, PersonalToken]:
        """Return the account of a token, and the token with the roles that both have now.

        :raises InvalidTokenError: it is unknown in this tenant, has ended or was revoked, or its
            account is disabled.
        """
        now = self._clock.now()
        if not self._settings.personal_tokens:
            raise InvalidTokenError("personal tokens are switched off.")
        with self._store.read(tenant) as uow:
            token = uow.console.find_token(_hash(text))
            account = uow.console.find_account(token.login) if token is not None else None
        if token is None or account is None or token.revoked_at or account.disabled_at:
            raise InvalidTokenError("the token is unknown or revoked.")
        if not token.is_valid(now):
            raise InvalidTokenError("the token has expired.")
        if token.last_used_at is None or token.last_used_at + SEEN_EVERY <= now:
            self._touch(tenant, token)
        return account, replace(token, roles=token.roles & included(account.roles))

    def _touch(self, tenant: str, token: PersonalToken) -> None:
        try:
            with self._store.write(tenant) as uow:
                uow.console.touch_token(token.token_id, self._clock.now())
                uow.commit()
        except TemporaryError as error:
            _log.info("a token's use was not noted", cause=str(error))

    def _audit(self, uow: UnitOfWork, actor: Actor, action: str, token: PersonalToken) -> None:
        # A login names a person: beside the chain, not as the subject in it.
        facts = {
            "login": token.login,
            "token": token.token_id,
            "roles": sorted(token.roles),
            "expires_at": token.expires_at.isoformat(),
        }
        uow.audit.append(
            AuditEvent(self._clock.now(), actor.name, action, "", actor.correlation_id, facts)
        )


def _granted(account: ConsoleAccount, wanted: frozenset[ConsoleRole]) -> frozenset[ConsoleRole]:
    if account.disabled_at is not None:
        raise InvalidRequestError(f"The account {account.login} is disabled.")
    if lacking := wanted - included(account.roles):
        raise InvalidRequestError(
            f"A token has no more than its person: {account.login} is not "
            f"{', '.join(sorted(lacking))}."
        )
    return wanted or account.roles


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
