"""How a group comes to be, changes and goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connector.domain.model import DirectoryGroup
from connector.domain.plan import (
    NEWCOMER,
    AddGroupMembers,
    CreateGroup,
    DeleteGroup,
    Operation,
    Plan,
    RemoveGroupMembers,
    RenameGroup,
)
from connector.domain.planning.desired import GroupChange

GROUP_CHUNK = 100
"""Users in one group call; the maximum is unpublished."""


def plan_group_change(
    group: DirectoryGroup, change: GroupChange, members: frozenset[str], trusted: frozenset[str]
) -> Plan:
    """Return how a group changes.

    :param members: those of the users named in the change that the mirror has in the group.
    :param trusted: users whose mirror copy is fresh. For others a call is sent even where the
        mirror sees nothing to do: adding twice and removing twice succeed in DocuSign.
    """
    adding = change.add - (members & trusted)
    removing = change.remove - (trusted - members)
    steps: list[Operation] = []
    if change.name is not None and change.name != group.name:
        steps.append(RenameGroup(group.account_id, group.group_id, change.name, group.name))
    steps += [AddGroupMembers(group.account_id, group.group_id, chunk) for chunk in _chunks(adding)]
    steps += [
        RemoveGroupMembers(group.account_id, group.group_id, chunk) for chunk in _chunks(removing)
    ]
    return Plan(tuple(steps))


def plan_group_creation(account_id: str, name: str, members: frozenset[str] = frozenset()) -> Plan:
    """Return how a group comes to be, with these users in it."""
    joining = [AddGroupMembers(account_id, NEWCOMER, chunk) for chunk in _chunks(members)]
    return Plan((CreateGroup(account_id, name), *joining))


def plan_group_deletion(group: DirectoryGroup, members: Iterable[str] = ()) -> Plan:
    """Return how a group goes.

    :param members: who is in it, as far as the mirror knows.
    """
    losing = tuple(sorted(members))
    return Plan((DeleteGroup(group.account_id, group.group_id, group.name, losing),))


def _chunks(user_ids: frozenset[str]) -> Iterator[tuple[str, ...]]:
    ordered = sorted(user_ids)
    for start in range(0, len(ordered), GROUP_CHUNK):
        yield tuple(ordered[start : start + GROUP_CHUNK])
