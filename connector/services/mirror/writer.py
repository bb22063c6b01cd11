"""Writes confirmed facts into the mirror and renders the resources that they change.

Normalised rows and rendered documents change in one transaction, so that a reader never sees the
one without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from connector.domain.ledger.plans import PlanRecord
from connector.domain.mirror.merge import keep_own_groups, unseen_between
from connector.domain.mirror.visibility import visible_user_ids
from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    Profile,
    User,
    profile_group_scim_id,
)
from connector.domain.plan import AddGroupMembers, RemoveGroupMembers, RenameGroup
from connector.domain.planning import confirmed_roles
from connector.domain.work_items.items import OPEN_STATES, WorkItem
from connector.ports import ENTITLEMENT, GROUP, ROLE, USER, ResourceRow, UnitOfWork
from connector.services.context import TenantContext
from connector.services.denials import holding_denials, is_granted, quiet_until
from connector.services.mirror.actual import forget_taken, remember_group
from connector.services.mirror.changes import overtaken_since, put_settled, remove, stamp
from connector.services.mirror.group_rows import GroupRows
from connector.services.mirror.presentation import Presenter

T = TypeVar("T", WorkItem, PlanRecord)

_BATCH = 500
"""Users rendered in one go where a whole group is affected; bounds memory."""


class MirrorWriter:
    """The one writer of mirror and rendered resources of a tenant."""

    def __init__(self, context: TenantContext, presenter: Presenter, lag: timedelta) -> None:
        """:param lag: how long a read may not show the groups that were written before it."""
        self._context = context
        self._lag = lag
        self._presenter = presenter
        self._group_rows = GroupRows(context, presenter)

    # users --------------------------------------------------------------------

    def put_users(
        self,
        uow: UnitOfWork,
        users: Sequence[User],
        *,
        asked_at: datetime | None = None,
        fetched_at: datetime | None = None,
        regrouped: set[tuple[str, str]] | None = None,
    ) -> int:
        """Write users as DocuSign has them; return how many resources changed.

        Users who share an address, now or before, are rendered again, because at most one of
        them is visible.

        :param asked_at: before DocuSign was asked for what they hold; None: just now.
        :param fetched_at: when a read of every account of theirs began. What shows one account or
            none leaves the time of the last such read: a copy is as old as its oldest part.
        :param regrouped: collects the (account, group) whose members changed, for a caller that
            touches them once after many pages; without it they are touched at once.
        """
        before = uow.mirror.get_users(user.user_id for user in users)
        unseen = self._unseen(asked_at)
        users = [keep_own_groups(before.get(user.user_id), user, unseen) for user in users]
        uow.mirror.put_users(users, fetched_at, before=before)
        uow.attributes.add_earlier_addresses(_left_addresses(before, users))
        if opened := _opened(before, users):
            forget_taken(uow, opened)
        keys = {user.email_key for user in (*users, *before.values())}
        self._group_rows.touch_shown(uow, before, users)
        moved = {
            group for user in users for group in _groups(before.get(user.user_id)) ^ _groups(user)
        }
        if regrouped is None:
            self.touch_groups(uow, moved)
        else:
            regrouped |= moved
        return self._render_addresses(uow, keys, {user.user_id: user for user in users})

    def rerender_users(self, uow: UnitOfWork, user_ids: Iterable[str]) -> int:
        """Render users whose mirror rows stayed but whose surroundings changed."""
        users = uow.mirror.get_users(user_ids)
        return self._render_addresses(uow, {user.email_key for user in users.values()}, users)

    def _render_addresses(
        self, uow: UnitOfWork, keys: set[str], at_hand: Mapping[str, User]
    ) -> int:
        """Render whoever is on these addresses; those at hand are not read once more."""
        ids = uow.mirror.user_ids_by_email(keys)
        others = uow.mirror.get_users([user_id for user_id in ids if user_id not in at_hand])
        users = [at_hand.get(user_id) or others[user_id] for user_id in ids]
        by_address = _by_address(users)
        visible = self._visible(uow, by_address, ids)
        attributes = uow.attributes.get(USER, ids)
        found = uow.work_items.search(states=OPEN_STATES, subject_ids=ids)
        items = _by_subject([item for item in found if item.is_access and item.state.is_open])
        denied = holding_denials(uow, self._context, users)
        # An approved change is shown as its approval.
        plans = [plan for plan in uow.plans.queued(USER, ids) if "approval" not in plan.context]
        queued = _by_subject(plans)
        old_rows = uow.resources.rows(USER, ids)
        # The service user's consent is the connection's, and changes behind the reader's back.
        consents = uow.consents.of_users(set(ids) - {self._context.settings.user_id})
        catalogue = uow.mirror.catalogue()
        now = self._stamp(uow, USER)
        rows = []
        for user in users:
            kept = attributes.get(user.user_id)
            attested = kept.attested_roles if kept else frozenset[str]()
            row = self._presenter.user(
                user,
                catalogue,
                kept,
                created_at=user.created_at or now,
                last_modified_at=now,
                open_items=items.get(user.user_id, ()),
                denied=[
                    (item, quiet_until(self._context, item))
                    for item in denied.get(user.user_id, ())
                    if not is_granted(item, user, confirmed_roles(user) | attested)
                ],
                queued=queued.get(user.user_id, ()),
                attested_roles=attested,
                visible=user.user_id in visible,
                consent=consents.get(user.user_id),
            )
            rows.append(row)
        return put_settled(uow, rows, old_rows)

    def _visible(
        self, uow: UnitOfWork, by_address: Mapping[str, Sequence[User]], ids: Sequence[str]
    ) -> set[str]:
        deleted = uow.attributes.deleted_at(USER, ids)
        now = self._context.clock.now()
        provisioning = self._context.settings.provisioning
        return {
            user_id
            for users in by_address.values()
            for user_id in visible_user_ids(users, deleted, provisioning, now)
        }

    # groups -------------------------------------------------------------------

    def add_group_members(self, uow: UnitOfWork, step: AddGroupMembers) -> None:
        """Write that users are in a group."""
        place = (step.account_id, step.group_id)
        joined = frozenset(step.user_ids) - uow.mirror.group_member_ids(*place, step.user_ids)
        uow.mirror.add_group_members(*place, step.user_ids)
        remember_group(uow, *place, step.user_ids, held=True)
        self._members_changed(uow, step, joined)

    def remove_group_members(self, uow: UnitOfWork, step: RemoveGroupMembers) -> None:
        """Write that users are no longer in a group."""
        place = (step.account_id, step.group_id)
        left = uow.mirror.group_member_ids(*place, step.user_ids)
        uow.mirror.remove_group_members(*place, step.user_ids)
        remember_group(uow, *place, step.user_ids, held=False)
        self._members_changed(uow, step, left)

    def settled_members(
        self,
        uow: UnitOfWork,
        group: DirectoryGroup,
        read: frozenset[str],
        mark: datetime | None,
        asked_at: datetime,
    ) -> frozenset[str]:
        """Return who is in a group by a list that DocuSign gave, but for those of whom the mirror
        knows better: whom somebody wrote since, and whose groups the connector itself has just
        written, as of :func:`connector.domain.mirror.merge.keep_own_groups`.

        :param mark: the ``latest_change`` of users before DocuSign was asked.
        :param asked_at: when it was asked.
        """
        known = uow.mirror.group_member_ids(group.account_id, group.group_id)
        moved = read ^ known
        kept = overtaken_since(uow, moved, mark) | self.just_regrouped(
            uow, group.account_id, moved, asked_at
        )
        return (read - kept) | (known & kept)

    def just_regrouped(
        self, uow: UnitOfWork, account_id: str, user_ids: Iterable[str], asked_at: datetime
    ) -> frozenset[str]:
        """Return whose groups the connector itself wrote so lately that what DocuSign was asked
        then may not show it."""
        return uow.mirror.groups_written_between(account_id, user_ids, *self._unseen(asked_at))

    def _unseen(self, asked_at: datetime | None) -> tuple[datetime, datetime]:
        now = self._context.clock.now()
        return unseen_between(asked_at or now, now, self._lag)

    def put_group_members(
        self, uow: UnitOfWork, group: DirectoryGroup, user_ids: frozenset[str]
    ) -> int:
        """Make these the members of a group; return how many joined or left."""
        before = uow.mirror.group_member_ids(group.account_id, group.group_id)
        joined, left = sorted(user_ids - before), sorted(before - user_ids)
        uow.mirror.add_group_members(group.account_id, group.group_id, joined)
        uow.mirror.remove_group_members(group.account_id, group.group_id, left)
        if joined or left:
            self._rerender_many(uow, (*joined, *left))
            self.touch_groups(uow, [(group.account_id, group.group_id)])
        return len(joined) + len(left)

    def _members_changed(
        self,
        uow: UnitOfWork,
        step: AddGroupMembers | RemoveGroupMembers,
        moved: AbstractSet[str],
    ) -> None:
        now = self._context.clock.now()
        uow.mirror.note_groups_written(step.account_id, step.user_ids, now)
        self.rerender_users(uow, step.user_ids)
        if moved:
            # A grant that is repeated is no change: readers of deltas would take it for one.
            self.touch_groups(uow, [(step.account_id, step.group_id)])

    def put_group(self, uow: UnitOfWork, group: DirectoryGroup) -> None:
        """Write a group; its members are written apart."""
        uow.mirror.put_group(group)
        self._group_rows.put_groups(uow, [group])

    def rename_group(self, uow: UnitOfWork, step: RenameGroup) -> None:
        """Write a new name into the group and into every member's resource; nothing where a sync
        found the group gone since DocuSign was asked."""
        group = uow.mirror.catalogue().groups.get((step.account_id, step.group_id))
        if group is None:
            return
        self.put_group(uow, replace(group, name=step.name))
        members = uow.mirror.group_member_ids(step.account_id, step.group_id)
        self._rerender_many(uow, members)

    def remove_group(self, uow: UnitOfWork, account_id: str, group_id: str) -> None:
        """Write that a group is gone."""
        group = uow.mirror.catalogue().groups.get((account_id, group_id))
        members = uow.mirror.group_member_ids(account_id, group_id)
        uow.mirror.remove_group(account_id, group_id)
        if group is not None:
            remove(uow, GROUP, [group.scim_id], self._context.clock.now())
            uow.attributes.remove(GROUP, group.scim_id)
            _forget_provenance(uow, group.scim_id, members)
        self._rerender_many(uow, members)

    def touch_groups(self, uow: UnitOfWork, groups: Iterable[tuple[str, str]]) -> None:
        """Give groups whose members changed, by (account id, group id), a new version."""
        wanted = set(groups)
        if not wanted:
            return
        known = [item for key, item in uow.mirror.catalogue().groups.items() if key in wanted]
        self._group_rows.put_groups(uow, known, members_changed=True)

    def touch_role(self, uow: UnitOfWork, role_id: str) -> None:
        """Give a role that is shown as a Group a new version: somebody holds it now, or no longer
        does."""
        role = self._context.policy.roles.get(role_id)
        if role is not None:
            self._group_rows.put_roles(uow, [role], members_changed=True)

    def refresh_group(self, uow: UnitOfWork, scim_id: str) -> None:
        """Render a Group of any origin again, for example after its external id changed."""
        self._group_rows.refresh(uow, scim_id)

    def _rerender_many(self, uow: UnitOfWork, user_ids: Iterable[str]) -> None:
        ordered = sorted(user_ids)
        for start in range(0, len(ordered), _BATCH):
            self.rerender_users(uow, ordered[start : start + _BATCH])

    # catalogue ----------------------------------------------------------------

    def put_account_catalogue(
        self,
        uow: UnitOfWork,
        account: Account,
        profiles: Sequence[Profile],
        groups: Sequence[DirectoryGroup],
    ) -> None:
        """Write an account's profiles and groups; what is gone disappears."""
        before = uow.mirror.catalogue()
        uow.mirror.put_accounts([account])
        uow.mirror.put_profiles(account.account_id, profiles)
        self._remove_gone(uow, before, account.account_id, profiles, groups)
        uow.mirror.put_groups(account.account_id, groups)
        self._group_rows.put_groups(uow, groups)
        self._put_entitlements(uow, account, profiles)
        self._put_roles(uow)

    def remove_account(self, uow: UnitOfWork, account_id: str) -> None:
        """Write that an account is governed no longer, once its members are gone."""
        account = uow.mirror.catalogue().accounts.get(account_id)
        if account is not None:
            for key in [key for key in uow.mirror.catalogue().groups if key[0] == account_id]:
                self.remove_group(uow, *key)
            self.put_account_catalogue(uow, account, [], [])
            uow.mirror.remove_account(account_id)

    def _remove_gone(
        self,
        uow: UnitOfWork,
        before: Catalogue,
        account_id: str,
        profiles: Sequence[Profile],
        groups: Sequence[DirectoryGroup],
    ) -> None:
        profile_ids = {item.profile_id for item in profiles}
        group_ids = {item.group_id for item in groups}
        gone_profiles = [
            item
            for (account, profile_id), item in before.profiles.items()
            if account == account_id and profile_id not in profile_ids
        ]
        gone_groups = [
            item
            for (account, group_id), item in before.groups.items()
            if account == account_id and group_id not in group_ids
        ]
        now = self._context.clock.now()
        remove(uow, ENTITLEMENT, [item.scim_id for item in gone_profiles], now)
        shown = [profile_group_scim_id(account_id, item.profile_id) for item in gone_profiles]
        # On whose word their members were in them stays written until somebody accepts the loss.
        remove(uow, GROUP, [*(item.scim_id for item in gone_groups), *shown], now)

    def _put_entitlements(
        self, uow: UnitOfWork, account: Account, profiles: Sequence[Profile]
    ) -> None:
        now = self._stamp(uow, ENTITLEMENT)
        rows = [
            self._presenter.entitlement(profile, account, created_at=now, last_modified_at=now)
            for profile in profiles
        ]
        self._put_rows(uow, ENTITLEMENT, rows)
        self._group_rows.put_profiles(uow, account, profiles)

    def _put_roles(self, uow: UnitOfWork) -> None:
        now = self._stamp(uow, ROLE)
        has_organization = self._context.directory.has_organization
        roles = self._context.policy.visible_roles(has_organization=has_organization)
        rows = [self._presenter.role(role, created_at=now, last_modified_at=now) for role in roles]
        self._put_rows(uow, ROLE, rows)
        self._group_rows.put_roles(uow, roles)

    def _put_rows(self, uow: UnitOfWork, kind: str, rows: Sequence[ResourceRow]) -> None:
        put_settled(uow, rows, uow.resources.rows(kind, [row.scim_id for row in rows]))

    def _stamp(self, uow: UnitOfWork, kind: str) -> datetime:
        return stamp(uow, kind, self._context.clock.now())


