"""Settings that had another name in earlier versions: a file that has them still works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INTERVALS = {
    f"{job}_interval_s": job for job in ("sync", "verify", "people", "settle", "notify", "anchor")
}
"""Of the section ``jobs``: each is now ``schedule.{job}.every_s``."""


def with_present_names(data: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return a configuration tree with today's names, and what is wrong with the earlier ones."""
    jobs = data.get("jobs")
    if not isinstance(jobs, Mapping) or not _INTERVALS.keys() & jobs.keys():
        return data, []
    schedule = jobs.get("schedule")
    schedule = dict(schedule) if isinstance(schedule, Mapping) else {}
    problems = []
    for name, job in _INTERVALS.items():
        if name not in jobs:
            continue
        if job in schedule:
            problems.append(
                f"jobs.{name}: is the earlier name of jobs.schedule.{job}.every_s, which is given "
                "too: remove it"
            )
        else:
            schedule[job] = {"every_s": jobs[name]}
    kept = {name: value for name, value in jobs.items() if name not in _INTERVALS}
    return {**data, "jobs": {**kept, "schedule": schedule}}, problems
