"""From what is wanted and what is to a plan. Pure: no clock, no database, no DocuSign.

Order of operations: first what widens nothing (address, names), then memberships opened, then
profiles, then memberships closed, last what people have to do. The plan can stop after any
of them and leave nobody with more access than was asked for. Importers take everything from here.
"""

from connector.domain.planning.addresses import Addresses
from connector.domain.planning.desired import (
    ActualUser,
    DesiredUser,
    GroupChange,
    ProfileKey,
    Remembered,
    Statement,
    confirmed_roles,
)
from connector.domain.planning.grants import plan_grant
from connector.domain.planning.groups import (
    GROUP_CHUNK,
    plan_group_change,
    plan_group_creation,
    plan_group_deletion,
)
from connector.domain.planning.persons import LONGEST_NAME_PARTS, person_of
from connector.domain.planning.targets import held_profiles, profile_to_give
from connector.domain.planning.users import plan_creation, plan_deletion, plan_return, plan_user

__all__ = [
    "GROUP_CHUNK",
    "LONGEST_NAME_PARTS",
    "ActualUser",
    "Addresses",
    "DesiredUser",
    "GroupChange",
    "ProfileKey",
    "Remembered",
    "Statement",
    "confirmed_roles",
    "held_profiles",
    "person_of",
    "plan_creation",
    "plan_deletion",
    "plan_grant",
    "plan_group_change",
    "plan_group_creation",
    "plan_group_deletion",
    "plan_return",
    "plan_user",
    "profile_to_give",
]
