"""Full aggregation of an account by the Admin API's user-list export.

The export shows less of a membership than a list, and what it shows is nowhere specified. So it is
held against the mirror, and who differs is read from the account: a handful of calls and one for
each difference, whatever the size. Where too much differs, or the export is not what it should be,
the lists are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from connector.domain.budget import list_calls
from connector.domain.model import Account
from connector.domain.writing import counted
from connector.errors import PermanentError, UnknownOutcomeError
from connector.ports import USER, ExportRow, ExportState, UnitOfWork
from connector.services.aggregation.exported_rows import RowComparison
from connector.services.aggregation.places import place, put_place
from connector.services.aggregation.runs import Progress, Report, Run, Runs
from connector.services.aggregation.unchanged import Unchanged
from connector.services.context import TenantContext
from connector.services.mirror.changes import overtaken_since
from connector.services.targeted_aggregation.reader import Found, TargetedReader

_log = structlog.get_logger(__name__)

_BATCH = 500
_FIXED_CALLS = 12
"""An order, a few questions whether it is complete, and the rows; beside it a few differences."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 30.0
_FELL_BACK = "export fell back"
_GIVEN_UP = "given up"


class _UnusableError(Exception):
    """The export is not what it should be."""


class ExportReader:
    """Reads one tenant's accounts by exports, where that costs fewer calls."""

    def __init__(
        self, context: TenantContext, runs: Runs, reader: TargetedReader, unchanged: Unchanged
    ) -> None:
        self._context = context
        self._directory = context.directory
        self._runs = runs
        self._reader = reader
        self._unchanged = unchanged

    def read(self, run: Run, account: Account, report: Report) -> bool:
        """Read an account, if that is wanted and works; return whether it did.

        :raises connector.errors.TemporaryError: DocuSign stood in the way; the run keeps the
            export, and asks for it again.
        """
        if run.place(account, "export") == _GIVEN_UP or not self._is_wanted(run, account):
            return False
        try:
            differing, rows = self._compare(run, account, report)
        except (PermanentError, UnknownOutcomeError, _UnusableError) as error:
            self._give_up(run, account, str(error))
            return False
        for user_id in differing:
            found = self._reader.read_among(account.account_id, user_id, run.regrouped)
            if found is Found.UNREADABLE:
                run.add("unreadable")
            elif found is Found.CHANGED:
                run.add("changed")
        run.add("users", rows)
        run.add("exported_differing", len(differing))
        return True

    # whether ------------------------------------------------------------------

    def _is_wanted(self, run: Run, account: Account) -> bool:
        source = self._context.settings.aggregation.source
        if source == "lists" or run.takes_lists or not self._directory.has_organization:
            return False
        if run.place(account, "export"):
            return True
        with self._context.read() as uow:
            if not self._unchanged.is_known(uow, account.account_id):
                # Everybody has to be written anew, which takes all that lists show.
                return False
            pages = self._pages(uow, account)
            fell_back = place(uow, f"{_FELL_BACK} {account.account_id}")
        return source == "export" or (pages > _FIXED_CALLS and not self._is_recent(fell_back))

    def _is_recent(self, fell_back: str | None) -> bool:
        if fell_back is None:
            return False
        age = self._context.clock.now() - datetime.fromisoformat(fell_back)
        days = self._context.settings.aggregation.thorough_every_days
        return timedelta(0) <= age < timedelta(days=days)

    def _pages(self, uow: UnitOfWork, account: Account) -> int:
        return list_calls(uow.totals.members(account.account_id))

    def _give_up(self, run: Run, account: Account, reason: str) -> None:
        _log.warning("an export is of no use; the lists are read", reason=reason)
        run.add("exports_given_up")
        with self._context.write() as uow:
            # Who was met in the export is to be met in the lists again.
            uow.mirror.forget_run(run.record.run_id)
            now = self._context.clock.now().isoformat()
            put_place(uow, f"{_FELL_BACK} {account.account_id}", now)
            self._runs.save(uow, run, account=account.account_id, position=0, export=_GIVEN_UP)
            uow.commit()

    # the export ---------------------------------------------------------------

    def _compare(self, run: Run, account: Account, report: Report) -> tuple[Sequence[str], int]:
        """Return who differs, and the number of rows; whoever has a row counts as met."""
        export_id, mark = self._ordered(run, account)
        state = self._completed(run, export_id)
        with self._context.read() as uow:
            pages = self._pages(uow, account)
        differing: list[str] = []
        done = 0
        for batch in self._batches(account, state):
            done += len(batch)
            run.at(done, state.rows)
            differing += self._hold_against(run, account, batch, mark)
            if len(differing) > pages:
                raise _UnusableError(f"more than {counted(pages, 'user')} differ from the mirror")
            report(Progress(account, done, max(done, state.rows)))
        if done != state.rows:
            raise _UnusableError(f"it has {counted(done, 'row')} and should have {state.rows:,}")
        with self._context.read() as uow:
            missing = uow.mirror.count_unseen_in_run(run.record.run_id, account.account_id)
        if missing > pages:
            raise _UnusableError(f"it lacks {counted(missing, 'user')} known here")
        return differing, done

    def _ordered(self, run: Run, account: Account) -> tuple[str, datetime | None]:
        """Return the export of this run, and the last change before it was ordered."""
        export_id = run.place(account, "export")
        if export_id:
            mark = run.place(account, "mark")
            return str(export_id), datetime.fromisoformat(mark) if mark else None
        with self._context.read() as uow:
            latest = uow.resources.latest_change(USER)
        export_id = self._directory.order_export(account.account_id)
        with self._context.write() as uow:
            mark = latest.isoformat() if latest else ""
            self._runs.save(
                uow, run, account=account.account_id, position=0, export=export_id, mark=mark
            )
            uow.commit()
        return export_id, latest

    def _completed(self, run: Run, export_id: str) -> ExportState:
        clock, wait_s = self._context.clock, _FIRST_WAIT_S
        within = timedelta(seconds=self._context.settings.aggregation.export_wait_s)
        began_at = clock.now()
        while True:
            state = self._directory.export_state(export_id)
            if state.has_failed:
                raise _UnusableError("DocuSign says that it failed")
            if state.is_complete:
                return state
            if not timedelta(0) <= clock.now() - began_at < within:
                raise _UnusableError("it was not complete in time (aggregation.export_wait_s)")
            clock.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            with self._context.write() as uow:
                self._runs.renew(uow, run.owner)
                uow.commit()

    def _batches(self, account: Account, state: ExportState) -> Iterator[list[ExportRow]]:
        batch: list[ExportRow] = []
        for url in state.urls:
            for row in self._directory.iter_export(account.account_id, url):
                batch.append(row)
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _hold_against(
        self, run: Run, account: Account, rows: Sequence[ExportRow], mark: datetime | None
    ) -> list[str]:
        ids = [row.user_id for row in rows]
        with self._context.write() as uow:
            known = uow.mirror.get_users(ids)
            comparison = RowComparison(uow.mirror.catalogue(), account.account_id)
            overtaken = overtaken_since(uow, ids, mark)
            same = [
                row.user_id
                for row in rows
                if row.user_id in overtaken or comparison.is_same(row, known.get(row.user_id))
            ]
            # Who differs is read, so they are met as well.
            uow.mirror.seen_in_run(run.record.run_id, account.account_id, ids)
            self._runs.renew(uow, run.owner)
            uow.commit()
        return sorted(set(ids) - set(same))
