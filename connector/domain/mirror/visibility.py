"""Which of the users on one address SCIM shows: at most one, because ``userName`` is unique."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connector.domain.model import MembershipStatus, User
from connector.settings import ProvisioningSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def visible_user_ids(
    users: Sequence[User],
    deleted: Mapping[str, datetime],
    settings: ProvisioningSettings,
    now: datetime,
) -> frozenset[str]:
    """Return the id of the visible user among those who share an address, or nothing.

    The open one is shown, else the one closed last, if closed users are listed. A deletion frees
    the address: neither the deleted user is shown nor those who held it before them, so that nobody
    re-opens a predecessor in their place.

    :param deleted: when users were deleted through SCIM, by id.
    """
    opened = [user for user in users if any(user.open_memberships())]
    if opened:
        # DocuSign lets one open user hold an address; should it show two, the newest is meant.
        return frozenset({max(opened, key=_created).user_id})
    freed_at = max(
        (_freed_at(user, deleted) for user in users if user.user_id in deleted), default=None
    )
    closed = [
        user
        for user in users
        if user.user_id not in deleted and (freed_at is None or _holds_since(user, freed_at))
    ]
    if not closed or settings.closed_users == "none":
        return frozenset()
    # Somebody whom DocuSign disabled still belongs to the account; the closed ones have left.
    last = max(closed, key=lambda user: (_is_disabled(user), closed_at(user), _created(user)))
    is_old = not _is_disabled(last) and now - closed_at(last) > timedelta(
        days=settings.closed_recent_days
    )
    if settings.closed_users == "recent" and is_old:
        return frozenset()
    return frozenset({last.user_id})


def held_before(
    user: User, others: Sequence[User], deleted: Mapping[str, datetime]
) -> Sequence[User]:
    """Return those who held an address before a user who left it, and are unseen because of that
    user."""
    freed_at = _freed_at(user, deleted)
    return [
        other
        for other in others
        if other.user_id != user.user_id
        and not any(other.open_memberships())
        and not _holds_since(other, freed_at)
    ]


def closed_at(user: User) -> datetime:
    """Return when the last membership of a user was closed, as far as DocuSign tells."""
    times = [item.closed_at for item in user.memberships.values() if item.closed_at]
    return max(times, default=_EPOCH)


def _holds_since(user: User, freed_at: datetime) -> bool:
    """Return whether a user came to the address after it was freed, or belongs to it still."""
    return _is_disabled(user) or _last_moved(user) >= freed_at


def _freed_at(user: User, deleted: Mapping[str, datetime]) -> datetime:
    return max(_last_moved(user), deleted.get(user.user_id, _EPOCH))


def _last_moved(user: User) -> datetime:
    return max(closed_at(user), user.created_at or _EPOCH)


def _is_disabled(user: User) -> bool:
    return any(item.status is MembershipStatus.DISABLED for item in user.memberships.values())


def _created(user: User) -> tuple[datetime, str]:
    return (user.created_at or _EPOCH, user.user_id)
