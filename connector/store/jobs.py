"""Runs of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Tuple,
    and_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from connector.domain.ledger.job_runs import JobRun, RunState
from connector.store.engine import Database
from connector.store.statements import Records, Session, add_rows, put_rows
from connector.store.tables import job_runs

RUNS = Records(job_runs, JobRun)
_WAITS = job_runs.c.state == literal_column(f"'{RunState.WAITING}'")
"""A literal: databases do not see from a parameter that the index of such runs has what is asked
for."""
_CLOCKS_DIFFER = timedelta(minutes=1)
"""By so much the clocks of machines that are well may."""


def begun_by(now: datetime | None, runs: FromClause = job_runs) -> Sequence[ColumnElement[bool]]:
    """Return the condition that a run has begun by now: what a clock that was ahead wrote would
    be the last run for as long as it was ahead."""
    return [] if now is None else [runs.c.started_at <= now + _CLOCKS_DIFFER]


def waiting_runs(database: Database, now: datetime) -> Mapping[tuple[str, str], JobRun]:
    """Return the last runs of jobs that wait for calls, by tenant and job: of all tenants at once,
    for whoever serves them all."""
    later = job_runs.alias("later")
    is_last = ~exists().where(
        later.c.tenant == job_runs.c.tenant,
        later.c.job == job_runs.c.job,
        _place(later) > _place(job_runs),
        *begun_by(now, later),
    )
    wanted = select(*RUNS.columns, job_runs.c.tenant).where(_WAITS, is_last, *begun_by(now))
    with database.reading(single=True) as connection:
        found = connection.execute(wanted).all()
    return {(row.tenant, row.job): RUNS.from_row(row) for row in found}


def _place(runs: FromClause) -> Tuple:
    return tuple_(runs.c.started_at, runs.c.run_id)


class SqlJobs:
    """See :class:`connector.ports.JobRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, run: JobRun) -> None:
        """Record the start of a run."""
        add_rows(self._connection, job_runs, [RUNS.to_row(self._tenant, run)])

    def save(self, run: JobRun) -> None:
        """Overwrite a run."""
        put_rows(self._connection, job_runs, [RUNS.to_row(self._tenant, run)])

    def latest(self, job: str, now: datetime | None = None) -> JobRun | None:
        """Return the last run of a job that has begun by now."""
        return self._latest(job_runs.c.job == job, *begun_by(now))

    def latest_done(self, job: str, now: datetime | None = None) -> JobRun | None:
        """Return the last run of a job that succeeded, and has begun by now."""
        done = job_runs.c.state == RunState.DONE
        return self._latest(job_runs.c.job == job, done, *begun_by(now))

    def _latest(self, *conditions: ColumnElement[bool]) -> JobRun | None:
        found = self._connection.execute(
            select(*RUNS.columns)
            .where(job_runs.c.tenant == self._tenant, *conditions)
            .order_by(job_runs.c.started_at.desc(), job_runs.c.run_id.desc())
            .limit(1)
        ).first()
        return None if found is None else RUNS.from_row(found)

    def forget(self, before: datetime, *, only_idle: bool = False) -> int:
        """Delete runs that began before then, and return how many; the last run of each job that
        succeeded stays, and so does whatever runs."""
        later = job_runs.alias("later")
        last_done = (
            select(func.max(later.c.started_at))
            .where(
                later.c.tenant == self._tenant,
                later.c.job == job_runs.c.job,
                later.c.state == RunState.DONE,
            )
            .scalar_subquery()
        )
        conditions = [
            job_runs.c.tenant == self._tenant,
            job_runs.c.started_at < before,
            job_runs.c.state != RunState.RUNNING,
            or_(job_runs.c.state != RunState.DONE, job_runs.c.started_at < last_done),
        ]
        if only_idle:
            conditions.append(job_runs.c.is_idle)
        return self._connection.execute(delete(job_runs).where(*conditions)).rowcount

    def list(
        self,
        limit: int = 50,
        job: str | None = None,
        *,
        with_idle: bool = False,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[JobRun]:
        """Return runs, newest first, of one job or of all; of those that found nothing to do only
        on request.

        :param after: start and id of the last run of the page before.
        """
        wanted = [] if job is None else [job_runs.c.job == job]
        if not with_idle:
            wanted.append(~job_runs.c.is_idle)
        if after is not None:
            at, run_id = after
            same = and_(job_runs.c.started_at == at, job_runs.c.run_id < run_id)
            wanted.append(or_(job_runs.c.started_at < at, same))
        found = self._connection.execute(
            select(*RUNS.columns)
            .where(job_runs.c.tenant == self._tenant, *wanted)
            .order_by(job_runs.c.started_at.desc(), job_runs.c.run_id.desc())
            .limit(limit)
        )
        return [RUNS.from_row(row) for row in found]
