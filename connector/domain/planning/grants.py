"""How one entitlement is given to one person, planned by itself: what an approval decides on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connector.domain.ledger.plans import Fulfilment
from connector.domain.model import group_scim_id, parse_scim_id
from connector.domain.naming.account_book import AccountBook
from connector.domain.plan import AddGroupMembers, GrantRole, Operation, Plan, ReopenMembership
from connector.domain.planning.addresses import Addresses
from connector.domain.planning.desired import ActualUser, DesiredUser
from connector.domain.planning.persons import person_of
from connector.domain.planning.users import plan_user
from connector.domain.policy.entitlement_rules import GROUP, ROLE, Policy
from connector.errors import InvalidRequestError


def plan_grant(
    entitlement: str, actual: ActualUser, policy: Policy, book: AccountBook, addresses: Addresses
) -> Plan:
    """Return how a person comes to hold an entitlement; empty where they hold it.

    :raises InvalidRequestError: it cannot be given: there is none, or the person is no member.
    """
    target = policy.target(entitlement, book.catalogue)
    user_id = actual.user.user_id
    if target.kind == ROLE:
        if not any(actual.user.open_memberships()):
            raise InvalidRequestError(f"{actual.user.email} is inactive, so no role can be given.")
        steps: tuple[Operation, ...] = (GrantRole(user_id, entitlement),)
        return Plan(() if entitlement in actual.confirmed_roles else steps)
    _, account_id, value = parse_scim_id(entitlement)
    if target.kind == GROUP:
        return _plan_group(account_id, value, actual, book)
    is_open = any(actual.user.open_memberships())
    held = {
        (item.account_id, item.profile_id)
        for item in actual.user.open_memberships()
        if item.profile_id
    }
    if (account_id, value) in held:
        return Plan()
    wish = DesiredUser(
        person_of(actual.user),
        active=None if is_open else True,
        profiles=frozenset({*held, (account_id, value)}),
        exact=not is_open,
    )
    plan = plan_user(wish, actual, book, addresses)
    return Plan(tuple(_without_waiting_groups(plan, policy, book)))


def _plan_group(account_id: str, group_id: str, actual: ActualUser, book: AccountBook) -> Plan:
    membership = actual.user.memberships.get(account_id)
    if membership is None or not membership.status.is_open:
        account = book.names.account(account_id)
        raise InvalidRequestError(
            f"{actual.user.email} has no open membership in account {account}, so no group of it "
            "can be joined."
        )
    if group_id in membership.group_ids:
        return Plan()
    return Plan((AddGroupMembers(account_id, group_id, (actual.user.user_id,)),))


def _without_waiting_groups(plan: Plan, policy: Policy, book: AccountBook) -> Iterator[Operation]:
    """Leave out groups that come back with a membership and have to be approved themselves."""
    for step in plan:
        if isinstance(step, ReopenMembership):
            kept = [
                item
                for item in step.group_ids
                if policy.fulfilment_of(group_scim_id(step.account_id, item), book.catalogue)
                is Fulfilment.AUTOMATIC
            ]
            yield replace(step, group_ids=tuple(kept))
        else:
            yield step
