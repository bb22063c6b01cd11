"""A list that lacks many users is not believed; a few are asked for one by one."""

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.errors import GuardError
from connector.services.aggregation import SYNC_JOB
from tests.approvals import administrator
from tests.connector import connected


def members(connector):
    """Return how many members the mirror has in the first account."""
    with connector.services.context.read() as uow:
        return uow.totals.members(connector.world.account.account_id)


def forget(connector, number):
    """Let DocuSign forget users of the first account, never the service user."""
    account = connector.world.account
    service_user_id = connector.world.service_user.user_id
    ids = [user_id for user_id in account.members if user_id != service_user_id]
    for user_id in ids[:number]:
        account.roster.remove(account.members.pop(user_id))


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "c.db", guards={"max_affected_min": 5})
    yield running
    running.close()


def test_a_list_that_lacks_many_users_is_refused_and_nobody_is_taken_out(connector):
    before = members(connector)
    forget(connector, 20)
    with pytest.raises(GuardError, match="lacks 20 of the"):
        connector.sync()
    assert members(connector) == before
    run = connector.services.runs.latest(SYNC_JOB)
    assert (run.state, run.cause) == (RunState.FAILED, "GuardError")


def test_an_all_but_empty_list_is_refused_before_anybody_is_asked_for(connector):
    before = members(connector)
    forget(connector, before)
    with pytest.raises(GuardError):
        connector.sync()
    assert members(connector) == before
    assert connector.services.runs.latest(SYNC_JOB).calls < 15


def test_a_few_users_who_are_gone_are_taken_out(connector):
    before = members(connector)
    forget(connector, 4)
    connector.sync()
    assert members(connector) == before - 4
    assert connector.services.runs.latest(SYNC_JOB).counts["vanished"] == 4


def test_with_the_setting_widened_the_same_run_goes_on(connector):
    before = members(connector)
    forget(connector, 20)
    with pytest.raises(GuardError):
        connector.sync()
    object.__setattr__(connector.services.settings.guards, "max_affected_pct", 100.0)
    connector.sync()
    assert members(connector) == before - 20


def test_a_run_that_the_clock_goes_on_with_stays_whoever_asked_s(connector):
    forget(connector, 20)
    with pytest.raises(GuardError):
        connector.services.aggregation.sync(actor=administrator("ann"))
    broken = connector.services.runs.latest(SYNC_JOB)
    object.__setattr__(connector.services.settings.guards, "max_affected_pct", 100.0)
    run = connector.services.aggregation.sync()
    assert (run.run_id, run.actor) == (broken.run_id, "user:ann")
    assert connector.services.aggregation.sync().actor == ""
