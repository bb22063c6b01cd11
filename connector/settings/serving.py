"""Where the connector listens, keeps its data, writes and works."""

from __future__ import annotations

from dataclasses import dataclass

from connector.settings.secret import Secret


@dataclass(frozen=True)
class ServerSettings:
    """The HTTP server."""

    host: str = "127.0.0.1"
    """Address to listen on. Change to 0.0.0.0 behind a TLS-terminating proxy only."""
    port: int = 8080
    public_url: str = ""
    """URL under which clients reach us, without path; empty: http://host:port. Every ``location``
    starts with it; the Host header is never used."""
    workers: int = 1
    """Web worker processes. With SQLite more than 2 rarely help."""
    threads: int = 8
    """Threads that serve requests in each worker, 3 or more. A write holds one for as long as
    DocuSign takes, so all but two of them may be at writes; where DocuSign is slow the others are
    answered 503 at once, and reads go on. Half of them may wait at the same time for bodies that
    clients send slowly. Raise it where clients write more at once."""
    bind_threads: bool = True
    """Whether the threads of a worker stay on one processor (Linux). Turn it off where a busy
    program that cannot move uses that processor too."""
    search_timeout_s: float = 10.0
    """Longest that a SCIM search takes which no index answers, so that it looks at every resource;
    then it is answered 400 ``tooMany``. As long it waits for its turn before that, where others
    take long. Raise it where a search that has to be is ended."""
    max_body_bytes: int = 1_048_576
    """Larger request bodies are answered with 413."""

    @property
    def url(self) -> str:
        """Under which the connector is reached, without path and trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


@dataclass(frozen=True)
class DatabaseSettings:
    """Where mirror and ledger live."""

    url: str = "sqlite:///var/connector.db"
    """SQLAlchemy URL: sqlite:///path or postgresql+psycopg://user@host/name."""
    password: Secret | None = None
    """Password for a PostgreSQL URL that has none."""
    encryption_key: Secret | None = None
    """Seals what is secret in the settings of tenants that are kept in the database: random text,
    as `docusign-iga key encryption` makes it. It belongs beside the database, never into it."""
    previous_encryption_key: Secret | None = None
    """The key before, during a rotation: still opens what it sealed."""
    pool_size: int = 8
    """Connections kept open by each process (PostgreSQL)."""
    busy_timeout_s: float = 30.0
    """How long a writer waits for its turn."""
    synchronous: str = "full"
    """SQLite only. ``full`` survives a power cut; ``normal`` only a killed process, faster."""

    @property
    def is_postgresql(self) -> bool:
        """Whether several machines may share it."""
        return self.url.startswith("postgresql")


@dataclass(frozen=True)
class LoggingSettings:
    """What is written to standard error."""

    level: str = "info"
    """debug, info, warning or error."""
    format: str = "auto"
    """json, console, or auto: console on a terminal, json otherwise."""


@dataclass(frozen=True)
class ObservingSettings:
    """What monitoring may see at /metrics and /readyz."""

    metrics_token: Secret | None = None
    """Bearer token that Prometheus sends; without one there is no /metrics."""
    ready_sync_age_s: float = 86_400.0
    """/readyz says "not ready" where no tenant was read from DocuSign within this time; 0: never.
    Keep it well above the time between two runs of the job ``sync``."""
    otlp_endpoint: str = ""
    """URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://localhost:4318;
    needs the extra ``otel``. Empty: no traces."""
    trace_sample_pct: float = 100.0
    """Share of the requests that are traced. Lower it where there are many."""
    tenants_listed: int = 50
    """Up to so many tenants /readyz and /metrics tell of each; of more they tell sums, and look at
    so many with each question, by turns."""
