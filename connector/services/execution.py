"""One operation against DocuSign: how it is done, how its effect is found again after a lost
answer, and what it changes in the mirror."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, singledispatchmethod

from connector.domain.merge import merge_member
from connector.domain.model import Membership, MembershipStatus, User, fold
from connector.domain.plan import (
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateGroup,
    CreateMembership,
    DeleteGroup,
    EndHandOver,
    HandOverEnvelopes,
    Operation,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.errors import NotFoundError, PermanentError, TemporaryError, UnknownOutcomeError
from connector.ports import USER, UnitOfWork
from connector.services.actual import forget_membership, keep_hand_over, remember_membership
from connector.services.context import TenantContext
from connector.services.mirror import MirrorWriter

_READ_BACK_WAITS_S = (0.1, 0.3, 0.6, 1.0)
"""DocuSign promises no read-after-write; two seconds in all (docusign-api.md 4)."""


@dataclass(frozen=True)
class Performed:
    """An operation that DocuSign confirmed."""

    operation: Operation
    """With the ids that DocuSign gave."""
    apply: Callable[[UnitOfWork], None]
    """Writes the confirmed facts into the mirror."""
    subject_id: str | None = None
    """The SCIM id of the user or group, once known."""


class Executor:
    """Carries single operations out. Errors are those of the :class:`connector.ports.Directory`."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror

    # doing --------------------------------------------------------------------

    @singledispatchmethod
    def perform(self, step: Operation) -> Performed:
        """Do one operation and return what DocuSign confirmed."""
        raise TypeError(f"no automatic fulfilment for {step.kind}")

    @perform.register
    def _(self, step: CreateMembership) -> Performed:
        return self._joined(step, self._directory.create_member(step))

    @perform.register
    def _(self, step: ReopenMembership) -> Performed:
        return self._member(step, self._directory.reopen_member(step), self._opened)

    @perform.register
    def _(self, step: CloseMembership) -> Performed:
        self._directory.close_member(step.account_id, step.user_id, strip=step.strip)
        return self._closed(step)

    @perform.register
    def _(self, step: SetProfile) -> Performed:
        self._directory.set_profile(step.account_id, step.user_id, step.profile_id)
        seen = self._confirmed(step, _may_have_profile(step))
        return self._member(step, _with_profile(seen, step.account_id, step.profile_id))

    @perform.register
    def _(self, step: UpdatePerson) -> Performed:
        self._directory.update_person(step.account_id, step.user_id, step.changes)
        return self._member(step, self._confirmed(step, _has_fields(step)))

    @perform.register
    def _(self, step: ChangeEmail) -> Performed:
        self._directory.change_email(step.user_id, step.email, site_id=step.site_id)
        return self._address_changed(step)

    @perform.register
    def _(self, step: AddGroupMembers) -> Performed:
        self._directory.add_group_members(step.account_id, step.group_id, step.user_ids)
        return Performed(step, lambda uow: self._mirror.add_group_members(uow, step))

    @perform.register
    def _(self, step: RemoveGroupMembers) -> Performed:
        self._directory.remove_group_members(step.account_id, step.group_id, step.user_ids)
        return Performed(step, lambda uow: self._mirror.remove_group_members(uow, step))

    @perform.register
    def _(self, step: CreateGroup) -> Performed:
        group = self._directory.create_group(step.account_id, step.name)
        return Performed(
            replace(step, group_id=group.group_id),
            lambda uow: self._mirror.put_group(uow, group),
            group.scim_id,
        )

    @perform.register
    def _(self, step: RenameGroup) -> Performed:
        self._directory.rename_group(step.account_id, step.group_id, step.name)
        return Performed(step, lambda uow: self._mirror.rename_group(uow, step))

    @perform.register
    def _(self, step: DeleteGroup) -> Performed:
        self._directory.delete_group(step.account_id, step.group_id)
        return Performed(
            step, lambda uow: self._mirror.remove_group(uow, step.account_id, step.group_id)
        )

    @perform.register
    def _(self, step: HandOverEnvelopes) -> Performed:
        rule_id = self._directory.create_transfer_rule(
            step.account_id, step.user_id, step.to_user_id
        )
        return self._handed_over(step, rule_id)

    @perform.register
    def _(self, step: EndHandOver) -> Performed:
        self._directory.delete_transfer_rule(step.account_id, step.rule_id)
        return Performed(step, lambda uow: keep_hand_over(uow, step.user_id, step.account_id, None))

    def _handed_over(self, step: HandOverEnvelopes, rule_id: str) -> Performed:
        rule = (rule_id, step.to_user_id)
        return Performed(
            replace(step, rule_id=rule_id),
            lambda uow: keep_hand_over(uow, step.user_id, step.account_id, rule),
            step.user_id,
        )

    # finding again ------------------------------------------------------------

    def find_effect(self, step: Operation) -> Performed | None:
        """Return the operation as performed if DocuSign shows its effect, else None.

        Asked after a lost answer or a crash. Calls on existing groups are not looked up, because
        repeating them changes nothing; everything else is.
        """
        if isinstance(step, CreateMembership):
            return self._find_joined(step)
        if isinstance(step, CreateGroup):
            return self._find_group(step)
        if isinstance(step, HandOverEnvelopes):
            where = (step.account_id, step.user_id, step.to_user_id)
            rule_id = self._directory.find_transfer_rule(*where)
            return self._handed_over(step, rule_id) if rule_id else None
        if isinstance(step, ChangeEmail):
            return self._find_address_changed(step)
        if isinstance(step, ReopenMembership | CloseMembership | SetProfile | UpdatePerson):
            return self._find_member_effect(step)
        return None

    def find_left(self, step: Operation) -> Performed | None:
        """Return what is left of an operation that was refused after a part of it took effect,
        to be undone; None where nothing is.

        Inverses change nothing where there is nothing to undo, so only a new user is looked for.
        """
        if isinstance(step, CreateMembership):
            user = self._find_open(step)
            bound = replace(step, user_id=user.user_id) if user else step
            return self._member(bound, user, self._opened) if user else None
        return Performed(step, lambda uow: None)

    def read_back(self, step: Operation) -> Callable[[UnitOfWork], None]:
        """Read whom an operation touched; return what writes that into the mirror."""
        if isinstance(step, AddGroupMembers | RemoveGroupMembers):
            return self._read_members(step)
        user_id, account_id = getattr(step, "user_id", None), getattr(step, "account_id", None)
        if user_id is None or account_id is None:
            return lambda uow: None
        return self._member(step, self._directory.get_member(account_id, user_id)).apply

    def _read_members(
        self, step: AddGroupMembers | RemoveGroupMembers
    ) -> Callable[[UnitOfWork], None]:
        pages = self._directory.iter_group_members(step.account_id, step.group_id)
        user_ids = frozenset(user_id for page in pages for user_id in page)

        def apply(uow: UnitOfWork) -> None:
            group = uow.mirror.catalogue().groups[step.account_id, step.group_id]
            known = frozenset(uow.mirror.get_users(user_ids))
            self._mirror.put_group_members(uow, group, known)

        return apply

    def _find_joined(self, step: CreateMembership) -> Performed | None:
        user = self._find_newcomer(step) or self._find_open(step)
        return self._joined(step, user) if user else None

    def _find_newcomer(self, step: CreateMembership) -> User | None:
        """Return who came to an address with a step, even if they were closed since: created again
        they would come back."""
        if step.user_id is not None or step.predecessors is None:
            return None
        on_address = self._directory.find_members(step.account_id, step.person.email)
        found = [user for user in on_address if user.user_id not in step.predecessors]
        return max(found, key=lambda user: any(user.open_memberships()), default=None)

    def _find_open(self, step: CreateMembership) -> User | None:
        for user in self._directory.find_members(step.account_id, step.person.email):
            is_ours = step.user_id in (None, user.user_id)
            if is_ours and any(user.open_memberships()):
                return user
        return None

    def _find_address_changed(self, step: ChangeEmail) -> Performed | None:
        for account in self._context.settings.accounts:
            for user in self._directory.find_members(account.account_id, step.email):
                if user.user_id == step.user_id:
                    return self._address_changed(step)
        return None

    def _find_group(self, step: CreateGroup) -> Performed | None:
        # A plan is recorded only where the mirror has no group of that name. What a sync has seen
        # since then is what the plan made.
        for group in self._directory.list_groups(step.account_id):
            if group.name == step.name:
                return Performed(
                    replace(step, group_id=group.group_id),
                    partial(self._mirror.put_group, group=group),
                    group.scim_id,
                )
        return None

    def _find_member_effect(
        self, step: ReopenMembership | CloseMembership | SetProfile | UpdatePerson
    ) -> Performed | None:
        try:
            user = self._directory.get_member(step.account_id, step.user_id)
        except NotFoundError:
            return self._closed(step) if isinstance(step, CloseMembership) else None
        membership = user.memberships[step.account_id]
        if isinstance(step, CloseMembership):
            # A strip may have been lost on the way: closing again strips, and succeeds.
            done = not membership.status.is_open and not step.strip
            return self._closed(step) if done else None
        if isinstance(step, ReopenMembership):
            restored = membership.status.is_open and membership.profile_id == step.profile_id
            complete = restored and set(step.group_ids) <= membership.group_ids
            return self._member(step, user, self._opened) if complete else None
        shown = _has_profile(step) if isinstance(step, SetProfile) else _has_fields(step)
        return self._member(step, user) if shown(user) else None

    # confirmed facts ----------------------------------------------------------

    def _joined(self, step: CreateMembership, seen: User) -> Performed:
        if step.user_id is not None and seen.user_id != step.user_id:
            raise PermanentError(
                f"DocuSign joined {step.person.email} to account {step.account_id} as a second "
                f"user ({seen.user_id}) instead of {step.user_id}. Close one of the two in "
                "DocuSign, then run a sync."
            )
        if step.user_id is None:
            self._refuse_predecessor(step, seen.user_id)
        bound = replace(step, user_id=seen.user_id)
        return self._member(bound, seen, self._opened)

    def _refuse_predecessor(self, step: CreateMembership, user_id: str) -> None:
        """Refuse a closed user whom DocuSign re-opened instead of creating a new one."""
        if self._was_there(step, user_id):
            error = PermanentError(
                f"DocuSign re-opened the earlier user {user_id} of {step.person.email} instead of "
                "creating a new one, who would inherit that user's envelopes. The connector closes "
                "that user again. Use another address, or the earlier externalId for the same "
                "person."
            )
            error.is_partial = True
            raise error

    def _was_there(self, step: CreateMembership, user_id: str) -> bool:
        if step.predecessors is not None:
            return user_id in step.predecessors
        # A plan of an earlier version: only the mirror can tell, as long as no sync has seen them.
        with self._context.read() as uow:
            known = uow.mirror.get_users([user_id]).get(user_id)
            is_deleted = bool(uow.attributes.is_deleted(USER, [user_id]))
        return is_deleted or (known is not None and not any(known.open_memberships()))

    def _member(
        self,
        step: Operation,
        seen: User,
        then: Callable[[UnitOfWork, User], None] | None = None,
    ) -> Performed:
        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([seen.user_id]).get(seen.user_id)
            if then is not None:
                then(uow, seen)
            # Who is new was found in no account just before: this one is all there is.
            fetched_at = self._context.clock.now() if known is None else None
            self._mirror.put_users(uow, [merge_member(known, seen)], fetched_at=fetched_at)

        return Performed(step, apply, seen.user_id)

    def _opened(self, uow: UnitOfWork, seen: User) -> None:
        for account_id in seen.memberships:
            forget_membership(uow, seen.user_id, account_id)

    def _closed(self, step: CloseMembership) -> Performed:
        seen = self._read_closed(step)

        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([step.user_id])[step.user_id]
            before = known.memberships[step.account_id]
            if step.strip or not step.restorable:
                forget_membership(uow, step.user_id, step.account_id)
            elif step.reopen is not None or before.status.is_open:
                remember_membership(uow, step.user_id, _as_planned(step, before))
            after = seen or replace(
                known,
                memberships={step.account_id: replace(before, status=MembershipStatus.CLOSED)},
            )
            after = merge_member(known, after)
            if step.strip:
                after = _stripped(after, step.account_id)
            self._mirror.put_users(uow, [after])

        return Performed(step, apply, step.user_id)

    def _read_closed(self, step: CloseMembership) -> User | None:
        """Return the closed member, or None where DocuSign does not show closed ones."""
        try:
            return self._confirmed(step, lambda user: not any(user.open_memberships()))
        except NotFoundError:
            return None

    def _address_changed(self, step: ChangeEmail) -> Performed:
        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([step.user_id])[step.user_id]
            self._mirror.put_users(uow, [replace(known, email=step.email)])

        return Performed(step, apply, step.user_id)

    def _confirmed(
        self,
        step: CloseMembership | SetProfile | UpdatePerson,
        is_shown: Callable[[User], bool],
    ) -> User:
        """Read a member until DocuSign shows what was written.

        :raises UnknownOutcomeError: it cannot be read, or still shows the old state after the last
            look. No temporary error: that would say that nothing was done.
        """
        for wait_s in (*_READ_BACK_WAITS_S, None):
            try:
                user = self._directory.get_member(step.account_id, step.user_id)
            except TemporaryError as error:
                raise UnknownOutcomeError(str(error)) from error
            if is_shown(user):
                return user
            if wait_s is not None:
                self._context.clock.sleep(wait_s)
        raise UnknownOutcomeError(
            f"DocuSign accepted the change but does not show it yet ({step.describe()})."
        )


