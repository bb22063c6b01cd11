"""How the queue reaches the database, and what its jobs are called there."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import make_url

from connector.settings import DatabaseSettings

QUEUE = "jobs"
TASK = "connector.run_job"
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A server that went away without a word is noticed after a minute."""


def conninfo(settings: DatabaseSettings) -> str:
    """Return the address as libpq reads it, password included."""
    url = make_url(settings.url).set(drivername="postgresql")
    if settings.password and not url.password:
        url = url.set(password=settings.password.reveal())
    return url.render_as_string(hide_password=False)


def connection_options() -> dict[str, Any]:
    """Return what every connection of the queue is opened with."""
    return {"connect_timeout": 10, "application_name": "docusign-iga queue", **_KEEPALIVE}


def lock_of(tenant: str, job: str, part: int | None) -> str:
    """Return the name under which a job of a tenant, or a part of it, excludes itself."""
    return f"{tenant}:{job}" if part is None else f"{tenant}:{job}:{part}"
