"""A full run by export costs a handful of calls, finds what lists find, and falls back to them."""

from dataclasses import replace

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.errors import TemporaryError
from connector.ports import ExportState
from connector.services.aggregation import SYNC_JOB
from connector.settings import AggregationSettings
from simulator.faults import Fault
from simulator.state import groups, memberships, users
from simulator.state.model import Status
from tests.acceptance.agreement import disagreements
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated


def running(tmp_path, n_users=250, source="export", **variants):
    clock = ManualClock()
    world = simulated(n_users, now=clock.now, **variants)
    settings = AggregationSettings(source=source, export_wait_s=600)
    connector = connected(tmp_path / "c.db", world=world, clock=clock, aggregation=settings)
    clock.advance(3600)
    return connector


@pytest.fixture
def connector(tmp_path):
    connector = running(tmp_path)
    yield connector
    connector.close()


def agrees(connector):
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def list_calls(connector):
    """Return a list to which each call for a page of users is appended from now on."""
    client = connector.application.connection._client
    send, calls = client.send, []

    def sent(target, call):
        if call.what == "listing the users":
            calls.append(call)
        return send(target, call)

    client.send = sent
    return calls


def test_nothing_changed_takes_no_list(connector):
    lists = list_calls(connector)
    run = connector.services.aggregation.sync()
    assert lists == []
    assert run.counts["exported_differing"] == 0
    assert run.counts["users"] == sum(len(item.roster) for item in connector.world.accounts)
    assert agrees(connector) == []


def test_every_kind_of_difference_is_found_and_read(tmp_path):
    connector = running(tmp_path, n_users=800)
    state, account = connector.world.state, connector.world.account
    active = [
        item
        for item in account.roster
        if item.status is Status.ACTIVE and not item.is_admin and len(item.user.memberships) == 1
    ]
    renamed, readdressed, demoted, closed, moved = active[:5]
    users.rename(state, renamed.user, {"user_name": "Renamed Natively"})
    state.readdress(readdressed.user, "moved@northwind-freight.example")
    other = connector.entitlement(profile=0).partition(".")[2]
    demoted.profile_id = (
        other if demoted.profile_id != other else connector.entitlement(profile=1).partition(".")[2]
    )
    memberships.close(state, closed)
    group = connector.group().partition(".g")[2]
    change = groups.remove_member if group in moved.group_ids else groups.add_member
    change(state, account, group, moved.user.user_id)
    joined = users.join(state, account, users.NewMember("new@acme.test", "New Person"))

    lists = list_calls(connector)
    run = connector.services.aggregation.sync()
    assert (run.counts["exported_differing"], lists) == (6, [])
    assert run.counts["changed"] == 6
    assert connector.user(joined.user.user_id)["userName"] == "new@acme.test"
    assert agrees(connector) == []
    connector.close()


def test_a_group_whose_name_has_the_separator_is_no_difference(tmp_path):
    connector = running(tmp_path)
    group = connector.group().partition(".g")[2]
    groups.rename(
        connector.world.state, connector.world.account, group, "Sales; North, East | West"
    )
    connector.services.aggregation.sync()
    run = connector.services.aggregation.sync()
    assert run.counts["exported_differing"] == 0
    assert agrees(connector) == []
    connector.close()


@pytest.mark.parametrize(
    "variants",
    [
        {"export_fails": "failed"},
        {"export_fails": "truncated"},
        {"export_fails": "forgotten"},
        {"export_polls": 10_000},
        {"export_shows_closed": False},
    ],
    ids=["failed", "half a file", "forgotten", "never complete", "without closed users"],
)
def test_an_export_that_goes_wrong_gives_way_to_lists(tmp_path, variants):
    connector = running(tmp_path)
    connector.world.set_variants(**variants)
    run = connector.services.aggregation.sync()
    assert run.state is RunState.DONE
    assert run.counts["exports_given_up"] >= 1
    assert run.counts.get("vanished", 0) == 0
    assert agrees(connector) == []
    connector.close()


