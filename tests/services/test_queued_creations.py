"""Users and groups that are to be created while DocuSign cannot be asked."""

import pytest

from connector.services.context import Actor
from simulator.faults import Fault, hourly_limit
from tests.connector import BASE, ManualClock, connected, ok, refused
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
ADDRESS = "new@partner.example"
BODY = {"userName": ADDRESS, "externalId": "e-1"}
DOWN = {
    "refused": Fault("drop", "*", "/restapi/", times=None),
    "silent": Fault("drop", "*", "/restapi/", times=None, timed_out=True),
    "failing": Fault("error", "*", "/restapi/", status=500, times=None),
    "busy": Fault("error", "*", "/restapi/", status=503, times=None),
    "a proxy's page": Fault("html", "*", "/restapi/", status=200, times=None),
    "losing answers": Fault("lose_answer", "*", "/restapi/", times=None),
    "out of budget": hourly_limit(times=None),
}


@pytest.fixture
def start(tmp_path):
    """Return what runs a connector; closed at the end."""
    started = []

    def run(on_unavailable="queue", **settings):
        clock = ManualClock()
        world = simulated(10, now=clock.now)
        settings = {"provisioning": {"on_unavailable": on_unavailable}, **settings}
        started.append(connected(tmp_path / "c.db", world=world, clock=clock, **settings))
        return started[-1]

    yield run
    for connector in started:
        connector.close()


@pytest.fixture
def connector(start):
    return start()


def away(connector, fault=DOWN["busy"]):
    connector.world.faults.add(fault)


def back(connector):
    connector.world.faults.clear()
    connector.clock.advance(3700)
    connector.services.settlement.settle_all(ACTOR)


def status(connector, answer):
    """Return what became of a request that was answered 202."""
    assert answer.status_code == 202, answer.get_data(as_text=True)
    return ok(connector.get(answer.headers["Location"].partition(BASE)[2]))


def named(connector, address=ADDRESS):
    return ok(connector.get(f'/Users?filter=userName eq "{address}"')).get("Resources", [])


@pytest.mark.parametrize("trouble", DOWN)
def test_a_user_is_accepted_and_created_once_docusign_is_back(connector, trouble):
    away(connector, DOWN[trouble])
    answer = connector.post(
        "/Users", {**BODY, "entitlements": [{"value": connector.entitlement()}]}
    )
    waits = status(connector, answer)
    assert (waits["status"], waits["resourceType"]) == ("pending", "User")
    assert "resource" not in waits
    assert named(connector) == []

    back(connector)
    (user,) = connector.world.state.on_address(ADDRESS)
    became = status(connector, answer)
    assert became["status"] == "done"
    assert became["resource"].endswith(f"/Users/{user.user_id}")
    (shown,) = named(connector)
    assert (shown["id"], shown["externalId"]) == (user.user_id, "e-1")
    assert [item["value"] for item in shown["entitlements"]] == [connector.entitlement()]


def test_who_offers_to_come_back_needs_no_setting(start):
    connector = start("fail")
    away(connector)
    answer = connector.post("/Users", BODY, prefer="respond-async")
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert status(connector, answer)["status"] == "pending"
    refused(connector.post("/Users", {"userName": "other@partner.example"}), 503)
    back(connector)
    assert status(connector, answer)["status"] == "done"
    assert not named(connector, "other@partner.example")


def test_an_answer_without_that_offer_does_not_claim_it(connector):
    away(connector)
    assert "Preference-Applied" not in connector.post("/Users", BODY).headers


def test_the_creation_that_is_repeated_is_the_same_one(connector):
    away(connector)
    first, again = connector.post("/Users", BODY), connector.post("/Users", BODY)
    assert first.headers["Set-Txn"] == again.headers["Set-Txn"]
    back(connector)
    assert len(connector.world.state.on_address(ADDRESS)) == 1


def test_the_same_person_asked_for_again_gets_what_was_asked_last(connector):
    away(connector)
    for profile in (0, 1):
        value = [{"value": connector.entitlement(0, profile)}]
        answer = connector.post("/Users", {**BODY, "entitlements": value})
        assert answer.status_code == 202
    back(connector)
    (shown,) = named(connector)
    assert [item["value"] for item in shown["entitlements"]] == [connector.entitlement(0, 1)]


def test_the_same_person_asked_for_again_while_the_first_is_in_doubt(connector):
    away(connector, Fault("lose_answer", "POST", "/users$"))
    connector.world.faults.add(Fault("drop", "GET", "/restapi/", nth=3, times=None))
    for profile in (0, 1):
        value = [{"value": connector.entitlement(0, profile)}]
        answer = connector.post("/Users", {**BODY, "entitlements": value})
        assert answer.status_code == 202
    back(connector)
    (user,) = connector.world.state.on_address(ADDRESS)
    assert status(connector, answer)["status"] == "done"
    (shown,) = named(connector)
    assert shown["id"] == user.user_id
    assert [item["value"] for item in shown["entitlements"]] == [connector.entitlement(0, 1)]


@pytest.mark.parametrize("other", [{"externalId": "e-2"}, {}], ids=["another", "nobody knows"])
def test_somebody_else_on_a_queued_address_is_refused(connector, other):
    away(connector)
    assert connector.post("/Users", BODY).status_code == 202
    detail = refused(connector.post("/Users", {"userName": ADDRESS, **other}), 409, "uniqueness")
    assert "queued already" in detail


