"""How the effect of an operation is found in DocuSign after a lost answer or a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.model import User, fold
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
    Person,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.errors import NotFoundError, PermanentError, TemporaryError, Translated
from connector.ports import USER, UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.confirmed_facts import (
    ConfirmedFacts,
    Performed,
    has_fields,
    has_profile,
)
from connector.services.targeted_aggregation.reader import read_group_members

_NOT_LOOKED_UP = (
    AddGroupMembers,
    RemoveGroupMembers,
    RenameGroup,
    DeleteGroup,
    EndHandOver,
)


_CLOCKS_DIFFER = timedelta(minutes=5)
"""So far DocuSign's clock may be behind that of the machine that planned a change."""


def _unsaid(error: Exception) -> Exception | None:
    is_refused = isinstance(error, PermanentError) and not isinstance(error, NotFoundError)
    return TemporaryError(str(error)) if is_refused else None


_ASKING = Translated(_unsaid)
"""A read that DocuSign refuses tells nothing of a write that it may have taken."""


def is_looked_up(step: Operation) -> bool:
    """Return whether finding no effect of a step means that it had none."""
    return not isinstance(step, _NOT_LOOKED_UP)


class EffectFinder:
    """Looks in DocuSign for what an operation left. Errors are those of the
    :class:`connector.ports.Directory`."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter, facts: ConfirmedFacts) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror
        self._facts = facts

    def find_effect(self, step: Operation, since: datetime | None = None) -> Performed | None:
        """Return the operation as performed if DocuSign shows its effect, else None.

        Asked after a lost answer or a crash. Calls on existing groups are not looked up, because
        repeating them changes nothing; everything else is.

        :param since: when the operation was planned, or later: before then it had no effect.
        """
        if isinstance(step, CreateMembership):
            return self._find_joined(step, since)
        if isinstance(step, CreateGroup):
            return self._find_group(step)
        if isinstance(step, HandOverEnvelopes):
            where = (step.account_id, step.user_id, step.to_user_id)
            with _ASKING:
                rule_id = self._directory.find_transfer_rule(*where)
            return self._facts.handed_over(step, rule_id) if rule_id else None
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
            found = self._on_address(step.account_id, step.person.email)
            user = _open_member(step, found) or self._find_earlier(step, found)
            bound = replace(step, user_id=user.user_id) if user else step
            return self._facts.member(bound, user, self._facts.opened) if user else None
        return Performed(step, lambda uow: None)

    def read_back(self, step: Operation) -> Callable[[UnitOfWork], None]:
        """Read whom an operation touched; return what writes that into the mirror."""
        if isinstance(step, AddGroupMembers | RemoveGroupMembers):
            return read_group_members(self._context, self._mirror, step.account_id, step.group_id)
        user_id, account_id = getattr(step, "user_id", None), getattr(step, "account_id", None)
        if user_id is None or account_id is None:
            return lambda uow: None
        return self._facts.member(step, self._directory.get_member(account_id, user_id)).apply

    def _find_joined(self, step: CreateMembership, since: datetime | None) -> Performed | None:
        found = self._on_address(step.account_id, step.person.email)
        user = (
            _newcomer(step, found)
            or _open_member(step, found)
            or self._find_second(step, found, since)
            or self._find_reopened(step, found, since)
        )
        return self._facts.joined(step, user) if user else None

    def _find_second(
        self, step: CreateMembership, found: Sequence[User], since: datetime | None
    ) -> User | None:
        """Return the open user whom DocuSign made of a known person: joining again would only be
        refused because of them.

        Somebody whom people invited on the address meanwhile is not taken for them: they were
        there before, or are called otherwise.
        """
        for user in _others_open(step, found):
            is_new = not self._facts.was_there(step, user.user_id)
            created_at = user.memberships[step.account_id].created_at
            is_later = since is None or created_at is None or _is_after(created_at, since)
            if is_new and is_later and _is_called(user, step.person):
                return user
        return None

    def _find_earlier(self, step: CreateMembership, found: Sequence[User]) -> User | None:
        """Return the open user who was known on the address before the step that joined a known
        person."""
        others = _others_open(step, found)
        return next((user for user in others if self._facts.was_there(step, user.user_id)), None)

    def _find_reopened(
        self, step: CreateMembership, found: Sequence[User], since: datetime | None
    ) -> User | None:
        """Return the earlier user whom DocuSign re-opened instead of joining a known person.

        They are closed again, so only who can be told from somebody whom people re-opened: known
        as closed still, of the person's name, and changed in DocuSign since the step.
        """
        user = self._find_earlier(step, found)
        if user is None or since is None or not _is_called(user, step.person):
            return None
        dates = (user.memberships[step.account_id].created_at, user.modified_at)
        is_later = any(_is_after(date, since) for date in dates if date is not None)
        return user if is_later and self._was_closed(step.account_id, user.user_id) else None

    def _was_closed(self, account_id: str, user_id: str) -> bool:
        """Return whether the mirror knows somebody as closed in an account. Who was deleted is told
        by that only where it knows no membership: people may have opened theirs since."""
        with self._context.read() as uow:
            known = uow.mirror.get_users([user_id]).get(user_id)
            if known is not None and account_id in known.memberships:
                return not known.memberships[account_id].status.is_open
            return bool(uow.attributes.is_deleted(USER, [user_id]))

    def _on_address(self, account_id: str, email: str) -> Sequence[User]:
        with _ASKING:
            return self._directory.find_members(account_id, email)

    def _find_address_changed(self, step: ChangeEmail) -> Performed | None:
        for account in self._context.settings.accounts:
            for user in self._on_address(account.account_id, step.email):
                if user.user_id == step.user_id:
                    return self._facts.address_changed(step)
        return None

    def _find_group(self, step: CreateGroup) -> Performed | None:
        # A plan is recorded only where the mirror has no group of that name. What a sync has seen
        # since then is what the plan made.
        with _ASKING:
            groups = self._directory.list_groups(step.account_id).groups
        for group in groups:
            if group.name == step.name:
                return self._facts.group_created(step, group)
        return None

    def _find_member_effect(
        self, step: ReopenMembership | CloseMembership | SetProfile | UpdatePerson
    ) -> Performed | None:
        try:
            with _ASKING:
                user = self._directory.get_member(step.account_id, step.user_id)
        except NotFoundError:
            return self._facts.closed(step) if isinstance(step, CloseMembership) else None
        membership = user.memberships[step.account_id]
        if isinstance(step, CloseMembership):
            # A strip may have been lost on the way: closing again strips, and succeeds.
            done = not membership.status.is_open and not step.strip
            return self._facts.closed(step) if done else None
        if isinstance(step, ReopenMembership):
            restored = membership.status.is_open and membership.profile_id == step.profile_id
            complete = restored and set(step.group_ids) <= membership.group_ids
            return self._facts.member(step, user, self._facts.opened) if complete else None
        shown = has_profile(step) if isinstance(step, SetProfile) else has_fields(step)
        return self._facts.member(step, user) if shown(user) else None


def _newcomer(step: CreateMembership, found: Sequence[User]) -> User | None:
    """Return who came to an address with a step, even if they were closed since: created again
    they would come back."""
    if step.user_id is not None or step.predecessors is None:
        return None
    new = [user for user in found if user.user_id not in step.predecessors]
    return max(new, key=lambda user: any(user.open_memberships()), default=None)


def _open_member(step: CreateMembership, found: Sequence[User]) -> User | None:
    """Return the person of a step where they are open; of one that creates somebody, anybody."""
    for user in found:
        is_ours = step.user_id in (None, user.user_id)
        if is_ours and any(user.open_memberships()):
            return user
    return None


def _others_open(step: CreateMembership, found: Sequence[User]) -> Sequence[User]:
    """Return who is open in the account on the address of a known person, besides them."""
    if step.user_id is None:
        return ()
    others = (user for user in found if user.user_id != step.user_id)
    return [user for user in others if any(user.open_memberships())]


def _is_after(date: datetime, since: datetime) -> bool:
    return date > since - _CLOCKS_DIFFER


def _is_called(user: User, person: Person) -> bool:
    """Return whether a user has the name with which a person was joined: DocuSign puts the full
    name together of its parts, where they are given."""
    parts = (person.first_name, person.middle_name, person.last_name, person.suffix)
    names = {fold(person.user_name), fold(" ".join(filter(None, parts)))}
    return fold(user.user_name) in names - {""}
