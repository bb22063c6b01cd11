"""Local accounts of the console: people without an identity provider, by login and password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.console import ConsoleAccount, ConsoleRole, may_work
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.work_items.items import OPEN_STATES, WorkItemKind
from connector.domain.writing import command
from connector.errors import InvalidRequestError
from connector.ports import Clock, Store, UnitOfWork
from connector.services.context import Actor

PASSWORD_MIN, PASSWORD_MAX = 12, 256
"""Characters. Length is what counts; rules about kinds of characters only make passwords guessable
(NIST SP 800-63B 5.1.1.2)."""
_TELLING = 4
"""Characters of a login that a password must not hold; and different ones that it must have."""
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}\Z")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}\Z")


class ConsoleAccounts:
    """The local accounts of every tenant. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, hasher: PasswordHasher | None = None) -> None:
        """:param hasher: Argon2id with the parameters of RFC 9106 §4 for less memory by default."""
        self._store = store
        self._clock = clock
        self._hasher = hasher or PasswordHasher()

    def add(
        self,
        tenant: str,
        login: str,
        password: str,
        roles: Iterable[ConsoleRole],
        actor: Actor,
        *,
        display_name: str = "",
        email: str = "",
    ) -> ConsoleAccount:
        """Create an account.

        :param email: by it a person is told from whom an approval is about; a login that is an
            address serves. Only who does nothing but read may have none.
        :raises connector.errors.UniquenessError: the login is taken.
        :raises InvalidRequestError: the login, the address or the password cannot be used, or no
            role is given.
        """
        login = login.strip().lower()
        if not _LOGIN.match(login):
            raise InvalidRequestError(
                f"The login {login!r} cannot be used: letters, digits and ._@+- only, at most 100."
            )
        _require_usable(login, password)
        now, roles = self._clock.now(), _some(roles)
        address = email.strip() or (login if _ADDRESS.match(login) else "")
        _require_address(tenant, login, address, roles)
        account = ConsoleAccount(
            login=login,
            display_name=display_name.strip() or login,
            email=address,
            password_hash=self._hasher.hash(password),
            roles=roles,
            created_at=now,
            password_changed_at=now,
        )
        with self._store.write(tenant) as uow:
            uow.console.add_account(account)
            uow.console.note_address(account.login, account.email)
            self._audit(uow, actor, "console.account_added", account)
            uow.commit()
        return account

    def list(self, tenant: str) -> Sequence[ConsoleAccount]:
        """Return the accounts by login, disabled ones included."""
        with self._store.read(tenant) as uow:
            return uow.console.accounts()

    def set_roles(
        self, tenant: str, login: str, roles: Iterable[ConsoleRole], actor: Actor
    ) -> ConsoleAccount:
        """Replace the roles; they hold from the person's next request on. Who no longer works
        tasks gives back those they had claimed.

        :raises connector.errors.NotFoundError: no such account.
        :raises InvalidRequestError: no role is given, or one for which the account needs an
            address that it has not.
        """
        with self._store.write(tenant) as uow:
            account = replace(uow.console.get_account(login.lower()), roles=_some(roles))
            _require_address(tenant, account.login, account.email, account.roles)
            uow.console.save_account(account)
            if not may_work(account.roles):
                self._free_tasks(uow, account, actor, "They no longer work tasks.")
            self._audit(uow, actor, "console.roles_changed", account)
            uow.commit()
        return account

    def set_email(
        self, tenant: str, login: str, email: str, actor: Actor, *, was_wrong: bool = False
    ) -> ConsoleAccount:
        """Replace the address; it holds from the person's next request on. The one until now stays
        known as theirs: DocuSign may keep it, and they are no other person.

        :param was_wrong: the address until now was never theirs, and is forgotten.
        :raises connector.errors.NotFoundError: no such account.
        :raises InvalidRequestError: it is no address.
        """
        with self._store.write(tenant) as uow:
            before = uow.console.get_account(login.lower())
            account = replace(before, email=email.strip())
            _require_address(tenant, account.login, account.email, account.roles)
            uow.console.save_account(account)
            if was_wrong:
                uow.console.forget_address(account.login, before.email)
            else:
                uow.console.note_address(account.login, before.email)
            uow.console.note_address(account.login, account.email)
            wrong = {"comment": f"{before.email} was never theirs"} if was_wrong else {}
            self._audit(uow, actor, "console.email_changed", account, email=account.email, **wrong)
            uow.commit()
        return account

    def set_password(self, tenant: str, login: str, password: str, actor: Actor) -> int:
        """Replace the password and return how many sessions were ended by it.

        :raises connector.errors.NotFoundError: no such account.
        :raises InvalidRequestError: the password cannot be used.
        """
        login = login.lower()
        _require_usable(login, password)
        hashed = self._hasher.hash(password)
        with self._store.write(tenant) as uow:
            account = uow.console.get_account(login)
            changed = replace(account, password_hash=hashed, password_changed_at=self._clock.now())
            uow.console.save_account(changed)
            ended = uow.console.remove_sessions_of(login)
            self._audit(uow, actor, "console.password_changed", changed)
            uow.commit()
        return ended

    def disable(self, tenant: str, login: str, actor: Actor) -> int:
        """Lock an account and return how many sessions were ended by it. The tasks that its person
        had claimed are everybody's again.

        :raises connector.errors.NotFoundError: no such account.
        """
        with self._store.write(tenant) as uow:
            account = uow.console.get_account(login.lower())
            ended = uow.console.remove_sessions_of(account.login)
            uow.console.save_account(replace(account, disabled_at=self._clock.now()))
            self._free_tasks(uow, account, actor, "Their account was disabled.")
            self._audit(uow, actor, "console.account_disabled", account)
            uow.commit()
        return ended

    def enable(self, tenant: str, login: str, actor: Actor) -> None:
        """Let a disabled account sign in again.

        :raises connector.errors.NotFoundError: no such account.
        """
        with self._store.write(tenant) as uow:
            account = replace(uow.console.get_account(login.lower()), disabled_at=None)
            uow.console.save_account(account)
            self._audit(uow, actor, "console.account_enabled", account)
            uow.commit()

    def has_password(self, account: ConsoleAccount | None, password: str) -> bool:
        """Whether this is the account's password; it takes as long where there is no account."""
        try:
            self._hasher.verify(account.password_hash if account else self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False
        return account is not None and account.disabled_at is None

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody has this password")

    def _free_tasks(self, uow: UnitOfWork, account: ConsoleAccount, actor: Actor, why: str) -> None:
        """Give the person's tasks back, unless somebody of that login signs in elsewhere too."""
        if any(
            session.login == account.login and may_work(session.roles)
            for session in uow.console.provider_sessions()
        ):
            return
        now, assignee = self._clock.now(), f"user:{account.login}"
        for item in uow.work_items.search(states=OPEN_STATES, kind=WorkItemKind.MANUAL_TASK):
            if item.assignee != assignee:
                continue
            uow.work_items.save(replace(item, assignee=None))
            event = WorkItemEvent(item.work_item_id, now, actor.name, Act.RELEASED, why)
            uow.work_items.add_event(event)
            facts = {"work_item": item.work_item_id, "comment": why, "from": assignee}
            self._append(uow, actor, "work_item.released", facts, item.subject_id)

    def _audit(
        self, uow: UnitOfWork, actor: Actor, action: str, account: ConsoleAccount, **more: object
    ) -> None:
        # A login names a person: beside the chain, not as the subject in it.
        facts = {"login": account.login, "roles": sorted(account.roles), **more}
        self._append(uow, actor, action, facts)

    def _append(
        self,
        uow: UnitOfWork,
        actor: Actor,
        action: str,
        facts: Mapping[str, object],
        subject: str = "",
    ) -> None:
        uow.audit.append(
            AuditEvent(self._clock.now(), actor.name, action, subject, actor.correlation_id, facts)
        )


def _some(roles: Iterable[ConsoleRole]) -> frozenset[ConsoleRole]:
    if not (found := frozenset(roles)):
        raise InvalidRequestError(f"Give at least one role: {', '.join(ConsoleRole)}.")
    return found


def _require_address(tenant: str, login: str, email: str, roles: frozenset[ConsoleRole]) -> None:
    if email and not _ADDRESS.match(email):
        raise InvalidRequestError(f"{email!r} is no e-mail address.")
    if not email and roles - {ConsoleRole.VIEWER}:
        give = command(tenant, "console", "user", "email", login, "ADDRESS")
        raise InvalidRequestError(
            f"{login} needs an e-mail address for these roles: nobody decides on their own access, "
            "and DocuSign knows by the address whose it is. Give it with --email, or to an account "
            f"that there is with `{give}`."
        )


def _require_usable(login: str, password: str) -> None:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise InvalidRequestError(
            f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters. A few words that nobody "
            "would put together make a good one."
        )
    names_itself = len(login) >= _TELLING and login in password.lower()
    if names_itself or len(set(password)) < _TELLING:
        raise InvalidRequestError("This password is too easy to guess. Choose another one.")
