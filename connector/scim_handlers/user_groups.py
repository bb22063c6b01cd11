"""Writes of ``groups`` through the User, for clients that change memberships nowhere else.

RFC 7643 §4.1.2 makes the attribute readOnly; the tolerance ``allow_group_writes_via_user`` lets
IdentityIQ and Identity Security Cloud write it where ``updateGroupsViaUsers`` is set. Each group
then changes as if its ``members`` had been patched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.plan import Plan
from connector.ports import GROUP, UnitOfWork
from connector.scim_handlers.directory_groups import change_directory_group
from connector.scim_handlers.group_writes import (
    GroupRequest,
    RequestedChange,
    joining_request,
    leaving_request,
)
from connector.scim_handlers.ports import TenantServices
from connector.scim_handlers.shown_groups import change_shown_group, is_shown_group
from connector.scim_handlers.translation import reason_in
from connector.services.context import Actor
from connector.services.mirror.presentation import DOCUSIGN_USER
from connector.services.provisioning.recording import Outcome, routed
from scim.errors import InvalidValue
from scim.handlers import Resource


@dataclass(frozen=True)
class GroupWishes:
    """The groups that a user shall join and leave."""

    join: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()
    reason: str = ""
    """Why it is asked for."""

    def __bool__(self) -> bool:
        return bool(self.join or self.leave)


def group_ids(resource: Resource) -> frozenset[str]:
    """Return the ids of the groups that a User lists.

    :raises InvalidValue: an element has no ``value``.
    """
    values = [element.get("value") for element in resource.get("groups") or ()]
    if not all(values):
        raise InvalidValue("Each element of groups needs the id of a Group as value.")
    return frozenset(values)


def group_wishes(before: Resource, after: Resource) -> GroupWishes:
    """Return how the groups change between two states of a User."""
    old, new = group_ids(before), group_ids(after)
    return GroupWishes(new - old, old - new, reason_in(after, DOCUSIGN_USER))


def check_groups(uow: UnitOfWork, wishes: GroupWishes) -> None:
    """Let the wishes through whose groups exist.

    :raises InvalidValue: one does not.
    """
    known = uow.resources.rows(GROUP, wishes.join)
    unknown = sorted(one for one in wishes.join if one not in known or not known[one].visible)
    if unknown:
        raise InvalidValue(f"There is no group {', '.join(unknown[:5])}: nothing was changed.")


def following(user_id: str, wishes: GroupWishes) -> list[Mapping[str, Any]]:
    """Return the requests that carry the wishes out after the user's own change, where that has to
    wait for its turn. Joining comes first, see :func:`change_groups`."""
    return [
        *(joining_request(one, [user_id], wishes.reason) for one in sorted(wishes.join)),
        *(leaving_request(one, user_id, wishes.reason) for one in sorted(wishes.leave)),
    ]


def change_groups(
    services: TenantServices, user_id: str, wishes: GroupWishes, actor: Actor, *, dry_run: bool
) -> Sequence[Outcome]:
    """Let a user join and leave groups. Every change is checked before the first is made.

    :raises connector.errors.ConnectorError: a group cannot be changed so.
    """
    requests = list(_requests(user_id, wishes, actor))
    planned = [_change(services, request, dry_run=True) for request in requests]
    if dry_run:
        return planned
    return [_change(services, request, dry_run=False) for request in requests]


def with_group_changes(
    services: TenantServices, outcome: Outcome, changes: Iterable[Outcome]
) -> Outcome:
    """Return a dry run's plan for a user with what their groups add to it."""
    steps = [operation for change in changes for operation in change.plan]
    plan = Plan((*outcome.plan, *steps))
    return Outcome(plan, routed(services.context, plan), subject_id=outcome.subject_id)


def _requests(user_id: str, wishes: GroupWishes, actor: Actor) -> Iterable[GroupRequest]:
    user = frozenset({user_id})
    # Joining first: a profile shown as a Group takes the place of the one that is left after it.
    changes = [(scim_id, RequestedChange(add=user)) for scim_id in sorted(wishes.join)]
    changes += [(scim_id, RequestedChange(remove=user)) for scim_id in sorted(wishes.leave)]
    for scim_id, change in changes:
        yield GroupRequest(scim_id, change, {}, _unconditional, actor, reason=wishes.reason)


def _unconditional(_uow: UnitOfWork) -> None:
    """The client's precondition is about the User."""


def _change(services: TenantServices, request: GroupRequest, *, dry_run: bool) -> Outcome:
    carry_out = change_shown_group if is_shown_group(request.scim_id) else change_directory_group
    return carry_out(services, request.with_dry_run(dry_run=dry_run))
