"""Which changes from before a restored backup a new list of all members of a group depends on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from connector.domain.ledger.plans import OperationRecord, PlanRecord
from connector.domain.model import DirectoryGroup
from connector.domain.policy.guards import touched_users
from connector.ports import USER, UnitOfWork
from connector.services.locks import EVERYBODY, group_key, group_name_key, user_key
from connector.services.mirror.actual import given_group_again
from connector.services.queued_requests import QUEUED_REQUEST, THEN

_USER_LOCK = user_key("")


def bear_on_members(
    uow: UnitOfWork,
    group: DirectoryGroup,
    named: frozenset[str],
    earlier: Sequence[PlanRecord],
    now: datetime,
) -> AbstractSet[str]:
    """Return, by their ids, the earlier changes that can make a list of all members come out
    otherwise: they are about the group, about many users, or about somebody whom the list names,
    who is in the group, or who would be once they are carried out."""
    queues = [EVERYBODY, group_key(group.scim_id), group_name_key(group.account_id, group.name)]
    about_it = {plan.plan_id for plan in uow.turns.ahead(queues, now, locked=queues)}
    operations = uow.plans.operations_of(plan.plan_id for plan in earlier)
    users = {plan.plan_id: _users(plan, operations.get(plan.plan_id, ())) for plan in earlier}
    concerned = named | _inside(uow, group, frozenset[str]().union(*users.values()))
    return {
        plan.plan_id
        for plan in earlier
        if plan.plan_id in about_it
        or users[plan.plan_id] & concerned
        or _brings_into(group, plan, operations.get(plan.plan_id, ()))
    }


def _brings_into(
    group: DirectoryGroup, earlier: PlanRecord, records: Iterable[OperationRecord]
) -> bool:
    """Return whether a change is itself about the group, or is followed by one that is."""
    request = earlier.context.get(QUEUED_REQUEST) or {}
    if any(follower["id"] == group.scim_id for follower in request.get(THEN, ())):
        return True
    return any(
        getattr(record.operation, "account_id", None) == group.account_id
        and group.group_id in getattr(record.operation, "group_ids", ())
        for record in records
    )


def _users(earlier: PlanRecord, records: Iterable[OperationRecord]) -> AbstractSet[str]:
    found = {user_id for record in records for user_id in touched_users(record.operation)}
    locks = earlier.context.get("locks", ())
    found |= {key.removeprefix(_USER_LOCK) for key in locks if key.startswith(_USER_LOCK)}
    if earlier.subject_kind == USER and earlier.subject_id is not None:
        found.add(earlier.subject_id)
    return found


def _inside(uow: UnitOfWork, group: DirectoryGroup, user_ids: AbstractSet[str]) -> AbstractSet[str]:
    """Return who of them is in a group, or is given it again by being enabled."""
    place = (group.account_id, group.group_id)
    return uow.mirror.group_member_ids(*place, user_ids) | given_group_again(uow, *place, user_ids)
