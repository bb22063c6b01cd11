"""What is known of a person: the mirror's copy and what the ledger keeps beside it.

Facts of the ledger share the row of the kept attributes, under names that no schema URN can have:
what closed memberships held, which of them were taken from somebody who kept others, and the roles
that people attested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from connector.domain.ledger.plans import ROLES_KEY
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import IdKind, Membership, User, parse_scim_id
from connector.domain.planning import ActualUser, Remembered
from connector.domain.work_items.items import OPEN_STATES, Direction
from connector.errors import NotFoundError
from connector.ports import USER, UnitOfWork

MEMBERSHIPS_KEY = "_memberships"
HAND_OVERS_KEY = "_hand_overs"
TAKEN_KEY = "_taken"


def load_actual(uow: UnitOfWork, user_id: str) -> ActualUser:
    """Return everything known of a user.

    :raises NotFoundError: the mirror has no such user.
    """
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is None:
        raise NotFoundError(f"There is no user {user_id}.")
    open_items = uow.work_items.search(states=OPEN_STATES, subject_ids=[user_id])
    items = [item for item in open_items if item.is_access]
    named = [(item, parse_scim_id(item.entitlement)) for item in items]
    attributes = load_attributes(uow, user_id)
    return ActualUser(
        user=user,
        pending_roles={
            item.entitlement: item.direction for item, one in named if one.kind is IdKind.ROLE
        },
        pending_profiles=frozenset(one.place for _, one in named if one.kind is IdKind.PROFILE),
        attested_roles=attributes.attested_roles,
        remembered=_remembered(attributes.kept),
        taken=_taken(attributes.kept),
    )


def closed_memory(uow: UnitOfWork, user: User) -> ActualUser:
    """Return a user with what the ledger knows of their closed memberships, and nothing else."""
    kept = load_attributes(uow, user.user_id).kept
    return ActualUser(user, remembered=_remembered(kept), taken=_taken(kept))


def remembered_memberships(uow: UnitOfWork, user_id: str) -> Mapping[str, Remembered]:
    """Return what memberships held when the connector closed them, by account id."""
    return _remembered(load_attributes(uow, user_id).kept)


def _remembered(kept: Mapping[str, Any]) -> Mapping[str, Remembered]:
    return {
        account_id: Remembered(held["profile"], tuple(held["groups"]))
        for account_id, held in kept.get(MEMBERSHIPS_KEY, {}).items()
    }


def _taken(kept: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(kept.get(TAKEN_KEY, ()))


def load_attributes(uow: UnitOfWork, user_id: str) -> ClientAttributes:
    """Return what is kept for a user, empty if nothing is."""
    return uow.attributes.get(USER, [user_id]).get(user_id) or ClientAttributes(USER, user_id)


def attest_role(uow: UnitOfWork, user_id: str, role: str, direction: Direction) -> None:
    """Record that a person gave or took a role that no API shows."""
    attributes = load_attributes(uow, user_id)
    roles = attributes.attested_roles
    roles = roles | {role} if direction is Direction.GRANT else roles - {role}
    _save(uow, attributes, ROLES_KEY, sorted(roles))


def handed_over(uow: UnitOfWork, user_id: str) -> Mapping[str, tuple[str, str]]:
    """Return, by account, the transfer rule made when the user left, and who receives by it."""
    kept = load_attributes(uow, user_id).kept.get(HAND_OVERS_KEY, {})
    return {account_id: (rule_id, to) for account_id, (rule_id, to) in kept.items()}


def keep_hand_over(
    uow: UnitOfWork, user_id: str, account_id: str, rule: tuple[str, str] | None
) -> None:
    """Keep the transfer rule of a user in an account; None: there is none any more."""
    attributes = load_attributes(uow, user_id)
    kept = dict(attributes.kept.get(HAND_OVERS_KEY, {}))
    kept.pop(account_id, None)
    if rule is not None:
        kept[account_id] = list(rule)
    _save(uow, attributes, HAND_OVERS_KEY, kept)


def remember_membership(uow: UnitOfWork, user_id: str, membership: Membership) -> None:
    """Keep what a membership holds, so that it can be given again."""
    attributes = load_attributes(uow, user_id)
    held = Remembered(membership.profile_id, tuple(membership.group_ids))
    _keep(uow, attributes, {**_remembered(attributes.kept), membership.account_id: held})


def forget_membership(uow: UnitOfWork, user_id: str, account_id: str) -> None:
    """Drop what was kept of a membership: it is open again, or gone for good."""
    attributes = load_attributes(uow, user_id)
    memory = dict(_remembered(attributes.kept))
    if memory.pop(account_id, None) is not None:
        _keep(uow, attributes, memory)


def note_taken(uow: UnitOfWork, user_id: str, account_id: str) -> None:
    """Keep that a membership was taken from somebody who kept others: should these be closed in
    DocuSign itself, enabling the person does not give it again."""
    attributes = load_attributes(uow, user_id)
    _save(uow, attributes, TAKEN_KEY, sorted({*_taken(attributes.kept), account_id}))


def forget_taken(uow: UnitOfWork, opened: Mapping[str, Iterable[str]]) -> None:
    """Forget it of memberships that are open again, given by user id as accounts."""
    for user_id, attributes in uow.attributes.get(USER, opened).items():
        taken = _taken(attributes.kept)
        if left := taken - set(opened[user_id]) if taken else taken:
            _save(uow, attributes, TAKEN_KEY, sorted(left))
        elif taken:
            _save(uow, attributes, TAKEN_KEY, None)


def put_remembered(uow: UnitOfWork, user_id: str, memory: Mapping[str, Remembered]) -> None:
    """Keep what enabling an inactive person shall give, by account id, and nothing else."""
    _keep(uow, load_attributes(uow, user_id), memory)


def remember_group(
    uow: UnitOfWork, account_id: str, group_id: str, user_ids: Iterable[str], *, held: bool
) -> None:
    """Let closed memberships be given a group again, or no longer, once they are opened: who is
    taken out of a group while inactive does not come back into it."""
    for attributes in uow.attributes.get(USER, user_ids).values():
        memory = _remembered(attributes.kept)
        before = memory.get(account_id)
        if before is None or (group_id in before.group_ids) is held:
            continue
        groups = {*before.group_ids} ^ {group_id}
        after = replace(before, group_ids=tuple(groups))
        _keep(uow, attributes, {**memory, account_id: after})


def given_group_again(
    uow: UnitOfWork, account_id: str, group_id: str, user_ids: Iterable[str]
) -> AbstractSet[str]:
    """Return whom opening a closed membership gives a group again."""
    kept = {key: _remembered(one.kept) for key, one in uow.attributes.get(USER, user_ids).items()}
    return {
        user_id
        for user_id, memory in kept.items()
        if account_id in memory and group_id in memory[account_id].group_ids
    }


def _keep(uow: UnitOfWork, attributes: ClientAttributes, memory: Mapping[str, Remembered]) -> None:
    """Keep what closed memberships held, in the shape that :func:`_remembered` reads."""
    kept = {
        account_id: {"profile": held.profile_id, "groups": sorted(held.group_ids)}
        for account_id, held in memory.items()
    }
    _save(uow, attributes, MEMBERSHIPS_KEY, kept)


def _save(uow: UnitOfWork, attributes: ClientAttributes, key: str, value: Any) -> None:
    kept = {name: item for name, item in attributes.kept.items() if name != key}
    if value:
        kept[key] = value
    uow.attributes.put(replace(attributes, kept=kept))
