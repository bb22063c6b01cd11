"""Users who may hold what a filter asks for, and those who do: told by tables with an index, where
documents would have to be looked into one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, false, select, true, union_all

from connector.domain.model import (
    ORGANIZATION_ADMIN,
    IdKind,
    parse_scim_id,
    profile_scim_id,
    role_group_scim_id,
)
from connector.domain.work_items.items import OPEN_STATES
from connector.store.group_view import group_holders, profile_holders
from connector.store.tables import (
    attested_roles,
    group_members,
    memberships,
    resources,
    users,
    work_items,
)

Condition = ColumnElement[bool]


def _in_group(tenant: str, wanted: str) -> Condition:
    kind, account_id, value = parse_scim_id(wanted)
    if wanted.startswith(role_group_scim_id("")):
        return _with_role(tenant, value)
    if kind is IdKind.GROUP:
        return _user_in(
            group_members,
            group_members.c.tenant == tenant,
            group_members.c.account_id == account_id,
            group_members.c.group_id == value,
        )
    if kind is IdKind.PROFILE_GROUP:
        return _with_profile(tenant, profile_scim_id(account_id, value))
    return false()


def _with_profile(tenant: str, wanted: str) -> Condition:
    kind, account_id, profile_id = parse_scim_id(wanted)
    if kind is not IdKind.PROFILE:
        return false()
    return _user_in(
        memberships,
        memberships.c.tenant == tenant,
        memberships.c.account_id == account_id,
        memberships.c.profile_id == profile_id,
    )


def _with_role(tenant: str, wanted: str) -> Condition:
    held = [
        select(attested_roles.c.user_id).where(
            attested_roles.c.tenant == tenant, attested_roles.c.role == wanted
        ),
        # A role that is only asked for may be shown too, by setting.
        select(work_items.c.subject_id).where(
            work_items.c.tenant == tenant,
            work_items.c.entitlement == wanted,
            work_items.c.state.in_(OPEN_STATES),
        ),
    ]
    if wanted == ORGANIZATION_ADMIN:
        is_admin = users.c.is_organization_admin == true()
        held.append(select(users.c.user_id).where(users.c.tenant == tenant, is_admin))
    return resources.c.scim_id.in_(union_all(*held))


def _with_address(tenant: str, wanted: str) -> Condition:
    return resources.c.name_key == wanted


def _user_in(table: Table, *conditions: Condition) -> Condition:
    return resources.c.scim_id.in_(select(table.c.user_id).where(*conditions))


CANDIDATES: Mapping[str, Callable[[str, str], Condition]] = {
    "groups.value": _in_group,
    "entitlements.value": _with_profile,
    "roles.value": _with_role,
    "emails.value": _with_address,
}
"""By attribute, makes of a tenant and a folded value the condition that every holder satisfies."""


def _exactly_in_group(tenant: str, wanted: str) -> Select[Any] | None:
    kind, account_id, group_id = parse_scim_id(wanted)
    return group_holders(tenant, account_id, group_id) if kind is IdKind.GROUP else None


def _exactly_with_profile(tenant: str, wanted: str) -> Select[Any]:
    account_id, _, profile_id = wanted.partition(".")  # Of any value that is asked for.
    return profile_holders(tenant, account_id, profile_id)


EXACT: Mapping[str, Callable[[str, str], Select[Any] | None]] = {
    "groups.value": _exactly_in_group,
    "entitlements.value": _exactly_with_profile,
}
"""By attribute, selects those who hold just this value, None where the tables do not tell."""
