"""``docusign-iga serve`` and ``docusign-iga jobs``: the long-running processes."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from sqlalchemy.engine import make_url

from connector.app import CONFIG_VARIABLE
from connector.bootstrap import build
from connector.cli.context import CommandContext, config_option, handle_errors
from connector.cli.leases import only_server, release_dead
from connector.cli.processes import Child, Keeper, require_free_port
from connector.logs import correlated, is_for_people
from connector.metrics import share_metrics
from connector.parentage import PARENT_VARIABLE
from connector.services.context import Actor
from connector.settings import Settings

_log = structlog.get_logger(__name__)

_BACKLOG = 1024
_AS_EVERYBODY: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {
        name: {"handlers": [], "level": "INFO", "propagate": True}
        for name in ("_granian", "granian.access")
    },
}
"""The web server logs as the rest of the program does: by itself it writes lines that are no JSON,
such as when it ends."""
_PREDECESSOR_ENDS_WITHIN_S = 10.0
"""What a killed `serve` started ends by itself, a moment later."""
_SETTLES_WITHIN_S = 3.0
"""For each tenant, before the server listens: enough for what a crash leaves."""


@click.command()
@config_option
@handle_errors
def serve(context: CommandContext) -> None:
    """Serve SCIM, with the jobs process beside it.

    Everything comes from the configuration file. The process ends cleanly on SIGTERM: requests
    under way are answered first.

    \b
    Example:
      docusign-iga serve --config /etc/docusign-iga/config.yaml
    """
    settings = context.settings
    if settings.observing.metrics_token:
        share_metrics()
    with only_server(settings, wait_s=_PREDECESSOR_ENDS_WITHIN_S):
        require_free_port(settings.server.host, settings.server.port)
        _make_ready(settings)
        with _jobs_process(context.config_path, settings):
            _run_web_server(context.config_path, settings)


def _make_ready(settings: Settings) -> None:
    """Migrate the database and settle what an earlier process left in the middle, as far as it
    takes a moment: nobody is served meanwhile, and the jobs process goes on."""
    application = build(settings, role="serve")
    try:
        application.record_configuration()
        application.require_bound_accounts()
        # On PostgreSQL another `serve` of this machine may live and mean to stay.
        wait_s = 0 if settings.database.is_postgresql else _PREDECESSOR_ENDS_WITHIN_S
        release_dead(application, ("serve", "jobs"), wait_s=wait_s)
        for tenant in application.tenants():
            name = tenant.settings.name
            with application.acting(name, "job:settle"), correlated() as correlation_id:
                actor = Actor("job:settle", "job", correlation_id)
                tenant.settlement.settle_all(actor, within_s=_SETTLES_WITHIN_S)
    finally:
        application.close()


@contextmanager
def _jobs_process(config_path: Path, settings: Settings) -> Iterator[None]:
    if not settings.jobs.enabled:
        yield
        return
    arguments = ["connector.cli", "jobs", "--config", str(config_path)]
    keeper = Keeper(lambda: Child("jobs process", arguments))
    try:
        yield
    finally:
        keeper.stop()


def _run_web_server(config_path: Path, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    _announce(settings)
    # Threads mostly wait for DocuSign: more of them than processors are meant.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.msg)
    os.environ[CONFIG_VARIABLE] = str(config_path)
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    Granian(
        "connector.app:create",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.server.host,
        port=settings.server.port,
        workers=settings.server.workers,
        blocking_threads=settings.server.threads,
        backlog=_BACKLOG,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=30,
        log_level=_server_log_level(settings),
        log_dictconfig=_AS_EVERYBODY,
    ).serve()


def _announce(settings: Settings) -> None:
    server = settings.server
    url = f"{(server.public_url or f'http://{server.host}:{server.port}').rstrip('/')}/scim/v2"
    database = make_url(settings.database.url).render_as_string(hide_password=True)
    if not is_for_people(settings.logging.format):
        _log.info("serving SCIM", url=url, database=database, tenants=sorted(settings.tenants))
        return
    click.echo(
        f"Serving SCIM at {url} from {database}; tenants: "
        f"{', '.join(sorted(settings.tenants)) or 'those of the database'}. "
        "Ctrl-C or SIGTERM ends it.",
        err=True,
    )


def _server_log_level(settings: Settings) -> LogLevels:
    """Return the web server's level: what it says of itself at ``info`` helps nobody."""
    level = settings.logging.level
    return LogLevels.warning if level == "info" else LogLevels(level)
