"""Runs a job as the clock does: passed by while paused, its failure logged and not raised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from connector.errors import (
    ConflictingWriteError,
    ConnectorError,
    NotFoundError,
    StoppedError,
    TemporaryError,
)
from connector.logs import correlated
from connector.ports import Asker, JobQueue
from connector.progress import stoppable_by
from connector.services.context import Actor, new_id
from connector.services.jobs.declared import JOBS, Job, JobTenant, run_job

_log = structlog.get_logger(__name__)

_AGAIN_AFTER_S = 60.0
_AGAIN_WITHIN_S = 3600.0
Acting = Callable[[str, str], AbstractContextManager[None]]


class JobRunner:
    """Runs jobs of tenants that are served. Thread-safe."""

    def __init__(
        self,
        find: Callable[[str], JobTenant | None],
        acting: Acting,
        stop: threading.Event,
        queue: JobQueue | None = None,
    ) -> None:
        """:param find: returns a tenant by name, None where it is not served any more.
        :param acting: tells the audit who acts for which tenant.
        :param stop: ends what runs before its next call to DocuSign.
        :param queue: takes the parts of jobs that several workers do together.
        """
        self._find = find
        self._acting = acting
        self._stop = stop
        self._queue = queue

    def run(
        self,
        tenant_name: str,
        name: str,
        part: int | None = None,
        asker: Asker | None = None,
    ) -> float | None:
        """Run a job, or a part of one; return the seconds after which it is sensible to go on with
        a run that had to pause, None where its next time is soon enough.

        :param asker: who asked for this run, paused or not; None: the clock.
        """
        actor = _actor(name, asker)
        log = _log.bind(job=name, tenant=tenant_name)
        with correlated(actor.correlation_id), stoppable_by(self._stop):
            try:
                tenant = self._find(tenant_name)
                if tenant is None or name not in JOBS:
                    return None
                if asker is None and name in tenant.runs.paused():
                    return None
                if part is None and self._share(JOBS[name], tenant, asker):
                    return None
                with self._acting(tenant_name, actor.name):
                    outcome = run_job(name, tenant, actor, part)
            except ConflictingWriteError:
                log.info("job is running elsewhere")
            except (StoppedError, NotFoundError) as error:
                log.info("job ended early", reason=str(error))
            except ConnectorError as error:
                log.warning("job failed", error=str(error))
                if JOBS[name].resumes and isinstance(error, TemporaryError):
                    return min(max(error.retry_after_s, _AGAIN_AFTER_S), _AGAIN_WITHIN_S)
            else:
                log.debug("job done", outcome=outcome)
        return None

    def _share(self, job: Job, tenant: JobTenant, asker: Asker | None) -> bool:
        """Hand a job out in parts, where it is much and there are workers to share it."""
        if self._queue is None or job.shared is None or not job.shared.is_much(tenant):
            return False
        for part in range(job.shared.parts):
            self._queue.defer(
                tenant.settings.name, job.name, part=part, priority=job.priority, asker=asker
            )
        return True


def _actor(name: str, asker: Asker | None) -> Actor:
    if asker is None:
        return Actor(f"job:{name}", "job", new_id())
    return Actor(asker.name, "api", asker.correlation_id)
