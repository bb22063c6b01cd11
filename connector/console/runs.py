"""Job runs, and the connection to DocuSign."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import application, tenant
from connector.services.jobs.board import job_board, progress_of
from connector.services.monitoring.health import ConnectionHealth
from connector.services.provisioning.long_waits import LongWaits

blueprint = Blueprint("runs", __name__)


@blueprint.get("/runs")
def every() -> str:
    """Show the jobs, when they run, and what the latest runs did."""
    services = tenant()
    jobs = application().settings.jobs
    board = job_board(services.context, services.runs, jobs)
    return render_template(
        "runs.html",
        runs=services.browser.runs(),
        jobs=jobs,
        board=board,
        is_running=any(view.is_running for view in board),
        progress=progress_of,
        delayed=LongWaits(services.context).look(),
    )


@blueprint.get("/jobs")
def jobs() -> BaseResponse:
    """Lead to the jobs by the name that the commands and the REST API have for them."""
    return redirect(url_for("runs.every"))


@blueprint.get("/connection")
def connection() -> str:
    """Show how the connection to DocuSign is."""
    services = tenant()
    health = ConnectionHealth(services.context, application().settings.jobs).look()
    return render_template(
        "connection.html",
        health=health,
        consent=services.consents.connection(),
        connecting=services.connecting,
        grant=services.connecting.grant(),
        now=application().clock.now(),
        docusign=application().settings.docusign,
        tenant_settings=services.settings,
        labels=services.browser.labels(),
        clients=services.browser.clients(),
        users=services.browser.count_users(),
        budget=services.budget.report(),
    )
