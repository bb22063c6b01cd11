"""Delegations: who decides for whom while somebody is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from connector.domain.authentication.console import ConsoleRole
from connector.domain.model import fold
from connector.domain.work_items.delegations import Delegation
from connector.domain.writing import counted, tidy
from connector.errors import InvalidRequestError, NotFoundError
from connector.services.context import Principal, TenantContext, new_id


class DelegationService:
    """The delegations of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def begin(
        self,
        by: Principal,
        to: str,
        starts_at: datetime,
        ends_at: datetime,
        *,
        reason: str = "",
        absent: str | None = None,
    ) -> Delegation:
        """Let somebody else decide while one is away.

        :param to: login or e-mail address of who decides meanwhile. Delegations are not passed on.
        :param absent: address of who is away, where an administrator arranges it; the rights that
            person has by their login or as a member of a group are unknown then and do not go
            along.
        :raises ForbiddenError: only an administrator delegates for somebody else, and who has no
            address decides nothing that could go along.
        :raises InvalidRequestError: the time is no time, too long, or both are one person.
        """
        to, absent = tidy(to), tidy(absent) if absent is not None else None
        own = absent is None or fold(absent) in by.names
        if own:
            by.require_address(self._context.tenant)
        delegator = by.login if own else _somebody_else(str(absent), by)
        self._check_time(starts_at, ends_at)
        if not to or fold(to) in {fold(delegator), fold(by.email) if own else ""}:
            raise InvalidRequestError("Name somebody else, by login or e-mail address.")
        delegation = Delegation(
            new_id(),
            delegator,
            to,
            starts_at,
            ends_at,
            tidy(reason),
            by.name,
            self._context.clock.now(),
            groups=tuple(sorted(by.groups)) if own else (),
            is_approver=own and by.is_approver,
            delegator_email=by.email if own else delegator,
            is_local=own and by.is_local,
        )
        self._put(delegation, by, "delegation.made")
        return delegation

    def _check_time(self, starts_at: datetime, ends_at: datetime) -> None:
        days = self._context.settings.approvals.delegation_max_days
        if ends_at <= starts_at or (ends_at - starts_at).total_seconds() > days * 86_400:
            raise InvalidRequestError(
                f"A delegation ends after it starts, within {counted(days, 'day')}."
            )
        if ends_at <= self._context.clock.now():
            raise InvalidRequestError("This delegation is over already.")

    def end(self, delegation_id: str, by: Principal) -> Delegation:
        """End a delegation, as who made it, who is away, or an administrator.

        :raises NotFoundError: there is none.
        :raises ForbiddenError: the person is none of these.
        """
        found = next((item for item in self.list() if item.delegation_id == delegation_id), None)
        if found is None:
            raise NotFoundError(f"There is no delegation {delegation_id!r}.")
        is_own = fold(found.delegator) in by.names
        if not is_own and found.created_by != by.name:
            by.require(ConsoleRole.ADMINISTRATOR)
        ended = replace(found, revoked_at=found.revoked_at or self._context.clock.now())
        self._put(ended, by, "delegation.ended")
        return ended

    def list(self) -> Sequence[Delegation]:
        """Return all delegations, newest first."""
        with self._context.read() as uow:
            return uow.work_items.delegations()

    def _put(self, delegation: Delegation, by: Principal, action: str) -> None:
        with self._context.write() as uow:
            uow.work_items.put_delegation(delegation)
            self._context.audit(
                uow,
                by,
                action,
                "",
                delegation=delegation.delegation_id,
                delegator=delegation.delegator,
                delegate=delegation.delegate,
                starts_at=delegation.starts_at.isoformat(),
                ends_at=delegation.ends_at.isoformat(),
            )
            uow.commit()


def _somebody_else(absent: str, by: Principal) -> str:
    """Return who is away, where an administrator arranges it for them."""
    by.require(ConsoleRole.ADMINISTRATOR)
    if "@" not in absent:
        raise InvalidRequestError(
            "Name who is away by e-mail address: by it they are known where their own access is "
            "decided on."
        )
    return absent