def _forget_provenance(uow: UnitOfWork, entitlement: str, user_ids: Iterable[str]) -> None:
    for user_id in user_ids:
        uow.attributes.remove_provenance(user_id, entitlement)


def _groups(user: User | None) -> set[tuple[str, str]]:
    """Return the groups that show a user as member: none for a closed membership."""
    if user is None:
        return set()
    return {
        (item.account_id, group_id)
        for item in user.open_memberships()
        for group_id in item.group_ids
    }


def _opened(before: Mapping[str, User], users: Iterable[User]) -> Mapping[str, frozenset[str]]:
    """Return the accounts in which users were closed and are open now, by user id."""
    found = {}
    for user in users:
        known = before.get(user.user_id)
        if known is not None:
            was_open = {item.account_id for item in known.open_memberships()}
            is_open = frozenset(item.account_id for item in user.open_memberships())
            if more := is_open - was_open:
                found[user.user_id] = more
    return found


def _left_addresses(before: Mapping[str, User], users: Iterable[User]) -> Mapping[str, str]:
    """Return the folded addresses that users no longer have, by user id."""
    return {
        user.user_id: known.email_key
        for user in users
        if (known := before.get(user.user_id)) is not None
        and known.email_key not in ("", user.email_key)
    }


def _by_address(users: Sequence[User]) -> Mapping[str, Sequence[User]]:
    found: dict[str, list[User]] = {}
    for user in users:
        found.setdefault(user.email_key, []).append(user)
    return found


def _by_subject(items: Sequence[T]) -> Mapping[str | None, Sequence[T]]:
    found: dict[str | None, list[T]] = {}
    for item in items:
        found.setdefault(item.subject_id, []).append(item)
    return found
