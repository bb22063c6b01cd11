"""How memberships are closed, and what would open them again."""

from __future__ import annotations

from collections.abc import Iterable

from connector.domain.model import Membership, User
from connector.domain.plan import (
    NEWCOMER,
    CloseMembership,
    CreateMembership,
    Operation,
    ReopenMembership,
)
from connector.domain.planning.persons import person_of


def closings(user: User) -> list[CloseMembership]:
    """Return what closes every open membership."""
    return [closing(user, item) for item in memberships_by_account(user) if item.status.is_open]


def closing(user: User, membership: Membership) -> CloseMembership:
    """Return what closes a membership and remembers how it was."""
    return CloseMembership(membership.account_id, user.user_id, reopen=reopening(user, membership))


def reopening(user: User, membership: Membership) -> ReopenMembership | None:
    """Return what opens a membership again as it is now; None where that is not known."""
    if not membership.status.is_open or membership.profile_id is None:
        return None
    return ReopenMembership(
        membership.account_id,
        user.user_id,
        person_of(user),
        membership.profile_id,
        tuple(sorted(membership.group_ids)),
    )


def closed_again(steps: Iterable[Operation]) -> list[Operation]:
    """Return what closes the memberships that *steps* leave open, so that enabling the person
    some day gives again what was asked for now."""
    opened: dict[str, Operation] = {}
    for step in steps:
        if isinstance(step, CreateMembership | ReopenMembership):
            user_id = step.user_id or NEWCOMER
            reopen = ReopenMembership(
                step.account_id, user_id, step.person, step.profile_id, step.group_ids
            )
            opened[step.account_id] = CloseMembership(step.account_id, user_id, reopen=reopen)
        elif isinstance(step, CloseMembership):
            opened.pop(step.account_id, None)
    return [opened[account_id] for account_id in sorted(opened)]


def memberships_by_account(user: User) -> list[Membership]:
    """Return the memberships in an order that does not change from one plan to the next."""
    return [user.memberships[key] for key in sorted(user.memberships)]
