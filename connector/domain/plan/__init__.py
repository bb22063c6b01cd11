"""A change as an object: typed operations, sorted, countable, printable, reversible.

A plan is made by :mod:`connector.domain.planning`, refused or let through by
:mod:`connector.domain.policy.guards`, routed by the rest of :mod:`connector.domain.policy`, kept in
the ledger, and carried out by :mod:`connector.services.provisioning.fulfilment`. Each operation is
one call to DocuSign, or one thing for a person to do. A module for each kind of step; importers
take them from here.
"""

from connector.domain.plan.envelopes import (
    EndHandOver,
    HandOverEnvelopes,
    TakeCustody,
)
from connector.domain.plan.groups import (
    AddGroupMembers,
    CreateGroup,
    DeleteGroup,
    RemoveGroupMembers,
    RenameGroup,
)
from connector.domain.plan.ledger_form import (
    OPERATION_TYPES,
    operation_from_dict,
)
from connector.domain.plan.memberships import (
    ChangeEmail,
    CloseMembership,
    CreateMembership,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.domain.plan.newcomers import (
    with_subject_id,
    with_user_id,
)
from connector.domain.plan.operation import (
    NEWCOMER,
    Operation,
    Person,
)
from connector.domain.plan.plan import (
    Plan,
)
from connector.domain.plan.roles import (
    GrantRole,
    RevokeRole,
)

__all__ = [
    "NEWCOMER",
    "OPERATION_TYPES",
    "AddGroupMembers",
    "ChangeEmail",
    "CloseMembership",
    "CreateGroup",
    "CreateMembership",
    "DeleteGroup",
    "EndHandOver",
    "GrantRole",
    "HandOverEnvelopes",
    "Operation",
    "Person",
    "Plan",
    "RemoveGroupMembers",
    "RenameGroup",
    "ReopenMembership",
    "RevokeRole",
    "SetProfile",
    "TakeCustody",
    "UpdatePerson",
    "operation_from_dict",
    "with_subject_id",
    "with_user_id",
]
