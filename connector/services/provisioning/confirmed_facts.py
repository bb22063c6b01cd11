"""What DocuSign confirmed of an operation, and what the mirror learns from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.domain.mirror.merge import merge_member
from connector.domain.model import DirectoryGroup, Membership, MembershipStatus, User, fold
from connector.domain.naming.names import Names
from connector.domain.plan import (
    ChangeEmail,
    CloseMembership,
    CreateGroup,
    CreateMembership,
    HandOverEnvelopes,
    Operation,
    SetProfile,
    UpdatePerson,
)
from connector.errors import (
    InvalidRequestError,
    InvitationPendingError,
    NotFoundError,
    PermanentError,
    TemporaryError,
    UnknownOutcomeError,
)
from connector.ports import USER, UnitOfWork, looks
from connector.services.context import TenantContext
from connector.services.mirror.actual import (
    forget_membership,
    keep_hand_over,
    note_taken,
    remember_membership,
    remembered_memberships,
)
from connector.services.mirror.writer import MirrorWriter
from connector.services.naming import names_for


class SecondUserError(PermanentError):
    """DocuSign made a new user of somebody who was known already.

    :param step: what was asked for, of the known user.
    :param seen: the new user, as DocuSign shows them.
    :param account: what people call the account.
    """

    def __init__(self, step: CreateMembership, seen: User, account: str) -> None:
        super().__init__(
            f"DocuSign joined {step.person.email} to account {account} as a second user "
            f"({seen.user_id}) instead of {step.user_id}, whom it does not know there any more or "
            "knows by another name. The second user has the access now, and counts as made by the "
            f"connector. If {step.user_id} is gone for good: go on with the second user, and "
            "accept the finding of drift that the first has vanished as soon as there is one. If "
            f"not: send active=false for {seen.user_id} over SCIM."
        )
        self.known_as = step.user_id or ""
        self.step = replace(step, user_id=seen.user_id)
        self.seen = seen


@dataclass(frozen=True)
class Performed:
    """An operation that DocuSign confirmed."""

    operation: Operation
    """With the ids that DocuSign gave."""
    apply: Callable[[UnitOfWork], None]
    """Writes the confirmed facts into the mirror."""
    subject_id: str | None = None
    """The SCIM id of the user or group, once known."""


class ConfirmedFacts:
    """Turns what DocuSign shows after an operation into what the mirror is told."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter, lag: timedelta) -> None:
        """:param lag: how long a read may not show what was written before it."""
        self._context = context
        self._directory = context.directory
        self._mirror = mirror
        self._lag = lag

    def joined(self, step: CreateMembership, seen: User) -> Performed:
        """Return that a person joined, as DocuSign shows them.

        :raises SecondUserError: it made somebody new of a known person.
        :raises PermanentError: it re-opened somebody else.
        """
        if seen.user_id != step.user_id:
            self._refuse_predecessor(step, seen.user_id)
            if step.user_id is not None:
                account = self._names_of(step).account(step.account_id)
                raise SecondUserError(step, seen, account)
        bound = replace(step, user_id=seen.user_id)
        return self.member(bound, seen, self.opened)

    def _refuse_predecessor(self, step: CreateMembership, user_id: str) -> None:
        """Refuse a closed user whom DocuSign re-opened instead of joining the person."""
        if not self.was_there(step, user_id):
            return
        if step.user_id is None:
            instead = "creating a new one"
            advice = "Use another address, or the earlier externalId for the same person."
        else:
            instead = f"joining {step.user_id}, whom it does not know there any more"
            advice = (
                f"If {step.user_id} is gone for good, delete them over SCIM and create them again: "
                "with another address, or with the earlier externalId for the same person."
            )
        error = PermanentError(
            f"DocuSign re-opened the earlier user {user_id} of {step.person.email} instead of "
            f"{instead}, who would inherit that user's envelopes. The connector closes that user "
            f"again. {advice}"
        )
        error.is_partial = True
        raise error

    def was_there(self, step: CreateMembership, user_id: str) -> bool:
        """Return whether somebody was known on the address of a step before it."""
        if step.predecessors is not None:
            return user_id in step.predecessors
        # A plan of an earlier version: only the mirror can tell, as long as no sync has seen them.
        with self._context.read() as uow:
            known = uow.mirror.get_users([user_id]).get(user_id)
            is_deleted = bool(uow.attributes.is_deleted(USER, [user_id]))
        return is_deleted or (known is not None and not any(known.open_memberships()))

    def member(
        self,
        step: Operation,
        seen: User,
        then: Callable[[UnitOfWork, User], None] | None = None,
    ) -> Performed:
        """Return that a membership is now as seen; *then* is done in the same transaction."""

        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([seen.user_id]).get(seen.user_id)
            if then is not None:
                then(uow, seen)
            # Who is new was found in no account just before: this one is all there is.
            fetched_at = self._context.clock.now() if known is None else None
            self._mirror.put_users(uow, [merge_member(known, seen)], fetched_at=fetched_at)

        return Performed(step, apply, seen.user_id)

    def opened(self, uow: UnitOfWork, seen: User) -> None:
        """Forget what a closed membership was to get back: it is open."""
        for account_id in seen.memberships:
            forget_membership(uow, seen.user_id, account_id)

    def closed(self, step: CloseMembership) -> Performed:
        """Return that a membership is closed, and what of it is remembered."""
        seen = self._read_closed(step)

        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([step.user_id])[step.user_id]
            before = known.memberships[step.account_id]
            if step.strip or not (step.restorable or step.unasked):
                forget_membership(uow, step.user_id, step.account_id)
                others = (item.account_id for item in known.open_memberships())
                if not step.strip and any(one != step.account_id for one in others):
                    note_taken(uow, step.user_id, step.account_id)
            elif step.unasked:
                if step.restorable:
                    _remember_baseline(uow, step.user_id, before)
            elif step.reopen is not None or before.status.is_open:
                remember_membership(uow, step.user_id, _as_planned(step, before))
            after = seen or replace(
                known,
                memberships={step.account_id: replace(before, status=MembershipStatus.CLOSED)},
            )
            after = merge_member(known, after)
            if before.status.is_open:
                after = _dated(after, step.account_id, self._context.clock.now())
            if step.strip:
                after = _stripped(after, step.account_id)
            self._mirror.put_users(uow, [after])

        return Performed(step, apply, step.user_id)

    def _read_closed(self, step: CloseMembership) -> User | None:
        """Return the closed member, or None where DocuSign does not show closed ones."""
        try:
            return self.confirmed(step, lambda user: not any(user.open_memberships()))
        except NotFoundError:
            return None

    def address_changed(self, step: ChangeEmail) -> Performed:
        """Return that a person has another address."""

        def apply(uow: UnitOfWork) -> None:
            known = uow.mirror.get_users([step.user_id])[step.user_id]
            self._mirror.put_users(uow, [replace(known, email=step.email)])

        return Performed(step, apply, step.user_id)

    def group_created(self, step: CreateGroup, group: DirectoryGroup) -> Performed:
        """Return that a group is there, with the id that DocuSign gave it."""
        return Performed(
            replace(step, group_id=group.group_id),
            lambda uow: self._mirror.put_group(uow, group),
            group.scim_id,
        )

    def confirmed(
        self,
        step: CloseMembership | SetProfile | UpdatePerson,
        is_shown: Callable[[User], bool],
    ) -> User:
        """Read a member until DocuSign shows what was written.

        :raises InvitationPendingError: the change was ignored until the person has accepted.
        :raises InvalidRequestError: the change was ignored, because somebody closed the user
            meanwhile.
        :raises NotFoundError: DocuSign does not show somebody who was closed.
        :raises UnknownOutcomeError: it cannot be read, or still shows the old state after the last
            look. No temporary error: that would say that nothing was done.
        """
        user: User | None = None
        for _ in looks(self._context.clock, self._lag):
            try:
                user = self._directory.get_member(step.account_id, step.user_id)
            except (TemporaryError, PermanentError) as error:
                # A read that is refused takes nothing back of a write that was accepted.
                if isinstance(step, CloseMembership) and isinstance(error, NotFoundError):
                    raise
                raise UnknownOutcomeError(str(error)) from error
            if is_shown(user):
                return user
        if user is not None and not isinstance(step, CloseMembership):
            names = self._names_of(step)
            _refuse_if_pending(step, user.memberships[step.account_id], names)
            self._refuse_if_closed(step, user, names)
        change = step.describe(self._names_of(step))
        raise UnknownOutcomeError(
            f"DocuSign accepted the change but does not show it yet ({change})."
        )

    def _refuse_if_closed(self, step: SetProfile | UpdatePerson, user: User, names: Names) -> None:
        """Refuse what DocuSign ignored because the user was closed there since they were read; the
        mirror is told, so that a repetition is refused before anything is sent."""
        if user.memberships[step.account_id].status is not MembershipStatus.CLOSED:
            return
        with self._context.write() as uow:
            self.member(step, user).apply(uow)
            uow.commit()
        raise InvalidRequestError(
            f"DocuSign accepted the change and ignored it ({step.describe(names)}): the user was "
            f"closed in account {names.account(step.account_id)} meanwhile. Send active=true in "
            "the same request or before, if they shall have access again."
        )

    def _names_of(self, step: Operation) -> Names:
        with self._context.read() as uow:
            return names_for(uow, self._context, [step])

    def handed_over(self, step: HandOverEnvelopes, rule_id: str) -> Performed:
        """Return that a rule hands envelopes over."""
        rule = (rule_id, step.to_user_id)
        return Performed(
            replace(step, rule_id=rule_id),
            lambda uow: keep_hand_over(uow, step.user_id, step.account_id, rule),
            step.user_id,
        )


