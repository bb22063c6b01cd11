"""People who join a simulated account."""

from __future__ import annotations

from simulator.state import memberships, users
from simulator.state.users import NewMember

CLAIMED = "northwind-freight.example"
ADA = NewMember(email=f"ada@{CLAIMED}", user_name="Ada Byron")


def joined(world, new=ADA, account=None):
    return users.join(world.state, account or world.account, new)


def active(world, new=ADA):
    membership = joined(world, new)
    memberships.activate(world.state, membership)
    return membership


def members_of(world, group_id):
    return world.account.groups[group_id].members
