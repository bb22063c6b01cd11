"""What is wrong with the schedules of a configuration: jobs that are none, times that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connector.errors import ConfigError
from connector.services.jobs.declared import JOBS
from connector.services.jobs.schedules import check
from connector.settings import JobSettings, ScheduleSettings, Settings, TenantSettings
from mappings.wording import nearest_or_all


def require_known_jobs(settings: Settings) -> None:
    """Let schedules pass that name jobs that exist and times that can be read.

    :raises ConfigError: with every problem and its path in the file.
    """
    found = _problems("jobs", settings.jobs.schedule, settings.jobs.timezone)
    problems = [f"{where}: {what}" for where, what in found]
    for tenant in settings.tenants.values():
        problems += tenant_job_problems(tenant, settings.jobs)
    if problems:
        raise ConfigError(problems)


def tenant_job_problems(tenant: TenantSettings, settings: JobSettings) -> Iterator[str]:
    """Yield one line for each schedule of a tenant that names no job or no time."""
    timezone = tenant.jobs.timezone or settings.timezone
    path = f"tenants.{tenant.name}.jobs"
    for where, what in _problems(path, tenant.jobs.schedule, timezone):
        if where != f"{path}.timezone" or tenant.jobs.timezone:
            yield f"{where}: {what}"


def schedule_problems(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (path, what is wrong) for the schedules of a configuration that cannot be loaded, as
    far as they can be read."""
    jobs = _section(data, "jobs")
    timezone = _text(jobs, "timezone") or JobSettings.timezone
    yield from _problems("jobs", _schedules(jobs), timezone)
    for name in _section(data, "tenants"):
        own = _section(_section(_section(data, "tenants"), name), "jobs")
        path = f"tenants.{name}.jobs"
        for where, what in _problems(path, _schedules(own), _text(own, "timezone") or timezone):
            if where != f"{path}.timezone" or _text(own, "timezone"):
                yield where, what


def _schedules(jobs: Mapping[str, Any]) -> Mapping[str, ScheduleSettings]:
    given = _section(jobs, "schedule")
    return {
        str(name): ScheduleSettings(cron=_text(_section(given, name), "cron")) for name in given
    }


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(data: Mapping[str, Any], name: str) -> str:
    found = data.get(name)
    return found if isinstance(found, str) else ""


def _problems(
    path: str, schedules: Mapping[str, ScheduleSettings], timezone: str
) -> Iterator[tuple[str, str]]:
    try:
        check(ScheduleSettings(), timezone)
    except (ValueError, KeyError, OSError):
        yield (
            f"{path}.timezone",
            f"there is no time zone {timezone!r}; write a name such as Europe/Berlin, or UTC",
        )
        timezone = JobSettings.timezone
    for name, schedule in schedules.items():
        here = f"{path}.schedule.{name}"
        if name not in JOBS:
            yield here, f"there is no such job; {nearest_or_all(name, JOBS)}"
        if schedule.cron and schedule.every_s:
            yield here, "every_s and cron exclude each other; remove one"
        try:
            check(schedule, timezone)
        except (ValueError, KeyError, OSError) as error:
            yield f"{here}.cron", str(error)
