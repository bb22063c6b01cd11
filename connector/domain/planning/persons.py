"""Who somebody is: names, job title, company, address."""

from __future__ import annotations

from collections.abc import Iterator

from connector.domain.model import User
from connector.domain.plan import (
    ChangeEmail,
    Operation,
    Person,
    UpdatePerson,
)
from connector.domain.planning.addresses import Addresses, check_address_change

LONGEST_NAME_PARTS = dict.fromkeys(("first_name", "middle_name", "last_name", "suffix"), 50)
"""Characters that DocuSign takes, by field of a person."""


def person_of(user: User) -> Person:
    """Return the attributes of a user that are the same in every membership."""
    return Person(
        email=user.email,
        user_name=user.user_name,
        first_name=user.first_name,
        last_name=user.last_name,
        middle_name=user.middle_name,
        suffix=user.suffix,
        job_title=user.job_title,
        company=user.company,
    )


def person_steps(desired: Person, user: User, addresses: Addresses) -> Iterator[Operation]:
    """Yield what changes address and attributes, in each open membership."""
    if desired.email != user.email:
        check_address_change(desired.email, user.email, addresses)
        yield ChangeEmail(user.user_id, desired.email, user.email, user.site_id)
    changes, previous = differences(desired, person_of(user))
    if not changes:
        return
    accounts = sorted(item.account_id for item in user.open_memberships())
    for account_id in accounts:
        yield UpdatePerson(account_id, user.user_id, changes, previous)


def differences(desired: Person, actual: Person) -> tuple[dict[str, str], dict[str, str]]:
    """Return the attributes that differ, as desired and as they are; the address is none."""
    changes: dict[str, str] = {}
    previous: dict[str, str] = {}
    for name, before in vars(actual).items():
        after = getattr(desired, name)
        if name != "email" and after != before:
            changes[name], previous[name] = after, before
    return changes, previous
