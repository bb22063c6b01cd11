"""Jobs: when each runs, what its runs did, and running, pausing or resuming one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import structlog
from marshmallow import Schema, fields

from connector.api.fields import instant, text
from connector.api.here import application, needs, principal, tenant, tenant_name
from connector.api.paging import Page, PageArguments, cut, page_of, place_of, to_place
from connector.api.resource import Resource, seen
from connector.domain.authentication.console import ConsoleRole
from connector.domain.ledger.job_runs import RunState
from connector.errors import ClosedError, ConflictingWriteError, ConnectorError, NotFoundError
from connector.ports import Asker, JobQueue
from connector.services.context import Seen
from connector.services.jobs.board import JobView, job_board
from connector.services.jobs.declared import JOBS, Job, run_job
from connector.services.plain_data import run_data

_log = structlog.get_logger(__name__)
_BEGUN_S = 0.5
"""Within this time a run has begun, or another one is in its way. Short ones have ended."""

resource = Resource("jobs", __name__, "What is done again and again.", "/jobs")


class RunSchema(Schema):
    """One run of a job."""

    id = text("The run's id.")
    job = text("Name of the job.")
    state = fields.Enum(
        RunState, by_value=True, required=True, metadata={"description": "Where it stands."}
    )
    started_at = instant("When it began.")
    finished_at = instant("When it ended; null while it runs.", optional=True)
    started_by = text("Who started it: `job:<name>` is the clock.")
    calls = fields.Integer(required=True, metadata={"description": "Calls to DocuSign."})
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "What it did, by name."},
    )
    done = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How far it is, of `total`."}
    )
    total = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How much there is to do."}
    )
    error = text("Why it failed.", allow_none=True)
    correlation_id = text("By which the audit knows it; may be empty.")


class JobSchema(Schema):
    """A job and its last run."""

    name = text("The job's name.")
    what = text("What it does.")
    when = text("When it runs, in words.")
    next_at = instant(
        "When it runs next; null: paused, on request only, due, or running now.", optional=True
    )
    is_due = fields.Boolean(
        required=True,
        metadata={"description": "Whether it begins in a moment, once whoever starts it is there."},
    )
    paused_by = text("Who paused it; null: nobody.", allow_none=True)
    last = fields.Nested(
        RunSchema, required=True, allow_none=True, metadata={"description": "Null: none yet."}
    )


class RunQuery(PageArguments):
    """Which runs."""

    idle = fields.Boolean(
        load_default=False,
        metadata={"description": "Those that found nothing to do, too."},
    )


@resource.route("")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(JobSchema, "JobPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List the jobs with their last runs."""
    page = cut(_board(), query["limit"], query["cursor"], lambda view: view.job.name)
    return Page([_document(view) for view in page.items], page.next_cursor)


@resource.route("/<name>")
@resource.response(200, JobSchema)
def show(name: str) -> Mapping[str, Any]:
    """Show a job: while it runs, `last` says how far it is."""
    return _document(_view(name))


@resource.route("/<name>/runs")
@resource.arguments(RunQuery, location="query")
@resource.response(200, page_of(RunSchema, "RunPage"))
def history(query: Mapping[str, Any], name: str) -> Page:
    """List the runs of a job, newest first."""
    limit = query["limit"]
    found = tenant().runs.history(
        _view(name).job.name,
        limit + 1,
        with_idle=query["idle"],
        after=place_of(query["cursor"]),
    )
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    cursor = to_place(last.started_at, last.run_id) if last else None
    return Page([run_data(run) for run in page], cursor)


@resource.act("/<name>/run")
@resource.response(202, JobSchema)
def run(name: str) -> Mapping[str, Any]:
    """Run a job now, paused or not. Takes an operator.

    It goes on after the answer; read the job to see how far it is and what became of it. On
    PostgreSQL a worker does it, as soon as one is free. 409 says that a run goes on, or waits for a
    worker, already.
    """
    needs(ConsoleRole.OPERATOR)
    _seen(name)()  # Of two runs the lease lets one begin.
    job = _view(name).job
    queue = application().queue
    if queue is None:
        _run_here(job.name)
    else:
        _leave_to_a_worker(queue, job)
    return _document(_view(job.name))


def _leave_to_a_worker(queue: JobQueue, job: Job) -> None:
    """Put a run into the queue, under the name of whoever asked for it."""
    actor = principal()
    if tenant().runs.goes_on(job.name):
        raise ClosedError(f"The job {job.name} of this tenant is running.")
    asker = Asker(actor.name, actor.correlation_id)
    if not queue.defer(tenant_name(), job.name, priority=job.priority, asker=asker):
        raise ClosedError(f"The job {job.name} was asked for already; it waits for a worker.")


def _run_here(job: str) -> None:
    """Run a job in this process: its database is no server, and no worker waits at it."""
    services, actor, connector, whose = tenant(), principal(), application(), tenant_name()
    elsewhere: list[ConflictingWriteError] = []

    def work() -> None:
        with connector.request(actor.correlation_id), connector.acting(whose, actor.name):
            try:
                run_job(job, services, actor)
            except ConflictingWriteError as error:
                elsewhere.append(error)
            except ConnectorError as error:
                # What became of it is kept with the run.
                _log.warning("job failed", job=job, tenant=whose, error=str(error))

    # A process that ends does not wait for it: the next one finds the run broken off, and goes on.
    running = threading.Thread(target=work, name=f"job {job}", daemon=True)
    running.start()
    running.join(_BEGUN_S)
    if elsewhere:
        raise ClosedError(str(elsewhere[0]))


@resource.act("/<name>/pause")
@resource.response(200, JobSchema)
def pause(name: str) -> Mapping[str, Any]:
    """Let the clock pass a job by until it is resumed. Takes an administrator."""
    needs(ConsoleRole.ADMINISTRATOR)
    tenant().runs.pause(_view(name).job.name, principal(), seen=_seen(name))
    return _document(_view(name))


@resource.act("/<name>/resume")
@resource.response(200, JobSchema)
def resume(name: str) -> Mapping[str, Any]:
    """Let the clock run a job again. Takes an administrator."""
    needs(ConsoleRole.ADMINISTRATOR)
    tenant().runs.resume(_view(name).job.name, principal(), seen=_seen(name))
    return _document(_view(name))


def _board() -> list[JobView]:
    services = tenant()
    return list(job_board(services.context, services.runs, application().settings.jobs))


def _view(name: str) -> JobView:
    found = next((view for view in _board() if view.job.name == name), None)
    if found is None:
        raise NotFoundError(f"There is no job {name!r}. Jobs: {', '.join(JOBS)}.")
    return found


def _seen(name: str) -> Seen:
    return seen(JobSchema, lambda: _document(_view(name)))


def _document(view: JobView) -> Mapping[str, Any]:
    return {
        "name": view.job.name,
        "what": view.job.what,
        "when": view.when,
        # A moment that moves would make each reading another thing, which nobody could act on.
        "next_at": None if view.is_due else view.next_at,
        "is_due": view.is_due,
        "paused_by": view.pause["by"] if view.pause else None,
        "last": run_data(view.last) if view.last else None,
    }
