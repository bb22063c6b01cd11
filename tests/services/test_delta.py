"""Between two full runs what DocuSign reports as changed is read again, and nothing is lost."""

from datetime import timedelta
from typing import cast

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.domain.mirror.hints import Hint, HintSource
from connector.errors import GuardError, InvalidRequestError, TemporaryError
from connector.services.aggregation import DELTA_JOB, SYNC_JOB
from connector.services.aggregation.places import put_place
from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from connector.settings import AggregationSettings
from simulator.faults import Fault
from simulator.state import groups, memberships, users
from simulator.state.model import Status
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:delta", "job", "test")


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    world = simulated(60, now=clock.now)
    running = connected(tmp_path / "c.db", world=world, clock=clock)
    clock.advance(3600)
    yield running
    running.close()


def rename(connector, member, name="Renamed Natively"):
    users.rename(connector.world.state, member.user, {"user_name": name})


def shown_name(connector, user_id):
    return connector.user(user_id)["displayName"]


def waiting(connector):
    with connector.services.context.read() as uow:
        return uow.hints.count()


def test_a_change_behind_our_back_is_found_with_one_read(connector):
    member = connector.world.member()
    rename(connector, member)
    counts = connector.services.delta.run()
    accounts = len(member.user.memberships)
    assert (counts["users"], counts["changed"]) == (accounts, 1)
    assert shown_name(connector, member.user.user_id) == "Renamed Natively"
    assert waiting(connector) == 0


def test_nothing_changed_costs_one_call_an_account(connector):
    connector.services.delta.run()
    connector.clock.advance(600)
    run_job(DELTA_JOB, connector.services, ACTOR)
    calls, accounts = connector.services.runs.latest(DELTA_JOB).calls, len(connector.world.accounts)
    assert calls == accounts


def test_who_joined_who_left_and_who_changed_groups_is_found(connector):
    state, account = connector.world.state, connector.world.account
    joined = users.join(state, account, users.NewMember("new@acme.test", "New Person"))
    left = connector.world.member()
    memberships.close(state, left)
    moved = next(
        item for item in account.roster if item.status is Status.ACTIVE and item is not left
    )
    group = connector.group()
    number = group.partition(".g")[2]
    was_in = moved.user.user_id in connector.group_members(group)
    change = groups.remove_member if was_in else groups.add_member
    change(state, account, number, moved.user.user_id)

    connector.services.delta.run()
    assert connector.user(joined.user.user_id)["userName"] == "new@acme.test"
    memberships_shown = connector.user(left.user.user_id)[
        "urn:ietf:params:scim:schemas:extension:docusign:2.0:User"
    ]["memberships"]
    here = next(item for item in memberships_shown if item["account"] == account.account_id)
    assert here["status"] == "closed"
    shown = {item["value"] for item in connector.user(moved.user.user_id).get("groups", ())}
    assert (group in shown) is not was_in


def test_who_is_unchanged_keeps_lastmodified(connector):
    member = connector.world.member()
    before = connector.user(member.user.user_id)["meta"]
    connector.world.state.touch(member.user)
    assert connector.services.delta.run()["same"] == len(member.user.memberships)
    assert connector.user(member.user.user_id)["meta"] == before


def test_what_the_list_shows_late_is_still_found(connector):
    connector.world.set_variants(modified_lag_s=200)
    member = connector.world.member()
    rename(connector, member)
    assert connector.services.delta.run().get("users", 0) == 0
    connector.clock.advance(250)
    connector.services.delta.run()
    assert shown_name(connector, member.user.user_id) == "Renamed Natively"


def test_what_no_hint_names_is_found_by_the_next_full_run(connector):
    connector.world.set_variants(modified_by_groups=False)
    state, account = connector.world.state, connector.world.account
    group = connector.group()
    outside = next(
        item
        for item in account.roster
        if item.status is Status.ACTIVE and item.user.user_id not in connector.group_members(group)
    )
    groups.add_member(state, account, group.partition(".g")[2], outside.user.user_id)
    connector.services.delta.run()
    assert group not in {
        item["value"] for item in connector.user(outside.user.user_id).get("groups", ())
    }
    connector.sync()
    assert group in {item["value"] for item in connector.user(outside.user.user_id)["groups"]}


