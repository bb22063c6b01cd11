"""The WSGI application: SCIM for every tenant, and whether the process is alive."""

from __future__ import annotations

import gc
import os
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import Flask, redirect

from connector.api import ApiMount
from connector.bootstrap import Application, build
from connector.config import load_settings
from connector.console import ConsoleMount
from connector.logs import configure_logging
from connector.mount import keep_here
from connector.parentage import end_with_parent
from connector.scim_handlers.service import build_scim_service
from connector.tracing import TracedRequests, is_tracing
from connector.web.consent_page import create_consent_blueprint
from connector.web.observing import create_observing_blueprint
from connector.web.processor import OneProcessor
from connector.web.slow_bodies import SlowBodies
from connector.web.slow_searches import SlowSearches
from connector.web.slow_writes import SlowWrites
from connector.web.strangers import add_error_handlers
from connector.web.token_endpoint import create_token_blueprint
from scim.blueprint import create_blueprint
from scim.direct_reads import DirectReads
from scim.front import Front

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONFIG_VARIABLE = "DOCUSIGN_IGA_CONFIG"
_COLLECTED_EVERY = 10_000
"""New objects that the collector waits for; Python's own few are soon there."""


def create_app(application: Application) -> Flask:
    """Return the Flask application over the wired services."""
    app = Flask("connector", static_folder=None)
    app.extensions["connector"] = application
    # For whatever reads a body through Flask; the SCIM service reads and bounds its own.
    app.config["MAX_CONTENT_LENGTH"] = application.settings.server.max_body_bytes
    scim = Front(build_scim_service(application))
    app.register_blueprint(
        create_blueprint(scim), url_prefix="/scim/v2", url_defaults={"tenant": "default"}
    )
    app.register_blueprint(create_blueprint(scim, "tenant_scim"), url_prefix="/<tenant>/scim/v2")
    others: WSGIApplication = app.wsgi_app
    if application.settings.console.enabled:
        others = ConsoleMount(application, others)
    if application.settings.api.enabled:
        others = ApiMount(application, others)
    app.wsgi_app = DirectReads(others, scim)  # type: ignore[method-assign]

    app.register_blueprint(
        create_token_blueprint(application),
        url_prefix="/oauth",
        url_defaults={"tenant": "default"},
    )
    app.register_blueprint(
        create_token_blueprint(application, "tenant_oauth"), url_prefix="/<tenant>/oauth"
    )

    app.register_blueprint(
        create_consent_blueprint(application), url_prefix="/consent", url_defaults={"tenant": ""}
    )
    app.register_blueprint(
        create_consent_blueprint(application, "tenant_consent"), url_prefix="/<tenant>/consent"
    )
    app.register_blueprint(create_observing_blueprint(application))
    if application.settings.console.enabled:
        # Who opens the bare address in a browser is a person.
        app.add_url_rule("/", "root", lambda: redirect("/console/"))
    add_error_handlers(app)
    app.after_request(keep_here)
    return app


def create() -> Flask:
    """Return the application of the configuration file that the environment names.

    The web server calls this once in each worker process.
    """
    end_with_parent()
    path = Path(os.environ[CONFIG_VARIABLE])
    settings = load_settings(path)
    configure_logging(settings.logging)
    application = build(settings)
    # The web server's workers are processes that close nothing by themselves.
    Finalize(None, application.begin_telling(path).stop, exitpriority=1)
    app = create_served(application)
    if settings.server.bind_threads:
        app.wsgi_app = OneProcessor(app.wsgi_app)  # type: ignore[method-assign]
    _spare_collector()
    return app


def create_served(application: Application) -> Flask:
    """Return the Flask application with what a server of several threads needs around it."""
    app = create_app(application)
    share_threads(app, application)
    if is_tracing():
        app.wsgi_app = TracedRequests(app.wsgi_app)  # type: ignore[method-assign]
    return app


def share_threads(app: Flask, application: Application) -> None:
    """Let whatever holds threads for long leave some to everything else.

    To be called before anything else is put around the application.
    """
    server, reads = application.settings.server, cast(DirectReads, app.wsgi_app)
    writes = SlowWrites(reads.application, server.threads)
    searches = SlowSearches(server.threads, server.search_timeout_s, writes.lend, writes.take_back)
    application.store.long_searches.bound(searches, server.search_timeout_s)
    # A read without a body meets neither.
    reads.application = SlowBodies(writes, server.threads)


def _spare_collector() -> None:
    """Let the garbage collector pass over what stays for as long as the process: hundreds of
    thousands of objects, which hardly a request adds to. What requests leave is mostly freed by
    counting, so that collecting more rarely costs next to no memory."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_EVERY)
