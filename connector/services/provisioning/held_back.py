"""Which changes from before a restored backup a new list of all members of a group depends on."""

from __future__ import annotations

from connector.domain.ledger.plans import PlanRecord
from connector.domain.model import DirectoryGroup
from connector.domain.policy.guards import touched_users
from connector.ports import USER, UnitOfWork
from connector.services.context import TenantContext
from connector.services.locks import EVERYBODY, group_key, group_name_key, user_key
from connector.services.mirror.actual import remembered_memberships
from connector.services.queued_requests import QUEUED_REQUEST, THEN

_USER_LOCK = user_key("")


def bears_on_members(
    context: TenantContext, group: DirectoryGroup, named: frozenset[str], earlier: PlanRecord
) -> bool:
    """Return whether an earlier change can make a list of all members come out otherwise: it is
    about the group, about many users, or about somebody whom the list names, who is in the group,
    or who would be once it is carried out."""
    queues = [EVERYBODY, group_key(group.scim_id), group_name_key(group.account_id, group.name)]
    with context.read() as uow:
        standing = uow.turns.ahead(queues, context.clock.now(), locked=queues)
        if any(plan.plan_id == earlier.plan_id for plan in standing):
            return True
        return _brings_into(uow, group, earlier) or any(
            user_id in named or _is_in(uow, group, user_id) for user_id in _users(uow, earlier)
        )


def _brings_into(uow: UnitOfWork, group: DirectoryGroup, earlier: PlanRecord) -> bool:
    """Return whether a change is itself about the group, or is followed by one that is."""
    request = earlier.context.get(QUEUED_REQUEST) or {}
    if any(follower["id"] == group.scim_id for follower in request.get(THEN, ())):
        return True
    _, records = uow.plans.get(earlier.plan_id)
    return any(
        getattr(record.operation, "account_id", None) == group.account_id
        and group.group_id in getattr(record.operation, "group_ids", ())
        for record in records
    )


def _users(uow: UnitOfWork, earlier: PlanRecord) -> set[str]:
    _, records = uow.plans.get(earlier.plan_id)
    found = {user_id for record in records for user_id in touched_users(record.operation)}
    locks = earlier.context.get("locks", ())
    found |= {key.removeprefix(_USER_LOCK) for key in locks if key.startswith(_USER_LOCK)}
    if earlier.subject_kind == USER and earlier.subject_id is not None:
        found.add(earlier.subject_id)
    return found


def _is_in(uow: UnitOfWork, group: DirectoryGroup, user_id: str) -> bool:
    """Return whether somebody is in a group, or is given it again by being enabled."""
    if uow.mirror.group_member_ids(group.account_id, group.group_id, [user_id]):
        return True
    held = remembered_memberships(uow, user_id).get(group.account_id)
    return held is not None and group.group_id in held.group_ids