def test_where_too_many_differ_the_lists_are_read(connector):
    for member in connector.world.account.roster[:60]:
        if member.status is Status.ACTIVE:
            users.rename(connector.world.state, member.user, {"user_name": "Renamed Natively"})
    run = connector.services.aggregation.sync()
    assert run.counts["exports_given_up"] == 1
    assert agrees(connector) == []


def test_a_run_that_is_broken_off_asks_for_the_same_export_again(connector):
    fault = Fault("error", "GET", "user_list/", times=None, status=503)
    connector.world.faults.add(fault)
    with pytest.raises(TemporaryError):
        connector.services.aggregation.sync()
    broken = connector.services.runs.latest(SYNC_JOB)
    assert broken.cursor["export"]
    connector.world.faults.clear()
    ordered = len(connector.world.state.exports)
    run = connector.services.aggregation.sync()
    accounts = len(connector.world.accounts)
    assert run.run_id == broken.run_id
    assert len(connector.world.state.exports) == ordered + accounts - 1
    assert agrees(connector) == []


def test_auto_takes_lists_where_they_cost_less(tmp_path):
    connector = running(tmp_path, source="auto")
    lists = list_calls(connector)
    connector.services.aggregation.sync()
    assert len(lists) >= len(connector.world.accounts)
    assert not connector.world.state.exports
    connector.close()


def test_auto_takes_the_export_where_it_costs_less(tmp_path):
    connector = running(tmp_path, n_users=1500, source="auto")
    lists = list_calls(connector)
    calls = connector.services.runs.latest(SYNC_JOB).calls
    run = connector.services.aggregation.sync()
    big = connector.world.account
    assert len(big.roster) > 1200
    assert big.account_id not in {call.path["account_id"] for call in lists}
    assert run.calls < calls
    assert agrees(connector) == []
    connector.close()


def test_a_thorough_run_reads_lists(connector):
    lists = list_calls(connector)
    connector.services.aggregation.sync(thorough=True)
    assert len(lists) >= len(connector.world.accounts)


def test_no_token_goes_to_an_address_that_is_none_of_docusigns(connector, monkeypatch):
    directory = connector.services.context.directory

    def elsewhere(_export_id):
        return ExportState(True, urls=["https://evil.example/rows"], rows=1)

    monkeypatch.setattr(directory, "export_state", elsewhere)
    run = connector.services.aggregation.sync()
    assert run.counts["exports_given_up"] == len(connector.world.accounts)
    assert agrees(connector) == []


def test_a_run_that_is_broken_off_among_those_who_differ_reads_the_rest(connector):
    members = [item for item in connector.world.account.roster if item.status is Status.ACTIVE]
    for member in members[:2]:
        users.rename(connector.world.state, member.user, {"user_name": "Renamed Natively"})
    fault = Fault("error", "GET", r"/accounts/[^/]+/users/[^/]+$", nth=2, times=None, status=503)
    connector.world.faults.add(fault)
    with pytest.raises(TemporaryError):
        connector.services.aggregation.sync()
    connector.world.faults.clear()
    run = connector.services.aggregation.sync()
    assert run.counts["users"] == sum(len(item.roster) for item in connector.world.accounts)
    assert "exports_given_up" not in run.counts
    assert agrees(connector) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("lose_answer", "POST", "exports/user_list", times=None),
        Fault("error", "POST", "exports/user_list", times=None, status=500),
    ],
    ids=["no answer", "a failure"],
)
def test_an_order_that_may_not_have_arrived_gives_way_to_lists(connector, fault):
    connector.world.faults.add(fault)
    run = connector.services.aggregation.sync()
    assert (run.state, run.counts["exports_given_up"]) == (
        RunState.DONE,
        len(connector.world.accounts),
    )
    assert agrees(connector) == []


