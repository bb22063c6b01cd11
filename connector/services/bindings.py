"""Which DocuSign accounts, and which organization, belong to a tenant: an id is bound for life.

A sync binds what it reads, in the ledger. From then on another id in the configuration is a mistake
until a person says otherwise: believed, it would make everybody vanish.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from connector.domain.mirror.merge import without_membership
from connector.domain.model import Account
from connector.domain.naming.names import account_called
from connector.domain.tenants.records import INSTALLATION
from connector.domain.writing import beside
from connector.errors import ConfigError, InvalidRequestError, NotFoundError
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.expectations import forget_account, forget_baseline
from connector.services.locks import LEASE, SYNC_KEY, WriteLocks
from connector.services.mirror.actual import forget_membership
from connector.services.mirror.writer import MirrorWriter
from connector.settings import AccountSettings, TenantSettings

_FACT = "bound_accounts"
_BATCH = 500
"""Users in one transaction, as in an aggregation."""


@dataclass(frozen=True)
class _Bound:
    """What the ledger remembers."""

    names: Mapping[str, str]
    """Of the accounts, by id: their alias then, or their name in DocuSign."""
    organization_id: str | None


def require_bound(uow: UnitOfWork, settings: TenantSettings) -> None:
    """Let a configuration through that names the accounts and the organization of the database.

    :raises ConfigError: an id changed, or an account is missing that nobody let go.
    """
    if problems := binding_problems(uow, settings):
        raise ConfigError(problems)


def binding_problems(uow: UnitOfWork, settings: TenantSettings) -> Sequence[str]:
    """Return one line for each id that is not what the database has, empty if all is well."""
    bound = _bound(uow)
    configured = {item.account_id for item in settings.accounts}
    problems = [
        _account_problem(settings, account_id, name, bound)
        for account_id, name in bound.names.items()
        if account_id not in configured
    ]
    if settings.use_organization and settings.organization_id:
        problems += _organization_problems(settings, bound, settings.organization_id)
    return problems


def bind(uow: UnitOfWork, settings: TenantSettings, account: Account) -> None:
    """Remember an account that was read, and its organization.

    :raises ConfigError: the account is in another organization than those before.
    """
    bound = _bound(uow)
    alias = next((i.alias for i in settings.accounts if i.account_id == account.account_id), "")
    names = {**bound.names, account.account_id: alias or account.name}
    found = settings.organization_id or account.organization_id
    organization_id = found.lower() if found and settings.use_organization else None
    if organization_id and (problems := _organization_problems(settings, bound, organization_id)):
        raise ConfigError(problems)
    told = (account.organization_id or "").lower()
    if told and told != organization_id:
        # The configuration may be mistaken: nobody has to take back what was never so.
        organization_id = None
    after = _Bound(names, bound.organization_id or organization_id)
    if after != bound or _FACT not in uow.facts():
        _keep(uow, after)


class AccountBindings:
    """Lets go of accounts and organizations, on a person's word."""

    def __init__(self, context: TenantContext, locks: WriteLocks, mirror: MirrorWriter) -> None:
        self._context = context
        self._locks = locks
        self._mirror = mirror

    def forget_account(self, account_id: str, actor: Actor) -> int:
        """Remove an account with its memberships, groups and profiles from the mirror, and with
        what the ledger keeps of them; return how many memberships went. DocuSign hears nothing.

        Broken off, it is gone on with when it is asked for again.

        :raises InvalidRequestError: the configuration still has the account.
        :raises NotFoundError: the tenant never had it.
        :raises ConflictingWriteError: a sync is running.
        """
        account_id = account_id.lower()
        if any(item.account_id == account_id for item in self._context.settings.accounts):
            called = account_called(self._context.settings.accounts, account_id)
            raise InvalidRequestError(
                f"Account {called} is still in the configuration: a sync would read it again. "
                f"Remove it from tenants.{self._context.tenant}.accounts first."
            )
        with self._context.read() as uow:
            names = _bound(uow).names
        if account_id not in names:
            had = (beside(name, key) for key, name in sorted(names.items()))
            known = ", ".join(had) or "none: nothing was read yet"
            raise NotFoundError(f"The database has no account {account_id}. It has: {known}.")
        with self._no_sync_meanwhile():
            count = self._forget_members(account_id)
            self._forget_rest(account_id, count, actor)
        return count

    def forget_organization(self, actor: Actor) -> None:
        """Let the next sync bind the organization that the configuration or DocuSign then shows."""
        with self._context.write() as uow:
            bound = _bound(uow)
            _keep(uow, _Bound(bound.names, None))
            was = bound.organization_id or ""
            self._context.audit(uow, actor, "organization.forgotten", was)
            uow.commit()

    def _no_sync_meanwhile(self) -> AbstractContextManager[None]:
        return self._locks.hold([SYNC_KEY], wait_s=1.0)

    def _forget_members(self, account_id: str) -> int:
        count = 0
        while True:
            with self._context.write() as uow:
                user_ids = uow.mirror.account_members(account_id, limit=_BATCH)
                if not user_ids:
                    return count
                self._forget_batch(uow, account_id, user_ids)
                lease_until = self._context.clock.now() + LEASE
                uow.locks.prolong([SYNC_KEY], f"{self._context.owner}:", lease_until)
                uow.commit()
            count += len(user_ids)

    def _forget_batch(self, uow: UnitOfWork, account_id: str, user_ids: Sequence[str]) -> None:
        for user_id in user_ids:
            forget_membership(uow, user_id, account_id)
        forget_account(uow, account_id, user_ids)
        users = uow.mirror.get_users(user_ids).values()
        rest = [without_membership(user, account_id) for user in users]
        # The groups go as well: there is no need to show that their members changed.
        self._mirror.put_users(uow, rest, regrouped=set())

    def _forget_rest(self, account_id: str, count: int, actor: Actor) -> None:
        with self._context.write() as uow:
            self._mirror.remove_account(uow, account_id)
            forget_baseline(uow, account_id)
            bound = _bound(uow)
            names = {key: name for key, name in bound.names.items() if key != account_id}
            _keep(uow, _Bound(names, bound.organization_id))
            self._context.audit(uow, actor, "account.forgotten", account_id, memberships=count)
            uow.commit()
        with self._context.store.write(INSTALLATION) as uow:
            uow.tenants.release(self._context.tenant, [account_id])
            uow.commit()