def _refuse_if_pending(
    step: SetProfile | UpdatePerson, membership: Membership, names: Names
) -> None:
    """Refuse what DocuSign ignores for as long as the person has not activated: a repetition would
    be ignored too."""
    if membership.status.is_pending:
        error = InvitationPendingError(
            f"DocuSign accepted the change and ignored it ({step.describe(names)}): the person has "
            f"not activated the membership in account {names.account(step.account_id)} yet, and "
            "until then DocuSign may keep it as it is. Ask them to accept the invitation, then "
            "send the change again."
        )
        # Should DocuSign only be late, it is taken back.
        error.is_partial = True
        raise error


def _remember_baseline(uow: UnitOfWork, user_id: str, membership: Membership) -> None:
    """Let enabling somebody give what is remembered from before, and a plain membership where
    nothing is: else the last known profile would be given, which nobody asked for."""
    remembered = remembered_memberships(uow, user_id).values()
    if not any(held.profile_id or held.group_ids for held in remembered):
        bare = replace(membership, profile_id=None, group_ids=frozenset())
        remember_membership(uow, user_id, bare)


def _as_planned(step: CloseMembership, before: Membership) -> Membership:
    """Return the membership with what it held when its closing was planned. The mirror's copy may
    be what a sync read between DocuSign's answer and our commit: closed, and bare."""
    if step.reopen is None:
        return before
    held = frozenset(step.reopen.group_ids)
    return replace(before, profile_id=step.reopen.profile_id, group_ids=held)


