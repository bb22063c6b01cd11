"""Reads single members again."""

from __future__ import annotations

from enum import StrEnum

import structlog

from connector.domain.merge import merge_member, without_membership
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
from connector.ports import USER
from connector.services.context import TenantContext
from connector.services.mirror.changes import overtaken_since
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
    """DocuSign shows others and not this one; the mirror has them as before."""


class TargetedReader:
    """Reads one member of an account at a time, for one call each."""

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
        :raises connector.errors.ConnectorError: DocuSign stood in the way; nothing was written.
        """
        while True:
            found = self._read(account_id, user_id, regrouped, removes=removes)
            if found is not None:
                return found

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
        except (BudgetUsedUpError, StoppedError, ConflictingWriteError):
            raise
        except (PermanentError, TemporaryError, UnknownOutcomeError) as error:
            if not self.shows_others(account_id, user_id):
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
        except NotFoundError:
            return True
        except ConnectorError:
            return False
        return True

    def _read(
        self,
        account_id: str,
        user_id: str,
        regrouped: set[tuple[str, str]] | None,
        *,
        removes: bool,
    ) -> Found | None:
        """Return None where another change overtook the read."""
        with self._context.read() as uow:
            mark = uow.resources.latest_change(USER)
        try:
            seen = self._directory.get_member(account_id, user_id)
        except NotFoundError:
            seen = None
        with self._context.write() as uow:
            if overtaken_since(uow, [user_id], mark):
                return None
            known = uow.mirror.get_users([user_id]).get(user_id)
            had = known is not None and account_id in known.memberships
            if seen is not None:
                merged = merge_member(known, seen)
            elif known is not None and had:
                if not removes:
                    return Found.GONE
                merged = without_membership(known, account_id)
            else:
                return Found.NOBODY
            changed = self._mirror.put_users(uow, [merged], regrouped=regrouped)
            uow.commit()
        if seen is None:
            return Found.GONE
        return Found.CHANGED if changed else Found.SAME
