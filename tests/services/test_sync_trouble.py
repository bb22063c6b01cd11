"""What may go wrong in the middle of a full run: it says so, keeps its place and closes nobody."""

from contextlib import contextmanager

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.errors import BudgetUsedUpError, ConfigError, TemporaryError
from connector.services.aggregation import SYNC_JOB, members
from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from simulator.faults import Fault
from tests.acceptance.agreement import disagreements
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:sync", "job", "test")


@pytest.fixture
def connector(tmp_path, monkeypatch):
    monkeypatch.setattr(members, "_BATCH", 100)
    clock = ManualClock()
    world = simulated(400, now=clock.now)
    running = connected(tmp_path / "c.db", world=world, clock=clock)
    clock.advance(3600)
    yield running
    running.close()


def latest(connector):
    return connector.services.runs.latest(SYNC_JOB)


def agrees(connector):
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def during(connector, page, change):
    """Make *change* once, when the list of users is asked for the page of this number."""
    client = connector.application.connection._client
    send, seen = client.send, []

    def sent(target, call):
        if call.what == "listing the users":
            seen.append(call)
            if len(seen) == page:
                change()
        return send(target, call)

    client.send = sent


def test_a_database_that_goes_away_and_returns_loses_nothing(connector, monkeypatch):
    store = connector.application.store
    write = store.write

    @contextmanager
    def away(_tenant):
        raise TemporaryError("The database cannot be reached.")
        yield

    during(connector, 3, lambda: monkeypatch.setattr(store, "write", away))
    with pytest.raises(TemporaryError, match="database"):
        connector.services.aggregation.sync()
    monkeypatch.setattr(store, "write", write)
    # Its lease was not given back: the run looks like one whose process was killed.
    assert latest(connector).state is RunState.RUNNING
    connector.clock.advance(130)
    run = connector.services.aggregation.sync()
    assert (run.state, run.counts.get("vanished", 0)) == (RunState.DONE, 0)
    assert agrees(connector) == []


def test_a_budget_that_runs_out_waits_and_is_no_failure(connector):
    limits = connector.world.limits
    account = connector.world.account.account_id
    during(connector, 3, lambda: limits.use_up(account, remaining=1))
    with pytest.raises(BudgetUsedUpError):
        run_job(SYNC_JOB, connector.services, ACTOR)
    waiting = latest(connector)
    assert waiting.state is RunState.WAITING
    assert waiting.cursor["position"] > 0
    assert "DocuSign API calls" in waiting.error
    with connector.services.context.read() as uow:
        assert not uow.facts().get("failing_jobs")
    connector.clock.advance(3601)
    limits.next_hour()
    run = connector.services.aggregation.sync()
    assert (run.run_id, run.state) == (waiting.run_id, RunState.DONE)
    assert agrees(connector) == []


@pytest.mark.parametrize("seconds", [-7200, 7200], ids=["back", "forward"])
def test_a_clock_that_jumps_in_the_middle_loses_nobody(connector, seconds):
    during(connector, 3, lambda: connector.clock.advance(seconds))
    before = {key: len(item.roster) for key, item in connector.world.state.accounts.items()}
    run = connector.services.aggregation.sync()
    assert run.state is RunState.DONE
    assert run.counts["users"] == sum(before.values())
    assert run.counts.get("vanished", 0) == 0
    assert run.duration_s >= 0
    assert agrees(connector) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("html", "GET", "/users$", nth=3, times=None, status=502),
        Fault("drop", "GET", "/users$", nth=3, times=None),
        Fault("error", "GET", "/users$", nth=3, times=None, status=503),
    ],
    ids=["a proxy's page", "dropped", "unavailable"],
)
def test_docusign_that_goes_away_is_gone_on_with_at_the_page(connector, fault):
    connector.world.faults.add(fault)
    with pytest.raises(TemporaryError):
        connector.services.aggregation.sync()
    failed = latest(connector)
    assert failed.state is RunState.FAILED
    assert failed.error
    connector.world.faults.clear()
    run = connector.services.aggregation.sync()
    assert run.run_id == failed.run_id
    assert agrees(connector) == []


def test_an_empty_account_takes_nobody_out(connector):
    account = connector.world.account
    account.roster.clear()
    account.members.clear()
    with pytest.raises(Exception, match=r"lacks|member"):
        connector.services.aggregation.sync()
    with connector.services.context.read() as uow:
        assert uow.totals.members(account.account_id) > 100


def test_another_account_in_the_configuration_is_refused_before_a_call(connector):
    settings = connector.services.settings
    accounts = settings.accounts
    other = "11111111-1111-4111-8111-111111111111"
    object.__setattr__(settings.accounts[0], "account_id", other)
    calls = len(connector.services.runs.history(SYNC_JOB))
    for run in (connector.services.aggregation.sync, connector.services.delta.run):
        with pytest.raises(ConfigError, match="forget-account"):
            run()
    object.__setattr__(settings, "accounts", accounts)
    assert len(connector.services.runs.history(SYNC_JOB)) == calls


def test_a_run_that_waited_for_many_hours_is_not_begun_anew(connector):
    limits = connector.world.limits
    during(connector, 3, lambda: limits.use_up(connector.world.account.account_id, remaining=1))
    with pytest.raises(BudgetUsedUpError):
        connector.services.aggregation.sync()
    waiting = latest(connector)
    connector.clock.advance(20 * 3600)
    limits.next_hour()
    assert connector.services.aggregation.sync().run_id == waiting.run_id
