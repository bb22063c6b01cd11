"""Denials, held against asking for the same again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.work_items.items import WorkItem, WorkItemKind, WorkItemState
from connector.domain.writing import gist, tidy
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.denials import DECIDED, not_overruled, people_by_id, quiet_until
from connector.services.work.reasons import reason_of


def denials_against(
    uow: UnitOfWork,
    context: TenantContext,
    user_ids: Iterable[str],
    entitlement: str,
    reason: str,
) -> Mapping[str, WorkItem]:
    """Return the denials that still hold against asking for an entitlement, by user id.

    A denial is about a person and an entitlement, so it holds whoever asks, by whatever name, and
    for whoever is created again on the address of somebody who was deleted.
    Whoever says *why* in words that those who denied it have not read asks something new.

    :param reason: why it is asked for now; may be empty.
    """
    if not (ids := list(user_ids)) or not context.settings.approvals.quiet_days_after_denial:
        return {}
    people = _people(uow, ids)
    found = uow.work_items.search(
        states=DECIDED,
        subject_ids=people,
        entitlement=entitlement,
        kind=WorkItemKind.APPROVAL,
    )
    holding: dict[str, list[WorkItem]] = {}
    for item in not_overruled(found, people):
        if quiet_until(context, item):
            holding.setdefault(people[item.subject_id], []).append(item)
    said = gist(tidy(reason))
    against = {
        person: items[-1]
        for person, items in holding.items()
        if not said or any(said == gist(_asked_with(uow, item)) for item in items)
    }
    return {user_id: against[people[user_id]] for user_id in ids if people[user_id] in against}


def last_denial(uow: UnitOfWork, item: WorkItem) -> WorkItem | None:
    """Return when the same was denied last before an approval was asked for; None: never."""
    found = uow.work_items.search(
        states=[WorkItemState.REJECTED],
        subject_ids=_people(uow, [item.subject_id]),
        entitlement=item.entitlement,
        kind=WorkItemKind.APPROVAL,
        closed_until=item.created_at,
    )
    return max(found, key=lambda one: one.closed_at or one.created_at) if found else None


def _people(uow: UnitOfWork, user_ids: Iterable[str]) -> Mapping[str, str]:
    """Return who these users are, with every id on their addresses."""
    own = {user_id: user_id for user_id in user_ids}
    addresses = {user.email_key for user in uow.mirror.get_users(own).values()} - {""}
    found = uow.mirror.users_by_email(addresses)
    others = people_by_id(user for users in found.values() for user in users)
    return {**own, **others}


def _asked_with(uow: UnitOfWork, item: WorkItem) -> str:
    return reason_of(uow.plans.get(item.plan_id)[0])
