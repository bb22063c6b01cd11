"""Full aggregation: fills the mirror from DocuSign, page by page.

It costs one call for every hundred users of each account, plus the catalogue. A few pages are one
transaction that also moves the run's cursor, so that a run that dies goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.errors import BudgetUsedUpError, ConnectorError
from connector.purpose import Purpose, calling_for
from connector.services.aggregation.catalogue import CatalogueReader
from connector.services.aggregation.exported import ExportReader
from connector.services.aggregation.members import MemberReader
from connector.services.aggregation.roles import RoleReader
from connector.services.aggregation.runs import Report, Run, Runs
from connector.services.aggregation.unchanged import Unchanged
from connector.services.aggregation.vanished import Vanished
from connector.services.context import Actor, TenantContext
from connector.services.job_lease import keeping
from connector.services.locks import LEASE, SYNC_KEY
from connector.services.mirror.writer import MirrorWriter
from connector.services.targeted_aggregation.reader import TargetedReader
from connector.services.targeted_aggregation.refresh import RefreshService


class AggregationService:
    """Reads DocuSign into the mirror of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        mirror: MirrorWriter,
        refresh: RefreshService,
        *,
        reader: TargetedReader,
        catalogue: CatalogueReader,
        unchanged: Unchanged,
    ) -> None:
        self._context = context
        self._mirror = mirror
        self._unchanged = unchanged
        self._runs = Runs(context, unchanged)
        self._catalogue = catalogue
        self._members = MemberReader(context, mirror, self._runs, unchanged)
        self._exports = ExportReader(context, self._runs, reader, unchanged)
        self._vanished = Vanished(context, reader)
        self._roles = RoleReader(context, refresh, self._runs)

    def sync(
        self,
        report: Report = lambda _: None,
        *,
        thorough: bool = False,
        actor: Actor | None = None,
        lists: bool = False,
    ) -> JobRun:
        """Read everything and return the finished run with its counts.

        An unfinished run is resumed at the page it reached, within six hours of its start.

        :param thorough: write everybody again, also those who are unchanged. A run that is resumed
            stays what it was.
        :param actor: who asked for it; None: the clock.
        :param lists: read lists also where an export would cost fewer calls; a run that is resumed
            stays what it was.
        :raises ConflictingWriteError: another process is at it.
        :raises connector.errors.ConfigError: the database belongs to other accounts.
        :raises ConnectorError: DocuSign or a setting stood in the way; the run keeps its place.
        """
        with calling_for(Purpose.AGGREGATION) as scope:
            run = self._runs.begin(thorough=thorough, lists=lists, actor=actor)
            run.scope, run.calls_before = scope, run.record.calls
            # A page may be asked for again and again: that takes longer than a lease lasts.
            with keeping(self._context, SYNC_KEY, run.owner, LEASE):
                return self._sync(run, report)

    def _sync(self, run: Run, report: Report) -> JobRun:
        try:
            self._read_accounts(run, report)
            self._roles.read(run)
        except ConnectorError as error:
            waits = isinstance(error, BudgetUsedUpError)
            state = RunState.WAITING if waits else RunState.FAILED
            self._runs.break_off(run, state, str(error), error)
            raise
        except BaseException as error:
            text = f"broken off: {type(error).__name__}"
            self._runs.break_off(run, RunState.FAILED, text, error)
            raise
        return self._runs.finish(run, RunState.DONE)

    def _read_accounts(self, run: Run, report: Report) -> None:
        accounts = self._context.directory.list_accounts()
        sizes = self._sizes(account.account_id for account in accounts)
        for account in accounts:
            _locate(run, account.account_id, sizes)
            if account.account_id in run.record.cursor.get("accounts_done", ()):
                continue
            for name, number in self._catalogue.read(account).items():
                run.add(name, number)
            exported = list(run.exported)
            if self._exports.read(run, account, report):
                exported.append(account.account_id)
            else:
                self._members.read(run, account, report)
            self._vanished.confirm(run, account)
            done = [*run.record.cursor.get("accounts_done", ()), account.account_id]
            with self._context.write() as uow:
                self._mirror.touch_groups(uow, run.regrouped)
                self._unchanged.remember(uow, account.account_id)
                self._runs.save(
                    uow,
                    run,
                    accounts_done=done,
                    exported=exported,
                    account=None,
                    again=False,
                    total=0,
                    export="",
                )
                uow.commit()
            run.regrouped.clear()
            sizes.update(self._sizes([account.account_id]))

    def _sizes(self, account_ids: Iterable[str]) -> dict[str, int]:
        """Return how many memberships the mirror has of accounts, in their order."""
        with self._context.read() as uow:
            return {account_id: uow.totals.members(account_id) for account_id in account_ids}


def _locate(run: Run, account_id: str, sizes: Mapping[str, int]) -> None:
    """Note what comes before and behind an account, for a progress over all of them."""
    ids = list(sizes)
    place = ids.index(account_id)
    run.done_before = sum(sizes[key] for key in ids[:place])
    run.still = {key: sizes[key] for key in ids[place + 1 :]}
