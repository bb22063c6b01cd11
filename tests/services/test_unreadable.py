"""What DocuSign does not show keeps nothing else from being read, and is told."""

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.domain.mirror.hints import MOST_ATTEMPTS, Hint, HintSource
from connector.errors import PermanentError, TemporaryError
from connector.services.aggregation import DELTA_JOB, SYNC_JOB
from connector.services.aggregation.roles import ADMINS_KNOWN
from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from connector.settings import AggregationSettings
from simulator.faults import Fault
from simulator.state import users
from simulator.state.model import Status
from tests.connector import ManualClock, connected
from tests.simulated import simulated

ACTOR = Actor("job:delta", "job", "test")
EVERYBODY = r"/restapi/v2.1/accounts/[^/]+/users/"


@pytest.fixture
def start(tmp_path):
    started: list = []

    def begin(n_users=60, **settings):
        clock = ManualClock()
        world = simulated(n_users, now=clock.now)
        path = tmp_path / f"{len(started)}.db"
        started.append(connected(path, world=world, clock=clock, **settings))
        clock.advance(3600)
        return started[-1]

    yield begin
    for connector in started:
        connector.close()


def refuse(connector, path):
    fault = Fault("error", "GET", path, times=None, status=400, error_code="INVALID_USER")
    connector.world.faults.add(fault)


def active(connector, number):
    """Return plain members of the first account who are in no other."""
    found = [
        item
        for item in connector.world.account.roster
        if item.status is Status.ACTIVE and not item.is_admin and len(item.user.memberships) == 1
    ]
    return found[:number]


def rename(connector, members):
    for item in members:
        users.rename(connector.world.state, item.user, {"user_name": "Renamed Natively"})


def renamed(connector):
    shown = connector.get('/Users?filter=displayName eq "Renamed Natively"&count=0').json
    return shown["totalResults"]


def waiting(connector):
    with connector.services.context.read() as uow:
        return [hint.user_id for hint in uow.hints.due()]


def test_a_delta_reads_whoever_else_is_hinted_at(start):
    connector = start()
    first, *others = active(connector, 5)
    rename(connector, [first, *others])
    refuse(connector, f"/users/{first.user.user_id}$")

    run_job(DELTA_JOB, connector.services, ACTOR)

    run = connector.services.runs.latest(DELTA_JOB)
    assert (run.state, run.counts["unreadable"]) == (RunState.DONE, 1)
    assert renamed(connector) == len(others)
    assert waiting(connector) == [first.user.user_id]
    connector.world.faults.clear()
    connector.services.delta.run()
    assert (renamed(connector), waiting(connector)) == (len(others) + 1, [])


def test_whoever_is_never_shown_costs_no_calls_for_ever(start):
    connector = start()
    (member,) = active(connector, 1)
    user_id = member.user.user_id
    rename(connector, [member])
    refuse(connector, f"/users/{user_id}$")
    runs = []
    for _ in range(MOST_ATTEMPTS + 2):
        runs.append(connector.services.delta.run())
        connector.clock.advance(3600)
    assert [counts["unreadable"] for counts in runs] == [1] * MOST_ATTEMPTS + [0, 0]
    assert [counts["given_up"] for counts in runs].index(1) == MOST_ATTEMPTS - 1
    assert waiting(connector) == []
    connector.world.faults.clear()
    connector.sync()
    assert renamed(connector) == 1, "a full run reads everybody"


def test_where_nobody_is_shown_a_delta_fails_at_once(start):
    connector = start()
    rename(connector, active(connector, 5))
    refuse(connector, EVERYBODY)
    with pytest.raises(PermanentError):
        connector.services.delta.run()
    assert len(waiting(connector)) == 5


def test_a_role_that_is_refused_keeps_no_hint_from_being_followed(start):
    connector = start()
    (member,) = active(connector, 1)
    rename(connector, [member])
    account, user_id = connector.world.account.account_id, member.user.user_id
    connector.world.service_user.is_organization_admin = False
    now = connector.clock.now()
    places = (("", user_id), (account, user_id))
    with connector.services.context.write() as uow:
        uow.hints.add([Hint(where, who, HintSource.MONITOR, now) for where, who in places])
        uow.commit()
    counts = connector.services.delta.run()
    assert counts["role_checks_refused"] >= 1
    assert (renamed(connector), waiting(connector)) == (1, [user_id])


