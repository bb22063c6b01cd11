"""How what one account shows of a person joins what is known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.model import Membership, MembershipStatus, User


def merge_member(known: User | None, seen: User, *, with_groups: bool = True) -> User:
    """Return the person with the membership that *seen* carries.

    Names and address are taken from an open membership only: DocuSign ignores edits of closed
    users, so a closed one may show old values. Job title and company are those at
    :attr:`~connector.domain.model.User.home`, whichever account is read last. The profile of a
    membership that is not active may be hidden: the known one stays.

    :param with_groups: False where *seen* came from a list without groups: the known ones stay.
    """
    if known is None:
        return seen
    (membership,) = seen.memberships.values()
    before = known.memberships.get(membership.account_id)
    if not with_groups:
        membership = replace(membership, group_ids=before.group_ids if before else frozenset())
    if before is not None and _hides_profile(membership):
        membership = replace(membership, profile_id=before.profile_id)
    if before is not None and membership.job_title is None:
        membership = replace(membership, job_title=before.job_title, company=before.company)
    if before is not None and membership.closed_at is None and not membership.status.is_open:
        # The eSignature API shows no date of closing: the known one stays.
        membership = replace(membership, closed_at=before.closed_at)
    base = seen if membership.status.is_open or not any(known.open_memberships()) else known
    merged = replace(
        base,
        memberships={**known.memberships, membership.account_id: membership},
        site_id=seen.site_id or known.site_id,
        is_organization_admin=known.is_organization_admin,
        organization_admin_verified_at=known.organization_admin_verified_at,
        managed_by_scim=seen.managed_by_scim,
        created_at=min(filter(None, (known.created_at, seen.created_at)), default=None),
        last_login_at=max(filter(None, (known.last_login_at, seen.last_login_at)), default=None),
    )
    return _at_work(merged)


def _at_work(user: User) -> User:
    """Return the person with job title and company of their home, where it was read."""
    home = user.memberships.get(user.home or "")
    if home is None or home.job_title is None or home.company is None:
        return user
    return replace(user, job_title=home.job_title, company=home.company)


def _hides_profile(membership: Membership) -> bool:
    return membership.profile_id is None and membership.status is not MembershipStatus.ACTIVE


def without_membership(user: User, account_id: str) -> User:
    """Return the person without the membership of one account."""
    rest = {key: item for key, item in user.memberships.items() if key != account_id}
    return _at_work(replace(user, memberships=rest))


def unseen_between(asked_at: datetime, now: datetime, lag: timedelta) -> tuple[datetime, datetime]:
    """Return after and before which times a change of ours was written that a read may not show.

    :param asked_at: before DocuSign was asked; a long list answers much later.
    :param lag: how long a read may not show what was written before it.
    """
    # The clock of the machine that wrote may be ahead of this one's.
    return asked_at - lag, now + lag


def keep_own_groups(known: User | None, seen: User, unseen: tuple[datetime, datetime]) -> User:
    """Return a person as read, but in the groups that the connector itself has just written.

    DocuSign promises no read-after-write: for a moment a read may still show the groups from before
    a change of ours, and believed it would undo the change in the mirror. What somebody else
    changes in that moment is seen by the next read.

    :param unseen: of :func:`unseen_between`.
    """
    if known is None:
        return seen
    kept = {
        account_id: _in_own_groups(known.memberships.get(account_id), item, unseen)
        for account_id, item in seen.memberships.items()
    }
    return replace(seen, memberships=kept)


def _in_own_groups(
    known: Membership | None, seen: Membership, unseen: tuple[datetime, datetime]
) -> Membership:
    written_at = None if known is None else known.groups_written_at
    if known is None or written_at is None:
        return seen
    is_lagging = unseen[0] < written_at < unseen[1]
    # Who was closed or came back has what DocuSign gave or left them.
    is_kept = is_lagging and known.status.is_open and seen.status.is_open
    groups = known.group_ids if is_kept else seen.group_ids
    return replace(seen, group_ids=groups, groups_written_at=written_at)


def merge_person(known: User, person: User) -> User:
    """Return the person with what the Admin API shows of them beyond the account's view.

    Memberships stay as the eSignature API showed them: it is the one that carries
    groups and profiles as the account has them.
    """
    return replace(
        known,
        site_id=person.site_id or known.site_id,
        is_organization_admin=person.is_organization_admin,
        organization_admin_verified_at=person.organization_admin_verified_at,
    )
