"""Many tenants in one process: start, memory, threads, the first request, monitoring, schedules.

python -m tests.bench --tenants 1000
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.table import Table

from connector.app import create_app
from connector.bootstrap import Application, build
from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantState
from connector.scheduler import JobScheduler
from connector.settings import (
    DatabaseSettings,
    DocusignSettings,
    ObservingSettings,
    Secret,
    Settings,
)
from connector.settings import ServerSettings as Server

_METRICS = "m" * 20
_REQUESTS = 200
_PAGE_KIB = 4


def measure_tenants(number: int, directory: Path) -> Table:
    """Return what a process with so many tenants in its database takes."""
    settings = _settings(directory)
    _fill(settings, number)
    table = Table("With", f"{number:,} tenants", "Memory", "Threads")

    def note(what: str, work: Callable[[], object]) -> object:
        started = time.perf_counter()
        found = work()
        seconds = time.perf_counter() - started
        table.add_row(what, f"{seconds:,.2f} s", f"{_rss_mib()} MiB", str(threading.active_count()))
        return found

    application = note("start", lambda: build(settings))
    assert isinstance(application, Application)
    _, token = application.clients.add("t1", "bench")
    http = create_app(application).test_client()
    bearer = {"Authorization": f"Bearer {token}"}

    def ask() -> None:
        assert http.get("/t1/scim/v2/Users", headers=bearer).status_code == 200

    note("the first request", ask)

    def ask_often() -> None:
        for _ in range(_REQUESTS):
            ask()

    note(f"{_REQUESTS} requests", ask_often)
    note("/readyz", lambda: http.get("/readyz"))
    metrics = {"Authorization": f"Bearer {_METRICS}"}
    note("/metrics", lambda: http.get("/metrics", headers=metrics))
    note("all of them wired", lambda: list(application.tenants()))
    scheduler = JobScheduler(
        application.store,
        application.clock,
        application.owner,
        settings.jobs,
        tenants=application.tenants,
        start=lambda _tenant, _job: None,
        waiting=application.waiting_runs,
    )
    note("all their jobs scheduled", scheduler.follow)
    note("looking for changes", scheduler.follow)
    note("looking for runs that wait", scheduler.take_up)
    application.close()
    return table


def _settings(directory: Path) -> Settings:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Settings(
        server=Server(public_url="https://bench.example"),
        database=DatabaseSettings(url=f"sqlite:///{directory}/tenants.db"),
        docusign=DocusignSettings(integration_key=str(uuid4()), private_key=Secret(pem)),
        observing=ObservingSettings(metrics_token=Secret(_METRICS)),
    )


def _fill(settings: Settings, number: int) -> None:
    application = build(settings)
    now = application.clock.now()
    with application.store.write(INSTALLATION) as uow:
        for place in range(number):
            document = {"user_id": str(uuid4()), "accounts": [{"account_id": str(uuid4())}]}
            revision, state = uow.tenants.count_change(), TenantState.ACTIVE
            uow.tenants.put(
                TenantRecord(f"t{place}", state, document, revision, now, "bench", now, "bench")
            )
        uow.commit()
    application.close()


def _rss_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KIB // 1024
