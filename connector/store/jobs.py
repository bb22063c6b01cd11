"""Runs of jobs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from connector.domain.ledger import JobRun, RunState
from connector.store.statements import Records, Session, add_rows, put_rows
from connector.store.tables import job_runs

RUNS = Records(job_runs, JobRun)


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

    def latest(self, job: str) -> JobRun | None:
        """Return the last run of a job."""
        return self._latest(job_runs.c.job == job)

    def latest_done(self, job: str) -> JobRun | None:
        """Return the last run of a job that succeeded."""
        return self._latest(job_runs.c.job == job, job_runs.c.state == RunState.DONE)

    def _latest(self, *conditions: ColumnElement[bool]) -> JobRun | None:
        found = self._connection.execute(
            select(*RUNS.columns)
            .where(job_runs.c.tenant == self._tenant, *conditions)
            .order_by(job_runs.c.started_at.desc(), job_runs.c.run_id.desc())
            .limit(1)
        ).first()
        return None if found is None else RUNS.from_row(found)

    def list(self, limit: int = 50, job: str | None = None) -> Sequence[JobRun]:
        """Return runs, newest first, of one job or of all."""
        wanted = [] if job is None else [job_runs.c.job == job]
        found = self._connection.execute(
            select(*RUNS.columns)
            .where(job_runs.c.tenant == self._tenant, *wanted)
            .order_by(job_runs.c.started_at.desc(), job_runs.c.run_id.desc())
            .limit(limit)
        )
        return [RUNS.from_row(row) for row in found]
