"""Creations in doubt: what comes next finds them, and none of them happens twice."""

import pytest

from connector.services.locks import LEASE
from simulator.faults import Fault
from simulator.state import memberships
from tests.connector import ORGANIZATION_ADMIN, ManualClock, connected, ok
from tests.services.test_crash import differences, killed_during, settled
from tests.simulated import simulated

ANSWERED = ("executor", "perform", True, 1)
"""DocuSign has done it, and the process dies before it can note that down."""
ADDRESS = "doubt@partner.example"
PERSON = {"userName": ADDRESS, "externalId": "e-1"}
GROUP = {"displayName": "Crash", "externalId": "x-1"}


@pytest.fixture
def start(tmp_path):
    running = []

    def start(provisioning=None, **variants):
        clock = ManualClock()
        world = simulated(10, now=clock.now, **variants)
        running.append(
            connected(tmp_path / "c.db", world=world, clock=clock, provisioning=provisioning or {})
        )
        return running[-1]

    yield start
    for connector in running:
        connector.close()


def die(connector, monkeypatch, act):
    """Run *act* and die once DocuSign has done its first operation; the leases run out."""
    killed_during(connector, ANSWERED, monkeypatch, act)
    connector.clock.advance(LEASE.total_seconds() + 1)


def names(connector):
    return [item.name for item in connector.world.account.groups.values()]


@pytest.mark.parametrize("duplicates", [False, True])
def test_a_group_that_a_sync_saw_first_keeps_what_its_client_said(start, monkeypatch, duplicates):
    connector = start(duplicate_group_names=duplicates)
    die(connector, monkeypatch, lambda: connector.post("/Groups", GROUP))
    connector.sync()
    settled(connector)
    assert names(connector).count("Crash") == 1
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert group["externalId"] == "x-1"
    assert differences(connector) == []


@pytest.mark.parametrize("duplicates", [False, True])
def test_a_repeated_creation_of_a_group_finds_the_first_one(start, monkeypatch, duplicates):
    connector = start(duplicate_group_names=duplicates)
    die(connector, monkeypatch, lambda: connector.post("/Groups", GROUP))
    assert connector.post("/Groups", GROUP).status_code == 409
    settled(connector)
    assert names(connector).count("Crash") == 1
    assert differences(connector) == []


def test_a_deleted_group_whose_creation_was_in_doubt_stays_deleted(start, monkeypatch):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post("/Groups", GROUP))
    connector.sync()
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert connector.delete(f"/Groups/{group['id']}").status_code == 204
    settled(connector)
    assert "Crash" not in names(connector)


def people(connector):
    return connector.world.state.on_address(ADDRESS)


def test_a_repeated_creation_of_a_person_leads_to_the_first_one(start, monkeypatch):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post("/Users", PERSON))
    answer = connector.post("/Users", PERSON)
    (user,) = people(connector)
    assert answer.status_code == 409
    assert user.user_id in answer.json["detail"]
    assert connector.user(user.user_id)["externalId"] == "e-1"


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/Users", {"userName": ADDRESS}, f'userName eq "{ADDRESS}"'),
        ("/Groups", {"displayName": "Crash"}, 'displayName eq "Crash"'),
    ],
)
def test_nobody_is_told_of_a_conflict_before_it_is_known(start, monkeypatch, path, body, name):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post(path, body))
    connector.world.faults.add(Fault("drop", "*", "/restapi/", times=None))
    answer = connector.post(path, body, prefer="respond-async")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert ok(connector.get(f"{path}?filter={name}"))["totalResults"] == 0
    connector.world.faults.clear()
    settled(connector)
    assert connector.post(path, body, prefer="respond-async").status_code == 409
    assert ok(connector.get(f"{path}?filter={name}"))["totalResults"] == 1


def test_a_deleted_person_whose_creation_was_in_doubt_stays_deleted(start, monkeypatch):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post("/Users", PERSON))
    connector.sync()
    (user,) = people(connector)
    assert connector.delete(f"/Users/{user.user_id}").status_code == 204
    settled(connector)
    assert people(connector) == [user]
    assert not user.is_open
    assert differences(connector) == []


def test_a_disabled_person_whose_creation_was_in_doubt_stays_disabled(start, monkeypatch):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post("/Users", PERSON))
    connector.sync()
    (user,) = people(connector)
    off = {"op": "replace", "path": "active", "value": False}
    assert ok(connector.patch(f"/Users/{user.user_id}", off))["active"] is False
    settled(connector)
    assert people(connector) == [user]
    assert not user.is_open
    assert connector.user(user.user_id)["externalId"] == "e-1"


def test_whom_somebody_closed_in_docusign_before_settlement_is_not_created_again(
    start, monkeypatch
):
    connector = start()
    die(connector, monkeypatch, lambda: connector.post("/Users", PERSON))
    (user,) = people(connector)
    close(connector, user)
    connector.sync()
    settled(connector)
    assert people(connector) == [user]
    assert not user.is_open
    assert connector.user(user.user_id)["active"] is False


