"""What would put a difference right, and what taking it for right means. Pure.

A repair is a wish like any other: the planner makes the operations of it, and guards, approvals,
ledger and fulfilment follow.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.drift.difference import USER, Drift, DriftKind
from connector.domain.drift.expected import (
    CLOSED,
    Expected,
    ExpectedMembership,
    Origin,
    seen_membership,
    taken_over,
)
from connector.domain.model import ORGANIZATION_ADMIN, User, parse_scim_id
from connector.domain.planning import (
    ActualUser,
    DesiredUser,
    GroupChange,
    ProfileKey,
    Remembered,
    person_of,
)

MEMBERSHIP, PROFILE, GROUP, ROLE = "membership", "profile", "group", "role"
"""What of a grant differs (:attr:`Drift.attribute`)."""
_CLOSED_BY = (DriftKind.UNMANAGED_USER, DriftKind.DORMANT_USER, DriftKind.ORPHAN_USER)


def wish_for(
    drift: Drift, wish: DesiredUser, actual: ActualUser, expected: Expected | None
) -> DesiredUser | None:
    """Return what a person has to become; None where no change of theirs puts it right.

    :param wish: that everything stays.
    """
    expected = expected.asked_for if expected else None
    if drift.kind in _CLOSED_BY:
        is_unasked = drift.kind is DriftKind.UNMANAGED_USER
        return replace(wish, active=False, unasked=is_unasked)
    if drift.kind is DriftKind.PENDING_USER:
        return _without(wish, actual.user, drift.account_id)
    if drift.kind is DriftKind.VANISHED_USER and expected is not None:
        places = {key: expected.membership(key) for key in drift.expected["memberships"]}
        return _with(wish, frozenset(), places)
    if drift.kind is DriftKind.CHANGED_ATTRIBUTE:
        return replace(wish, person=replace(wish.person, **dict(drift.expected)))
    if drift.kind in (DriftKind.NATIVE_GRANT, DriftKind.LOST_GRANT, DriftKind.UNEXPECTED_ADMIN):
        return _granted(drift, wish, actual, expected)
    return None


def _granted(
    drift: Drift, wish: DesiredUser, actual: ActualUser, expected: Expected | None
) -> DesiredUser | None:
    if drift.attribute == ROLE:
        role = frozenset({ORGANIZATION_ADMIN})
        is_lost = drift.kind is DriftKind.LOST_GRANT
        before = actual.requested_roles
        return replace(wish, roles=before | role if is_lost else before - role)
    if expected is None or drift.attribute not in (MEMBERSHIP, PROFILE):
        return None
    known = expected.membership(drift.account_id)
    if not known.is_open:
        return _without(replace(wish, unasked=True), actual.user, drift.account_id)
    return _with(wish, _held(actual.user), {drift.account_id: known})


def _held(user: User) -> frozenset[ProfileKey]:
    return frozenset(
        (item.account_id, item.profile_id) for item in user.open_memberships() if item.profile_id
    )


def _without(wish: DesiredUser, user: User, account_id: str) -> DesiredUser | None:
    """Return the wish that a membership is closed and the others stay."""
    if all(item.account_id == account_id for item in user.open_memberships()):
        return replace(wish, active=False)
    rest = frozenset(item for item in _held(user) if item[0] != account_id)
    if rest == _held(user):
        return None  # DocuSign hides its profile, and the planner knows memberships by these.
    return replace(wish, profiles=rest, exact=True)


def _with(
    wish: DesiredUser, held: frozenset[ProfileKey], places: dict[str, ExpectedMembership]
) -> DesiredUser | None:
    """Return the wish that memberships are as expected and the others stay."""
    profiles = {(key, item.profile_id) for key, item in places.items() if item.profile_id}
    if len(profiles) < len(places):
        return None
    rest = {item for item in held if item[0] not in places}
    return replace(
        wish,
        active=True,
        profiles=frozenset(rest | profiles),
        exact=True,
        restores={
            key: Remembered(item.profile_id, tuple(sorted(item.group_ids)))
            for key, item in places.items()
        },
    )


def group_change_for(drift: Drift) -> tuple[str, GroupChange] | None:
    """Return the SCIM id of a group and how it has to change; None where none has to."""
    if drift.subject_kind == USER and drift.attribute == GROUP:
        who = frozenset({drift.subject_id})
        is_lost = drift.kind is DriftKind.LOST_GRANT
        return drift.entitlement, GroupChange(add=who) if is_lost else GroupChange(remove=who)
    is_renamed = drift.kind is DriftKind.CHANGED_ENTITLEMENT and drift.attribute == "name"
    if drift.subject_kind == "Group" and is_renamed:
        return drift.subject_id, GroupChange(name=str(drift.expected["name"]))
    return None


# ------------------------------------------------------------------------- accepting


def accepted(drift: Drift, expected: Expected | None, user: User | None, now: datetime) -> Expected:
    """Return what is expected once a difference is taken for right.

    :raises ValueError: there is nobody of whom it could be expected.
    """
    if expected is None or drift.kind is DriftKind.UNMANAGED_USER:
        if user is None:
            raise ValueError(f"nothing is known of {drift.subject_id}")
        return taken_over(user, expected, now)
    if drift.kind is DriftKind.ORPHAN_USER:
        return replace(expected, origin=Origin.ADOPTED)
    if drift.kind is DriftKind.DOCUSIGN_SCIM:
        return replace(expected, managed_by_scim=True)
    if drift.kind is DriftKind.VANISHED_USER:
        memberships = user.memberships if user else {}
        places = {
            key: seen_membership(memberships.get(key)) for key in drift.expected["memberships"]
        }
        return expected.moved({**expected.memberships, **places}, user)
    return _accepted_part(drift, expected, user) if user else expected


def _accepted_part(drift: Drift, expected: Expected, user: User) -> Expected:
    if drift.kind is DriftKind.CHANGED_ATTRIBUTE:
        now_is = person_of(user)
        changes = {name: getattr(now_is, name) for name in drift.actual}
        return replace(expected, person=replace(expected.person, **changes))
    if drift.attribute == ROLE:
        role = frozenset({ORGANIZATION_ADMIN})
        held = expected.roles | role if user.is_organization_admin else expected.roles - role
        return replace(expected, roles=held)
    if drift.attribute in (MEMBERSHIP, PROFILE, GROUP):
        return _accepted_place(drift, expected, user)
    return expected


def _accepted_place(drift: Drift, expected: Expected, user: User) -> Expected:
    account_id = drift.account_id
    seen = seen_membership(user.memberships.get(account_id))
    known = expected.memberships.get(account_id, CLOSED)
    if drift.attribute == PROFILE:
        after = replace(known, profile_id=seen.profile_id)
    elif drift.attribute == GROUP:
        group_id = parse_scim_id(drift.entitlement).value
        is_in = group_id in seen.group_ids
        rest = known.group_ids - {group_id}
        after = replace(known, group_ids=rest | {group_id} if is_in else rest)
    else:
        after = seen
    return expected.moved({**expected.memberships, account_id: after}, user)