def test_a_delta_that_is_broken_off_goes_on_with_what_is_left(connector):
    changed = [item for item in connector.world.account.roster if item.status is Status.ACTIVE][:5]
    for number, member in enumerate(changed):
        rename(connector, member, f"Renamed {number}")
    path = r"/restapi/v2.1/accounts/[^/]+/users/"
    connector.world.faults.add(Fault("error", "GET", path, nth=3, times=None, status=503))
    with pytest.raises(TemporaryError):
        run_job(DELTA_JOB, connector.services, ACTOR)
    failed = connector.services.runs.latest(DELTA_JOB)
    assert failed.state is RunState.FAILED
    left = waiting(connector)
    assert left > 0
    connector.world.faults.clear()
    counts = connector.services.delta.run()
    # Those that were read before are read once more at most, because the list names them again.
    assert counts["users"] >= left
    for number, member in enumerate(changed):
        assert shown_name(connector, member.user.user_id) == f"Renamed {number}"


def test_a_clock_that_was_ahead_makes_nothing_invisible(connector):
    with connector.services.context.write() as uow:
        ahead = connector.clock.now() + timedelta(days=3)
        put_place(uow, f"list {connector.world.account.account_id}", ahead.isoformat())
        uow.commit()
    member = connector.world.member()
    rename(connector, member)
    connector.services.delta.run()
    assert shown_name(connector, member.user.user_id) == "Renamed Natively"


def test_a_mass_change_is_read_by_lists_in_full(connector):
    account = connector.world.account.account_id
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        hints = [Hint(account, f"user-{number}", HintSource.LIST, now) for number in range(150)]
        uow.hints.add(hints)
        uow.commit()
    assert connector.services.delta.run()["full"] == 1
    assert waiting(connector) == 0
    assert connector.services.runs.latest(SYNC_JOB).state is RunState.DONE


def test_a_delta_reads_nothing_in_full_while_the_sync_is_paused(connector):
    account = connector.world.account.account_id
    before = connector.services.runs.latest(SYNC_JOB)
    hint_at(connector, *((account, item.user.user_id) for item in connector.world.account.roster))
    hint_at(connector, *((account, f"user-{number}") for number in range(101)))
    connector.services.runs.pause(SYNC_JOB, ACTOR)
    counts = cast(dict[str, int], run_job(DELTA_JOB, connector.services, ACTOR))
    assert "full" not in counts
    assert counts["users"] > 100
    assert connector.services.runs.latest(SYNC_JOB) == before
    hint_at(connector, *((account, f"user-{number}") for number in range(150)))
    connector.services.runs.resume(SYNC_JOB, ACTOR)
    assert connector.services.delta.run()["full"] == 1


def hint_at(connector, *places):
    """Note hints at these (account id, user id)."""
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        hints = [Hint(account, user, HintSource.MONITOR, now) for account, user in places]
        uow.hints.add(hints)
        uow.commit()


def test_a_full_run_leaves_the_hint_at_a_role_that_no_list_shows(connector):
    user = connector.world.member().user
    user.is_organization_admin = True
    hint_at(connector, ("", user.user_id), (connector.world.account.account_id, user.user_id))

    connector.sync()

    assert waiting(connector) == 1
    assert connector.services.delta.run()["role_checks"] == 1
    with connector.services.context.read() as uow:
        assert uow.mirror.get_users([user.user_id])[user.user_id].is_organization_admin


def test_hints_at_roles_alone_are_no_reason_for_a_full_run(connector):
    hint_at(connector, *(("", f"user-{number}") for number in range(150)))
    counts = connector.services.delta.run()
    assert (counts["role_checks"], counts["full"]) == (150, 0)
    assert waiting(connector) == 0


