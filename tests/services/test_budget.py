"""The shared gate: what one process learns holds for all, and changes keep their reserve."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.cli.budget import _describe
from connector.docusign.errors import RateLimitedError
from connector.docusign.shared_gate import SharedGate
from connector.domain.budget import Shares, hour_end
from connector.domain.ledger.job_runs import RunState
from connector.domain.mirror.hints import Hint, HintSource
from connector.errors import BudgetUsedUpError
from connector.purpose import Purpose, calling_for
from connector.services.aggregation import SYNC_JOB
from connector.services.aggregation.runs import worked_s
from tests.approvals import administrator
from tests.connector import ManualClock, connected
from tests.simulated import simulated

TENANT, ACCOUNT = "default", "a-1"
SHARES = Shares(share_pct=30, reserve_pct=20)


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "connector.db")
    yield running
    running.close()


def gate(connector):
    """Return the gate of a further process."""
    return SharedGate(connector.clock, connector.application.store, lambda _: SHARES)


def answer(connector, remaining, limit=1000):
    """Return the headers of an answer in this hour."""
    reset_at = hour_end(connector.clock.now())
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(reset_at.timestamp())),
    }


def test_a_used_up_hour_closes_the_gate_of_every_process(connector):
    first, second = gate(connector), gate(connector)
    first.exceeded(ACCOUNT, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", 400, TENANT)
    first.close()
    with pytest.raises(RateLimitedError):
        second.check(ACCOUNT, TENANT)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "is used up"),
        ("BURST_APIINVOCATION_LIMIT_EXCEEDED", "burst limit"),
        ("API_REQUEST_IS_THROTTLED", "traffic management"),
    ],
)
def test_who_is_turned_away_is_told_of_which_account_by_its_name(connector, code, told):
    connector.sync()
    account, context = connector.world.account, connector.services.context
    closing = gate(connector)
    closing.exceeded(account.account_id, code, 400, context.tenant)
    closing.close()
    connector.application.connection._gate._read_at.clear()
    with pytest.raises(RateLimitedError, match=told) as caught:
        context.directory.list_groups(account.account_id)
    assert f"of account {account.name} ({account.account_id})" in str(caught.value)


def test_a_job_that_leaves_the_rest_to_changes_says_of_which_account(connector):
    one = gate(connector)
    one.learn(ACCOUNT, answer(connector, 50), TENANT)
    with calling_for(Purpose.AGGREGATION), pytest.raises(RateLimitedError) as caught:
        one.check(ACCOUNT, TENANT, "account Main (a-1)")
    one.close()
    assert "calls of account Main (a-1) is kept for changes" in str(caught.value)


def test_a_burst_closes_it_for_less_than_a_minute(connector):
    first, second = gate(connector), gate(connector)
    wait_s = first.exceeded(ACCOUNT, "BURST_APIINVOCATION_LIMIT_EXCEEDED", 400, TENANT)
    first.close()
    assert wait_s < 60
    connector.clock.advance(60)
    second.check(ACCOUNT, TENANT)


def test_the_last_call_of_an_hour_closes_the_gate_of_every_process(connector):
    first, second = gate(connector), gate(connector)
    first.learn(ACCOUNT, answer(connector, 1), TENANT)
    first.flush()
    second.check(ACCOUNT, TENANT)
    first.learn(ACCOUNT, answer(connector, 0), TENANT)
    first.close()
    with pytest.raises(RateLimitedError, match="is used up"):
        gate(connector).check(ACCOUNT, TENANT)
    connector.clock.advance(3600)
    gate(connector).check(ACCOUNT, TENANT)


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("BURST_APIINVOCATION_LIMIT_EXCEEDED", 400, "too many came in a short time"),
        ("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", 400, "is used up"),
        ("API_REQUEST_IS_THROTTLED", 400, "traffic management blocks"),
        ("", 444, "traffic management blocks"),
    ],
)
def test_every_process_says_which_limit_it_was(connector, code, status, told):
    first, second = gate(connector), gate(connector)
    first.exceeded(ACCOUNT, code, status, TENANT)
    first.close()
    with pytest.raises(RateLimitedError, match=told):
        second.check(ACCOUNT, TENANT)


def test_a_used_up_hour_is_no_burst_for_one_that_was_before(connector):
    first, second = gate(connector), gate(connector)
    first.exceeded(ACCOUNT, "BURST_APIINVOCATION_LIMIT_EXCEEDED", 400, TENANT)
    first.exceeded(ACCOUNT, "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", 400, TENANT)
    first.close()
    with pytest.raises(RateLimitedError, match="is used up"):
        second.check(ACCOUNT, TENANT)


def test_background_work_leaves_the_reserve_to_changes(connector):
    one = gate(connector)
    # A third of 1,000 is ours, 240 of that for the background.
    for _ in range(240):
        one.check(ACCOUNT, TENANT)
        one.learn(ACCOUNT, answer(connector, 900), TENANT)
    one.close()
    other = gate(connector)
    other.check(ACCOUNT, TENANT)
    with (
        calling_for(Purpose.AGGREGATION),
        pytest.raises(RateLimitedError, match="kept for changes"),
    ):
        other.check(ACCOUNT, TENANT)


def test_what_others_used_counts_too(connector):
    one = gate(connector)
    one.learn(ACCOUNT, answer(connector, 50), TENANT)
    with calling_for(Purpose.RECONCILIATION), pytest.raises(RateLimitedError):
        one.check(ACCOUNT, TENANT)
    one.check(ACCOUNT, TENANT)
    one.close()


def test_the_next_hour_begins_anew(connector):
    one = gate(connector)
    one.learn(ACCOUNT, answer(connector, 0), TENANT)
    connector.clock.advance(3601)
    with calling_for(Purpose.AGGREGATION):
        one.check(ACCOUNT, TENANT)
    one.close()


def test_many_calls_are_one_transaction(connector, monkeypatch):
    writes = []
    store = connector.application.store
    write = store.write

    def counted(tenant):
        writes.append(tenant)
        return write(tenant)

    monkeypatch.setattr(store, "write", counted)
    one = gate(connector)
    for _ in range(500):
        one.check(ACCOUNT, TENANT)
        one.learn(ACCOUNT, answer(connector, 900), TENANT)
    one.close()
    assert len(writes) <= 3
    with store.read(TENANT) as uow:
        [count] = [
            item for item in uow.budgets.calls(_midnight(connector)) if item.budget == ACCOUNT
        ]
    assert (count.purpose, count.calls) == ("provisioning", 500)


def _midnight(connector):
    return connector.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def test_sync_pauses_before_the_reserve_and_goes_on_in_the_next_hour(tmp_path):
    clock = ManualClock()
    world = simulated(50, now=clock.now)
    connector = connected(tmp_path / "connector.db", world=world, clock=clock)
    world.limits.hourly = 60
    services = connector.services
    clock.advance(3601)
    with pytest.raises(RateLimitedError, match="kept for changes"):
        for _ in range(6):
            services.aggregation.sync(actor=administrator("ann"))
    with services.context.read() as uow:
        paused = uow.jobs.latest(SYNC_JOB)
    assert (paused.state, paused.cause) == (RunState.WAITING, "RateLimitedError")
    assert paused.actor == "user:ann"
    services.refresh.refresh(next(iter(world.account.members)))
    clock.advance(3601)
    assert services.aggregation.sync().state is RunState.DONE
    connector.close()


def test_the_report_counts_calls_by_purpose_and_foresees_the_next_sync(connector):
    connector.create("ann@acme.test")
    connector.application.connection._gate.flush()
    report = connector.services.budget.report()
    assert report.today["aggregation"] > 5
    assert report.today["provisioning"] >= 1
    assert "authentication" not in {line.budget for line in report.lines}
    with connector.services.context.read() as uow:
        run = uow.jobs.latest(SYNC_JOB)
    foreseen = sum(report.forecast.calls.values())
    assert run.calls / 2 <= foreseen <= run.calls * 2
    assert report.forecast.minutes < 1
    assert report.forecast.time in ("some seconds", "a minute")
    assert replace(report.forecast, minutes=1_234.5).time == "1,234 minutes"
    assert report.forecast.pauses == 0
    assert _describe(report)


def test_a_forecast_beyond_the_hour_counts_the_pauses(connector):
    service = connector.services.budget
    report = service.report()
    line = replace(report.lines[0], limit=1000, background_left=240)
    assert service._pauses(line, 240) == 0
    assert service._pauses(line, 241) == 1
    assert service._pauses(line, 1000) == 4


def test_background_work_slows_down_before_the_burst_limit_and_changes_do_not(connector):
    one = gate(connector)
    headers = answer(connector, 900) | {"X-BurstLimit-Limit": "500", "X-BurstLimit-Remaining": "90"}
    one.learn(ACCOUNT, headers, TENANT)
    slept: list[float] = []
    connector.clock.sleep = slept.append
    one.check(ACCOUNT, TENANT)
    assert slept == []
    with calling_for(Purpose.AGGREGATION):
        one.check(ACCOUNT, TENANT)
        assert slept == [1.0]
        connector.clock.advance(31)
        one.check(ACCOUNT, TENANT)
    assert slept == [1.0]
    one.close()


def test_the_forecast_counts_the_organizations_calls_too(connector):
    report = connector.services.budget.report()
    organization = f"organization {connector.world.state.organization.organization_id}"
    with connector.services.context.read() as uow:
        run = uow.jobs.latest(SYNC_JOB)
    assert report.forecast.calls[organization] > run.counts["role_checks"]
    # Who administers two accounts is counted twice.
    assert run.calls <= sum(report.forecast.calls.values()) <= 1.5 * run.calls


def test_what_deltas_have_still_to_read_is_reported(connector):
    with connector.services.context.write() as uow:
        hint = Hint(ACCOUNT, "user-1", HintSource.LIST, connector.clock.now())
        uow.hints.add([hint])
        uow.commit()
    assert connector.services.budget.report().waiting == 1


def test_hours_that_a_run_waited_are_no_time_of_its_calls(tmp_path, monkeypatch):
    clock = ManualClock()
    world = simulated(60, now=clock.now)
    connector = connected(tmp_path / "c.db", world=world, clock=clock)
    client = connector.application.connection._client
    send, read = client.send, set()

    def sent(target, call):
        if call.what == "listing the groups":
            clock.advance(60)
        elif call.what == "listing the users":
            read.add(call.path["account_id"])
            if len(read) == 2:
                world.limits.use_up(call.path["account_id"])
        return send(target, call)

    monkeypatch.setattr(client, "send", sent)
    with pytest.raises(BudgetUsedUpError):
        connector.sync()
    monkeypatch.undo()
    clock.advance(3 * 3601)
    world.limits.next_hour()
    connector.sync()

    run = connector.services.runs.latest(SYNC_JOB)
    assert run is not None
    assert (run.duration_s or 0) > 3 * 3600
    assert 120 <= (worked_s(run) or 0) < 300
    assert connector.services.budget.report().forecast.minutes < 30
    connector.close()


def test_the_first_pause_ends_with_the_hour(connector, monkeypatch):
    service = connector.services.budget
    lines = [
        replace(line, resets_at=connector.clock.now() + timedelta(minutes=10))
        for line in service.report().lines
    ]
    calls = {lines[0].budget: 10}
    for pauses, minutes in ((1, 10), (2, 70)):
        monkeypatch.setattr(service, "_pauses", lambda line, number, found=pauses: found)
        forecast = service._forecast(lines, calls, None)
        assert forecast.pauses == pauses
        assert minutes - 1 < forecast.minutes <= minutes + 1