PROFILES = "/v2/organizations/[^/]+/users/profile"


def fail(connector, path):
    connector.world.faults.add(Fault("error", "GET", path, times=None, status=500))


def test_one_whose_role_fails_for_good_keeps_no_run_from_ending(start, monkeypatch):
    connector = start()
    member = next(
        item
        for item in connector.world.account.roster
        if item.is_admin and item.user is not connector.world.service_user
    )
    directory = connector.services.context.directory
    get_people = directory.get_people

    def people(email):
        if email == member.user.email:
            raise TemporaryError("DocuSign answered 500.")
        return get_people(email)

    monkeypatch.setattr(directory, "get_people", people)
    with connector.services.context.write() as uow:
        found = Hint("", member.user.user_id, HintSource.MONITOR, connector.clock.now())
        uow.hints.add([found])
        uow.commit()
    assert connector.services.delta.run()["role_checks_refused"] == 1
    assert waiting(connector) == [member.user.user_id]
    connector.sync()
    run = connector.services.runs.latest(SYNC_JOB)
    assert (run.state, run.counts["role_checks_refused"]) == (RunState.DONE, 1)
    assert run.counts["role_checks"] >= 1


def test_profiles_that_fail_for_good_keep_no_hint_from_being_followed(start):
    connector = start()
    (member,) = active(connector, 1)
    account, user_id = connector.world.account.account_id, member.user.user_id
    rename(connector, [member])
    fail(connector, "/permission_profiles$")
    with connector.services.context.write() as uow:
        places, now = (("", account), (user_id, account)), connector.clock.now()
        uow.hints.add([Hint(where, who, HintSource.MONITOR, now) for who, where in places])
        uow.commit()
    assert connector.services.delta.run()["catalogues_refused"] == 1
    assert renamed(connector) == 1


def test_where_the_organization_fails_altogether_a_run_ends_for_now(start):
    connector = start()
    fail(connector, PROFILES)
    with pytest.raises(TemporaryError):
        connector.services.aggregation.sync()
    assert connector.services.runs.latest(SYNC_JOB).state is RunState.FAILED


def test_a_full_run_by_lists_goes_on_behind_one_who_is_missed_and_unreadable(start):
    connector = start()
    account = connector.world.account
    gone, unreadable = active(connector, 2)
    for item in (gone, unreadable):
        account.roster.remove(account.members.pop(item.user.user_id))
    refuse(connector, f"/users/{unreadable.user.user_id}$")

    connector.sync()

    run = connector.services.runs.latest(SYNC_JOB)
    assert (run.state, run.counts["vanished"], run.counts["unreadable"]) == (RunState.DONE, 1, 1)
    with connector.services.context.read() as uow:
        known = uow.mirror.get_users([gone.user.user_id, unreadable.user.user_id])
    held = {key: account.account_id in item.memberships for key, item in known.items()}
    assert held.get(unreadable.user.user_id)
    assert not held.get(gone.user.user_id)


def test_a_full_run_by_export_goes_on_behind_one_who_differs_and_is_unreadable(start):
    connector = start(250, aggregation=AggregationSettings(source="export"))
    first, second = active(connector, 2)
    rename(connector, [first, second])
    refuse(connector, f"/users/{first.user.user_id}$")

    connector.sync()

    run = connector.services.runs.latest(SYNC_JOB)
    assert (run.state, run.counts["unreadable"]) == (RunState.DONE, 1)
    assert renamed(connector) == 1


def test_a_full_run_ends_well_without_rights_in_the_organization(start):
    connector = start()
    connector.world.service_user.is_organization_admin = False
    with connector.services.context.write() as uow:
        uow.put_fact(ADMINS_KNOWN, False)
        uow.commit()
    for _ in range(3):
        connector.sync()
        run = connector.services.runs.latest(SYNC_JOB)
        assert run.state is RunState.DONE
        assert 0 < run.counts["role_checks_refused"] <= 3
    with connector.services.context.read() as uow:
        assert not uow.facts()[ADMINS_KNOWN], "nobody was looked at"
