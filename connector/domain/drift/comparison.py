"""Compares people as DocuSign shows them with what the ledger expects. Pure: no clock, no database.

A membership holds one permission profile, so a replaced profile is one native grant and no lost one
beside it; a membership that was opened or closed is one difference with all that it holds; who lost
every membership has vanished, whatever was held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from connector.domain.drift.difference import USER, Drift, DriftKind, Facts, Scene
from connector.domain.drift.expected import (
    NAME_FIELDS,
    Expected,
    ExpectedMembership,
    Origin,
    is_managed_by_scim,
)
from connector.domain.model import (
    ORGANIZATION_ADMIN,
    Membership,
    MembershipStatus,
    User,
    fold,
    group_scim_id,
)


def find_drift(
    user: User | None, expected: Expected | None, scene: Scene, facts: Facts
) -> Iterator[Drift]:
    """Return how a person differs from what is expected.

    :param user: None where the mirror has nobody of that id any more.
    """
    if expected is None:
        if user is not None:
            yield from _unmanaged(user, expected, scene)
        return
    expected = expected.asked_for
    if user is None or _has_vanished(user, expected, scene):
        if _is_expected_open(expected, scene):
            yield _vanished(user, expected, scene)
        return
    if expected.origin is Origin.TOUCHED:
        yield from _unmanaged(user, expected, scene)
        yield from _lost(user, expected, scene)
        return
    yield from _of_memberships(user, expected, scene)
    yield from _of_roles(user, expected, scene)
    if any(user.open_memberships()):
        yield from _of_attributes(user, expected)
        if is_managed_by_scim(user) and not expected.managed_by_scim:
            yield Drift(DriftKind.DOCUSIGN_SCIM, USER, user.user_id, actual={"managed": True})
    yield from _of_time(user, expected, scene, facts)


def _unmanaged(user: User, expected: Expected | None, scene: Scene) -> Iterator[Drift]:
    places = [item for item in user.open_memberships() if item.account_id in scene.accounts]
    if places and user.user_id != scene.service_user_id:
        yield Drift(
            DriftKind.UNMANAGED_USER,
            USER,
            user.user_id,
            expected=_asked_for(expected) if expected else {},
            actual={
                "email": user.email,
                "name": user.user_name,
                "memberships": {item.account_id: shown(item) for item in places},
            },
        )


def _lost(user: User, expected: Expected, scene: Scene) -> Iterator[Drift]:
    """Return what requests gave to somebody whom none brought, and is gone."""
    for drift in (*_of_memberships(user, expected, scene), *_of_roles(user, expected, scene)):
        if drift.kind is DriftKind.LOST_GRANT:
            yield drift


def _asked_for(expected: Expected) -> dict[str, Any]:
    """Return what requests asked for since of somebody whom none brought; empty for nothing."""
    places = {key: wanted(item) for key, item in expected.memberships.items() if item.is_open}
    asked = {"memberships": places, "roles": sorted(expected.roles)}
    return {name: value for name, value in asked.items() if value}


def _is_expected_open(expected: Expected, scene: Scene) -> bool:
    return any(expected.membership(account_id).is_open for account_id in scene.accounts)


def _has_vanished(user: User, expected: Expected, scene: Scene) -> bool:
    is_open = any(item.account_id in scene.accounts for item in user.open_memberships())
    return not is_open and _is_expected_open(expected, scene)


def _vanished(user: User | None, expected: Expected, scene: Scene) -> Drift:
    memberships = user.memberships if user else {}
    places = sorted(a for a in scene.accounts if expected.membership(a).is_open)
    return Drift(
        DriftKind.VANISHED_USER,
        USER,
        expected.user_id,
        expected={
            "email": expected.person.email,
            "memberships": {a: wanted(expected.membership(a)) for a in places},
        },
        actual={
            "memberships": {
                a: shown(memberships[a]) if a in memberships else {"status": "gone"} for a in places
            }
        },
    )


def _of_memberships(user: User, expected: Expected, scene: Scene) -> Iterator[Drift]:
    for account_id in sorted(scene.accounts):
        found = user.memberships.get(account_id)
        known = expected.membership(account_id)
        is_open = found is not None and found.status.is_open
        if is_open and found is not None and known.is_open:
            yield from _of_profile(user.user_id, found, known, scene)
            yield from _of_groups(user.user_id, found, known, scene)
        elif is_open or known.is_open:
            kind = DriftKind.NATIVE_GRANT if is_open else DriftKind.LOST_GRANT
            profile_id = found.profile_id if is_open and found else known.profile_id
            yield Drift(
                kind,
                USER,
                user.user_id,
                account_id,
                f"{account_id}.{profile_id}" if profile_id else "",
                "membership",
                wanted(known),
                shown(found) if found else {"status": "gone"},
            )


def _of_profile(
    user_id: str, found: Membership, known: ExpectedMembership, scene: Scene
) -> Iterator[Drift]:
    if found.profile_id == known.profile_id:
        return
    account_id = found.account_id
    is_gone = (account_id, known.profile_id or "") not in scene.catalogue.profiles
    if found.profile_id is None and (is_gone or found.status is not MembershipStatus.ACTIVE):
        return  # DocuSign hides it while the membership waits; a deleted one is told once.
    kind = DriftKind.NATIVE_GRANT if found.profile_id else DriftKind.LOST_GRANT
    yield Drift(
        kind,
        USER,
        user_id,
        account_id,
        f"{account_id}.{found.profile_id or known.profile_id}",
        "profile",
        {"profile": known.profile_id},
        {"profile": found.profile_id},
    )


def _of_groups(
    user_id: str, found: Membership, known: ExpectedMembership, scene: Scene
) -> Iterator[Drift]:
    account_id = found.account_id
    for kind, group_ids in (
        (DriftKind.NATIVE_GRANT, found.group_ids - known.group_ids),
        (DriftKind.LOST_GRANT, known.group_ids - found.group_ids),
    ):
        for group_id in sorted(group_ids):
            if (account_id, group_id) in scene.catalogue.groups:
                is_in = kind is DriftKind.NATIVE_GRANT
                yield Drift(
                    kind,
                    USER,
                    user_id,
                    account_id,
                    group_scim_id(account_id, group_id),
                    "group",
                    {"member": not is_in},
                    {"member": is_in},
                )


def _of_roles(user: User, expected: Expected, scene: Scene) -> Iterator[Drift]:
    is_known = ORGANIZATION_ADMIN in expected.roles
    if user.is_organization_admin and not is_known and scene.knows_admins:
        kind = DriftKind.UNEXPECTED_ADMIN
    elif user.is_organization_admin is False and is_known:
        kind = DriftKind.LOST_GRANT
    else:
        return
    yield Drift(
        kind,
        USER,
        user.user_id,
        entitlement=ORGANIZATION_ADMIN,
        attribute="role",
        expected={"organization_admin": is_known},
        actual={"organization_admin": bool(user.is_organization_admin)},
    )


def _of_attributes(user: User, expected: Expected) -> Iterator[Drift]:
    before = expected.person
    if fold(before.email) != user.email_key:
        yield _changed(user.user_id, "email", {"email": before.email}, {"email": user.email})
    names = {name: getattr(before, name) for name in NAME_FIELDS}
    found = {name: getattr(user, name) for name in NAME_FIELDS}
    if names != found:
        differing = [name for name in NAME_FIELDS if names[name] != found[name]]
        yield _changed(
            user.user_id,
            "name",
            {name: names[name] for name in differing},
            {name: found[name] for name in differing},
        )
    # Each membership has its own job title and company: where another one counts now, because one
    # was opened or closed natively, they are no change.
    for name in ("job_title", "company") if user.home == expected.home else ():
        if getattr(before, name) != getattr(user, name):
            yield _changed(
                user.user_id, name, {name: getattr(before, name)}, {name: getattr(user, name)}
            )


def _changed(user_id: str, attribute: str, before: dict[str, str], after: dict[str, str]) -> Drift:
    return Drift(
        DriftKind.CHANGED_ATTRIBUTE,
        USER,
        user_id,
        attribute=attribute,
        expected=before,
        actual=after,
    )


def _of_time(user: User, expected: Expected, scene: Scene, facts: Facts) -> Iterator[Drift]:
    if user.user_id == scene.service_user_id or facts.is_deleted:
        return
    places = [item for item in user.open_memberships() if item.account_id in scene.accounts]
    yield from _pending(user, places, scene, facts)
    yield from _dormant(user, scene, facts)
    days = scene.thresholds.orphan_after_days
    is_old = expected.since is not None and _is_over(expected.since, days, scene.now)
    is_own = expected.origin is not Origin.BASELINE
    if places and is_old and not facts.has_owner and not is_own:
        yield Drift(
            DriftKind.ORPHAN_USER,
            USER,
            user.user_id,
            actual={"email": user.email, "since": _iso(expected.since)},
        )


def _pending(
    user: User, places: Iterable[Membership], scene: Scene, facts: Facts
) -> Iterator[Drift]:
    for item in places:
        granted_at = facts.granted_at.get(f"{item.account_id}.{item.profile_id}")
        since = max(filter(None, (item.created_at, granted_at)), default=None)
        days = scene.thresholds.pending_after_days
        if item.status.is_pending and since is not None and _is_over(since, days, scene.now):
            yield Drift(
                DriftKind.PENDING_USER,
                USER,
                user.user_id,
                item.account_id,
                actual={"status": str(item.status), "since": _iso(since)},
            )


def looks_dormant(user: User, scene: Scene) -> bool:
    """Return whether nothing that was read shows that a user signed in lately: dormant they are
    only if they were read since it was long enough ago."""
    last = _last_seen(user, scene)
    return last is not None and _is_over(last, scene.thresholds.dormant_after_days, scene.now)


def _last_seen(user: User, scene: Scene) -> datetime | None:
    """Return when somebody active signed in last, or began to be able to."""
    active = [
        item
        for item in user.open_memberships()
        if item.account_id in scene.accounts and item.status is MembershipStatus.ACTIVE
    ]
    if not active or not scene.knows_logins:
        return None
    begun = [user.created_at, *(item.created_at for item in active)]
    return user.last_login_at or max(filter(None, begun), default=None)


def _dormant(user: User, scene: Scene, facts: Facts) -> Iterator[Drift]:
    last = _last_seen(user, scene)
    if last is None or facts.read_at is None:
        return
    # Who signed in after they were read does not show it.
    known_until = min(facts.read_at, scene.now)
    if _is_over(last, scene.thresholds.dormant_after_days, known_until):
        yield Drift(
            DriftKind.DORMANT_USER,
            USER,
            user.user_id,
            actual={"last_login_at": _iso(user.last_login_at), "since": _iso(last)},
        )


def _is_over(since: datetime, days: float, now: datetime) -> bool:
    return days > 0 and now - since > timedelta(days=days)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def shown(membership: Membership) -> dict[str, Any]:
    """Return a membership as DocuSign shows it, for evidence."""
    return {
        "status": str(membership.status),
        "profile": membership.profile_id,
        "groups": sorted(membership.group_ids),
    }


def wanted(item: ExpectedMembership) -> dict[str, Any]:
    """Return an expected membership, for evidence."""
    status = "open" if item.is_open else "none"
    return {"status": status, "profile": item.profile_id, "groups": sorted(item.group_ids)}