def test_an_address_taken_meanwhile_ends_the_creation_and_says_so(connector):
    away(connector)
    answer = connector.post("/Users", BODY)
    connector.world.faults.clear()
    stranger = ok(connector.post("/Users", {"userName": "stranger@partner.example"}), 201)
    user = connector.world.state.user(stranger["id"])
    connector.world.state.readdress(user, ADDRESS)
    connector.services.settlement.settle_all(ACTOR)
    became = status(connector, answer)
    assert became["status"] == "failed"
    assert f"taken by user {stranger['id']}" in became["detail"]
    assert len(connector.world.state.on_address(ADDRESS)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"entitlements": [{"value": "nobody.1"}]},
        {"roles": [{"value": "emperor"}]},
        {"userName": "no address"},
    ],
    ids=["entitlement", "role", "address"],
)
def test_what_is_wrong_is_refused_at_once(connector, wrong):
    away(connector)
    assert connector.post("/Users", {**BODY, **wrong}).status_code == 400


def test_an_address_that_somebody_holds_is_refused_at_once(connector):
    connector.create(ADDRESS)
    away(connector)
    refused(connector.post("/Users", {**BODY, "externalId": "e-9"}), 409, "uniqueness")


def test_a_new_person_waits_for_the_queued_deletion_of_the_one_before(connector):
    before = connector.create(ADDRESS)
    away(connector)
    assert connector.delete(f"/Users/{before['id']}").status_code == 202
    assert connector.post("/Users", {**BODY, "externalId": "e-9"}).status_code == 202
    back(connector)
    (shown,) = named(connector)
    assert shown["id"] != before["id"]
    assert connector.get(f"/Users/{before['id']}").status_code == 404


def test_a_deletion_that_waits_is_not_told_as_done(connector):
    user_id = connector.create(ADDRESS)["id"]
    away(connector)
    answer = connector.delete(f"/Users/{user_id}")
    assert status(connector, answer)["status"] == "pending"
    assert connector.user(user_id)["active"] is True
    back(connector)
    assert status(connector, answer)["status"] == "done"
    assert connector.get(f"/Users/{user_id}").status_code == 404


def test_the_organization_admin_role_of_a_queued_person_becomes_a_task(connector):
    away(connector)
    answer = connector.post("/Users", {**BODY, "roles": [{"value": "organization-admin"}]})
    back(connector)
    assert "waits for a person" in status(connector, answer)["detail"]
    (shown,) = named(connector)
    (task,) = connector.services.work_items.list()
    assert task.subject_id == shown["id"]


def test_groups_that_come_with_a_queued_user_follow(connector):
    writes_groups = {"allow_group_writes_via_user": True}
    token = connector.client_token("sailpoint", settings=writes_groups)
    body = {**BODY, "groups": [{"value": connector.group()}]}
    away(connector)
    answer = connector.send("POST", "/Users", body, token=token)
    assert answer.status_code == 202
    back(connector)
    connector.services.settlement.settle_all(ACTOR)
    (user,) = connector.world.state.on_address(ADDRESS)
    assert user.user_id in connector.group_members(connector.group())


def test_a_bulk_request_says_what_is_accepted_for_later(connector):
    away(connector)
    schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
    creation = {"method": "POST", "path": "/Users", "bulkId": "a", "data": BODY}
    entries = ok(connector.post("/Bulk", {"schemas": [schema], "Operations": [creation]}))
    (entry,) = entries["Operations"]
    assert entry["status"] == "202"
    assert "/Requests/" in entry["location"]
    back(connector)
    assert named(connector)


# groups -------------------------------------------------------------------------------------


def test_a_group_is_accepted_and_created_with_its_members(connector):
    user_id = connector.create(ADDRESS)["id"]
    away(connector)
    body = {"displayName": "Crew", "externalId": "g-1", "members": [{"value": user_id}]}
    answer = connector.post("/Groups", body)
    assert connector.post("/Groups", body).headers["Set-Txn"] == answer.headers["Set-Txn"]
    refused(connector.post("/Groups", {"displayName": "crew"}), 409, "uniqueness")
    back(connector)
    became = status(connector, answer)
    group = ok(connector.get(became["resource"].partition(BASE)[2]))
    assert (group["displayName"], group["externalId"]) == ("Crew", "g-1")
    assert connector.group_members(group["id"]) == {user_id}


def test_a_member_who_leaves_a_group_after_a_queued_closing_and_opening(connector):
    user_id = connector.create(ADDRESS)["id"]
    group = f"/Groups/{connector.group()}"
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    ok(connector.patch(group, joining))
    away(connector)
    for active in (False, True):
        change = {"op": "replace", "path": "active", "value": active}
        ok(connector.patch(f"/Users/{user_id}", change))
    ok(connector.patch(group, {"op": "remove", "path": f'members[value eq "{user_id}"]'}))
    back(connector)
    connector.services.settlement.settle_all(ACTOR)
    assert user_id not in connector.group_members(connector.group())
    assert connector.user(user_id)["active"] is True


def test_a_full_list_of_a_profile_shown_as_a_group_sees_who_is_queued(start):
    connector = start(scim={"show_as_groups": ("profiles",)})
    people = [connector.create(f"p{number}@partner.example")["id"] for number in range(2)]
    account, _, profile = connector.entitlement().partition(".")
    group = f"/Groups/{account}.p{profile}"
    name = ok(connector.get(group))["displayName"]
    away(connector)
    grant = {"op": "add", "path": "entitlements", "value": [{"value": connector.entitlement()}]}
    ok(connector.patch(f"/Users/{people[0]}", grant))
    ok(connector.put(group, {"displayName": name, "members": [{"value": people[1]}]}))
    back(connector)
    connector.services.settlement.settle_all(ACTOR)
    assert [item["value"] for item in ok(connector.get(group))["members"]] == [people[1]]
