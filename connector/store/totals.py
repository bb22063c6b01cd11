"""Counts of what a tenant has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select

from connector.domain.ledger.job_runs import JobRun
from connector.domain.ledger.plans import PlanState
from connector.domain.work_items.items import OPEN_STATES, WorkItemKind
from connector.store.jobs import RUNS, begun_by
from connector.store.statements import Session
from connector.store.tables import (
    groups,
    job_runs,
    memberships,
    plans,
    profiles,
    users,
    work_items,
)
from connector.store.turns import waits_since

_COUNTED = {"users": users, "memberships": memberships, "profiles": profiles, "groups": groups}


class SqlTotals:
    """See :class:`connector.ports.TotalsRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def plans(self) -> Mapping[PlanState, int]:
        """Return the number of plans in each state that some plan has."""
        found = self._connection.execute(
            select(plans.c.state, func.count().label("number"))
            .where(plans.c.tenant == self._tenant)
            .group_by(plans.c.state)
        )
        return {row.state: row.number for row in found}

    def waits_since(self) -> datetime | None:
        """Return since when the change waits for DocuSign that has waited longest."""
        return self._connection.execute(waits_since(self._tenant)).scalar_one()

    def open_work_items(self) -> Mapping[WorkItemKind, int]:
        """Return the number of work items of each kind that wait for somebody."""
        found = self._connection.execute(
            select(work_items.c.kind, func.count().label("number"))
            .where(work_items.c.tenant == self._tenant, work_items.c.state.in_(OPEN_STATES))
            .group_by(work_items.c.kind)
        )
        counted = {row.kind: row.number for row in found}
        return {kind: counted.get(kind, 0) for kind in WorkItemKind}

    def mirror(self) -> Mapping[str, int]:
        """Return the number of rows of each kind."""
        return {
            name: self._connection.execute(
                select(func.count()).select_from(table).where(table.c.tenant == self._tenant)
            ).scalar_one()
            for name, table in _COUNTED.items()
        }

    def members(self, account_id: str) -> int:
        """Return the number of memberships of an account, closed ones included."""
        number: int = self._connection.execute(
            select(func.count())
            .select_from(memberships)
            .where(memberships.c.tenant == self._tenant, memberships.c.account_id == account_id)
        ).scalar_one()
        return number

    def last_runs(self, now: datetime) -> Sequence[JobRun]:
        """Return the last finished run of each job that has begun by now, by job."""
        jobs = self._connection.execute(
            select(job_runs.c.job)
            .where(job_runs.c.tenant == self._tenant)
            .distinct()
            .order_by(job_runs.c.job)
        )
        found = [self._last(job, now) for (job,) in jobs.all()]
        return [run for run in found if run is not None]

    def _last(self, job: str, now: datetime) -> JobRun | None:
        row = self._connection.execute(
            select(*RUNS.columns)
            .where(
                job_runs.c.tenant == self._tenant,
                job_runs.c.job == job,
                job_runs.c.finished_at.is_not(None),
                *begun_by(now),
            )
            .order_by(job_runs.c.started_at.desc())
            .limit(1)
        ).first()
        return None if row is None else RUNS.from_row(row)
