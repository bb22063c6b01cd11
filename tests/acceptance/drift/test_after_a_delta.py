"""What was changed in DocuSign is found with the delta that reads it, not hours later."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.domain.model import ORGANIZATION_ADMIN
from connector.errors import PermanentError, TemporaryError
from connector.services.aggregation import DELTA_JOB
from connector.services.aggregation.roles import REFUSED_ENOUGH
from connector.services.context import Actor
from connector.services.drift.reconciliation import RECONCILE_JOB
from connector.services.jobs.declared import run_job
from connector.settings import AggregationSettings, DriftRule, DriftSettings
from simulator.faults import Fault
from simulator.state import groups
from simulator.state.model import Status
from tests.acceptance.drift.native import seen
from tests.approvals import operator

ACTOR = Actor("job:delta", "job", "test")
QUIET = DriftSettings(pending_after_days=0, dormant_after_days=0)
DATABASE = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


def delta(native, minutes=15):
    native.connector.clock.advance(60 * minutes)
    counts: Any = run_job(DELTA_JOB, native.connector.services, ACTOR)
    return dict(counts)


@DATABASE
def test_a_delta_finds_the_drift_of_those_whom_it_reads(start, database):
    native = start(database, drift=QUIET)
    native.set_profile(native.ann, native.other_profile())
    native.state.touch(native.user(native.ann))
    native.invite("mallory@acme.test", "Mallory Moss")
    before = native.connector.services.runs.latest(RECONCILE_JOB)

    counts = delta(native)

    assert seen(native.connector) == {("native_grant", "profile"), ("unmanaged_user", "")}
    assert counts["drift_new"] == 2
    assert native.connector.services.runs.latest(RECONCILE_JOB) == before, "not the hourly run"
    with native.connector.services.context.read() as uow:
        events = [item for item in uow.audit.events(limit=10_000) if item.action == "drift.found"]
    assert [item.data["total"] for item in events] == [2]
    assert "drift_new" not in delta(native), "nothing was read, nothing is compared"


def test_what_is_as_expected_again_is_over_with_the_delta(start):
    native = start(drift=QUIET)
    profile = native.place(native.ann).profile
    native.set_profile(native.ann, native.other_profile())
    native.state.touch(native.user(native.ann))
    delta(native)
    native.set_profile(native.ann, profile)
    native.state.touch(native.user(native.ann))
    assert delta(native)["drift_over"] == 1
    (finding,) = native.connector.findings(every=True)
    assert finding.state is FindingState.GONE


def test_the_policy_accepts_at_once_and_reverts_with_the_next_whole_run(start):
    rules = (DriftRule(attribute="job_title", then="accept"), DriftRule(then="revert"))
    native = start(drift=DriftSettings(rules, pending_after_days=0, dormant_after_days=0))
    native.set_work(native.bob, job_title="Boss")
    native.set_profile(native.ann, native.other_profile())
    for user_id in (native.ann, native.bob):
        native.state.touch(native.user(user_id))

    counts = delta(native)

    assert (counts["drift_accepted"], counts["drift_open"]) == (1, 1)
    assert native.snapshot()[native.ann] != native.held[native.ann], "how much it is, nobody knows"
    native.connector.reconcile(sync=False)
    assert native.snapshot()[native.ann] == native.held[native.ann]


def test_a_delta_that_breaks_off_compares_what_it_has_read(start):
    native = start(drift=QUIET)
    for user_id in (native.ann, native.bob):
        native.set_profile(user_id, native.other_profile())
        native.state.touch(native.user(user_id))
    path = rf"/accounts/{native.account().account_id}/users/"
    native.connector.world.faults.add(Fault("error", "GET", path, nth=2, times=None, status=503))
    with pytest.raises(TemporaryError):
        delta(native)
    assert len(native.connector.findings()) == 1
    native.connector.world.faults.clear()
    delta(native)
    assert len(native.connector.findings()) == 2


def test_a_delta_that_reads_everything_is_followed_by_a_whole_run(start, monkeypatch):
    native = start(drift=QUIET)
    service = native.connector.services
    monkeypatch.setattr(service.delta, "_is_cheaper_in_full", lambda: True)
    native.set_profile(native.ann, native.other_profile())
    assert delta(native)["full"] == 1
    assert seen(native.connector) == {("native_grant", "profile")}
    assert service.runs.latest(RECONCILE_JOB) is not None


def fail_behind(native, monkeypatch):
    """Let a delta that became a full run fail at what it does after that."""

    def stand_in_the_way(*_):
        raise TemporaryError("DocuSign answered 503.")

    monkeypatch.setattr(native.connector.services.delta._sweep, "go_on", stand_in_the_way)


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_delta_that_reads_everything_and_fails_then_is_followed_by_a_whole_run_too(
    start, monkeypatch, is_paused
):
    native = start(drift=QUIET)
    service = native.connector.services
    before = service.runs.latest(RECONCILE_JOB)
    monkeypatch.setattr(service.delta, "_is_cheaper_in_full", lambda: True)
    fail_behind(native, monkeypatch)
    if is_paused:
        service.runs.pause(RECONCILE_JOB, ACTOR)
    native.set_profile(native.ann, native.other_profile())
    with pytest.raises(TemporaryError):
        delta(native)
    assert seen(native.connector) == (set() if is_paused else {("native_grant", "profile")})
    assert (service.runs.latest(RECONCILE_JOB) == before) is is_paused


@pytest.mark.parametrize("how", ["setting", "paused"])
def test_it_can_be_left_to_the_hourly_run(start, how):
    settings = DriftSettings(
        pending_after_days=0, dormant_after_days=0, after_delta=how != "setting"
    )
    native = start(drift=settings)
    if how == "paused":
        native.connector.services.runs.pause(RECONCILE_JOB, operator())
    native.set_work(native.bob, company="Rival")
    native.state.touch(native.user(native.bob))
    assert "drift_compared" not in delta(native)
    assert native.connector.findings() == []


def test_before_the_baseline_nothing_is_compared(start):
    native = start(drift=QUIET)
    with native.connector.services.context.write() as uow:
        uow.put_fact("drift_baseline", None)
        uow.commit()
    native.set_work(native.bob, company="Rival")
    native.state.touch(native.user(native.bob))
    assert "drift_new" not in delta(native)


# organization administrators ----------------------------------------------------------


def plain_members(native):
    """Who signs in and administers no account: full runs do not ask about them."""
    return [
        user
        for user in native.state.users.values()
        if any(item.status.is_open for item in user.memberships.values())
        and not any(item.is_admin for item in user.memberships.values())
        and not user.is_organization_admin
    ]


def test_an_organization_administrator_without_an_account_to_administer_is_found_in_time(start):
    """Neither a full run nor a list shows it: everybody is asked about once in role_sweep_days."""
    sweep = AggregationSettings(role_sweep_days=2)
    native = start(drift=QUIET, aggregation=sweep)
    delta(native)
    native.user(native.bob).is_organization_admin = True
    native.connector.reconcile()
    assert not native.connector.findings(DriftKind.UNEXPECTED_ADMIN), "full runs cannot see it"

    for _ in range(2 * 24 + 1):
        delta(native, minutes=60)
    (finding,) = native.connector.findings(DriftKind.UNEXPECTED_ADMIN)
    assert finding.subject_id == native.bob
    assert finding.entitlement == ORGANIZATION_ADMIN


def test_a_round_asks_about_everybody_once(start):
    native = start(drift=QUIET, aggregation=AggregationSettings(role_sweep_days=1))
    delta(native)
    asked = [delta(native, minutes=30).get("role_checks", 0) for _ in range(48)]
    assert len(plain_members(native)) <= sum(asked) <= len(plain_members(native)) + 3
    assert max(asked) <= 2, "spread over the day"


def test_without_a_period_nobody_is_asked_about(start):
    native = start(drift=QUIET, aggregation=AggregationSettings(role_sweep_days=0))
    delta(native)
    assert "role_checks" not in delta(native, minutes=60 * 24 * 30)


def test_used_up_calls_put_the_rest_off(start):
    native = start(drift=QUIET, aggregation=AggregationSettings(role_sweep_days=1))
    delta(native)
    path = r"/users/profile"
    code = "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
    limit = Fault("error", "GET", path, nth=3, times=None, status=429, error_code=code)
    native.connector.world.faults.add(limit)
    counts = delta(native, minutes=60 * 12)
    assert (counts["role_checks"], counts["role_checks_put_off"]) == (2, 1)
    native.connector.world.faults.clear()
    native.connector.clock.advance(3_600)
    assert delta(native)["role_checks"] >= len(plain_members(native)) // 2 - 2


@pytest.mark.parametrize("unreadable", [1, 2, 99])
def test_who_cannot_be_read_holds_up_nobody_behind(start, monkeypatch, unreadable):
    native = start(drift=QUIET, aggregation=AggregationSettings(role_sweep_days=1))
    delta(native)
    asked: list[str] = []

    def refresh_roles(user_id: str) -> None:
        asked.append(user_id)
        if user_id in sorted(user.user_id for user in plain_members(native))[:unreadable]:
            raise PermanentError("DocuSign shows nobody of this id.")

    monkeypatch.setattr(native.connector.services.refresh, "refresh_roles", refresh_roles)
    counts = delta(native, minutes=60 * 24)
    assert counts["role_checks_refused"] == min(unreadable, REFUSED_ENOUGH)
    if unreadable < REFUSED_ENOUGH:
        assert counts["role_checks"] == len(plain_members(native))
    else:
        assert len(asked) == REFUSED_ENOUGH


def test_closed_people_and_account_administrators_are_left_out(start, monkeypatch):
    native = start(drift=QUIET, aggregation=AggregationSettings(role_sweep_days=1))
    native.place(native.bob).status = Status.CLOSED
    native.connector.sync()
    delta(native)
    asked: list[str] = []
    monkeypatch.setattr(native.connector.services.refresh, "refresh_roles", asked.append)
    delta(native, minutes=60 * 24)
    assert sorted(asked) == sorted(user.user_id for user in plain_members(native))
    assert native.ann in asked and native.bob not in asked


def test_a_group_that_nobody_knew_is_found_with_who_is_in_it(start):
    native = start(drift=QUIET)
    group = groups.create(native.state, native.account(), "Made by hand")
    for user_id in (native.ann, native.bob):
        native.join(user_id, group)
        native.state.touch(native.user(user_id))

    counts = delta(native)

    assert counts["catalogues"] == 1, "once a delta"
    assert seen(native.connector) == {("native_grant", "group")}
    assert {item.subject_id for item in native.connector.findings()} == {native.ann, native.bob}
    shown = native.connector.user(native.ann)["groups"]
    assert f"{native.account().account_id}.g{group.group_id}" in {item["value"] for item in shown}


def test_a_group_that_was_deleted_is_gone_and_not_lost(start):
    rules = (DriftRule("lost_grant", then="revert"),)
    native = start(drift=DriftSettings(rules, pending_after_days=0, dormant_after_days=0))
    native.delete_group(native.group())
    native.state.touch(native.user(native.ann))

    delta(native)

    assert seen(native.connector) == {("gone_entitlement", "")}
    counts = native.connector.reconcile(sync=False)
    assert {"reverting", "refused"} & set(counts) == set()


def test_who_joins_a_group_that_is_known_costs_no_catalogue(start):
    native = start(drift=QUIET)
    native.join(native.ann, native.group(1))
    native.state.touch(native.user(native.ann))
    assert "catalogues" not in delta(native)
    assert seen(native.connector) == {("native_grant", "group")}
