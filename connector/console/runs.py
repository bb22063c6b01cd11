"""Job runs, the connection to DocuSign, and the settings as they are in force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, render_template

from connector.config import masked, masked_section
from connector.console.here import application, is_operator, may_try, tenant, tenant_name
from connector.domain.tenants import TenantSource
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


@blueprint.get("/settings")
@may_try(lambda person: person.may_administer)
def settings() -> str:
    """Show the settings in force, secrets masked, without those of other tenants; those of the
    installation where no other customer is served, and to its operator."""
    data: dict[str, Any] = {}
    if is_operator() or len(application().catalogue.entries()) == 1:
        data = masked(application().settings)
    data["tenants"] = {tenant_name(): masked_section(tenant().settings)}
    source = application().catalogue.get(tenant_name()).source
    return render_template(
        "settings.html", sections=list(_sections(data)), in_file=source is TenantSource.FILE
    )


def _sections(data: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for name, values in data.items():
        if name == "tenants":
            for tenant_, inner in values.items():
                yield f"tenants.{tenant_}", list(_flat(inner))
        else:
            yield name, list(_flat(values))


def _flat(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, dict) and values:
        for name, inner in values.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(values, list) and any(isinstance(item, dict) for item in values):
        for place, inner in enumerate(values):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, _text(values)


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
