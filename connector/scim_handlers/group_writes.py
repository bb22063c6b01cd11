"""What a request asks of a Group, whatever stands behind it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.domain.model import IdKind, parse_scim_id
from connector.domain.planning import GroupChange
from connector.ports import GROUP, USER, UnitOfWork
from connector.services.context import Actor
from connector.services.locks import LOCKED_USERS, group_key, user_key
from connector.services.mirror.presentation import DOCUSIGN_GROUP
from connector.services.work.reasons import as_context
from scim.bodies import PATCH_OP
from scim.errors import InvalidValue
from scim.handlers import Resource
from scim.members import MemberDelta

_log = logging.getLogger(__name__)

Check = Callable[[UnitOfWork], None]
"""Checks the client's precondition; runs under the write lock where there is one."""


@dataclass(frozen=True)
class RequestedChange(GroupChange):
    """A change as a client puts it, who may also say who shall be a member and nobody else."""

    replace: frozenset[str] | None = None
    """All members; it excludes ``add`` and ``remove``."""


@dataclass(frozen=True)
class GroupRequest:
    """A change of one Group."""

    scim_id: str
    change: RequestedChange
    extra: Mapping[str, Any]
    """What is kept for the client; empty where the request leaves that as it is."""
    check: Check
    actor: Actor
    dry_run: bool = False
    lenient: bool = False
    """Whether members who are unknown are passed over."""
    reason: str = ""
    """Why it is asked for."""

    @property
    def context(self) -> Mapping[str, Any]:
        """What its plan keeps."""
        return {**self.extra, **as_context(self.reason)}

    def with_dry_run(self, *, dry_run: bool) -> GroupRequest:
        """Return the same request, to be carried out or only planned."""
        return replace(self, dry_run=dry_run)

    @property
    def named(self) -> frozenset[str]:
        """The users whom the request names."""
        change = self.change
        return change.add | change.remove | (change.replace or frozenset())


def wanted_change(delta: MemberDelta, name: str | None) -> RequestedChange:
    """Return the change of members and name that a request asks for."""
    return RequestedChange(
        add=frozenset(delta.add),
        remove=frozenset(delta.remove),
        replace=None if delta.replace is None else frozenset(delta.replace),
        name=name,
    )


def settled_change(
    uow: UnitOfWork, scim_id: str, change: RequestedChange, *, lenient: bool = False
) -> GroupChange:
    """Return the change as members who join and who leave.

    A whole list is compared with the members that a client can see: nobody else is meant by leaving
    them out. To name those who are in it already, with their membership closed, says nothing: they
    neither join nor leave, nor are they expected for it. Removals of unknown users are dropped: who
    is gone is in no group.

    :param lenient: pass over who is unknown instead of refusing everybody.
    :raises InvalidValue: a user who is to join is unknown.
    """
    if change.replace is None:
        # Who asks for those who are there already asks for nothing, also where their membership
        # is closed.
        seen = uow.resources.members(scim_id, among=change.add)
        closed = _closed_in(uow, scim_id, change.add - {item.user_id for item in seen})
        joining, leaving, staying = change.add - closed, change.remove, frozenset[str]()
    else:
        members = frozenset(item.user_id for item in uow.resources.members(scim_id))
        closed = _closed_in(uow, scim_id, change.replace - members)
        joining = change.replace - members - closed
        leaving, staying = members - change.replace, change.replace & members
    rows = uow.resources.rows(USER, joining | leaving)
    unknown = sorted(
        user_id for user_id in joining if user_id not in rows or not rows[user_id].visible
    )
    if unknown and lenient:
        _log.warning("passed over unknown members of the group %r: %r", scim_id[:80], unknown[:20])
        joining -= frozenset(unknown)
    elif unknown:
        raise InvalidValue(f"There is no user {', '.join(unknown[:5])}: nobody was added.")
    return GroupChange(
        joining,
        leaving & rows.keys(),
        name=change.name,
        stay=staying,
        is_whole=change.replace is not None,
    )


def _closed_in(uow: UnitOfWork, scim_id: str, user_ids: frozenset[str]) -> frozenset[str]:
    """Return those whom DocuSign has in a group although no client sees them there: their
    membership is closed, and a list that a client made while it was open may name them still."""
    named = parse_scim_id(scim_id)
    if named.kind is not IdKind.GROUP or not user_ids:
        return frozenset()
    there = uow.mirror.group_member_ids(*named.place, user_ids)
    return frozenset(key for key, row in uow.resources.rows(USER, there).items() if row.visible)


def joining_request(scim_id: str, user_ids: Iterable[str], reason: str = "") -> Mapping[str, Any]:
    """Return the request that lets users join a Group, as the ledger keeps it."""
    members = [{"value": user_id} for user_id in sorted(user_ids)]
    operation = {"op": "add", "path": "members", "value": members}
    return _patch(scim_id, operation, user_ids, reason)


def leaving_request(scim_id: str, user_id: str, reason: str = "") -> Mapping[str, Any]:
    """Return the request that lets a user leave a Group, as the ledger keeps it."""
    operation = {"op": "remove", "path": "members", "value": [{"value": user_id}]}
    return _patch(scim_id, operation, [user_id], reason)


def _patch(
    scim_id: str, operation: Mapping[str, Any], user_ids: Iterable[str], reason: str
) -> Mapping[str, Any]:
    because = {"op": "add", "path": f"{DOCUSIGN_GROUP}:reason", "value": reason}
    operations = [operation, *([because] if reason else ())]
    return {
        "method": "PATCH",
        "kind": GROUP,
        "id": scim_id,
        "data": {"schemas": [PATCH_OP], "Operations": operations},
        "locks": [group_key(scim_id), *map(user_key, sorted(user_ids)[:LOCKED_USERS])],
    }


def member_ids(resource: Resource) -> frozenset[str] | None:
    """Return the members that a POST or PUT lists, None where it lists none.

    :raises InvalidValue: a member has no ``value``.
    """
    if "members" not in resource:
        return None
    values = [element.get("value") for element in resource["members"]]
    if not all(values):
        raise InvalidValue("Each member needs its id as value.")
    return frozenset(values)


def kept_for(actor: Actor, external_id: str | None) -> Mapping[str, Any]:
    """Return what is kept of a Group for the client."""
    return {
        "external_id_scope": actor.external_id_scope,
        "external_id": external_id,
        "kept": {},
    }
