"""Finds out whom an e-mail goes to: by role, by what a work item says, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.domain.console import ConsoleRole
from connector.domain.ledger import WorkItem, WorkItemKind
from connector.domain.model import fold
from connector.domain.notifications import Delivery
from connector.domain.work_items import ApprovalTerms
from connector.errors import NotFoundError
from connector.ports import USER, UnitOfWork
from connector.services.context import TenantContext

ROLE = "role:"
OWNER, APPROVERS, ASSIGNEE, MANAGER, PERSON = (
    "owner",
    "approvers",
    "assignee",
    "requester_manager",
    "person",
)
WORDS = (OWNER, APPROVERS, ASSIGNEE, MANAGER, PERSON)
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


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
        yield from with_role(uow, ConsoleRole(who.removeprefix(ROLE)))
    elif who == PERSON:
        yield from _address_of(uow, delivery.subject_id)
    elif who == MANAGER:
        yield from _manager_of(uow, delivery.subject_id)
    elif who not in WORDS:
        yield who
    elif item is not None:
        yield from _of_item(uow, context, who, item)


def _of_item(uow: UnitOfWork, context: TenantContext, who: str, item: WorkItem) -> Iterator[str]:
    if who == OWNER:
        rule = context.policy.roles.get(item.entitlement)
        yield getattr(item, "owner", "") or (rule.owner if rule else "")
    elif who == ASSIGNEE:
        yield from _of_login(uow, (item.assignee or "").removeprefix("user:"))
    elif who == APPROVERS and item.kind is WorkItemKind.APPROVAL:
        terms = item.terms or ApprovalTerms()
        asked = [terms.approvers, *([terms.escalate_to] if item.escalated_at else [])]
        for approvers in asked:
            for login in approvers.people:
                yield from _of_login(uow, login)
            if approvers.manager:
                yield from _manager_of(uow, item.subject_id)
        if not terms.approvers:
            yield from with_role(uow, ConsoleRole.APPROVER)


def with_role(uow: UnitOfWork, role: ConsoleRole) -> Iterator[str]:
    """Return the addresses of the local accounts of the console that have a role."""
    for account in uow.console.accounts():
        if role in account.roles and account.disabled_at is None:
            yield account.email


def _of_login(uow: UnitOfWork, login: str) -> Iterator[str]:
    if "@" in login:
        yield login
        return
    account = uow.console.find_account(login) if login else None
    if account is not None and account.disabled_at is None:
        yield account.email


def _address_of(uow: UnitOfWork, user_id: str) -> Iterator[str]:
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is not None:
        yield user.email


def _manager_of(uow: UnitOfWork, user_id: str) -> Iterator[str]:
    kept = uow.attributes.get(USER, [user_id]).get(user_id)
    manager = (kept.kept.get(_ENTERPRISE) or {}).get("manager") if kept else None
    value = manager.get("value") if isinstance(manager, dict) else manager
    if isinstance(value, str) and "@" in value:
        yield value
    elif isinstance(value, str):
        yield from _address_of(uow, value)
