"""When the jobs run, and how long things are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ScheduleSettings:
    """When a job runs. Without ``every_s`` and ``cron`` only on request."""

    every_s: float = 0.0
    """Seconds from one run to the next. Not together with ``cron``."""
    cron: str = ""
    """Five fields (minute, hour, day of month, month, day of week), such as ``30 2 * * mon-fri``,
    in the time zone of ``timezone``."""
    jitter_s: float = 5.0
    """A run begins up to so many seconds later, by chance, so that tenants do not all begin at one
    moment; a tenth of ``every_s`` at most."""
    misfire_grace_s: float = 3600.0
    """A run that was missed (no process was up) is made up for once, within so many seconds; later
    it waits for its next time. For ``cron`` only: with ``every_s`` it is made up for anyway."""


@dataclass(frozen=True)
class RetentionSettings:
    """How long the job ``retention`` leaves things."""

    runs_days: float = 90.0
    """Days that runs of jobs are listed. The last of each job that succeeded stays."""
    idle_runs_days: float = 2.0
    """Days that runs are listed that found nothing to do: there are thousands a day."""


@dataclass(frozen=True)
class JobSettings:
    """The jobs process."""

    enabled: bool = True
    worker_threads: int = 4
    """Jobs that a worker process runs at a time (PostgreSQL). Keep ``database.pool_size`` at least
    twice that."""
    timezone: str = "UTC"
    """IANA name of the time zone in which ``cron`` is meant, such as ``Europe/Berlin``."""
    schedule: Mapping[str, ScheduleSettings] = field(default_factory=dict)
    """When each job runs, by its name, for all tenants. A job that is not named here has the
    schedule that ``docusign-iga jobs list`` shows."""
    retention: RetentionSettings = RetentionSettings()


@dataclass(frozen=True)
class TenantJobSettings:
    """What of the jobs is special to a tenant."""

    timezone: str = ""
    """Time zone of the tenant's ``cron`` schedules; empty: ``jobs.timezone``."""
    schedule: Mapping[str, ScheduleSettings] = field(default_factory=dict)
    """As ``jobs.schedule``; a job named here follows this schedule alone."""
