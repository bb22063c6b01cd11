"""What was denied a short while ago: shown to whoever asked, who is not to ask in vain again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import partial

from connector.domain.model import User
from connector.domain.work_items.items import Direction, WorkItem, WorkItemKind, WorkItemState
from connector.ports import USER, UnitOfWork
from connector.services.context import TenantContext

_LOOKED = "denials_ended_until"
"""A fact of the tenant: what was denied until then has been shown no longer."""
_FIRST_LOOK = timedelta(days=1)
"""How far the first look goes back; each other one begins where the last one ended."""


def quiet_until(context: TenantContext, item: WorkItem) -> datetime | None:
    """Return until when a denial is shown and holds; None where it no longer does, or is none."""
    if item.kind is not WorkItemKind.APPROVAL or item.state is not WorkItemState.DENIED:
        return None
    if item.closed_at is None:
        return None
    until = item.closed_at + _quiet(context)
    return until if until > context.clock.now() else None


def same_people(uow: UnitOfWork, users: Iterable[User]) -> Mapping[str, frozenset[str]]:
    """Return by user id under which ids the same person was asked for, as far as is known.

    DocuSign gives somebody who is deleted and created again a new id, so that whoever is on the
    same address counts as one person. But addresses are recycled: clients that give two users
    different external ids say that these are two people (ADR 3).
    """
    on_address: dict[str, list[str]] = {}
    for user in users:
        on_address.setdefault(_address(user), []).append(user.user_id)
    shared = [user_id for ids in on_address.values() if len(ids) > 1 for user_id in ids]
    named = external_ids_of(uow, shared) if shared else {}
    return {
        user_id: frozenset(
            other for other in ids if not _differ(named.get(user_id, {}), named.get(other, {}))
        )
        for ids in on_address.values()
        for user_id in ids
    }


def external_ids_of(uow: UnitOfWork, user_ids: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the external ids of users, those included that somebody deleted had."""
    kept = uow.attributes.get(USER, user_ids)
    return {
        **uow.attributes.external_ids_of_deleted(USER, user_ids),
        **{user_id: one.external_ids for user_id, one in kept.items() if one.external_ids},
    }


def _differ(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return any(other.get(scope, value) != value for scope, value in one.items())


def holding_denials(
    uow: UnitOfWork,
    context: TenantContext,
    users: Collection[User],
    entitlement: str | None = None,
) -> Mapping[str, Sequence[WorkItem]]:
    """Return the denials that still hold, oldest first, by user id: nobody approved the same for
    the same person since, whether it is carried out already or not.

    :param users: with everybody on their addresses, as the same person may have been denied it as
        one of those.
    :param entitlement: only those of this one.
    """
    quiet = _quiet(context)
    if not users or not quiet:
        return {}
    approvals = partial(uow.work_items.search, entitlement=entitlement, kind=WorkItemKind.APPROVAL)
    denied = approvals(
        states=[WorkItemState.DENIED],
        subject_ids=[user.user_id for user in users],
        closed_after=context.clock.now() - quiet,
    )
    if not denied:
        return {}
    people = same_people(uow, _on_addresses_of(users, {item.subject_id for item in denied}))
    # What is approved and waits to be carried out has not ended yet: no time bounds it.
    approved = approvals(states=[WorkItemState.APPROVED, WorkItemState.DONE], subject_ids=people)
    decided = sorted([*denied, *approved], key=lambda item: (item.created_at, item.work_item_id))
    holding = {
        user_id: _not_overruled([item for item in decided if item.subject_id in same])
        for user_id, same in people.items()
    }
    return {user_id: items for user_id, items in holding.items() if items}


def _on_addresses_of(users: Collection[User], chosen: AbstractSet[str]) -> Sequence[User]:
    """Return those of the users who are on an address of one that is chosen by id."""
    addresses = {_address(user) for user in users if user.user_id in chosen}
    return [user for user in users if _address(user) in addresses]


def _address(user: User) -> str:
    return user.email_key or user.user_id


def _not_overruled(decided: Iterable[WorkItem]) -> Sequence[WorkItem]:
    """Return the denials after which nobody approved the same."""
    holding: dict[str, list[WorkItem]] = {}
    for item in decided:
        same = holding.setdefault(item.entitlement, [])
        if item.state is WorkItemState.DENIED:
            same.append(item)
        else:
            same.clear()
    return [item for items in holding.values() for item in items]


def ended_denials(uow: UnitOfWork, context: TenantContext) -> tuple[Collection[str], datetime]:
    """Return the users of whom a denial ended to hold since the last look, and until when denials
    were made that have; give that to :func:`keep_look` once they are shown no longer."""
    until = context.clock.now() - _quiet(context)
    looked = _looked_until(uow)
    found = uow.work_items.search(
        states=[WorkItemState.DENIED],
        kind=WorkItemKind.APPROVAL,
        closed_after=until - _FIRST_LOOK if looked is None else looked,
        closed_until=until,
    )
    return {item.subject_id for item in found}, until


def is_look_kept(uow: UnitOfWork, until: datetime) -> bool:
    """Return whether the next look may begin where the last one did, for it finds nothing between:
    unless the quiet time was made longer, so that what had ended holds again."""
    looked = _looked_until(uow)
    return looked is not None and looked <= until


def keep_look(uow: UnitOfWork, until: datetime) -> None:
    """Let the next look begin where this one ended."""
    uow.put_fact(_LOOKED, until.isoformat())


def _looked_until(uow: UnitOfWork) -> datetime | None:
    kept = uow.facts().get(_LOOKED)
    return None if kept is None else datetime.fromisoformat(kept)


def _quiet(context: TenantContext) -> timedelta:
    return timedelta(days=context.settings.approvals.quiet_days_after_denial)


def is_granted(item: WorkItem, user: User, roles: AbstractSet[str]) -> bool:
    """Return whether a user has meanwhile what was denied them.

    :param roles: that the user has.
    """
    if item.direction is not Direction.GRANT:
        return False
    return item.entitlement in user.entitlements() | roles
