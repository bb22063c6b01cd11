"""Small makers of domain values with sensible defaults."""

from __future__ import annotations

from connector.domain.model import Account, Catalogue, Membership, MembershipStatus, Profile, User
from connector.domain.naming.account_book import AccountBook
from connector.domain.plan import Person
from connector.domain.planning import DesiredUser
from connector.settings import AccountSettings, TenantSettings

VIEWER, SENDER, ADMIN = "1", "2", "3"
PERSON = Person("ann@example.com", "Ann Lee", "Ann", "Lee")


def membership(account="A", profile=VIEWER, status=MembershipStatus.ACTIVE, **more) -> Membership:
    return Membership(account, status, profile, **more)


def closed(account="A", profile=VIEWER, **more) -> Membership:
    return membership(account, profile, MembershipStatus.CLOSED, **more)


def user(*memberships: Membership, user_id="u1", **more) -> User:
    held = {item.account_id: item for item in memberships}
    fields = {**vars(PERSON), **more}
    return User(user_id=user_id, memberships=held, **fields)


def desired(*profiles, person=PERSON, active=None, **more) -> DesiredUser:
    """Return a wish for exactly these (account, profile) pairs; none given asserts nothing."""
    return DesiredUser(person, active, frozenset(profiles) if profiles else None, **more)


def catalogue(*accounts: str) -> Catalogue:
    """Return accounts that each have a viewer (the baseline), a sender and an admin profile."""
    names = {VIEWER: "DocuSign Viewer", SENDER: "DocuSign Sender", ADMIN: "Administrator"}
    return Catalogue(
        accounts={name: Account(name, name) for name in accounts},
        profiles={
            (account, key): Profile(account, key, name, is_admin=key == ADMIN)
            for account in accounts
            for key, name in names.items()
        },
    )


def book(*accounts: str) -> AccountBook:
    names = accounts or ("A", "B")
    governed = tuple(AccountSettings(name) for name in names)
    return AccountBook(TenantSettings(accounts=governed), catalogue(*names))
