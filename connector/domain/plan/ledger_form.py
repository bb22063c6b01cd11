"""Steps as the ledger keeps them, read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from connector.domain.plan.envelopes import EndHandOver, HandOverEnvelopes, TakeCustody
from connector.domain.plan.groups import (
    AddGroupMembers,
    CreateGroup,
    DeleteGroup,
    RemoveGroupMembers,
    RenameGroup,
)
from connector.domain.plan.memberships import (
    ChangeEmail,
    CloseMembership,
    CreateMembership,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.domain.plan.operation import Operation, Person
from connector.domain.plan.roles import GrantRole, RevokeRole

OPERATION_TYPES: dict[str, type[Operation]] = {
    cls.kind: cls
    for cls in (
        CreateMembership,
        ReopenMembership,
        CloseMembership,
        SetProfile,
        UpdatePerson,
        ChangeEmail,
        AddGroupMembers,
        RemoveGroupMembers,
        CreateGroup,
        RenameGroup,
        DeleteGroup,
        GrantRole,
        RevokeRole,
        HandOverEnvelopes,
        EndHandOver,
        TakeCustody,
    )
}


def operation_from_dict(data: Mapping[str, Any]) -> Operation:
    """Return the operation that ``to_dict`` wrote.

    :raises KeyError: the kind is unknown: the ledger was written by a newer version.
    """
    cls = OPERATION_TYPES[data["kind"]]
    known = {item.name for item in fields(cls)}
    values = {key: value for key, value in data.items() if key in known}
    for key in ("group_ids", "user_ids", "predecessors"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    if isinstance(values.get("person"), Mapping):
        values["person"] = Person(**values["person"])
    if isinstance(values.get("reopen"), Mapping):
        nested = operation_from_dict({"kind": ReopenMembership.kind, **values["reopen"]})
        values["reopen"] = nested
    return cls(**values)
