"""Denials, held against asking for the same again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from connector.domain.model import User
from connector.domain.work_items.items import WorkItem, WorkItemKind, WorkItemState
from connector.domain.writing import gist, says_something, tidy
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.denials import holding_denials, same_people
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
    for whoever is created again on the address of somebody who was deleted, unless a client says
    by external ids that these are two people.
    Whoever says *why* in words that those who denied it have not read asks something new.

    :param reason: why it is asked for now; may be empty.
    """
    ids = set(user_ids)
    if not ids or not context.settings.approvals.quiet_days_after_denial:
        return {}
    holding = holding_denials(uow, context, _on_addresses_of(uow, ids), entitlement)
    said = gist(tidy(reason)) if says_something(reason) else ""
    return {
        user_id: items[-1]
        for user_id, items in holding.items()
        if user_id in ids
        if not said or any(said == gist(_asked_with(uow, item)) for item in items)
    }


def last_denial(uow: UnitOfWork, item: WorkItem) -> WorkItem | None:
    """Return when the same was denied last before an approval was asked for; None: never."""
    people = same_people(uow, _on_addresses_of(uow, [item.subject_id]))
    found = uow.work_items.search(
        states=[WorkItemState.DENIED],
        subject_ids=people[item.subject_id],
        entitlement=item.entitlement,
        kind=WorkItemKind.APPROVAL,
        closed_until=item.created_at,
    )
    return max(found, key=lambda one: one.closed_at or one.created_at) if found else None


def _on_addresses_of(uow: UnitOfWork, user_ids: Collection[str]) -> Sequence[User]:
    """Return these users, and everybody else on their addresses."""
    known = uow.mirror.get_users(user_ids)
    found = uow.mirror.users_by_email({user.email_key for user in known.values()} - {""})
    there = {user.user_id: user for users in found.values() for user in users}
    nobody = {user_id: User(user_id, email="", user_name="") for user_id in user_ids}
    return list({**nobody, **known, **there}.values())


def _asked_with(uow: UnitOfWork, item: WorkItem) -> str:
    return reason_of(uow.plans.get(item.plan_id)[0])
