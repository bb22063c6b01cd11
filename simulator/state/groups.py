"""Rules for groups: built-in ones follow from the memberships, custom ones are filled by hand."""

from __future__ import annotations

from simulator.state.errors import RuleError, invalid
from simulator.state.model import Account, Group, GroupType, Membership, Status
from simulator.state.organization import State
from simulator.state.users import set_groups

MAX_GROUP_NAME = 100


def get(account: Account, group_id: str) -> Group:
    """Return a group.

    :raises RuleError: there is no such group.
    """
    group = account.groups.get(group_id)
    if group is None:
        raise RuleError("INVALID_GROUP_ID", f"The group {group_id} does not exist.", status=404)
    return group


def members(account: Account, group: Group) -> list[Membership]:
    """Return the members: Everyone holds all active users, Administrators the active admins."""
    if group.kind is GroupType.CUSTOM:
        return list(group.members.values())
    active = (item for item in account.roster if item.status is Status.ACTIVE)
    if group.kind is GroupType.EVERYONE:
        return list(active)
    return [item for item in active if item.is_admin]


def size(account: Account, group: Group) -> int:
    """Return the number of members."""
    if group.kind is GroupType.CUSTOM:
        return len(group.members)
    return len(members(account, group))


def of_membership(membership: Membership) -> list[Group]:
    """Return the groups of a membership, built-in ones included."""
    groups = membership.account.groups
    found = [groups[group_id] for group_id in membership.group_ids]
    if membership.status is not Status.ACTIVE:
        return found
    for group in groups.values():
        if group.kind is GroupType.CUSTOM:
            break  # The built-in groups come first.
        if group.kind is GroupType.EVERYONE or membership.is_admin:
            found.append(group)
    return found


def create(state: State, account: Account, name: str) -> Group:
    """Make a group."""
    group = Group(account.take_number(), _checked_name(state, account, name), state.now())
    account.groups[group.group_id] = group
    return group


def rename(state: State, account: Account, group_id: str, name: str) -> Group:
    """Give a group another name."""
    group = _custom(account, group_id)
    group.name = _checked_name(state, account, name, besides=group)
    group.modified_at = state.now()
    state.record("Group", "Updated", account)
    return group


def delete(state: State, account: Account, group_id: str) -> Group:
    """Remove a group; its members lose it."""
    group = _custom(account, group_id)
    for membership in list(group.members.values()):
        _leave(state, membership, group_id)
    del account.groups[group_id]
    state.record("Group", "Deleted", account)
    return group


def add_member(state: State, account: Account, group_id: str, user_id: str) -> Membership:
    """Put a user into a group."""
    group = _custom(account, group_id)
    membership = state.membership(account, user_id)
    if membership.status is Status.CLOSED:
        raise RuleError("USER_NOT_ACTIVE", "A closed user cannot join a group.")
    if membership.user.user_id not in group.members:
        set_groups(membership, (*membership.group_ids, group_id))
        _moved(state, membership)
    elif state.variants.add_existing_group_member == "refused":
        raise RuleError("USER_ALREADY_IN_GROUP", "The user is a member of the group already.")
    return membership


def remove_member(state: State, account: Account, group_id: str, user_id: str) -> Membership:
    """Take a user out of a group."""
    group = _custom(account, group_id)
    membership = state.membership(account, user_id)
    if membership.user.user_id in group.members:
        _leave(state, membership, group_id)
    elif state.variants.add_existing_group_member == "refused":
        raise RuleError("USER_NOT_IN_GROUP", "The user is not a member of the group.")
    return membership


def _leave(state: State, membership: Membership, group_id: str) -> None:
    set_groups(membership, tuple(item for item in membership.group_ids if item != group_id))
    _moved(state, membership)


def _moved(state: State, membership: Membership) -> None:
    if state.variants.modified_by_groups:
        membership.user.modified_at = state.now()
    state.record("GroupUser", "Updated", membership.account, membership.user)


def _custom(account: Account, group_id: str) -> Group:
    group = get(account, group_id)
    if group.kind is not GroupType.CUSTOM:
        raise RuleError(
            "CANNOT_MODIFY_BUILT_IN_GROUP", f"The group {group.name} is built in: no changes."
        )
    return group


def _checked_name(state: State, account: Account, name: str, besides: Group | None = None) -> str:
    name = name.strip()
    if not name or len(name) > MAX_GROUP_NAME:
        raise invalid(f"groupName must have 1 to {MAX_GROUP_NAME} characters.")
    if state.variants.duplicate_group_names:
        return name
    for group in account.groups.values():
        if group is not besides and group.name.lower() == name.lower():
            raise RuleError("GROUP_NAME_ALREADY_EXISTS", f"There is a group {name!r} already.")
    return name
