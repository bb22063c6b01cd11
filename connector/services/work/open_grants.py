"""Finds what has been asked for and not been given yet, and what contradicts it."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.ledger.plans import OperationState
from connector.domain.model import IdKind, User, group_scim_id, parse_scim_id
from connector.domain.plan import (
    CloseMembership,
    CreateMembership,
    Operation,
    Plan,
    RemoveGroupMembers,
    ReopenMembership,
    SetProfile,
)
from connector.domain.work_items.items import (
    CUSTODY,
    OPEN_STATES,
    Direction,
    WorkItem,
    WorkItemState,
)
from connector.ports import UnitOfWork


def open_grants(
    uow: UnitOfWork,
    user_ids: Sequence[str],
    *,
    entitlement: str | None = None,
    accounts: Sequence[str] = (),
) -> Sequence[WorkItem]:
    """Return the open grants of users, of one entitlement or of accounts."""
    found = uow.work_items.search(
        states=OPEN_STATES,
        subject_ids=user_ids,
        entitlement=entitlement,
        direction=Direction.GRANT,
    )
    return [
        item
        for item in found
        if not accounts or parse_scim_id(item.entitlement).account_id in accounts
    ]


def contradicted_by(uow: UnitOfWork, step: Operation) -> Sequence[WorkItem]:
    """Return the open grants and transfers that an operation makes pointless: what it closes,
    takes, or gives instead."""
    if isinstance(step, RemoveGroupMembers):
        entitlement = group_scim_id(step.account_id, step.group_id)
        return open_grants(uow, step.user_ids, entitlement=entitlement)
    user_id = getattr(step, "user_id", None)
    if not user_id:
        return ()
    if isinstance(step, CloseMembership):
        return open_grants(uow, [user_id], accounts=[step.account_id])
    if isinstance(step, SetProfile | CreateMembership | ReopenMembership):
        found = open_grants(uow, [user_id], accounts=[step.account_id])
        custody = uow.work_items.search(
            states=OPEN_STATES, subject_ids=[user_id], entitlement=f"{CUSTODY}{step.account_id}"
        )
        return [*(item for item in found if is_profile(item.entitlement)), *custody]
    return ()


def roles_of_leavers(uow: UnitOfWork, plan: Plan) -> Sequence[WorkItem]:
    """Return the open grants of roles to people who are members of no account after a plan."""
    closings = [step for step in plan if isinstance(step, CloseMembership)]
    users = uow.mirror.get_users({step.user_id for step in closings})
    leavers = [user_id for user_id, user in users.items() if not _stays(user, plan)]
    grants = open_grants(uow, leavers) if leavers else ()
    return [item for item in grants if parse_scim_id(item.entitlement).kind is IdKind.ROLE]


def _stays(user: User, plan: Plan) -> bool:
    accounts = {item.account_id for item in user.open_memberships()}
    for step in plan:
        if isinstance(step, CloseMembership) and step.user_id == user.user_id:
            accounts.discard(step.account_id)
        elif isinstance(step, CreateMembership | ReopenMembership) and step.user_id == user.user_id:
            accounts.add(step.account_id)
    return bool(accounts)


def is_begun(uow: UnitOfWork, item: WorkItem) -> bool:
    """Return whether DocuSign has heard of the plan of an approved item."""
    if item.state is not WorkItemState.APPROVED:
        return False
    _, records = uow.plans.get(item.plan_id)
    return any(record.state is not OperationState.PLANNED for record in records)


def replaced_by(uow: UnitOfWork, user_id: str, entitlement: str) -> Sequence[WorkItem]:
    """Return the open grants that a wanted profile makes pointless: a membership holds one."""
    if not is_profile(entitlement):
        return ()
    return [
        item
        for item in open_grants(uow, [user_id], accounts=[parse_scim_id(entitlement).account_id])
        if item.entitlement != entitlement
        and is_profile(item.entitlement)
        and not is_begun(uow, item)
    ]


def is_profile(entitlement: str) -> bool:
    """Return whether an entitlement is a permission profile: neither a group nor a role."""
    named = parse_scim_id(entitlement)
    return named.kind is IdKind.PROFILE and bool(named.value)