def _dated(user: User, account_id: str, now: datetime) -> User:
    """Return a user with the date of the closing that was just made; only the Admin API shows it,
    later. Whom SCIM shows of an address depends on it."""
    membership = user.memberships[account_id]
    if membership.status.is_open or membership.closed_at is not None:
        return user
    closed = replace(membership, closed_at=now)
    return replace(user, memberships={**user.memberships, account_id: closed})


def _stripped(user: User, account_id: str) -> User:
    """Return a user without what a strip takes: a read just after it may still show that."""
    bare = replace(user.memberships[account_id], profile_id=None, group_ids=frozenset())
    return replace(user, memberships={**user.memberships, account_id: bare})


def with_profile(user: User, account_id: str, profile_id: str) -> User:
    """Return a user with the profile that DocuSign accepted, which it may hide afterwards."""
    membership = replace(user.memberships[account_id], profile_id=profile_id)
    return replace(user, memberships={account_id: membership})


def has_profile(step: SetProfile) -> Callable[[User], bool]:
    """Return whether a member shows the profile that was set."""
    return lambda user: user.memberships[step.account_id].profile_id == step.profile_id


def may_have_profile(step: SetProfile) -> Callable[[User], bool]:
    """As :func:`has_profile`, where DocuSign has just accepted the change: the profile of a
    membership that waits for its person may stay hidden."""
    is_shown = has_profile(step)

    def shown(user: User) -> bool:
        membership = user.memberships[step.account_id]
        is_hidden = membership.status.is_pending and membership.profile_id is None
        return is_hidden or is_shown(user)

    return shown


def has_fields(step: UpdatePerson) -> Callable[[User], bool]:
    """Return whether a member shows the attributes that were written."""

    def shown(user: User) -> bool:
        return all(fold(getattr(user, name)) == fold(value) for name, value in step.changes.items())

    return shown