def _bound(uow: UnitOfWork) -> _Bound:
    kept = uow.facts().get(_FACT)
    if kept is not None:
        return _Bound(kept["accounts"], kept["organization_id"])
    # Written by a version that bound nothing: what the mirror has was configured.
    accounts = uow.mirror.catalogue().accounts
    return _Bound({key: item.name for key, item in accounts.items()}, None)


def _keep(uow: UnitOfWork, bound: _Bound) -> None:
    value = {"accounts": dict(bound.names), "organization_id": bound.organization_id}
    uow.put_fact(_FACT, value)


def _account_problem(settings: TenantSettings, account_id: str, name: str, bound: _Bound) -> str:
    place = f"tenants.{settings.name}.accounts"
    command = f"docusign-iga sync --tenant {settings.name} --forget-account {account_id}"
    successor = _successor(settings, name, bound)
    if successor is None:
        return (
            f"{place}: account {account_id} ({name}) is no longer there, but the database has its "
            "members and groups. Put it back; or, if it shall not be governed any longer, say so "
            f"with `{command}`, which removes them from the database and changes nothing in "
            "DocuSign."
        )
    return (
        f"{place}: the account {name!r} was {account_id} and is {successor.account_id} now. The id "
        "of an account never changes, and everybody's memberships are kept under it. Put "
        f"{account_id} back; or, if another account shall be governed in its place, let go of the "
        f"old one with `{command}`, which removes its members and groups from the database and "
        "changes nothing in DocuSign."
    )


def _successor(settings: TenantSettings, name: str, bound: _Bound) -> AccountSettings | None:
    """Return the new account that seems to stand in the place of a missing one."""
    fresh = [item for item in settings.accounts if item.account_id not in bound.names]
    if len(bound.names) == len(settings.accounts) == len(fresh) == 1:
        return fresh[0]
    return next((item for item in fresh if item.alias and item.alias == name), None)


def _organization_problems(
    settings: TenantSettings, bound: _Bound, organization_id: str
) -> Sequence[str]:
    if bound.organization_id in (None, organization_id.lower()):
        return []
    problem = (
        f"tenants.{settings.name}.organization_id: the organization was {bound.organization_id} "
        f"and is {organization_id} now. Put the former one back; or, if the accounts have really "
        f"moved, say so with `docusign-iga sync --tenant {settings.name} --forget-organization`."
    )
    return [problem]
