"""Reads single people and groups again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import structlog

from connector.domain.mirror.merge import merge_member, without_membership
from connector.domain.model import User
from connector.domain.naming.names import Names
from connector.errors import (
    BudgetUsedUpError,
    ConflictingWriteError,
    ConnectorError,
    NotFoundError,
    PermanentError,
    StoppedError,
    TemporaryError,
    UnknownOutcomeError,
)
from connector.ports import USER, UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.changes import READ_ROUNDS, OvertakenError, overtaken_since
from connector.services.mirror.writer import MirrorWriter

_log = structlog.get_logger(__name__)


class Found(StrEnum):
    """What a read of a member found."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    """The mirror had a membership that DocuSign does not have."""
    NOBODY = "nobody"
    """Neither has one."""
    UNREADABLE = "unreadable"
    """DocuSign shows others and not this one, or this one is being written by others without a
    pause; the mirror has them as before."""


def is_about_one(
    error: ConnectorError, shows_others: Callable[[], bool], *, if_final: bool = False
) -> bool:
    """Return whether an error concerns the one that was read and not whatever is read after it.

    :param shows_others: asks DocuSign for somebody who is certainly there.
    :param if_final: True where a refusal for good needs no such question.
    """
    if isinstance(error, BudgetUsedUpError | StoppedError | ConflictingWriteError):
        return False
    if if_final and isinstance(error, PermanentError):
        return True
    is_answer = isinstance(error, PermanentError | TemporaryError | UnknownOutcomeError)
    return is_answer and shows_others()


class TargetedReader:
    """Reads one person at a time, for one call an account. Nothing is written that a change which
    was made meanwhile has overtaken: then DocuSign is asked once more, :data:`READ_ROUNDS` times in
    all."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror

    def read(
        self,
        account_id: str,
        user_id: str,
        regrouped: set[tuple[str, str]] | None = None,
        *,
        removes: bool = True,
    ) -> Found:
        """Write a member as DocuSign has them now, and tell what was found.

        :param removes: False leaves the membership of somebody whom DocuSign denies as it is.
        :param regrouped: as of :meth:`connector.services.mirror.writer.MirrorWriter.put_users`.
        :raises TemporaryError: DocuSign denies the member, and the service user too.
        :raises OvertakenError: others write the member without a pause.
        :raises connector.errors.ConnectorError: DocuSign stood in the way; nothing was written.
        """
        return self._insist([account_id], user_id, regrouped, removes=removes)

    def read_everywhere(self, user_id: str) -> Found:
        """Write a person as DocuSign has them now in every governed account: all of the copy is as
        old as this read.

        :raises TemporaryError: DocuSign denies the person, and the service user too.
        :raises OvertakenError: others write the person without a pause.
        :raises connector.errors.ConnectorError: DocuSign stood in the way; nothing was written.
        """
        accounts = [item.account_id for item in self._context.settings.accounts]
        return self._insist(accounts, user_id, None, is_whole=True)

    def read_among(
        self,
        account_id: str,
        user_id: str,
        regrouped: set[tuple[str, str]] | None = None,
        *,
        removes: bool = True,
    ) -> Found:
        """Read one of many as :meth:`read` does: one whom DocuSign cannot show keeps nobody else
        from being read.

        :raises connector.errors.ConnectorError: DocuSign stood in the way, and shows nobody.
        """
        try:
            return self.read(account_id, user_id, regrouped, removes=removes)
        except OvertakenError as error:
            _log.warning("a user is passed over", user=user_id, error=str(error))
            return Found.UNREADABLE
        except ConnectorError as error:
            if not is_about_one(error, lambda: self.shows_others(account_id, user_id)):
                raise
            _log.warning(
                "a user cannot be read", user=user_id, account=account_id, error=str(error)
            )
            return Found.UNREADABLE

    def shows_others(self, account_id: str, user_id: str = "") -> bool:
        """Return whether DocuSign shows the service user, who is in every account, and is somebody
        else."""
        other = self._directory.service_user_id
        if other == user_id:
            return False
        try:
            self._directory.get_member(account_id, other)
        except ConnectorError:
            return False
        return True

    def _insist(
        self,
        account_ids: Sequence[str],
        user_id: str,
        regrouped: set[tuple[str, str]] | None,
        *,
        removes: bool = True,
        is_whole: bool = False,
    ) -> Found:
        for _ in range(READ_ROUNDS):
            began_at = self._context.clock.now()
            with self._context.read() as uow:
                mark = uow.resources.latest_change(USER)
                known = uow.mirror.get_users([user_id]).get(user_id)
            seen = {account_id: self._ask(account_id, user_id) for account_id in account_ids}
            for account_id in known.memberships if known else ():
                if seen.get(account_id, known) is None:
                    self._refuse_if_nobody_is_shown(account_id, user_id)
            with self._context.write() as uow:
                if overtaken_since(uow, [user_id], mark):
                    continue
                found = self._write(
                    uow, user_id, seen, regrouped, began_at, is_whole=is_whole, removes=removes
                )
                uow.commit()
            return found
        raise OvertakenError(f"user {user_id}")

    def _ask(self, account_id: str, user_id: str) -> User | None:
        try:
            return self._directory.get_member(account_id, user_id)
        except NotFoundError:
            return None

    def _refuse_if_nobody_is_shown(self, account_id: str, user_id: str) -> None:
        """Believe of nobody that they have no access, where DocuSign shows nobody at all.

        :raises TemporaryError: it does not even show the service user, who is in every account.
        """
        other = self._directory.service_user_id
        if other != user_id and self._ask(account_id, other) is not None:
            return
        with self._context.read() as uow:
            known = uow.mirror.get_users([user_id])
            names = Names(uow.mirror.catalogue(), known, self._context.settings.accounts)
        raise TemporaryError(
            f"DocuSign says of {names.person(user_id)}, whom it had in account "
            f"{names.account(account_id)}, that there is no such user. That is not believed: it "
            "does not show the service user there either. Check what stands between the connector "
            "and DocuSign, and whether the account is the one that it was."
        )

    def _write(
        self,
        uow: UnitOfWork,
        user_id: str,
        seen: Mapping[str, User | None],
        regrouped: set[tuple[str, str]] | None,
        asked_at: datetime,
        *,
        is_whole: bool,
        removes: bool,
    ) -> Found:
        user = uow.mirror.get_users([user_id]).get(user_id)
        is_gone = False
        for account_id, member in seen.items():
            if member is not None:
                user = merge_member(user, member)
            elif user is not None and account_id in user.memberships:
                is_gone = True
                user = without_membership(user, account_id) if removes else user
        is_shown = any(member is not None for member in seen.values())
        if user is None or not (is_shown or (is_gone and removes) or is_whole):
            return Found.GONE if is_gone else Found.NOBODY
        fetched_at = asked_at if is_whole else None
        changed = self._mirror.put_users(
            uow, [user], asked_at=asked_at, fetched_at=fetched_at, regrouped=regrouped
        )
        if is_gone:
            return Found.GONE
        return Found.CHANGED if changed else Found.SAME


def read_group_members(
    context: TenantContext, mirror: MirrorWriter, account_id: str, group_id: str
) -> Callable[[UnitOfWork], None]:
    """Ask DocuSign for the members of a group; return what writes them into the mirror, but for
    those of whom it knows better (:meth:`MirrorWriter.settled_members`).

    :raises connector.errors.ConnectorError: DocuSign stood in the way.
    """
    asked_at = context.clock.now()
    with context.read() as uow:
        mark = uow.resources.latest_change(USER)
    read = context.directory.list_group_members(account_id, group_id)

    def write(uow: UnitOfWork) -> None:
        group = uow.mirror.catalogue().groups.get((account_id, group_id))
        if group is None:
            return  # A sync found it gone meanwhile.
        members = read.user_ids
        if read.missing:
            members |= uow.mirror.group_member_ids(account_id, group_id)
        settled = mirror.settled_members(uow, group, members, mark, asked_at)
        mirror.put_group_members(uow, group, settled)

    return write
