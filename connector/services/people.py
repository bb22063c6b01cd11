"""What the ledger knows of people beyond DocuSign: who manages whom, whose a work item is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from connector.domain.audit.chain import PSEUDONYM
from connector.domain.authentication.console import ConsoleAccount
from connector.domain.model import User, fold
from connector.domain.policy.absent_approvers import Deciders
from connector.domain.work_items.items import WorkItem
from connector.domain.writing import command
from connector.errors import ForbiddenError, InvalidRequestError, NotFoundError
from connector.ports import USER, UnitOfWork
from connector.services.context import Principal, TenantContext, WaysIn
from connector.services.mirror.actual import load_attributes
from mappings.model import ENTERPRISE_USER


def subject_of(uow: UnitOfWork, item: WorkItem) -> User:
    """Return the person whose access an item changes; of somebody who was erased, the id alone,
    and nothing where it is about no person."""
    if not item.subject_id:
        return User("", email="", user_name="")
    found = uow.mirror.get_users([item.subject_id]).get(item.subject_id)
    return found or User(item.subject_id, email="", user_name="somebody who was erased")


def user_ids_of(uow: UnitOfWork, person: str) -> tuple[str, ...]:
    """Return everybody whom an address or an id may mean: who has it, who was deleted with it, and
    who had it before. Nobody where an address is not known."""
    if "@" not in person:
        return (person.lower(),)
    return _holders(uow, fold(person))


def _holders(uow: UnitOfWork, key: str) -> tuple[str, ...]:
    """Return who has or had a folded address, by user id."""
    gone = [tombstone.scim_id for tombstone in uow.attributes.tombstones(key)]
    left = sorted(uow.attributes.who_left([key]).get(key, ()))
    return tuple(dict.fromkeys([*uow.mirror.user_ids_by_email([key]), *gone, *left]))


def get_user(uow: UnitOfWork, person: str) -> User:
    """Return the one user of DocuSign whom an id means, or an address that they have or had.

    :raises NotFoundError: nobody of that name is known.
    :raises InvalidRequestError: several users have or had the address.
    """
    users = list(uow.mirror.get_users(user_ids_of(uow, person)).values())
    if not users:
        raise NotFoundError(nobody_is(uow.tenant, person))
    if len(users) > 1:
        ids = ", ".join(user.user_id for user in users)
        raise InvalidRequestError(f"Several users have or had this address: {ids}. Give the id.")
    return users[0]


def nobody_is(tenant: str, person: str) -> str:
    """Return the message that an address or a user id leads to nobody."""
    return (
        f"Nobody is known as {person!r}. Give an address or a user id: "
        f"`{command(tenant, 'user', 'show')}` finds them by the beginning of a name. Who is new in "
        "DocuSign is known after a sync."
    )


def standing_accounts(
    uow: UnitOfWork, context: TenantContext, accounts: Sequence[ConsoleAccount] | None = None
) -> Sequence[ConsoleAccount]:
    """Return the local accounts by which somebody can act, and those that were disabled.

    Where they no longer sign in with a password, those with a personal token in force are left.
    The others count for nothing: nobody could withdraw what they said, or is there to be asked.

    :param accounts: all accounts of the tenant, where they were read already.
    """
    return let_in_accounts(uow, context.ways_in, context.clock.now(), accounts)


def deciders(uow: UnitOfWork, ways_in: WaysIn, now: datetime) -> Deciders:
    """Return who can come in to decide, as far as it is known."""
    return Deciders(ways_in.provider, let_in_accounts(uow, ways_in, now))


def let_in_accounts(
    uow: UnitOfWork,
    ways_in: WaysIn,
    now: datetime,
    accounts: Sequence[ConsoleAccount] | None = None,
) -> Sequence[ConsoleAccount]:
    """Return the same, where there are no services of the tenant to ask."""
    accounts = uow.console.accounts() if accounts is None else accounts
    if ways_in.passwords:
        return accounts
    tokens = uow.console.tokens() if ways_in.tokens else ()
    let_in = {token.login for token in tokens if token.is_valid(now)}
    return [account for account in accounts if account.login in let_in]


def names_of(
    actor: str, email: str, find_account: Callable[[str], ConsoleAccount | None]
) -> frozenset[str]:
    """Return everything that somebody is called, as compared; nothing for a program.

    :param actor: as the ledger names them, ``user:<login>`` for a person, a pseudonym for one who
        was erased.
    :param email: the address they acted with; empty if unknown.
    :param find_account: returns the local account of a folded login.
    """
    if actor.startswith(PSEUDONYM):
        return frozenset(fold(name) for name in (actor, email) if name)
    kind, _, login = actor.partition(":")
    if kind != "user":
        return frozenset()
    account = find_account(fold(login))
    names = (login, email, account.email if account is not None else "")
    return frozenset(fold(name) for name in names if name)


def is_same_person(uow: UnitOfWork, person: Principal, actor: str, email: str = "") -> bool:
    """Whether somebody is the one whom the ledger calls *actor*, by login, by the address that was
    kept beside what they did, or by that of a local account: one person can have two."""
    return bool(names_of(actor, email, uow.console.find_account) & person.names)


def names_of_users(uow: UnitOfWork, users: Iterable[User]) -> Mapping[str, frozenset[str]]:
    """Return everything that users of DocuSign are called, as compared with whoever decides on
    them, by user id: the id, the address, each address that they had here before, and what whoever
    has ever come in with one of these is called. A change of the address makes nobody another
    person, in DocuSign while their console account keeps the old one, or the other way round.
    """
    known = {user.user_id: user for user in users if user.user_id}
    if not known:
        return {}
    earlier = uow.attributes.earlier_addresses(known)
    addresses = {
        user_id: frozenset({user.email_key} - {""}) | earlier.get(user_id, frozenset())
        for user_id, user in known.items()
    }
    names = uow.console.names_on(frozenset[str]().union(*addresses.values()))
    return {
        user_id: frozenset({fold(user_id)}).union(had, *(names.get(key, ()) for key in had))
        for user_id, had in addresses.items()
    }


def names_of_user(uow: UnitOfWork, user: User) -> frozenset[str]:
    """Return the same of one user; nothing for nobody."""
    return names_of_users(uow, [user]).get(user.user_id, frozenset())


@dataclass(frozen=True)
class Addresses:
    """By which addresses somebody was known here, folded."""

    own: frozenset[str]
    """The present one and earlier ones that nobody else has, or has had."""
    recycled: frozenset[str]
    """Those that somebody else has, or has had too: what says them may be about others."""


def addresses_of(uow: UnitOfWork, user_id: str) -> Addresses:
    """Return every address that a user has or had here, and which of them are others' as well."""
    user = uow.mirror.get_users([user_id]).get(user_id)
    present = frozenset({user.email_key} - {""}) if user is not None else frozenset[str]()
    known = present | uow.attributes.addresses_left(user_id)
    recycled = frozenset(key for key in known if {*_holders(uow, key)} - {user_id})
    return Addresses(known - recycled, recycled)


