"""Who may work manual tasks here, as far as anybody has been seen: to whom a task can be given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.audit.events import AuditFilter
from connector.domain.authentication.console import ConsoleRole, SignInMethod, may_work
from connector.domain.model import fold
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.people import standing_accounts

_WORKERS = {ConsoleRole.OPERATOR, ConsoleRole.ADMINISTRATOR}
_MOST_NAMED = 10
"""Logins that a message still lists."""


@dataclass(frozen=True)
class Colleague:
    """Somebody who may work tasks."""

    login: str
    name: str
    email: str


def colleagues(uow: UnitOfWork, context: TenantContext) -> Sequence[Colleague]:
    """Return who may work tasks, by login: local accounts, and whoever is signed in through the
    identity provider."""
    found = {
        account.login: Colleague(account.login, account.display_name, account.email)
        for account in standing_accounts(uow, context)
        if account.disabled_at is None and may_work(account.roles)
    }
    for session in uow.console.provider_sessions():
        if session.may_work:
            known = Colleague(session.login, session.display_name, session.email)
            found.setdefault(session.login, known)
    return [found[login] for login in sorted(found)]


def find_colleague(uow: UnitOfWork, context: TenantContext, text: str) -> str:
    """Return the login of somebody who may work tasks.

    :param text: a login or an e-mail address, in any case.
    :raises InvalidRequestError: nobody who may is known so; a task given to them would wait for
        nobody.
    """
    key = fold(text.removeprefix("user:"))
    known = colleagues(uow, context)
    for one in known:
        if key in (fold(one.login), fold(one.email)):
            return one.login
    # An account by which somebody can act says what they may. One that is left over says nothing
    # about who signs in by the same login through the identity provider.
    is_standing = any(fold(one.login) == key for one in standing_accounts(uow, context))
    is_left_over = not is_standing and uow.console.find_account(key) is not None
    if not is_standing and _has_worked(uow, key, elsewhere=is_left_over):
        return key
    names = ", ".join(one.login for one in known[:_MOST_NAMED])
    more = " and others" if len(known) > _MOST_NAMED else ""
    raise InvalidRequestError(
        f"Nobody who may work tasks is known as {text!r}. "
        + (f"There are {names}{more}." if known else "Give somebody the role operator first.")
    )


def _has_worked(uow: UnitOfWork, login: str, *, elsewhere: bool) -> bool:
    """Return whether the record shows somebody, signed in no longer, as one who works tasks.

    :param elsewhere: only what they did when signed in through the identity provider counts.
    """
    actor = f"user:{login}"
    signed_in = AuditFilter(actor=actor, action="console.signed_in")
    for event in uow.audit.events(wanted=signed_in, newest_first=True, limit=1):
        if elsewhere and event.data.get("method") != SignInMethod.OIDC:
            return False
        return bool(set(event.data.get("roles", ())) & _WORKERS)
    if elsewhere:
        return False  # What was done by that login may have been done by the account.
    worked = AuditFilter(actor=actor, action="work_item.*")
    return bool(uow.audit.events(wanted=worked, newest_first=True, limit=1))
