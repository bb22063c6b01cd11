"""What was denied a short while ago: shown to whoever asked, who is not to ask in vain again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from connector.domain.model import User, group_scim_id
from connector.domain.work_items.items import Direction, WorkItem, WorkItemKind, WorkItemState
from connector.ports import UnitOfWork
from connector.services.context import TenantContext

DECIDED = (WorkItemState.REJECTED, WorkItemState.APPROVED, WorkItemState.DONE)
"""How an approval stands on which people have decided."""
_LOOKED_AT_FOR = timedelta(days=1)
"""A denial that ended while no jobs ran is taken away when they run again, within this time."""


def quiet_until(context: TenantContext, item: WorkItem) -> datetime | None:
    """Return until when a denial is shown and holds; None where it no longer does, or is none."""
    if item.kind is not WorkItemKind.APPROVAL or item.state is not WorkItemState.REJECTED:
        return None
    if item.closed_at is None:
        return None
    until = item.closed_at + timedelta(days=context.settings.approvals.quiet_days_after_denial)
    return until if until > context.clock.now() else None


def people_by_id(users: Iterable[User]) -> Mapping[str, str]:
    """Return by user id who that is, for denials: whoever is or was on the same address is one
    person, since DocuSign gives somebody who is deleted and created again a new id."""
    return {user.user_id: user.email_key or user.user_id for user in users}


def shown_denials(
    uow: UnitOfWork, context: TenantContext, people: Mapping[str, str]
) -> Mapping[str, Sequence[WorkItem]]:
    """Return the denials that still hold, oldest first, by person.

    :param people: of :func:`people_by_id`.
    """
    quiet = timedelta(days=context.settings.approvals.quiet_days_after_denial)
    if not people or not quiet:
        return {}
    decided = uow.work_items.search(
        states=DECIDED,
        subject_ids=people,
        kind=WorkItemKind.APPROVAL,
        closed_after=context.clock.now() - quiet,
    )
    found: dict[str, list[WorkItem]] = {}
    for item in not_overruled(decided, people):
        found.setdefault(people[item.subject_id], []).append(item)
    return found


def not_overruled(decided: Iterable[WorkItem], people: Mapping[str, str]) -> Sequence[WorkItem]:
    """Return the denials after which nobody approved the same for the same person."""
    holding: dict[tuple[str, str], list[WorkItem]] = {}
    for item in decided:
        same = holding.setdefault((people[item.subject_id], item.entitlement), [])
        if item.state is WorkItemState.REJECTED:
            same.append(item)
        else:
            same.clear()
    return [item for items in holding.values() for item in items]


def denied_lately(uow: UnitOfWork, context: TenantContext) -> Collection[str]:
    """Return the users of whom something was denied and no longer holds, for a day."""
    quiet = timedelta(days=context.settings.approvals.quiet_days_after_denial)
    until = context.clock.now() - quiet
    found = uow.work_items.search(
        states=[WorkItemState.REJECTED],
        kind=WorkItemKind.APPROVAL,
        closed_after=until - _LOOKED_AT_FOR,
        closed_until=until,
    )
    return {item.subject_id for item in found}


def is_granted(item: WorkItem, user: User, roles: AbstractSet[str]) -> bool:
    """Return whether a user has meanwhile what was denied them.

    :param roles: that the user has.
    """
    if item.direction is not Direction.GRANT:
        return False
    held = {
        scim_id
        for membership in user.open_memberships()
        for scim_id in (
            f"{membership.account_id}.{membership.profile_id}",
            *(group_scim_id(membership.account_id, group) for group in membership.group_ids),
        )
    }
    return item.entitlement in held | roles
