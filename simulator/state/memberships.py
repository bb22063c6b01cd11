"""Rules for a user's place in an account: update, close, re-open, activate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from simulator.state import users
from simulator.state.errors import RuleError
from simulator.state.model import Membership, Status
from simulator.state.organization import State

STRIP_GROUPS, STRIP_PROFILE, STRIP_SIGNING_MAIL = "Groups", "PermissionSet", "SigningGroupsEmail"
STRIPPABLE = frozenset({STRIP_GROUPS, STRIP_PROFILE, STRIP_SIGNING_MAIL})


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What one update says; None and absent names leave things as they are."""

    names: dict[str, str] = field(default_factory=dict)
    job_title: str | None = None
    company: str | None = None
    profile_id: str | None = None
    group_ids: tuple[str, ...] | None = None
    send_activation: bool = False
    activate: bool = False
    """``userStatus: Active`` was sent."""


def update(state: State, membership: Membership, change: MemberChange) -> None:
    """Change a membership through the eSignature API."""
    is_closed = membership.status is Status.CLOSED
    if is_closed and not (_reopened(state, membership, change) or _may_edit_closed(state)):
        return
    if membership.status.is_pending and not _may_edit_pending(state, membership, change):
        return
    if change.profile_id is not None:
        users.checked_profile(membership.account, change.profile_id)
    if change.group_ids is not None:
        group_ids = users.checked_groups(membership.account, change.group_ids)
        _list_groups(state, membership, group_ids)
    users.rename(state, membership.user, change.names)
    _assign(membership, change)
    state.touch(membership.user, membership.account)


def _reopened(state: State, membership: Membership, change: MemberChange) -> bool:
    """Re-open where the request says so in a way that this DocuSign obeys."""
    variants = state.variants
    resend = change.send_activation and variants.reopen_by_resend
    if not resend and not (change.activate and variants.reopen_by_status):
        return False
    reopen(state, membership, Status(variants.reopened_status))
    return True


def _may_edit_closed(state: State) -> bool:
    if state.variants.put_closed == "refused":
        raise RuleError("USER_NOT_ACTIVE", "The user is closed.")
    return state.variants.put_closed == "done"


def _may_edit_pending(state: State, membership: Membership, change: MemberChange) -> bool:
    if change.send_activation:
        membership.status = Status.ACTIVATION_SENT
    if state.variants.put_pending == "refused" and not change.send_activation:
        raise RuleError("USER_AWAITING_ACTIVATION", "The user has not activated yet.")
    return state.variants.put_pending == "done"


def _list_groups(state: State, membership: Membership, group_ids: tuple[str, ...]) -> None:
    """Obey ``groupList`` in an update as far as this DocuSign does."""
    if state.variants.put_group_list == "replaced":
        users.set_groups(membership, group_ids)
    elif state.variants.put_group_list == "added":
        users.set_groups(membership, tuple(dict.fromkeys(membership.group_ids + group_ids)))


def _assign(membership: Membership, change: MemberChange) -> None:
    """Set the plain fields."""
    if change.profile_id is not None:
        membership.profile_id = change.profile_id
    if change.job_title is not None:
        membership.job_title = change.job_title
    if change.company is not None:
        membership.company = change.company


def reopen(state: State, membership: Membership, status: Status) -> None:
    """Open a closed membership again; envelopes of old come back with it.

    :raises RuleError: another open user holds the address.
    """
    holder = state.open_on_address(membership.user.email)
    if holder is not None and holder is not membership.user:
        raise RuleError(
            "EMAIL_IS_RESERVED", "Another active or pending user has this email address."
        )
    if not state.variants.reopen_keeps_entitlements or membership.profile is None:
        membership.profile_id = membership.account.default_profile_id
    if not state.variants.reopen_keeps_entitlements:
        users.set_groups(membership, ())
    membership.status = status
    membership.closed_at = membership.user.closed_at = None
    state.touch(membership.user, membership.account)


def close(
    state: State,
    membership: Membership,
    *,
    strip: Collection[str] = (),
    actor_id: str | None = None,
) -> None:
    """Close a membership. Users are never deleted.

    :param strip: what to take away too, of :data:`STRIPPABLE`.
    :param actor_id: who asks; nobody closes himself.
    """
    if membership.status is Status.CLOSED:
        if state.variants.close_closed == "refused":
            raise RuleError("USER_NOT_ACTIVE", "The membership is closed already.")
    else:
        _check_close(state, membership, actor_id)
        membership.status = Status.CLOSED
        membership.closed_at = state.now()
        if not any(
            item.status is not Status.CLOSED for item in membership.user.memberships.values()
        ):
            membership.user.closed_at = membership.closed_at
    if STRIP_GROUPS in strip:
        users.set_groups(membership, ())
    if STRIP_PROFILE in strip:
        membership.profile_id = None
    state.touch(membership.user, membership.account)


def _check_close(state: State, membership: Membership, actor_id: str | None) -> None:
    """Refuse to close oneself or the last administrator (codes of the bulk import, in capitals)."""
    if membership.user.user_id == actor_id:
        raise RuleError("CANNOT_CLOSE_OWN_MEMBERSHIP", "You cannot close your own membership.")
    if state.variants.close_last_admin == "done" or not membership.is_admin:
        return
    others = (item for item in state.administrators(membership.account) if item is not membership)
    if membership.status is Status.ACTIVE and next(others, None) is None:
        raise RuleError(
            "CANNOT_CLOSE_LAST_ACTIVE_ADMIN",
            "The last active administrator of an account cannot be closed.",
        )


def activate(state: State, membership: Membership) -> None:
    """Make a pending membership active, as its person or the Admin API does.

    :raises RuleError: the membership is not pending.
    """
    if not membership.status.is_pending:
        raise RuleError("UNAUTHORIZED", "Not Authorized", status=403)
    membership.status = Status.ACTIVE
    membership.activated_at = state.now()
    state.touch(membership.user, membership.account)


def update_by_admin(
    state: State, membership: Membership, change: MemberChange, *, auto_activate: bool
) -> None:
    """Change a membership through Admin ``users/profiles``, re-opening a closed one."""
    if membership.status is Status.CLOSED:
        if not state.variants.reopen_by_admin_profiles:
            raise RuleError("MEMBERSHIP_CLOSED", "The membership is closed.")
        activates = auto_activate and users.can_auto_activate(state, membership.user.email)
        reopen(state, membership, Status.ACTIVE if activates else Status.ACTIVATION_SENT)
    elif membership.status.is_pending and change.send_activation:
        membership.status = Status.ACTIVATION_SENT
    if change.profile_id is not None:
        users.checked_profile(membership.account, change.profile_id)
    if change.group_ids is not None:
        group_ids = users.checked_groups(membership.account, change.group_ids)
        added = membership.group_ids if state.variants.admin_groups == "added" else ()
        users.set_groups(membership, tuple(dict.fromkeys(added + group_ids)))
    _assign(membership, change)
    state.touch(membership.user, membership.account)