def accounts_of(uow: UnitOfWork, emails: AbstractSet[str]) -> Sequence[ConsoleAccount]:
    """Return the local accounts of whoever has these addresses, or had them: by login, by address,
    or by an earlier address of the account."""
    had = frozenset[str]().union(*uow.console.names_on(emails).values())
    return [
        account
        for account in uow.console.accounts()
        if fold(account.login) in emails | had or fold(account.email) in emails
    ]


def names_at_work(uow: UnitOfWork, user_id: str, emails: AbstractSet[str]) -> frozenset[str]:
    """Return by what names a user worked with the connector, folded: these addresses, and login
    and address of their local accounts, without the addresses of other users of DocuSign."""
    names = set(emails)
    for account in accounts_of(uow, emails):
        key = fold(account.email)
        # Who has the account by an earlier address alone may be using it as somebody else.
        if account.disabled_at is not None or emails & {fold(account.login), key}:
            names |= {fold(account.login), key} - {""}
    return frozenset(name for name in names if not {*_holders(uow, name)} - {user_id})


def refuse_own(uow: UnitOfWork, subject_id: str, person: Principal) -> None:
    """Let nobody take for right what was given to themselves in DocuSign.

    :raises ForbiddenError: the user is this person, or they have no address, by which to tell.
    """
    person.require_address(uow.tenant)
    user = uow.mirror.get_users([subject_id]).get(subject_id)
    if user is not None and names_of_user(uow, user) & person.names:
        raise ForbiddenError(
            "This is about your own user: somebody else has to say whether it is right."
        )


def manager_of(uow: UnitOfWork, user_id: str) -> str:
    """Return the address of a user's manager (enterprise extension); empty where the client did
    not say, or named somebody who is unknown.

    Clients name a manager by our id, by an ``externalId`` that they gave, or by address.
    """
    attributes = load_attributes(uow, user_id)
    kept = attributes.kept.get(ENTERPRISE_USER, {})
    manager = kept.get("manager") if isinstance(kept, Mapping) else None
    manager_id = manager.get("value", "") if isinstance(manager, Mapping) else manager
    if not isinstance(manager_id, str) or not manager_id:
        return ""
    ids = {manager_id, *uow.attributes.named(USER, attributes.external_ids, manager_id)}
    found = {fold(user.email): user.email for user in uow.mirror.get_users(ids).values()}
    if len(found) == 1:
        return next(iter(found.values()))
    return manager_id if not found and "@" in manager_id else ""
