"""Single operations: what counts as DocuSign's confirmation."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.domain.plan import ChangeEmail, Person
from connector.domain.planning import DesiredUser
from connector.errors import GuardError, UniquenessError
from connector.services.context import Actor
from connector.services.provisioning.recording import ChangePipeline
from connector.store.mirror import SqlMirror
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import connected
from tests.simulated import simulated

ADDRESS = "new@partner.example"


def test_hidden_profile_of_a_pending_member_is_taken_as_accepted(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(10, closed_shows_profile=False))
    user_id = connector.create(ADDRESS)["id"]
    wanted = connector.entitlement()
    answer = connector.patch(
        f"/Users/{user_id}", {"op": "add", "path": "entitlements", "value": [{"value": wanted}]}
    )
    assert answer.status_code == 200
    assert wanted.endswith(f".{connector.membership(user_id).profile_id}")
    connector.close()


@pytest.mark.parametrize("kind", ["drop", "lose_answer", "error_after_effect"])
def test_creation_without_an_answer_happens_once(tmp_path, kind):
    connector = connected(tmp_path / "c.db", world=simulated(10))
    connector.world.faults.add(Fault(kind, "POST", "/users$", status=503))
    connector.create(ADDRESS)
    assert len(connector.world.state.on_address(ADDRESS)) == 1
    connector.close()


def test_one_of_twenty_threads_gets_the_address(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(10), provisioning={"wait_s": 60.0})
    start = threading.Barrier(20)
    actor = Actor("client:iga", "scim", "test")

    def create(_):
        start.wait()
        try:
            connector.services.users.create(DesiredUser(Person(ADDRESS, "Ann Lee")), actor)
        except UniquenessError:
            return "taken"
        return "created"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(create, range(20)))
    assert sorted(outcomes) == ["created", *["taken"] * 19]
    assert len(connector.world.state.on_address(ADDRESS)) == 1
    connector.close()


def test_newcomer_does_not_inherit_the_user_before_them(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(10, recreate_closed="reopens"))
    before = connector.create(ADDRESS, externalId="e-1")["id"]
    connector.delete(f"/Users/{before}")
    answer = connector.post("/Users", {"userName": ADDRESS, "externalId": "e-2"})
    assert answer.status_code >= 400
    assert "another address" in answer.json["detail"]
    assert not connector.world.state.user(before).is_open
    assert connector.get(f"/Users/{before}").status_code == 404
    connector.close()


def test_change_of_address_without_an_answer_is_found(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(10))
    user_id = connector.create(ADDRESS)["id"]
    attempts = connector.services.settlement._turns._fulfilment._attempts
    step = ChangeEmail(user_id, "other@partner.example", ADDRESS)
    assert attempts.look_up(step) is None
    assert attempts.look_up(step.inverse()).operation == step.inverse()
    connector.close()


def test_two_threads_leave_an_administrator(tmp_path, monkeypatch):
    connector = connected(tmp_path / "c.db", world=simulated(10, close_last_admin="done"))
    services = connector.services
    account_id = connector.world.account.account_id
    profiles = connector.world.account.profiles.values()
    admin = next(item.profile_id for item in profiles if item.is_admin)
    wanted = [{"value": f"{account_id}.{admin}"}]
    ids = [connector.create(f"{name}@partner.example", entitlements=wanted)["id"] for name in "ab"]
    for user_id in ids:
        connector.membership(user_id).status = Status.ACTIVE
    connector.sync()
    start = threading.Barrier(2)
    record = ChangePipeline._carry_out

    def late(*arguments):
        with contextlib.suppress(threading.BrokenBarrierError):
            start.wait(0.5)
        return record(*arguments)

    monkeypatch.setattr(ChangePipeline, "_carry_out", late)
    monkeypatch.setattr(SqlMirror, "count_admins", admins_among(ids))
    actor = Actor("client:iga", "scim", "test")

    def delete(user_id):
        try:
            services.users.delete(user_id, lambda *_: None, actor)
        except GuardError:
            return "kept"
        return "deleted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(delete, ids)) == ["deleted", "kept"]
    connector.close()


def admins_among(ids):
    """Return a count of administrators as if there were no others."""

    def count_admins(self, account_id):
        users = self.get_users(ids).values()
        return sum(bool(user.memberships[account_id].status.is_open) for user in users)

    return count_admins


def test_claimed_domains_are_read_once_in_ten_minutes_and_outlive_an_outage(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(5))
    refresh = connector.services.refresh
    known = refresh.claimed_domains()
    assert known
    connector.world.faults.add(Fault("error", "GET", "/reserved_domains$", times=None, status=503))
    assert refresh.claimed_domains() == known
    connector.clock.advance(700)
    assert refresh.claimed_domains() == known
    connector.close()


def test_claimed_domains_that_were_never_read_are_unknown(tmp_path):
    connector = connected(tmp_path / "c.db", world=simulated(5))
    connector.world.faults.add(Fault("error", "GET", "/reserved_domains$", times=None, status=503))
    assert connector.services.refresh.claimed_domains() is None
    connector.close()
