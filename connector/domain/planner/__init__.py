"""From desired and actual to a plan. Pure: no clock, no database, no DocuSign.

Order of operations: first what widens nothing (address, names), then memberships opened, then
profiles, then memberships closed, last what people have to do. The plan can stop after any
of them and leave nobody with more access than was asked for. Importers take everything from here.
"""

from connector.domain.planner.addresses import Addresses
from connector.domain.planner.groups import (
    GROUP_CHUNK,
    plan_group_change,
    plan_group_creation,
    plan_group_deletion,
)
from connector.domain.planner.persons import LONGEST_NAME_PARTS, person_of
from connector.domain.planner.targets import held_profiles, profile_to_give
from connector.domain.planner.users import plan_creation, plan_deletion, plan_return, plan_user

__all__ = [
    "GROUP_CHUNK",
    "LONGEST_NAME_PARTS",
    "Addresses",
    "held_profiles",
    "person_of",
    "plan_creation",
    "plan_deletion",
    "plan_group_change",
    "plan_group_creation",
    "plan_group_deletion",
    "plan_return",
    "plan_user",
    "profile_to_give",
]