@pytest.mark.parametrize("leaves", ["deleted", "closed"])
def test_an_earlier_user_whom_docusign_re_opened_is_closed_again(start, monkeypatch, leaves):
    connector = start({"closed_users": "none"}, recreate_closed="reopens")
    before = connector.create(ADDRESS, externalId="before")["id"]
    user = connector.world.state.user(before)
    if leaves == "deleted":
        connector.delete(f"/Users/{before}")
    else:
        close(connector, user)
        connector.sync()
    unseen = ("facts", "joined", False, 1)
    killed_during(connector, unseen, monkeypatch, lambda: connector.post("/Users", PERSON))
    assert user.is_open
    connector.sync()
    settled(connector)
    assert people(connector) == [user]
    assert not user.is_open


def close(connector, user):
    for membership in list(user.memberships.values()):
        memberships.close(connector.world.state, membership)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("owner", [("executor", "perform"), ("fulfilment", "_commit")], ids=str)
def test_a_group_whose_creation_was_broken_off_gets_its_members(
    start, monkeypatch, owner, after, nth
):
    connector = start()
    user_id = connector.create(ADDRESS)["id"]
    body = {**GROUP, "members": [{"value": user_id}]}
    instant = (*owner, after, nth)
    killed_during(connector, instant, monkeypatch, lambda: connector.post("/Groups", body))
    settled(connector)
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert group["externalId"] == "x-1"
    assert user_id in connector.group_members(group["id"])
    assert differences(connector) == []


def test_a_queued_group_comes_with_its_members(start):
    connector = start({"on_unavailable": "queue"})
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(Fault("error", "POST", "/groups$", times=None, status=503))
    body = {**GROUP, "members": [{"value": user_id}]}
    assert connector.post("/Groups", body).status_code == 202
    connector.world.faults.clear()
    settled(connector)
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert user_id in connector.group_members(group["id"])


def test_nothing_is_left_of_a_group_whose_members_docusign_refuses(start):
    connector = start()
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(Fault("error", "PUT", "/groups/", times=None, status=400))
    body = {**GROUP, "members": [{"value": user_id}]}
    answer = connector.post("/Groups", body)
    assert answer.status_code >= 400
    assert "Undone: create group 'Crash'" in answer.json["detail"]
    assert "Crash" not in names(connector)
    assert differences(connector) == []


@pytest.mark.parametrize("what", ["delete", "rename", "join"])
def test_a_change_of_a_group_whose_answers_are_all_lost_is_settled(start, what):
    connector = start()
    user_id = connector.create(ADDRESS)["id"]
    group_id = ok(connector.post("/Groups", GROUP), 201)["id"]
    path = f"/Groups/{group_id}"
    connector.world.faults.add(Fault("lose_answer", "*", "/groups", times=None))
    if what == "delete":
        answer = connector.delete(path)
    elif what == "rename":
        answer = connector.patch(path, {"op": "replace", "path": "displayName", "value": "New"})
    else:
        joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
        answer = connector.patch(path, joining)
    assert answer.status_code == 503
    connector.world.faults.clear()
    settled(connector)
    assert differences(connector) == []


CREATED = ("fulfilment", "_commit", True, 1)
"""The person is there, and the process dies before it asks people for the role."""


@pytest.mark.parametrize("instant", [ANSWERED, CREATED], ids=["answered", "created"])
@pytest.mark.parametrize("passed_s", [0, LEASE.total_seconds() + 1], ids=["at once", "later"])
def test_a_role_of_somebody_deleted_before_it_was_asked_for_is_not_asked_for(
    start, monkeypatch, instant, passed_s
):
    connector = start()
    body = {**PERSON, "roles": [{"value": ORGANIZATION_ADMIN}]}
    killed_during(connector, instant, monkeypatch, lambda: connector.post("/Users", body))
    connector.clock.advance(passed_s)
    connector.post("/Users", body)
    (found,) = ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["Resources"]
    assert connector.delete(f"/Users/{found['id']}").status_code == 204
    settled(connector)
    with connector.services.context.read() as uow:
        asked = uow.work_items.search(subject_ids=[found["id"]])
    assert [item.state.is_open for item in asked] == [False]


def test_a_group_in_doubt_is_found_at_once_by_who_repeats_its_creation(start, monkeypatch):
    connector = start()
    killed_during(connector, ANSWERED, monkeypatch, lambda: connector.post("/Groups", GROUP))
    assert connector.post("/Groups", GROUP).status_code == 409
    (group,) = ok(connector.get('/Groups?filter=displayName eq "Crash"'))["Resources"]
    assert group["externalId"] == "x-1"


UNHEARD = ("executor", "perform", False, 1)
"""It is in flight in the ledger, and the process dies before DocuSign hears of it."""


@pytest.mark.parametrize("instant", [ANSWERED, UNHEARD], ids=["answered", "unheard"])
def test_who_is_not_in_the_list_is_out_at_once_though_their_joining_was_broken_off(
    start, monkeypatch, instant
):
    connector = start()
    group_id = ok(connector.post("/Groups", GROUP), 201)["id"]
    path, user_id = f"/Groups/{group_id}", connector.create(ADDRESS)["id"]
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    killed_during(connector, instant, monkeypatch, lambda: connector.patch(path, joining))
    ok(connector.put(path, {**GROUP, "members": []}))
    assert connector.group_members(group_id) == set()
    settled(connector)
    assert connector.group_members(group_id) == set()
    assert differences(connector) == []
