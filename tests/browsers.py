"""Chromium for tests, and a connector on a socket for it to visit.

with served(connector) as url, browser() as chromium: ...
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"
)

_WITHIN_MS = 120_000


@contextmanager
def served(application: Any) -> Iterator[str]:
    """Serve a WSGI application on a free port of this machine; give its address."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def browser() -> Iterator[Any]:
    """Give a headless Chromium, ended at the end."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with playwright.sync_playwright() as tool:
        chromium = tool.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        chromium.on("context", lambda context: context.set_default_timeout(_WITHIN_MS))
        try:
            yield chromium
        finally:
            chromium.close()
