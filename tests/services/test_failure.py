"""What a failed change leaves behind."""

import pytest

from connector.docusign.openings import Openings
from connector.services.context import Actor
from connector.services.inbox.task_verification import TaskVerification
from connector.services.locks import LEASE, address_key
from connector.services.provisioning.execution import Executor
from connector.services.provisioning.turns import Turns
from simulator.faults import Fault
from simulator.state.model import Status
from tests.acceptance.agreement import disagreements
from tests.connector import DOCUSIGN, ORGANIZATION_ADMIN, ManualClock, connected, ok
from tests.simulated import simulated

USER_EXTENSION = f"{DOCUSIGN}User"
ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "new@partner.example"
ROLE = [{"value": ORGANIZATION_ADMIN}]


def running(tmp_path, **provisioning):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    return connected(tmp_path / "c.db", world=world, clock=clock, provisioning=provisioning)


def differences(connector):
    return disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


@pytest.mark.parametrize(("status", "told"), [(400, range(400, 503)), (503, [503])])
def test_second_account_that_fails_takes_the_first_back(tmp_path, status, told):
    connector = running(tmp_path)
    second = connector.world.accounts[1].account_id
    connector.world.faults.add(
        Fault("error", "POST", f"{second}/users$", times=None, status=status)
    )
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    answer = connector.post("/Users", {"userName": ADDRESS, "entitlements": wanted})
    assert answer.status_code in told
    assert not any(user.is_open for user in connector.world.state.on_address(ADDRESS))
    assert differences(connector) == []
    connector.close()


def test_queued_creation_is_carried_out_later(tmp_path):
    connector = running(tmp_path, on_unavailable="queue")
    connector.world.faults.add(Fault("error", "POST", "/users$", times=None, status=503))
    connector.post("/Users", {"userName": ADDRESS})
    connector.world.faults.clear()
    connector.clock.advance(130)
    connector.services.settlement.settle_all(ACTOR)
    assert len(connector.world.state.on_address(ADDRESS)) == 1
    assert differences(connector) == []
    connector.close()


def test_a_queued_change_is_pending_until_it_is_settled(tmp_path):
    connector = running(tmp_path, on_unavailable="queue")
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    closing = {"op": "replace", "path": "active", "value": False}
    connector.patch(f"/Users/{user_id}", closing)
    (pending,) = connector.user(user_id)[USER_EXTENSION]["pending"]
    assert pending["type"] == "queued_change"

    connector.world.faults.clear()
    connector.services.settlement.settle_all(ACTOR)
    user = connector.user(user_id)
    assert not user["active"]
    assert "pending" not in user[USER_EXTENSION]
    connector.close()


def test_a_broken_plan_keeps_no_other_waiting(tmp_path, monkeypatch):
    connector = running(tmp_path)
    waiting = {"prefer": "respond-async"}
    for number in range(2):
        connector.post("/Users", {"userName": f"{number}{ADDRESS}"}, **waiting)
    settle, calls = Turns.settle, []

    def broken_once(turns, plan_id, actor, *wait_s):
        calls.append(plan_id)
        if len(calls) == 1:
            raise KeyError(plan_id)
        return settle(turns, plan_id, actor, *wait_s)

    monkeypatch.setattr(Turns, "settle", broken_once)
    counts = connector.services.settlement.settle_all(ACTOR)
    assert counts == {"settled": 1, "waiting": 0, "failed": 1}
    connector.close()


def test_a_broken_task_keeps_no_other_waiting(tmp_path, monkeypatch):
    connector = running(tmp_path)
    for number in range(2):
        connector.create(f"{number}{ADDRESS}", roles=ROLE)
    verify, calls = TaskVerification.verify, []

    def broken_once(service, work_item_id, actor):
        calls.append(work_item_id)
        if len(calls) == 1:
            raise KeyError(work_item_id)
        return verify(service, work_item_id, actor)

    monkeypatch.setattr(TaskVerification, "verify", broken_once)
    counts = connector.services.verification.verify_all(ACTOR)
    assert counts == {"checked": 2, "closed": 0, "failed": 1}


def test_a_plan_that_outlasts_a_lease_keeps_its_lock(tmp_path, monkeypatch):
    connector = running(tmp_path)
    perform, taken = vars(Executor)["perform"], []

    def slow(self, step):
        connector.clock.advance(0.8 * LEASE.total_seconds())
        now = connector.clock.now()
        with connector.services.context.write() as uow:
            taken.append(uow.locks.acquire([address_key(ADDRESS)], "rival", now + LEASE, now))
        return perform.__get__(self)(step)

    monkeypatch.setattr(Executor, "perform", slow)
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    connector.create(ADDRESS, entitlements=wanted)
    assert taken == [False, False]
    connector.close()


