"""DocuSign groups: members, names, creation and deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from connector.domain.ledger.job_runs import RunState
from connector.domain.ledger.plans import Fulfilment, PlanRecord
from connector.domain.model import DirectoryGroup, fold
from connector.domain.plan import NEWCOMER, AddGroupMembers, Plan
from connector.domain.planning import (
    GroupChange,
    plan_group_change,
    plan_group_creation,
    plan_group_deletion,
)
from connector.domain.policy.guards import touched_users
from connector.errors import GuardError, InvalidRequestError, NotFoundError, UniquenessError
from connector.ports import GROUP, UnitOfWork
from connector.services.aggregation import SYNC_JOB
from connector.services.context import Actor, TenantContext
from connector.services.expectations import Word, lost_members, state_members
from connector.services.locks import EVERYBODY, LOCKED_USERS, group_key, group_name_key, user_key
from connector.services.mirror.actual import remember_group
from connector.services.mirror.writer import MirrorWriter
from connector.services.naming import names_for
from connector.services.provisioning.held_back import bear_on_members
from connector.services.provisioning.recording import ChangePipeline, Outcome
from connector.services.queued_requests import Subject
from connector.services.targeted_aggregation.reader import read_group_members
from connector.services.work.reasons import require_reason

GroupWish = Callable[[UnitOfWork, DirectoryGroup], GroupChange]
"""Says how a group shall change; runs under the write lock and checks the precondition there."""


class GroupProvisioning:
    """Creates, changes and deletes the DocuSign groups of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        pipeline: ChangePipeline,
        mirror: MirrorWriter,
    ) -> None:
        self._context = context
        self._pipeline = pipeline
        self._mirror = mirror

    def create(
        self,
        account_id: str,
        name: str,
        extra: Mapping[str, Any],
        actor: Actor,
        *,
        members: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> Outcome:
        """Create a group. *extra* is what is kept for the client.

        :param members: who is in it from the start; nothing is left of it where they are refused.
            Only where that is automatic (:meth:`joining_route`).
        :raises UniquenessError: the account has a group of that name.
        """
        keys = [group_name_key(account_id, name)]
        are_locked = len(members) <= LOCKED_USERS
        keys += map(user_key, sorted(members)) if are_locked else ()
        subject = Subject(GROUP, None, keys, touches_many=not are_locked)
        behind = [*keys, EVERYBODY] if are_locked else None

        def check(uow: UnitOfWork, is_next: bool) -> None:
            self._check_writable()
            if is_next:
                _check_name(uow, self._context, account_id, name)
                check_members(uow, self._context, DirectoryGroup(account_id, "", name), members)

        def record(_held: ExitStack) -> Outcome:
            with self._context.write() as uow:
                check(uow, True)
                plan = plan_group_creation(account_id, name, members)
                return self._pipeline.record(
                    uow, plan, subject, actor, extra=extra, dry_run=dry_run
                )

        return self._pipeline.in_turn(
            subject, behind, record, actor, check=check, dry_run=dry_run, extra=extra
        )

    def joining_route(
        self, account_id: str, name: str, members: frozenset[str], extra: Mapping[str, Any]
    ) -> Fulfilment:
        """Return who lets users into a group of this name, which is yet to come.

        :param extra: what is kept with the plan.
        :raises InvalidRequestError: the policy wants to know why.
        """
        group = DirectoryGroup(account_id, NEWCOMER, name)
        with self._context.read() as uow:
            catalogue = uow.mirror.catalogue()
        groups = {**catalogue.groups, (account_id, NEWCOMER): group}
        joining = Plan((AddGroupMembers(account_id, NEWCOMER, tuple(sorted(members))),))
        policy, catalogue = self._context.policy, replace(catalogue, groups=groups)
        route = policy.route(joining.operations[0], catalogue)
        if members:
            require_reason(policy, catalogue, joining, [route], extra)
        return route

    def change(
        self,
        scim_id: str,
        wish: GroupWish,
        actor: Actor,
        *,
        touching: Iterable[str] = (),
        whole: bool = False,
        extra: Mapping[str, Any] | None = None,
        dry_run: bool = False,
    ) -> Outcome:
        """Add and remove members, or rename.

        :param touching: the users named in the request; they are locked with the group.
        :param whole: the request lists every member: they are read again from DocuSign where no
            sync did within ``fresh_for_s``, because whom nobody sees nobody takes out.
        :raises NotFoundError: no such group.
        :raises InvalidRequestError: a user to be added is unknown or no member of the account.
        :raises GuardError: the group is built in, or a safety rule refuses.
        """
        users = sorted(set(touching))
        are_locked = len(users) <= LOCKED_USERS
        keys = [group_key(scim_id), *(map(user_key, users) if are_locked else ())]
        # Who leaves because they are not listed is known when its turn comes.
        subject = Subject(GROUP, scim_id, keys, touches_many=whole or not are_locked)
        behind = None if subject.touches_many else self._queues_of(scim_id, keys)

        def check(uow: UnitOfWork, is_next: bool) -> None:
            wanted = wish(uow, self._get(uow, scim_id))
            if is_next:
                self._check_change(uow, self._get(uow, scim_id), wanted)

        def record(_held: ExitStack) -> Outcome:
            if whole:
                self._read_members_if_stale(scim_id)
            with self._context.write() as uow:
                group = self._get(uow, scim_id)
                wanted = wish(uow, group)
                self._check_change(uow, group, wanted)
                plan = self._plan(uow, group, wanted)
                self._state(uow, group, wanted, plan, actor)
                taken_back = (sorted(wanted.remove), [scim_id])
                return self._pipeline.record(
                    uow,
                    plan,
                    replace(subject, takes_back=taken_back),
                    actor,
                    extra=extra or {},
                    dry_run=dry_run,
                )

        return self._pipeline.in_turn(
            subject,
            behind,
            record,
            actor,
            check=check,
            dry_run=dry_run,
            bear_on_it=partial(self._bear_on_members, scim_id, frozenset(users)),
        )

    def _bear_on_members(
        self, scim_id: str, named: frozenset[str], earlier: Sequence[PlanRecord]
    ) -> AbstractSet[str]:
        with self._context.read() as uow:
            group = self._get(uow, scim_id)
            return bear_on_members(uow, group, named, earlier, self._context.clock.now())

    def delete(
        self,
        scim_id: str,
        check: Callable[[UnitOfWork, DirectoryGroup], None],
        actor: Actor,
        *,
        dry_run: bool = False,
    ) -> Outcome:
        """Delete a group in DocuSign.

        :raises NotFoundError: no such group.
        :raises GuardError: the group is built in, or groups must not be deleted by clients.
        """
        subject = Subject(GROUP, scim_id, [group_key(scim_id)])
        behind = self._queues_of(scim_id, subject.locks)

        def refuse(uow: UnitOfWork, _is_next: bool) -> None:
            group = self._get(uow, scim_id)
            check(uow, group)
            self._check_writable(group)

        def record(_held: ExitStack) -> Outcome:
            with self._context.write() as uow:
                refuse(uow, True)
                group = self._get(uow, scim_id)
                members = uow.mirror.group_member_ids(group.account_id, group.group_id)
                plan = plan_group_deletion(group, members)
                return self._pipeline.record(
                    uow, plan, subject, actor, extra={"delete": True}, dry_run=dry_run
                )

        return self._pipeline.in_turn(subject, behind, record, actor, check=refuse, dry_run=dry_run)

    def _queues_of(self, scim_id: str, keys: Iterable[str]) -> list[str]:
        """Return in whose queues stands what decides on a group: its own changes, those of the
        users who are named, and what may have created it."""
        with self._context.read() as uow:
            group = self._get(uow, scim_id)
        return [EVERYBODY, *keys, group_name_key(group.account_id, group.name)]

    # reading ------------------------------------------------------------------

    def _read_members_if_stale(self, scim_id: str) -> None:
        settings = self._context.settings.provisioning
        oldest = self._context.clock.now() - timedelta(seconds=settings.fresh_for_s)
        with self._context.read() as uow:
            group = self._get(uow, scim_id)
            last = uow.jobs.latest(SYNC_JOB, self._context.clock.now())
        is_fresh = last is not None and last.state is RunState.DONE and last.started_at >= oldest
        if is_fresh or group.group_type.is_built_in:
            return
        where = (group.account_id, group.group_id)
        write = read_group_members(self._context, self._mirror, *where)
        with self._context.write() as uow:
            write(uow)
            uow.commit()

    # planning -----------------------------------------------------------------

    def _plan(self, uow: UnitOfWork, group: DirectoryGroup, wanted: GroupChange) -> Plan:
        named = wanted.add | wanted.remove
        members = uow.mirror.group_member_ids(group.account_id, group.group_id, among=named)
        return plan_group_change(group, wanted, members, self._fresh(uow, named))

    def _state(
        self,
        uow: UnitOfWork,
        group: DirectoryGroup,
        wanted: GroupChange,
        plan: Plan,
        actor: Actor,
    ) -> None:
        """Take for expected what the request says and DocuSign shows already."""
        moved = {user_id for step in plan for user_id in touched_users(step)}
        word = Word(actor.name, actor.source, self._context.clock.now())
        joined, left = (wanted.add | wanted.stay) - moved, wanted.remove - moved
        # DocuSign may show those whom it closed bare: then there was nothing to take.
        remember_group(uow, group.account_id, group.group_id, left, held=False)
        if wanted.is_whole:
            left |= lost_members(uow, group) - joined - moved
        state_members(uow, group, joined, left, word)

    def _fresh(self, uow: UnitOfWork, user_ids: Iterable[str]) -> frozenset[str]:
        """Return the users whose copy is young enough to see in it that nothing is to be done."""
        oldest = self._context.clock.now() - timedelta(
            seconds=self._context.settings.provisioning.fresh_for_s
        )
        fetched = {user_id: uow.mirror.fetched_at(user_id) for user_id in user_ids}
        return frozenset(user_id for user_id, at in fetched.items() if at and at >= oldest)

    def _check_change(self, uow: UnitOfWork, group: DirectoryGroup, wanted: GroupChange) -> None:
        if group.group_type.is_built_in:
            raise GuardError(
                f"{group.name} is built in: DocuSign fills it by itself and refuses changes. "
                "Change the user's permission profile instead.",
                guard="builtin_group",
            )
        if wanted.name is not None and wanted.name != group.name:
            self._check_writable(group)
            name, besides = wanted.name, group.group_id
            _check_name(uow, self._context, group.account_id, name, besides)
        check_members(uow, self._context, group, wanted.add)

    def _check_writable(self, group: DirectoryGroup | None = None) -> None:
        if not self._context.settings.scim.group_writes:
            raise GuardError(
                "Clients may not create, rename or delete DocuSign groups here.",
                guard="group_writes",
                setting="scim.group_writes",
            )
        if group is not None and group.group_type.is_built_in:
            raise GuardError(f"{group.name} is built in and stays.", guard="builtin_group")

    @staticmethod
    def _get(uow: UnitOfWork, scim_id: str) -> DirectoryGroup:
        group = uow.mirror.catalogue().find(scim_id)
        if not isinstance(group, DirectoryGroup):
            raise NotFoundError(f"There is no group {scim_id}.")
        return group


def _check_name(
    uow: UnitOfWork, context: TenantContext, account_id: str, name: str, besides: str = ""
) -> None:
    for group in uow.mirror.catalogue().groups.values():
        is_other = group.account_id == account_id and group.group_id != besides
        if is_other and fold(group.name) == fold(name):
            called = names_for(uow, context, ()).account(account_id)
            raise UniquenessError(
                f"Account {called} has a group {group.name!r} already ({group.scim_id})."
            )


def check_members(
    uow: UnitOfWork, context: TenantContext, group: DirectoryGroup, user_ids: frozenset[str]
) -> None:
    """Let users join a group.

    :raises InvalidRequestError: one of them is unknown or no member of the account.
    """
    users = uow.mirror.get_users(user_ids)
    unknown = sorted(user_ids - users.keys())
    if unknown:
        raise InvalidRequestError(f"There is no user {', '.join(unknown[:5])}.")
    strangers = sorted(
        (user.email, user.user_id)
        for user in users.values()
        if group.account_id not in {item.account_id for item in user.open_memberships()}
    )[:5]
    if strangers:
        account = names_for(uow, context, ()).account(group.account_id)
        error = InvalidRequestError(
            f"{', '.join(email for email, _ in strangers)} cannot join {group.name!r}: no open "
            f"membership in account {account}. Grant an entitlement of that account first."
        )
        error.user_ids = tuple(user_id for _, user_id in strangers)
        raise error
