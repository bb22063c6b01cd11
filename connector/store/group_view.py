"""The members of a SCIM Group, whatever stands behind it.

A Group is a DocuSign group (``{account}.g{group}``), a permission profile
(``{account}.p{profile}``) or a role that people give (``role.{name}``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, literal, select, true

from connector.domain.model import (
    ORGANIZATION_ADMIN,
    IdKind,
    MembershipStatus,
    parse_scim_id,
    role_group_scim_id,
)
from connector.ports import USER, GroupMember
from connector.store.columns import TEXT
from connector.store.statements import Session, chunked
from connector.store.tables import (
    attested_roles,
    group_members,
    groups,
    memberships,
    resources,
    users,
)

OPEN_STATUSES = [status for status in MembershipStatus if status.is_open]
ADMIN_ROLE = role_group_scim_id(ORGANIZATION_ADMIN)
_ROLE = role_group_scim_id("")

_person = resources.alias("person")
_open = memberships.c.status.in_(OPEN_STATUSES)


def members(
    session: Session,
    group_id: str,
    *,
    among: Iterable[str] | None = None,
    limit: int | None = None,
) -> Sequence[GroupMember]:
    """Return the visible members in the order of their ids; none for an unknown group."""
    holders = _holders(session.tenant, group_id)
    if holders is None:
        return []
    statement = holders.with_only_columns(users.c.user_id, users.c.user_name).limit(limit)
    if among is None:
        return [GroupMember(*row) for row in session.connection.execute(statement)]
    return [
        GroupMember(*row)
        for chunk in chunked(sorted(set(among)))
        for row in session.connection.execute(statement.where(users.c.user_id.in_(chunk)))
    ][:limit]


def _holders(tenant: str, group_id: str) -> Select[Any] | None:
    """Return the holders in the order of their ids."""
    if group_id == ADMIN_ROLE:
        return _admins(tenant).order_by(users.c.user_id)
    if group_id.startswith(_ROLE):
        # Of the tenant and the role first, which is where the holders stand together.
        attested = _attested(tenant).where(
            attested_roles.c.tenant == tenant,
            attested_roles.c.role == group_id.removeprefix(_ROLE),
        )
        return attested.order_by(users.c.user_id)
    kind, account_id, id_ = parse_scim_id(group_id)
    match kind:
        case IdKind.GROUP:
            # The tenant said twice and the group's own order let SQLite begin at the group instead
            # of at every user.
            in_group = _in_groups(tenant).where(
                group_members.c.tenant == tenant,
                group_members.c.account_id == account_id,
                group_members.c.group_id == id_,
                _is_open_there(tenant),
            )
            return in_group.order_by(group_members.c.user_id)
        case IdKind.PROFILE_GROUP:
            with_profile = _with_profiles(tenant).where(
                memberships.c.account_id == account_id, memberships.c.profile_id == id_
            )
            return with_profile.order_by(users.c.user_id)
    return None


def holders(tenant: str, scim_id: str) -> Select[Any]:
    """Return the ids of users who hold an Entitlement, or are in a DocuSign group; none of what is
    unknown."""
    kind, account_id, value = parse_scim_id(scim_id)
    if kind is IdKind.GROUP:
        return group_holders(tenant, account_id, value)
    return profile_holders(tenant, account_id, value)


def group_holders(tenant: str, account_id: str, group_id: str) -> Select[Any]:
    """Return the ids of those whose documents show a DocuSign group: members of a known group, in
    an account where their membership is open."""
    is_known = exists().where(
        groups.c.tenant == tenant,
        groups.c.account_id == account_id,
        groups.c.group_id == group_id,
    )
    return select(group_members.c.user_id).where(
        group_members.c.tenant == tenant,
        group_members.c.account_id == account_id,
        group_members.c.group_id == group_id,
        _is_open_there(tenant),
        is_known,
    )


def _is_open_there(tenant: str) -> Exists:
    """Return whether a member of a group has an open membership in its account; one that is closed
    shows no group over SCIM, until it is opened again."""
    # No join, so that the group is where SQLite begins, and not every membership of the account.
    return exists().where(*_there(tenant))


def _there(tenant: str) -> Sequence[ColumnElement[bool]]:
    return (
        memberships.c.tenant == tenant,
        memberships.c.user_id == group_members.c.user_id,
        memberships.c.account_id == group_members.c.account_id,
        _open,
    )


def profile_holders(tenant: str, account_id: str, profile_id: str) -> Select[Any]:
    """Return the ids of those whose documents show a permission profile: it is that of an open
    membership."""
    return select(memberships.c.user_id).where(
        memberships.c.tenant == tenant,
        memberships.c.account_id == account_id,
        memberships.c.profile_id == profile_id,
        _open,
    )


def holdings(tenant: str) -> Sequence[Select[Any]]:
    """Return selects of the SCIM ids of Groups, one for each origin, joined to ``users`` as the
    members: a condition on that table asks for the Groups of such members."""
    # A join, since SQLite takes ever longer for a subquery in each of many terms.
    in_open = _in_groups(tenant).join(memberships, and_(*_there(tenant)))
    return [in_open, _with_profiles(tenant), _admins(tenant), _attested(tenant)]


def _in_groups(tenant: str) -> Select[Any]:
    scim_id = group_members.c.account_id + ".g" + group_members.c.group_id
    held = and_(
        group_members.c.tenant == users.c.tenant, group_members.c.user_id == users.c.user_id
    )
    return _visible(tenant, select(scim_id)).join(group_members, held)


def _with_profiles(tenant: str) -> Select[Any]:
    scim_id = memberships.c.account_id + ".p" + memberships.c.profile_id
    held = and_(memberships.c.tenant == users.c.tenant, memberships.c.user_id == users.c.user_id)
    return _visible(tenant, select(scim_id)).join(memberships, and_(held, _open))


def _admins(tenant: str) -> Select[Any]:
    return _visible(tenant, select(literal(ADMIN_ROLE, TEXT))).where(
        users.c.is_organization_admin == true()
    )


def _attested(tenant: str) -> Select[Any]:
    held = and_(
        attested_roles.c.tenant == users.c.tenant, attested_roles.c.user_id == users.c.user_id
    )
    scim_id = literal(_ROLE, TEXT) + attested_roles.c.role
    return _visible(tenant, select(scim_id)).join(attested_roles, held)


def _visible(tenant: str, statement: Select[Any]) -> Select[Any]:
    shown = and_(
        _person.c.tenant == users.c.tenant,
        _person.c.kind == USER,
        _person.c.scim_id == users.c.user_id,
        _person.c.visible == true(),
    )
    return statement.select_from(users).join(_person, shown).where(users.c.tenant == tenant)
