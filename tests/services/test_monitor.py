"""The Monitor stream hints at places; whatever it does to its events, nothing is lost."""

import pytest

from connector.errors import PermanentError
from connector.services.aggregation.places import place
from connector.settings import AggregationSettings
from simulator.faults import Fault
from simulator.state import groups, users
from simulator.state.model import OtherAdmin, Status
from tests.connector import ManualClock, connected
from tests.simulated import simulated


def listening(tmp_path, version="v3", n_users=60, **aggregation):
    clock = ManualClock()
    world = simulated(n_users, now=clock.now)
    settings = AggregationSettings(monitor=version, **aggregation)
    connector = connected(tmp_path / "c.db", world=world, clock=clock, aggregation=settings)
    clock.advance(3600)
    connector.services.delta.run()
    # What the list reports shall not help: only the stream is looked at.
    vars(connector.services.delta)["_ask_lists"] = lambda _counts: None
    return connector


@pytest.fixture(params=["v2", "v3"])
def connector(request, tmp_path):
    connector = listening(tmp_path, request.param)
    yield connector
    connector.close()


def delta(connector):
    connector.clock.advance(60)
    return connector.services.delta.run()


def rename(connector, name="Renamed Natively", member=None):
    member = member or connector.world.member()
    users.rename(connector.world.state, member.user, {"user_name": name})
    return member.user.user_id


def shown_name(connector, user_id):
    return connector.user(user_id)["displayName"]


def test_an_event_lets_its_user_be_read(connector):
    user_id = rename(connector)
    counts = delta(connector)
    assert counts["events"] == 1
    assert counts["users"] <= len(connector.world.state.users[user_id].memberships)
    assert shown_name(connector, user_id) == "Renamed Natively"
    assert delta(connector)["events"] == 0


def test_a_group_made_renamed_and_filled_is_known_at_the_next_delta(connector):
    state, account = connector.world.state, connector.world.account
    made = groups.create(state, account, "Made Natively")
    member = connector.world.member()
    groups.add_member(state, account, made.group_id, member.user.user_id)
    group = connector.group()
    groups.rename(state, account, group.partition(".g")[2], "Native")
    counts = delta(connector)
    assert counts["catalogues"] == 1
    assert connector.get(f"/Groups/{group}").json["displayName"] == "Native"
    shown = {item["display"] for item in connector.user(member.user.user_id)["groups"]}
    assert "Made Natively" in shown


def test_a_new_organization_administrator_is_known_at_the_next_delta(connector):
    user = connector.world.member().user
    user.is_organization_admin = True
    connector.world.state.touch(user, what="OrganizationAdministrator")
    assert delta(connector)["role_checks"] == 1
    assert "organization-admin" in {item["value"] for item in connector.user(user.user_id)["roles"]}


def test_our_own_changes_are_not_read_again(connector):
    connector.create("new@northwind-freight.example", name={"givenName": "N", "familyName": "P"})
    counts = delta(connector)
    assert counts["events_own"] > 0
    assert counts.get("users", 0) == 0


def test_an_event_of_ours_that_the_mirror_does_not_know_is_read(connector):
    """Another connector works with the same key and user."""
    state, user = connector.world.state, connector.world.member().user
    application = next(iter(state.applications.by_key.values()))
    state.acting = (state.service_user_id, application.integration_key)
    user_id = rename(connector)
    state.acting = ("", "")
    assert user.user_id == user_id
    delta(connector)
    assert shown_name(connector, user_id) == "Renamed Natively"


@pytest.mark.parametrize(
    "trouble",
    [{"monitor_repeats": True}, {"monitor_shuffles": True}, {"monitor_lag_s": 240}],
    ids=["repeated", "out of order", "late"],
)
def test_events_that_come_twice_shuffled_or_late_are_followed(tmp_path, trouble):
    connector = listening(tmp_path)
    connector.world.set_variants(**trouble)
    active = [item for item in connector.world.account.roster if item.status is Status.ACTIVE]
    ids = [rename(connector, f"Renamed {n}", item) for n, item in enumerate(active[:6])]
    first = delta(connector)
    connector.clock.advance(300)
    second = delta(connector)
    read = first.get("users", 0) + second.get("users", 0)
    assert read == sum(len(item.user.memberships) for item in active[:6])
    assert [shown_name(connector, user_id) for user_id in ids] == [f"Renamed {n}" for n in range(6)]
    connector.close()


def test_what_the_stream_leaves_out_the_next_full_run_finds(tmp_path):
    connector = listening(tmp_path)
    connector.world.set_variants(monitor_drops=1)
    user_id = rename(connector)
    delta(connector)
    assert shown_name(connector, user_id) != "Renamed Natively"
    connector.sync()
    assert shown_name(connector, user_id) == "Renamed Natively"
    connector.close()


def test_a_cursor_that_docusign_forgot_is_replaced_by_a_time(connector):
    delta(connector)
    connector.world.set_variants(monitor_forgets_cursors=True)
    user_id = rename(connector)
    counts = delta(connector)
    assert counts["monitor_cursors_lost"] >= 1
    assert shown_name(connector, user_id) == "Renamed Natively"


@pytest.mark.parametrize("bought", ["missing", "forbidden"])
def test_a_stream_that_is_not_bought_is_told_and_keeps_nothing_else_from_working(tmp_path, bought):
    connector = listening(tmp_path)
    del vars(connector.services.delta)["_ask_lists"]
    connector.world.set_variants(monitor=bought)
    user_id = rename(connector)
    with pytest.raises(PermanentError, match="Monitor is a product of its own"):
        delta(connector)
    assert shown_name(connector, user_id) == "Renamed Natively"
    connector.close()


def test_whoever_administers_two_organizations_reads_the_stream_of_none(tmp_path):
    connector = listening(tmp_path)
    users.make_other_admin(connector.world.state, connector.world.service_user, OtherAdmin.FOREIGN)
    with pytest.raises(PermanentError, match="administers exactly one"):
        delta(connector)
    connector.close()


def test_a_host_without_the_stream_costs_one_call_a_poll(tmp_path):
    connector = listening(tmp_path)
    del vars(connector.services.delta)["_ask_lists"]
    connector.world.faults.add(Fault("html", "GET", "/stream$", times=None, status=404))
    with pytest.raises(PermanentError, match="Monitor is a product of its own"):
        delta(connector)
    assert [item["matched"] for item in connector.world.faults.as_json()] == [1]
    connector.close()


def test_cursor_and_hints_are_kept_together(connector, monkeypatch):
    before = cursor_of(connector)
    user_id = rename(connector)
    monkeypatch.setattr(connector.services.delta, "_follow", broken)
    with pytest.raises(RuntimeError):
        delta(connector)
    assert cursor_of(connector) != before
    monkeypatch.undo()
    vars(connector.services.delta)["_ask_lists"] = lambda _counts: None
    assert delta(connector)["users"] > 0
    assert shown_name(connector, user_id) == "Renamed Natively"


def broken(_counts, _read, **_):
    raise RuntimeError("the process died")


def cursor_of(connector):
    with connector.services.context.read() as uow:
        return place(uow, "monitor")


def test_events_about_envelopes_are_passed_over(connector):
    state, user = connector.world.state, connector.world.member().user
    state.record("Envelope", "Sent", connector.world.account, user)
    counts = delta(connector)
    assert (counts["events_ignored"], counts.get("users", 0)) == (1, 0)
