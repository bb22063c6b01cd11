"""Full runs: what is unchanged is not written, and lists that lie take nobody out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from connector.bootstrap import build
from connector.domain.ledger.job_runs import RunState
from connector.errors import GuardError, TemporaryError
from connector.services.aggregation import SYNC_JOB
from connector.settings import AggregationSettings, ProvisioningSettings
from connector.store.tables import resources
from simulator.faults import Fault
from simulator.state import groups, memberships, users
from simulator.state.model import Status
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated


def running(tmp_path, n_users=60, clock=None, **options):
    clock = clock or ManualClock()
    world = simulated(n_users, now=clock.now)
    return connected(tmp_path / "c.db", world=world, clock=clock, **options)


@pytest.fixture
def connector(tmp_path):
    connector = running(tmp_path)
    yield connector
    connector.close()


def sync(connector):
    return connector.services.aggregation.sync()


def tamper(connector, change):
    """Let *change* edit each answer of the list of users: ``change(query, answer)``."""
    client = connector.application.connection._client
    send = client.send

    def sent(target, call):
        answer = send(target, call)
        if call.what == "listing the users":
            change(call.query, answer)
        return answer

    client.send = sent


# what is unchanged ------------------------------------------------------------------


def in_two_accounts(connector):
    """Return somebody's two memberships, in the order of the accounts' ids."""
    first, second = sorted(item.account_id for item in connector.world.accounts)[:2]
    for member in connector.world.state.accounts[first].roster:
        other = member.user.memberships.get(second)
        if member.status is Status.ACTIVE and other is not None and other.status is Status.ACTIVE:
            return member, other
    raise AssertionError("nobody is in both accounts")


@pytest.mark.parametrize("source", ["lists", "export"])
def test_a_job_title_of_each_account_is_no_change_at_every_run(tmp_path, source):
    aggregation = AggregationSettings(source=source)
    connector = running(tmp_path, n_users=300, aggregation=aggregation)
    here, there = in_two_accounts(connector)
    here.job_title, there.job_title = "Clerk", "Director"
    sync(connector)
    path = f"/Users/{here.user.user_id}"
    before = ok(connector.get(path))
    assert before["title"] == "Clerk"
    for _ in range(2):
        connector.clock.advance(3600)
        run = sync(connector)
        assert (run.counts.get("changed", 0), run.counts.get("exported_differing", 0)) == (0, 0)
        connector.services.delta.read_user(here.user.user_id)
    assert ok(connector.get(path)) == before

    there.job_title = "Chairman"
    run = sync(connector)
    assert ok(connector.get(path)) == before, "the other account is not shown"
    connector.close()


def test_a_second_run_writes_only_who_changed(connector):
    sync(connector)
    member = connector.world.member()
    users.rename(connector.world.state, member.user, {"user_name": "Renamed Natively"})
    run = sync(connector)
    closed = sum(
        1
        for account in connector.world.accounts
        for item in account.roster
        if not item.user.is_open
    )
    assert run.counts["changed"] == 1
    assert run.counts["written"] <= len(member.user.memberships) + closed
    assert connector.user(member.user.user_id)["displayName"] == "Renamed Natively"


def test_another_process_passes_over_the_same(tmp_path):
    connector = running(tmp_path)
    sync(connector)
    connector.close()
    other = build(
        connector.application.settings, clock=connector.clock, session=connector.world.session()
    )
    run = other.tenant("default").aggregation.sync()
    assert run.counts["written"] < run.counts["users"] / 2
    other.close()


def test_a_group_renamed_in_docusign_is_written_into_its_members(connector):
    sync(connector)
    group = connector.group()
    member = next(iter(connector.group_members(group)))
    groups.rename(
        connector.world.state, connector.world.account, group.partition(".g")[2], "Native"
    )
    sync(connector)
    shown = {item["value"]: item["display"] for item in connector.user(member)["groups"]}
    assert shown[group] == "Native"


def test_another_setting_is_written_into_everybody(tmp_path):
    connector = running(tmp_path)
    sync(connector)
    connector.close()
    settings = connector.application.settings
    provisioning = ProvisioningSettings(pending_is_active=False)
    tenant = replace(settings.tenants["default"], provisioning=provisioning)
    other = build(
        replace(settings, tenants={"default": tenant}),
        clock=connector.clock,
        session=connector.world.session(),
    )
    run = other.tenant("default").aggregation.sync()
    assert run.counts["written"] == run.counts["users"]
    other.close()


def test_what_was_lost_is_written_again_after_some_days(connector):
    sync(connector)
    user_id = connector.world.member().user.user_id
    damage(connector, user_id)
    sync(connector)
    assert "displayName" not in connector.user(user_id)
    connector.clock.advance(timedelta(days=8).total_seconds())
    sync(connector)
    assert connector.user(user_id)["displayName"]


def test_a_thorough_run_on_request_writes_everybody(connector):
    sync(connector)
    user_id = connector.world.member().user.user_id
    damage(connector, user_id)
    run = connector.services.aggregation.sync(thorough=True)
    assert run.counts["written"] == run.counts["users"]
    assert connector.user(user_id)["displayName"]


def damage(connector, user_id):
    """Break a stored document, as a defect of an earlier version might have."""
    with connector.application.store.database.writing() as connection:
        connection.execute(
            update(resources)
            .where(resources.c.scim_id == user_id)
            .values(document='{"schemas":[],"id":"' + user_id + '","meta":{}}', version="W/x")
        )
        connection.commit()


def last_modified(connector):
    with connector.application.store.database.reading() as connection:
        rows = connection.execute(
            select(resources.c.scim_id, resources.c.last_modified_at).where(
                resources.c.kind == "User"
            )
        )
        return dict(rows.all())


def test_a_broken_off_run_of_a_clock_that_was_ahead_is_never_gone_on_with(connector):
    ahead_s = 3 * 24 * 3600
    connector.clock.advance(ahead_s)
    connector.world.faults.add(Fault("error", "GET", "/users/profile$", times=None))
    with pytest.raises(TemporaryError):
        sync(connector)
    broken = connector.services.runs.latest(SYNC_JOB)
    assert broken.state is RunState.FAILED and broken.cursor["accounts_done"]
    connector.world.faults.clear()
    connector.clock.advance(-ahead_s)
    assert sync(connector).run_id != broken.run_id

    connector.clock.advance(ahead_s + 60)
    member = connector.world.member()
    users.rename(connector.world.state, member.user, {"user_name": "Renamed Natively"})
    run = sync(connector)
    assert (run.run_id != broken.run_id, run.state) == (True, RunState.DONE)
    assert connector.user(member.user.user_id)["displayName"] == "Renamed Natively"


def test_lastmodified_moves_for_those_who_changed_alone(connector):
    sync(connector)
    before = last_modified(connector)
    member = connector.world.member()
    memberships.close(connector.world.state, member)
    sync(connector)
    after = last_modified(connector)
    assert {key for key in after if after[key] != before[key]} == {member.user.user_id}


# lists that lie ---------------------------------------------------------------------


def shown(connector):
    with connector.application.store.database.reading() as connection:
        statement = select(func.count()).where(resources.c.kind == "User", resources.c.visible)
        return connection.scalar(statement)


def test_a_total_that_is_too_high_is_told_and_takes_nobody_out(connector):
    before = shown(connector)
    tamper(connector, lambda _, answer: answer.update(totalSetSize="1000"))
    run = sync(connector)
    assert run.state is RunState.DONE
    assert run.counts["short"] > 0
    assert run.counts["walked_again"] == len(connector.world.accounts)
    assert run.counts.get("vanished", 0) == 0
    assert shown(connector) == before


@pytest.mark.parametrize("total", ["0", "1", "", None])
def test_a_total_that_is_too_low_ends_no_list(tmp_path, total):
    connector = running(tmp_path, n_users=400)
    tamper(connector, lambda _, answer: answer.update(totalSetSize=total, nextUri=""))
    run = sync(connector)
    assert run.counts["users"] == sum(len(item.roster) for item in connector.world.accounts)
    assert run.counts.get("vanished", 0) == 0
    connector.close()


def test_a_page_that_is_missing_once_is_asked_for_again(tmp_path):
    connector = running(tmp_path, n_users=400)
    todo = ["100"]

    def empty(query, answer):
        if query["start_position"] in todo:
            todo.remove(query["start_position"])
            answer["users"] = []

    tamper(connector, empty)
    run = sync(connector)
    assert run.counts["users"] == sum(len(item.roster) for item in connector.world.accounts)
    assert "walked_again" not in run.counts
    connector.close()


@pytest.mark.parametrize("dropped", [7, 100])
def test_users_between_pages_who_stay_missing_are_not_taken_out(tmp_path, dropped):
    connector = running(tmp_path, n_users=400, guards={"max_affected_min": 400})
    before = shown(connector)
    connector.world.set_variants(list_drops=dropped)
    run = sync(connector)
    paged = [item for item in connector.world.accounts if len(item.roster) > 100]
    assert run.counts["walked_again"] == len(paged) > 0
    assert run.counts["short"] > 0
    assert run.counts.get("vanished", 0) == 0
    assert shown(connector) == before
    connector.close()


@pytest.mark.parametrize("repeated", [1, 40])
def test_who_is_on_two_pages_is_met_once_and_nobody_is_missed(tmp_path, repeated):
    connector = running(tmp_path, n_users=400)
    connector.world.set_variants(list_repeats=repeated)
    run = sync(connector)
    assert run.counts["users"] == sum(len(item.roster) for item in connector.world.accounts)
    assert not {"short", "vanished", "walked_again"} & set(run.counts)
    connector.close()


def test_a_page_that_comes_again_and_again_ends_the_walk(tmp_path):
    connector = running(tmp_path, n_users=400)
    connector.world.set_variants(list_repeats=100)
    with pytest.raises(GuardError, match="lacks"):
        sync(connector)
    assert connector.services.runs.latest(SYNC_JOB).calls < 40
    connector.close()


def test_who_moves_to_a_page_that_was_read_is_met_in_a_second_walk(tmp_path):
    connector = running(tmp_path, n_users=400)
    account = connector.world.account
    joined = users.join(
        connector.world.state, account, users.NewMember("late@acme.test", "Late Comer")
    )
    # The newcomer stands at the end; before the last page is read, at the beginning.
    moved: list[bool] = []

    def move(query, _answer):
        if query["start_position"] == "0" and not moved:
            account.roster.remove(joined)
            account.roster.insert(0, joined)
            moved.append(True)

    tamper(connector, move)
    run = sync(connector)
    assert run.counts["walked_again"] == 1
    assert "short" not in run.counts
    assert connector.user(joined.user.user_id)["userName"] == "late@acme.test"
    connector.close()