def _as_planned(step: CloseMembership, before: Membership) -> Membership:
    """Return the membership with what it held when its closing was planned. The mirror's copy may
    be what a sync read between DocuSign's answer and our commit: closed, and bare."""
    if step.reopen is None:
        return before
    held = frozenset(step.reopen.group_ids)
    return replace(before, profile_id=step.reopen.profile_id, group_ids=held)


def _stripped(user: User, account_id: str) -> User:
    """Return a user without what a strip takes: a read just after it may still show that."""
    bare = replace(user.memberships[account_id], profile_id=None, group_ids=frozenset())
    return replace(user, memberships={**user.memberships, account_id: bare})


def _with_profile(user: User, account_id: str, profile_id: str) -> User:
    """Return a user with the profile that DocuSign accepted, which it may hide afterwards."""
    membership = replace(user.memberships[account_id], profile_id=profile_id)
    return replace(user, memberships={account_id: membership})


def _has_profile(step: SetProfile) -> Callable[[User], bool]:
    return lambda user: user.memberships[step.account_id].profile_id == step.profile_id


def _may_have_profile(step: SetProfile) -> Callable[[User], bool]:
    """As :func:`_has_profile`, where DocuSign has just accepted the change: the profile of a
    membership that waits for its person may stay hidden (docusign-api.md 2.2)."""
    has_profile = _has_profile(step)

    def shown(user: User) -> bool:
        membership = user.memberships[step.account_id]
        is_hidden = membership.status.is_pending and membership.profile_id is None
        return is_hidden or has_profile(user)

    return shown


def _has_fields(step: UpdatePerson) -> Callable[[User], bool]:
    def shown(user: User) -> bool:
        return all(fold(getattr(user, name)) == fold(value) for name, value in step.changes.items())

    return shown
