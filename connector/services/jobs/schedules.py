"""When a job runs next: cron and interval, in a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from connector.settings import ScheduleSettings

if TYPE_CHECKING:
    # Imported where a cron line is read: most schedules are intervals.
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

SOON = timedelta(seconds=2)
"""From now to a run that is due: by then whoever starts it holds the scheduler's lease."""


def jitter_of(schedule: ScheduleSettings) -> float:
    """Return the seconds by which a run may begin later, by chance."""
    return min(schedule.jitter_s, schedule.every_s / 10) if schedule.every_s else schedule.jitter_s


def trigger_of(schedule: ScheduleSettings, timezone: str) -> CronTrigger | IntervalTrigger | None:
    """Return APScheduler's trigger; None for a job that has no time.

    :raises ValueError: the cron line or the time zone cannot be read.
    """
    from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - as above

    # APScheduler counts the seconds of a jitter whole.
    jitter = jitter_of(schedule) or None
    if schedule.cron:
        trigger = _cron(schedule.cron, timezone)
        trigger.jitter = jitter
        return trigger
    if schedule.every_s > 0:
        return IntervalTrigger(seconds=schedule.every_s, timezone=UTC, jitter=jitter)
    return None


def check(schedule: ScheduleSettings, timezone: str) -> None:
    """Let a schedule pass whose times can be read.

    :raises ValueError: the cron line cannot be read, or the time zone's name.
    :raises KeyError: there is no such time zone.
    """
    _zone(timezone)
    if schedule.cron:
        _cron(schedule.cron, timezone)


def next_run_at(
    schedule: ScheduleSettings, timezone: str, last: datetime | None, now: datetime
) -> datetime | None:
    """Return when a job runs next, without its jitter; None where it has no time.

    What is overdue runs in a moment: an interval that has passed since the last start, and a time
    of a cron line that nobody ran at, within ``misfire_grace_s``.

    :param last: the last start; one that is still to come was written by a clock that was ahead,
        and counts as just now.
    """
    soon = now + SOON
    last = None if last is None else min(last, now)
    if schedule.cron:
        trigger = _cron(schedule.cron, timezone)
        since = now - timedelta(seconds=schedule.misfire_grace_s)
        if last is not None:
            missed = trigger.get_next_fire_time(None, max(last + timedelta(seconds=1), since))
            if missed is not None and missed <= now:
                return soon
        return _utc(trigger.get_next_fire_time(None, soon))
    if schedule.every_s > 0:
        return soon if last is None else max(soon, last + timedelta(seconds=schedule.every_s))
    return None


def longest_gap_s(schedule: ScheduleSettings, timezone: str, now: datetime) -> float:
    """Return the longest time between two of the next runs; 0 for a job without times."""
    if not schedule.cron:
        return schedule.every_s
    trigger = _cron(schedule.cron, timezone)
    longest, at = 0.0, trigger.get_next_fire_time(None, now)
    for _ in range(8):
        following = at and trigger.get_next_fire_time(at, at + timedelta(seconds=1))
        if not following:
            break
        longest, at = max(longest, (following - at).total_seconds()), following
    return longest


def described(schedule: ScheduleSettings) -> str:
    """Return a schedule in a few words."""
    if schedule.cron:
        return schedule.cron
    return _duration(schedule.every_s) if schedule.every_s > 0 else "never"


def _duration(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _cron(line: str, timezone: str) -> CronTrigger:
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - as above

    *_, weekdays = line.split() or [""]
    if any(part.isdigit() for part in re.split(r"[,\-/]", weekdays)):
        raise ValueError(
            "write days of the week as names, mon to sun: schedulers disagree on their numbers"
        )
    return CronTrigger.from_crontab(line, timezone=_zone(timezone))
