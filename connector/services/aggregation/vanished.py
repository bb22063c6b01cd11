"""Confirms, one by one, that users whom a walk missed are gone."""

from __future__ import annotations

from connector.domain.model import Account
from connector.domain.policy.guards import Loss, refuse_mass_loss
from connector.services.aggregation.runs import Run
from connector.services.context import TenantContext
from connector.services.targeted_aggregation.reader import Found, TargetedReader

_CLOSED = " (users are closed and not deleted)"


class Vanished:
    """Looks after those whom the lists of one tenant's accounts do not show."""

    def __init__(self, context: TenantContext, reader: TargetedReader) -> None:
        self._context = context
        self._reader = reader

    def confirm(self, run: Run, account: Account) -> None:
        """Ask for each user whom the walk missed: lists can skip users that move while paging.

        :raises GuardError: it missed so many that the list is not to be believed.
        """
        self._refuse_mass_vanishing(run, account)
        after = ""
        while True:
            with self._context.read() as uow:
                missed = uow.mirror.unseen_in_run(run.record.run_id, account.account_id, after)
            if not missed:
                return
            for user_id in missed:
                found = self._reader.read_among(account.account_id, user_id, run.regrouped)
                if found is Found.GONE:
                    run.add("vanished")
                elif found is Found.UNREADABLE:
                    run.add("unreadable")
            after = missed[-1]

    def _refuse_mass_vanishing(self, run: Run, account: Account) -> None:
        """DocuSign closes users and does not delete them, so a list that lacks many is wrong, or
        another account answers; to ask for each of them would cost a call each."""
        with self._context.read() as uow:
            missed = uow.mirror.count_unseen_in_run(run.record.run_id, account.account_id)
            known = uow.totals.members(account.account_id)
        loss = Loss("users", f"account {account.name}", missed, known, _CLOSED)
        refuse_mass_loss(loss, self._context.settings.guards)
