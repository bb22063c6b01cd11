"""Finds out whom an e-mail goes to: by role, by what a work item says, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.domain.authentication.console import ConsoleRole, included
from connector.domain.model import fold
from connector.domain.notifications import Delivery
from connector.domain.work_items.approvals import (
    Matter,
    away,
    deciding_manager,
    is_named,
    role_decides,
)
from connector.domain.work_items.items import WorkItem, WorkItemKind
from connector.errors import NotFoundError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.people import manager_of, standing_accounts
from connector.services.work.matters import Matters

ROLE = "role:"
OWNER, APPROVERS, ASSIGNEE, REQUESTER, MANAGER, PERSON = (
    "owner",
    "approvers",
    "assignee",
    "requester",
    "requester_manager",
    "person",
)
WORDS = (OWNER, APPROVERS, ASSIGNEE, REQUESTER, MANAGER, PERSON)
_HEAR_OF_OVERDUE = (OWNER, APPROVERS, ASSIGNEE)
"""Words with which a channel also tells those to whom the rule escalates an overdue task."""


def recipients_of(
    uow: UnitOfWork, context: TenantContext, wanted: Iterable[str], delivery: Delivery
) -> list[str]:
    """Return the addresses, each once, in order."""
    item = _work_item(uow, delivery.about)
    found: dict[str, str] = {}
    for who in wanted:
        for address in _addresses(uow, context, who, delivery, item):
            if "@" in address:
                found.setdefault(fold(address), address)
    return list(found.values())


def _work_item(uow: UnitOfWork, work_item_id: str) -> WorkItem | None:
    try:
        return uow.work_items.get(work_item_id)
    except NotFoundError:
        return None


def _addresses(
    uow: UnitOfWork, context: TenantContext, who: str, delivery: Delivery, item: WorkItem | None
) -> Iterator[str]:
    if who.startswith(ROLE):
        yield from with_role(uow, context, ConsoleRole(who.removeprefix(ROLE)))
    elif who == PERSON:
        yield from _address_of(uow, delivery.subject_id)
    elif who == MANAGER:
        yield manager_of(uow, delivery.subject_id)
    elif who not in WORDS:
        yield who
    elif item is not None:
        yield from _of_item(uow, context, who, item)


def _of_item(uow: UnitOfWork, context: TenantContext, who: str, item: WorkItem) -> Iterator[str]:
    if who == OWNER:
        rule = context.policy.roles.get(item.entitlement)
        yield getattr(item, "owner", "") or (rule.owner if rule else "")
    elif who == ASSIGNEE:
        yield from _of_logins(uow, context, [(item.assignee or "").removeprefix("user:")])
    elif who == REQUESTER:
        yield item.terms.requester_email if item.terms else ""
        if item.requester.startswith("user:"):
            yield from _of_logins(uow, context, [item.requester.removeprefix("user:")])
    elif who == APPROVERS and item.kind is WorkItemKind.APPROVAL:
        yield from _deciding(uow, context, Matters(uow, context).of(item))
    if who in _HEAR_OF_OVERDUE and item.kind is WorkItemKind.MANUAL_TASK and item.escalated_at:
        yield from _escalated_to(uow, context, item)


def _escalated_to(uow: UnitOfWork, context: TenantContext, item: WorkItem) -> Iterator[str]:
    """Return whom the rule wants to hear of a task that is overdue."""
    matter = Matters(uow, context).of(item)
    if matter.approvers:
        yield from _named(uow, context, matter)


def _deciding(uow: UnitOfWork, context: TenantContext, matter: Matter) -> Iterator[str]:
    """Return who may decide now, and whoever stands in for one of them."""
    parties = matter.parties
    delegates = []
    for delegation in matter.delegations:
        absent = away(delegation, matter.accounts) if delegation.is_in_force(matter.now) else None
        if absent and is_named(absent, matter) and not absent.names & parties:
            delegates.append(delegation.delegate)
    for address in (*_named(uow, context, matter), *_of_logins(uow, context, delegates)):
        if fold(address) not in parties:
            yield address


def _named(uow: UnitOfWork, context: TenantContext, matter: Matter) -> Iterator[str]:
    approvers, manager = matter.named, deciding_manager(matter)
    yield from _of_logins(uow, context, approvers.people)
    groups = {fold(name) for name in approvers.groups}
    for name, address in context.settings.notifications.group_addresses.items():
        if fold(name) in groups:
            yield address
    for session in uow.console.provider_sessions() if groups else ():
        if groups & {fold(name) for name in session.groups}:
            yield session.email
    yield manager
    if role_decides(matter):
        for account in standing_accounts(uow, context):
            # Administrators decide too, and may be all there are.
            may = ConsoleRole.APPROVER in included(account.roles)
            if may and account.disabled_at is None:
                yield account.email


def with_role(uow: UnitOfWork, context: TenantContext, role: ConsoleRole) -> Iterator[str]:
    """Return the addresses of the local accounts of the console that have a role."""
    for account in standing_accounts(uow, context):
        if role in account.roles and account.disabled_at is None:
            yield account.email


def _of_logins(uow: UnitOfWork, context: TenantContext, logins: Iterable[str]) -> Iterator[str]:
    """Return the addresses of people in their order; who is known by an address has that one."""
    wanted = [login for login in logins if login]
    addresses: dict[str, list[str]] = {}
    if any("@" not in login for login in wanted):
        for account in standing_accounts(uow, context):
            if account.disabled_at is None:
                addresses.setdefault(fold(account.login), []).append(account.email)
        for session in uow.console.provider_sessions():
            addresses.setdefault(fold(session.login), []).append(session.email)
    for login in wanted:
        yield from [login] if "@" in login else addresses.get(fold(login), ())


def _address_of(uow: UnitOfWork, user_id: str) -> Iterator[str]:
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is not None:
        yield user.email
