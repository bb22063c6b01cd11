"""When a job runs next, and which schedule holds for whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import ConfigError
from connector.services.jobs.declared import JOBS, schedule_of
from connector.services.jobs.schedule_problems import require_known_jobs
from connector.services.jobs.schedules import SOON, described, jitter_of, longest_gap_s, next_run_at
from connector.settings import (
    JobSettings,
    ScheduleSettings,
    Settings,
    TenantJobSettings,
    TenantSettings,
)

NOW = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
HOURLY = ScheduleSettings(every_s=3600)
NIGHTLY = ScheduleSettings(cron="30 2 * * *")


def minutes_ago(number):
    return NOW - timedelta(minutes=number)


@pytest.mark.parametrize(
    ("schedule", "last", "expected"),
    [
        (HOURLY, None, NOW + SOON),
        (HOURLY, minutes_ago(20), NOW + timedelta(minutes=40)),
        (HOURLY, minutes_ago(90), NOW + SOON),
        (NIGHTLY, minutes_ago(60), datetime(2026, 3, 28, 2, 30, tzinfo=UTC)),
        (ScheduleSettings(), minutes_ago(20), None),
    ],
)
def test_the_next_run(schedule, last, expected):
    assert next_run_at(schedule, "UTC", last, NOW) == expected


def test_a_cron_line_is_meant_in_its_time_zone_summer_time_included():
    at = next_run_at(NIGHTLY, "Europe/Berlin", minutes_ago(60), NOW)
    assert at == datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    # The clocks went forward on the 29th.
    noon = NOW + timedelta(days=3)
    after = next_run_at(NIGHTLY, "Europe/Berlin", noon - timedelta(hours=1), noon)
    assert after == datetime(2026, 3, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("grace_s", "is_made_up_for"), [(3600, True), (600, False)])
def test_a_missed_time_is_made_up_for_within_its_grace(grace_s, is_made_up_for):
    schedule = ScheduleSettings(cron="30 11 * * *", misfire_grace_s=grace_s)
    at = next_run_at(schedule, "UTC", NOW - timedelta(days=1), NOW)
    assert (at == NOW + SOON) is is_made_up_for


def test_a_time_that_was_kept_is_not_repeated():
    schedule = ScheduleSettings(cron="30 11 * * *")
    last = datetime(2026, 3, 27, 11, 30, 3, tzinfo=UTC)
    assert next_run_at(schedule, "UTC", last, NOW) == datetime(2026, 3, 28, 11, 30, tzinfo=UTC)


def test_the_longest_gap_of_working_days_is_the_week_end():
    schedule = ScheduleSettings(cron="0 3 * * mon-fri")
    assert longest_gap_s(schedule, "UTC", NOW) == 3 * 86_400


def test_jitter_is_a_tenth_of_a_short_interval():
    assert jitter_of(ScheduleSettings(every_s=10, jitter_s=5)) == 1


@pytest.mark.parametrize(
    ("schedule", "words"),
    [(HOURLY, "1 h"), (NIGHTLY, "30 2 * * *"), (ScheduleSettings(every_s=90), "90 s")],
)
def test_a_schedule_in_words(schedule, words):
    assert described(schedule) == words


def test_a_tenants_schedule_counts_before_that_of_all_and_the_default():
    job, settings = JOBS["sync"], JobSettings(timezone="Europe/Berlin", schedule={"sync": HOURLY})
    tenant = TenantSettings()
    assert schedule_of(job, JobSettings(), tenant) == (job.default, "UTC")
    assert schedule_of(job, settings, tenant) == (HOURLY, "Europe/Berlin")
    own = replace(tenant, jobs=TenantJobSettings("Asia/Tokyo", {"sync": NIGHTLY}))
    assert schedule_of(job, settings, own) == (NIGHTLY, "Asia/Tokyo")


@pytest.mark.parametrize(
    ("jobs", "problem"),
    [
        (
            JobSettings(schedule={"snyc": HOURLY}),
            "jobs.schedule.snyc: there is no such job; did you mean 'sync'?",
        ),
        (
            JobSettings(schedule={"sync": ScheduleSettings(every_s=5, cron="0 1 * * *")}),
            "jobs.schedule.sync: every_s and cron exclude each other; remove one",
        ),
        (
            JobSettings(schedule={"sync": ScheduleSettings(cron="0 1 * * 0")}),
            (
                "jobs.schedule.sync.cron: write days of the week as names, mon to sun: schedulers "
                "disagree on their numbers"
            ),
        ),
        (
            JobSettings(timezone="Europe/Berln"),
            (
                "jobs.timezone: there is no time zone 'Europe/Berln'; write a name such as "
                "Europe/Berlin, or UTC"
            ),
        ),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(jobs, problem):
    with pytest.raises(ConfigError) as caught:
        require_known_jobs(Settings(jobs=jobs))
    assert caught.value.problems == (problem,)