@pytest.fixture
def exporting(tmp_path):
    clock = ManualClock()
    world = simulated(60, now=clock.now)
    settings = AggregationSettings(source="export")
    running = connected(tmp_path / "c.db", world=world, clock=clock, aggregation=settings)
    clock.advance(3600)
    yield running
    running.close()


def test_a_run_by_export_follows_no_hint_at_a_user(exporting):
    account, user = exporting.world.account.account_id, exporting.world.member().user
    user.suffix = "Jr"
    hint_at(exporting, (account, user.user_id), (account, ""))

    run = exporting.services.aggregation.sync()

    assert run.counts["exported_differing"] == 0
    assert waiting(exporting) == 1, "profiles and groups were read"
    exporting.services.delta.run()
    with exporting.services.context.read() as uow:
        assert uow.mirror.get_users([user.user_id])[user.user_id].suffix == "Jr"


def test_a_mass_change_is_read_by_lists_where_exports_are_the_rule(exporting):
    account, user = exporting.world.account.account_id, exporting.world.member().user
    user.suffix = "Jr"
    hint_at(exporting, *((account, f"user-{number}") for number in range(150)))
    hint_at(exporting, (account, user.user_id))

    assert exporting.services.delta.run()["full"] == 1

    assert "exported_differing" not in exporting.services.runs.latest(SYNC_JOB).counts
    assert waiting(exporting) == 0
    with exporting.services.context.read() as uow:
        assert uow.mirror.get_users([user.user_id])[user.user_id].suffix == "Jr"


def test_members_whom_docusign_denies_are_left_to_full_runs(tmp_path):
    connector = connected(tmp_path / "c.db", guards={"max_affected_min": 3})
    account = connector.world.account
    service_user_id = connector.world.service_user.user_id
    ids = [user_id for user_id in account.members if user_id != service_user_id][:20]
    for user_id in ids:
        account.roster.remove(account.members.pop(user_id))
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        uow.hints.add([Hint(account.account_id, user_id, HintSource.LIST, now) for user_id in ids])
        uow.commit()
    assert connector.services.delta.run()["gone"] == 20
    with connector.services.context.read() as uow:
        known = uow.mirror.get_users(ids)
    assert all(account.account_id in user.memberships for user in known.values())
    with pytest.raises(GuardError, match="lacks 20"):
        connector.sync()
    connector.close()


def test_without_rights_in_the_organization_a_delta_does_not_fail(connector):
    connector.world.service_user.is_organization_admin = False
    run_job(DELTA_JOB, connector.services, ACTOR)
    run = connector.services.runs.latest(DELTA_JOB)
    assert run.state is RunState.DONE
    assert run.counts["lists_refused"] == len(connector.world.state.accounts)


def test_before_the_first_full_run_there_is_nothing_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.connector.Connector.sync", lambda _: None)
    connector = connected(tmp_path / "c.db")
    assert connector.services.delta.run() == {}
    with pytest.raises(InvalidRequestError, match="sync"):
        connector.services.delta.require_mirror()
    connector.close()


@pytest.mark.parametrize("by", ["address", "id"])
def test_one_user_is_read_on_demand(connector, by):
    user = connector.world.member().user
    rename(connector, connector.world.member())
    wanted = user.email.upper() if by == "address" else user.user_id
    found = connector.services.delta.read_user(wanted)
    assert [item.user_id for item in found] == [user.user_id]
    assert shown_name(connector, user.user_id) == "Renamed Natively"


def test_one_user_whom_the_mirror_never_saw_is_read_by_id(connector):
    state, account = connector.world.state, connector.world.account
    joined = users.join(state, account, users.NewMember("new@acme.test", "New Person"))
    connector.services.delta.read_user(joined.user.user_id)
    assert connector.user(joined.user.user_id)["userName"] == "new@acme.test"


def test_nobody_on_an_address_is_an_empty_answer(connector):
    assert list(connector.services.delta.read_user("nobody@acme.test")) == []
    assert ok(connector.get("/Users?count=0"))["totalResults"] > 0
