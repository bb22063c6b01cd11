"""A process that dies at any instant: nothing is lost, nothing is done twice."""

import pytest

from connector.services.context import Actor
from connector.services.locks import LEASE
from connector.services.restored import declare_restored, go_on_after_restoring
from tests.acceptance.agreement import disagreements
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "crash@partner.example"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    running = connected(tmp_path / "connector.db", world=simulated(10, now=clock.now), clock=clock)
    yield running
    running.close()


INSTANTS = [
    (owner, name, after, nth)
    for owner, name in (("executor", "perform"), ("fulfilment", "_commit"))
    for after in (False, True)
    for nth in (1, 2)
]


def killed_during(connector, instant, monkeypatch, act):
    """Run *act*, dying before or after the n-th call of a method."""
    owner, name, after, nth = instant
    fulfilment = connector.services.settlement._turns._fulfilment
    executor = fulfilment._attempts._executor
    target = {"fulfilment": fulfilment, "executor": executor, "facts": executor._facts}[owner]
    real, calls = getattr(target, name), []

    def dying(*args, **kwargs):
        calls.append(name)
        if len(calls) != nth:
            return real(*args, **kwargs)
        if after:
            real(*args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(target, name, dying)
        with pytest.raises(Killed):
            act()


def settled(connector):
    connector.clock.advance(LEASE.total_seconds() + 1)
    return connector.services.settlement.settle_all(ACTOR)


def differences(connector):
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def two_accounts(connector):
    return [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
def test_creation_is_finished_once(connector, instant, monkeypatch):
    body = {"userName": ADDRESS, "externalId": "e-1", "entitlements": two_accounts(connector)}
    killed_during(connector, instant, monkeypatch, lambda: connector.post("/Users", body))
    settled(connector)
    (user,) = connector.world.state.on_address(ADDRESS)
    assert len(user.memberships) == 2
    assert connector.user(user.user_id)["externalId"] == "e-1"
    assert differences(connector) == []


def test_what_a_restored_backup_had_begun_waits_for_a_person(connector, monkeypatch):
    user_id = connector.create(ADDRESS, entitlements=two_accounts(connector))["id"]
    instant = ("fulfilment", "_mark_in_flight", False, 1)  # The first step was sent.
    killed_during(connector, instant, monkeypatch, lambda: connector.delete(f"/Users/{user_id}"))
    context = connector.services.context
    declare_restored(context, ACTOR)
    before = [connector.membership(user_id, account).status for account in (0, 1)]
    assert settled(connector)["held"] == 1
    assert [connector.membership(user_id, account).status for account in (0, 1)] == before
    go_on_after_restoring(context, ACTOR)
    assert settled(connector)["settled"] == 1
    assert not connector.world.state.user(user_id).is_open
    assert differences(connector) == []


def test_what_docusign_was_at_when_a_backup_was_made_is_read_back_at_once(connector, monkeypatch):
    body = {"userName": ADDRESS}
    instant = ("executor", "perform", True, 1)
    killed_during(connector, instant, monkeypatch, lambda: connector.post("/Users", body))
    declare_restored(connector.services.context, ACTOR)
    counts = settled(connector)
    assert (counts["settled"], "held" in counts) == (1, False)
    (user,) = connector.world.state.on_address(ADDRESS)
    assert connector.user(user.user_id)["userName"] == ADDRESS


def statuses(connector, user_id):
    return [connector.membership(user_id, account).status for account in (0, 1)]


def test_what_docusign_does_not_show_after_a_restored_backup_is_not_repeated(
    connector, monkeypatch
):
    user_id = connector.create(ADDRESS, entitlements=two_accounts(connector))["id"]
    before = statuses(connector, user_id)
    instant = ("executor", "perform", False, 1)
    killed_during(connector, instant, monkeypatch, lambda: connector.delete(f"/Users/{user_id}"))
    context = connector.services.context
    declare_restored(context, ACTOR)
    assert settled(connector)["held"] == 1
    assert statuses(connector, user_id) == before
    go_on_after_restoring(context, ACTOR)
    assert settled(connector)["settled"] == 1
    assert not connector.world.state.user(user_id).is_open
    assert differences(connector) == []


def test_what_docusign_shows_after_a_restored_backup_is_noted_and_the_rest_is_not_sent(
    connector, monkeypatch
):
    body = {"userName": ADDRESS, "entitlements": two_accounts(connector)}
    instant = ("executor", "perform", True, 1)
    killed_during(connector, instant, monkeypatch, lambda: connector.post("/Users", body))
    context = connector.services.context
    declare_restored(context, ACTOR)
    assert settled(connector)["held"] == 1
    (user,) = connector.world.state.on_address(ADDRESS)
    assert len(user.memberships) == 1
    assert connector.user(user.user_id)["userName"] == ADDRESS
    go_on_after_restoring(context, ACTOR)
    assert settled(connector)["settled"] == 1
    assert len(user.memberships) == 2
    assert differences(connector) == []


def test_nothing_is_asked_for_behind_what_a_restored_backup_had_begun(connector, monkeypatch):
    user_id = connector.create(ADDRESS, entitlements=two_accounts(connector))["id"]
    before = statuses(connector, user_id)
    instant = ("executor", "perform", False, 1)
    killed_during(connector, instant, monkeypatch, lambda: connector.delete(f"/Users/{user_id}"))
    context = connector.services.context
    declare_restored(context, ACTOR)
    connector.clock.advance(LEASE.total_seconds() + 1)
    title = {"op": "replace", "path": "title", "value": "Clerk"}
    answer = connector.patch(f"/Users/{user_id}", title)
    assert answer.status_code == 503
    assert "db restored --go-on" in answer.json["detail"]
    assert statuses(connector, user_id) == before
    other = connector.create("other@partner.example")["id"]
    ok(connector.patch(f"/Users/{other}", title))
    go_on_after_restoring(context, ACTOR)
    assert connector.patch(f"/Users/{user_id}", title).status_code == 404, "the earlier one first"
    assert not connector.world.state.user(user_id).is_open


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("instant", sorted({item[:3] for item in INSTANTS}), ids=str)
def test_somebody_created_inactive_ends_inactive(connector, instant, nth, monkeypatch):
    body = {"userName": ADDRESS, "active": False, "entitlements": two_accounts(connector)}
    act = lambda: connector.post("/Users", body)  # noqa: E731
    killed_during(connector, (*instant, nth), monkeypatch, act)
    settled(connector)
    (user,) = connector.world.state.on_address(ADDRESS)
    assert len(user.memberships) == 2
    assert not user.is_open
    assert connector.user(user.user_id)["active"] is False
    assert differences(connector) == []


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
def test_leaving_two_accounts_is_finished(connector, instant, monkeypatch):
    user_id = connector.create(ADDRESS, entitlements=two_accounts(connector))["id"]
    killed_during(connector, instant, monkeypatch, lambda: connector.delete(f"/Users/{user_id}"))
    settled(connector)
    assert connector.get(f"/Users/{user_id}").status_code == 404
    assert not connector.world.state.user(user_id).is_open
    assert differences(connector) == []


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
def test_joining_a_profile_is_finished_for_everybody(tmp_path, instant, monkeypatch):
    clock = ManualClock()
    connector = connected(
        tmp_path / "p.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        scim={"show_as_groups": ("profiles",)},
    )
    people = [connector.create(f"p{number}@partner.example")["id"] for number in range(2)]
    entitlement = connector.entitlement()
    joining = {"op": "add", "path": "members", "value": [{"value": one} for one in people]}
    path = f"/Groups/{entitlement.replace('.', '.p')}"
    killed_during(connector, instant, monkeypatch, lambda: connector.patch(path, joining))
    settled(connector)
    for one in people:
        (held,) = connector.user(one)["entitlements"]
        assert held["value"] == entitlement
        assert entitlement.endswith(f".{connector.membership(one).profile_id}")
    connector.close()


@pytest.mark.parametrize("instant", [item for item in INSTANTS if item[3] == 1], ids=str)
def test_group_is_created_once(connector, instant, monkeypatch):
    act = lambda: connector.post("/Groups", {"displayName": "Crash"})  # noqa: E731
    killed_during(connector, instant, monkeypatch, act)
    settled(connector)
    groups = connector.world.account.groups.values()
    assert [item.name for item in groups].count("Crash") == 1
    assert differences(connector) == []


@pytest.mark.parametrize("instant", [item for item in INSTANTS if item[3] == 1], ids=str)
def test_group_that_a_sync_saw_before_it_was_settled_is_created_once(
    connector, instant, monkeypatch
):
    act = lambda: connector.post("/Groups", {"displayName": "Crash"})  # noqa: E731
    killed_during(connector, instant, monkeypatch, act)
    connector.sync()
    assert settled(connector)["failed"] == 0
    groups = connector.world.account.groups.values()
    assert [item.name for item in groups].count("Crash") == 1
    assert differences(connector) == []


@pytest.mark.parametrize("instant", [item for item in INSTANTS if item[3] == 1], ids=str)
def test_settling_again_finds_nothing_to_do(connector, instant, monkeypatch):
    killed_during(
        connector, instant, monkeypatch, lambda: connector.post("/Users", {"userName": ADDRESS})
    )
    settled(connector)
    assert settled(connector) == {"settled": 0, "waiting": 0, "failed": 0}