def test_opposite_wish_supersedes_the_open_task(tmp_path):
    connector = running(tmp_path)
    path = f"/Users/{connector.create(ADDRESS, roles=ROLE)['id']}"
    connector.patch(path, {"op": "remove", "path": "roles"})
    assert connector.services.work_items.list() == []
    connector.close()


def test_second_sync_changes_nothing(tmp_path):
    connector = running(tmp_path)
    assert connector.services.aggregation.sync().counts.get("changed") == 0
    connector.close()


def test_half_of_a_creation_is_undone(tmp_path, monkeypatch):
    connector = running(tmp_path)
    monkeypatch.setattr(Openings, "_activates_at_once", lambda *_: True)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=400))
    name = {"givenName": "Ann", "middleName": "Bo", "familyName": "Lee"}
    answer = connector.post("/Users", {"userName": ADDRESS, "name": name})
    assert answer.status_code == 502
    (user,) = connector.world.state.on_address(ADDRESS)
    assert not user.is_open
    assert differences(connector) == []
    connector.close()


def test_half_of_a_group_change_is_undone(tmp_path):
    connector = running(tmp_path)
    stays, leaves = (connector.create(f"{name}@partner.example")["id"] for name in "ab")
    group = connector.post("/Groups", {"displayName": "Half"}).json["id"]
    connector.world.state.user(leaves).memberships[
        connector.world.account.account_id
    ].status = Status.CLOSED
    wanted = [{"value": stays}, {"value": leaves}]
    answer = connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": wanted})
    assert answer.status_code == 502
    assert not connector.membership(stays).group_ids
    assert not ok(connector.get(f"/Groups/{group}")).get("members")
    connector.close()


@pytest.mark.parametrize("kind", ["drop", "lose_answer"])
def test_undoing_without_an_answer_is_looked_up(tmp_path, kind):
    connector = running(tmp_path)
    last = max(item.account_id for item in connector.world.accounts[:2])
    connector.world.faults.add(
        Fault("error", "POST", f"{last}/users$", times=None, status=400),
        Fault(kind, "DELETE", "/users$"),
    )
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    answer = connector.post("/Users", {"userName": ADDRESS, "entitlements": wanted})
    assert "Could not be undone" not in answer.json["detail"]
    assert not any(user.is_open for user in connector.world.state.on_address(ADDRESS))
    assert differences(connector) == []
    connector.close()


def test_undoing_that_nobody_answers_is_gone_on_with(tmp_path):
    connector = running(tmp_path)
    last = max(item.account_id for item in connector.world.accounts[:2])
    connector.world.faults.add(
        Fault("error", "POST", f"{last}/users$", times=None, status=400),
        Fault("error", "DELETE", "/users$", times=None, status=503),
    )
    wanted = [{"value": connector.entitlement(0)}, {"value": connector.entitlement(1)}]
    connector.post("/Users", {"userName": ADDRESS, "entitlements": wanted})
    connector.world.faults.clear()
    connector.clock.advance(130)
    connector.services.settlement.settle_all(ACTOR)
    assert not any(user.is_open for user in connector.world.state.on_address(ADDRESS))
    assert differences(connector) == []
    connector.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "error", "status": 503}, "503"),
        ({"kind": "html", "status": 200}, "proxy"),
        ({"kind": "html", "status": 502}, "502"),
        ({"kind": "html", "status": 400}, "proxy"),
        ({"kind": "html", "status": 403}, "firewall"),
    ],
)
@pytest.mark.parametrize("reads", ["fail", "go on"])
def test_a_failed_write_says_what_docusign_answered(tmp_path, fault, said, reads):
    connector = running(tmp_path)
    user_id = connector.create(ADDRESS)["id"]
    method = "PUT" if reads == "go on" else "PUT|GET"
    for one in method.split("|"):
        connector.world.faults.add(Fault(method=one, path="/users", times=None, **fault))

    answer = connector.patch(
        f"/Users/{user_id}",
        {"op": "add", "path": "entitlements", "value": [{"value": connector.entitlement()}]},
    )

    assert answer.status_code == 503
    assert said in answer.json["detail"]
    assert "Trace token" in answer.json["detail"] or "trace token" in answer.json["detail"]
    connector.close()


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
def test_a_write_that_a_page_of_a_proxy_hides_is_looked_up(tmp_path, status):
    connector = running(tmp_path)
    connector.world.faults.add(Fault("error_after_effect", "POST", "/users$", status=status))
    assert connector.post("/Users", {"userName": ADDRESS}).status_code == 201
    assert len(connector.world.state.on_address(ADDRESS)) == 1
    assert differences(connector) == []
    connector.close()
