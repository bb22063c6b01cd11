"""Tells once that a job begins to fail, and once that it works again."""

from __future__ import annotations

from connector.errors import ConnectorError
from connector.services.context import Actor, TenantContext

_FACT = "failing_jobs"


class JobWatch:
    """The jobs of one tenant that fail, kept in the database: a restart tells nothing anew."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def failed(self, job: str, error: ConnectorError, actor: Actor) -> None:
        """Note a failure; the first of a row is an audit event and told to people."""
        code = getattr(error, "error_code", None)
        with self._context.write() as uow:
            failing = dict(uow.facts().get(_FACT) or {})
            if job in failing:
                return
            failing[job] = self._context.clock.now().isoformat()
            uow.put_fact(_FACT, failing)
            facts = {"job": job, "error": str(error), "error_code": code}
            self._context.audit(uow, actor, "job.failed", "", **facts)
            uow.commit()

    def succeeded(self, job: str, actor: Actor) -> None:
        """Note that a job works, where it failed before."""
        with self._context.read() as uow:
            if job not in (uow.facts().get(_FACT) or {}):
                return
        with self._context.write() as uow:
            failing = dict(uow.facts().get(_FACT) or {})
            failing.pop(job, None)
            uow.put_fact(_FACT, failing)
            self._context.audit(uow, actor, "job.recovered", "", job=job)
            uow.commit()
