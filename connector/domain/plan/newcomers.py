"""Steps for a user or group that an earlier step of the same plan creates."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.model import parse_scim_id
from connector.domain.plan.groups import AddGroupMembers
from connector.domain.plan.memberships import CloseMembership, CreateMembership, SetProfile
from connector.domain.plan.operation import NEWCOMER, Operation
from connector.domain.plan.roles import GrantRole, RevokeRole


def with_user_id(step: Operation, user_id: str | None) -> Operation:
    """Return a step for a newcomer with the user id that an earlier one of its plan brought.

    Steps that name their user already stay as they are, and so does every step without an id.
    """
    if not user_id:
        return step
    if isinstance(step, CreateMembership | GrantRole | RevokeRole):
        return replace(step, user_id=step.user_id or user_id)
    if isinstance(step, CloseMembership) and step.user_id == NEWCOMER:
        reopen = replace(step.reopen, user_id=user_id) if step.reopen else None
        return replace(step, user_id=user_id, reopen=reopen)
    if isinstance(step, SetProfile) and step.user_id == NEWCOMER:
        return replace(step, user_id=user_id)
    if isinstance(step, AddGroupMembers) and NEWCOMER in step.user_ids:
        return replace(
            step, user_ids=tuple(user_id if item == NEWCOMER else item for item in step.user_ids)
        )
    return step


def with_subject_id(step: Operation, scim_id: str | None) -> Operation:
    """Return a step with the id of the user or group that an earlier one of its plan brought."""
    if scim_id and isinstance(step, AddGroupMembers) and step.group_id == NEWCOMER:
        return replace(step, group_id=parse_scim_id(scim_id).value)
    return with_user_id(step, scim_id)