def test_an_order_that_is_answered_without_an_id_gives_way_to_lists(connector):
    client = connector.application.connection._client
    send = client.send

    def sent(target, call):
        answer = send(target, call)
        if call.what == "ordering a user-list export":
            del answer["id"]
        return answer

    client.send = sent
    run = connector.services.aggregation.sync()
    assert run.counts["exports_given_up"] == len(connector.world.accounts)
    assert agrees(connector) == []


def serve(connector, change):
    """Let *change* edit the file of each export."""
    client = connector.application.connection._client
    download = client.download

    def served(target, call, into):
        download(target, call, into)
        into.seek(0)
        changed = change(into.read())
        into.seek(0)
        into.truncate()
        into.write(changed)

    client.download = served


@pytest.mark.parametrize("place", ["in its rows", "in its first line"])
def test_a_file_that_is_no_table_gives_way_to_lists(connector, place):
    endless = b'"' + b"x" * 200_000
    serve(
        connector,
        lambda content: endless + content if place == "in its first line" else content + endless,
    )
    run = connector.services.aggregation.sync()
    assert run.counts["exports_given_up"] == len(connector.world.accounts)
    assert agrees(connector) == []


@pytest.mark.parametrize("told", [True, False], ids=["as told", "fewer than told"])
def test_rows_that_are_missing_take_nobody_out(tmp_path, monkeypatch, told):
    connector = running(tmp_path)
    directory = connector.services.context.directory
    state = directory.export_state
    if told:
        monkeypatch.setattr(
            directory, "export_state", lambda id_: replace(found := state(id_), rows=found.rows - 1)
        )
    serve(connector, lambda content: b"".join(content.splitlines(keepends=True)[:-1]))
    run = connector.services.aggregation.sync()
    given_up = 0 if told else len(connector.world.accounts)
    assert run.counts.get("exports_given_up", 0) == given_up
    assert run.counts.get("vanished", 0) == 0
    assert agrees(connector) == []
    connector.close()


def test_auto_stays_with_lists_for_some_days_after_an_export_that_failed(tmp_path):
    connector = running(tmp_path, n_users=1500, source="auto")
    connector.world.set_variants(export_fails="failed")
    assert connector.services.aggregation.sync().counts["exports_given_up"] == 1
    connector.world.set_variants(export_fails="")
    ordered = len(connector.world.state.exports)
    connector.clock.advance(3600)
    connector.services.aggregation.sync()
    assert len(connector.world.state.exports) == ordered
    connector.clock.advance(7 * 24 * 3600)
    connector.services.aggregation.sync()  # Writes everybody, and that is by lists.
    connector.services.aggregation.sync()
    assert len(connector.world.state.exports) == ordered + 1
    connector.close()


def test_nobody_counts_as_read_by_a_run_that_read_nobody(connector):
    """What an export does not show, a sign-in above all, is not known as of its time."""
    user = connector.world.member().user

    def read_at():
        with connector.services.context.read() as uow:
            return uow.mirror.fetched_at(user.user_id)

    before = read_at()
    user.last_login_at = connector.clock.now()
    connector.services.aggregation.sync()
    assert read_at() == before
    run = connector.services.aggregation.sync(lists=True)
    assert read_at() == run.started_at
    with connector.services.context.read() as uow:
        assert uow.mirror.get_users([user.user_id])[user.user_id].last_login_at is not None


def test_a_delta_asks_for_what_an_export_before_it_did_not_show(connector):
    """The time since which it asks does not move with a run that read nobody."""
    state = connector.world.state
    user = connector.world.member().user
    user.suffix = "Jr"
    state.touch(user)
    connector.clock.advance(3600)
    connector.services.aggregation.sync()
    connector.clock.advance(3600)
    connector.services.delta.run()
    with connector.services.context.read() as uow:
        assert uow.mirror.get_users([user.user_id])[user.user_id].suffix == "Jr"
