"""DocuSign's wire format."""

from __future__ import annotations

import csv
import io

import pytest

from simulator.seed_export import seed_from_export
from simulator.state.keys import SCOPES
from simulator.state.model import Status
from tests.simulated import BASE_URL, simulated


class Client:
    """Calls a world's first account."""

    def __init__(self, world):
        self.session = world.session(world.token())
        self.base = f"{BASE_URL}/restapi/v2.1/accounts/{world.account.account_id}"
        organization_id = world.state.organization.organization_id
        self.organization = f"{BASE_URL}/management/v2/organizations/{organization_id}"

    def get(self, path, **query):
        return self.session.get(self.base + path, params=query)

    def post(self, path, body):
        return self.session.post(self.base + path, json=body)

    def put(self, path, body):
        return self.session.put(self.base + path, json=body)

    def delete(self, path, body, **query):
        return self.session.delete(self.base + path, json=body, params=query)


@pytest.fixture
def world():
    return simulated(150)


@pytest.fixture
def client(world):
    return Client(world)


# --------------------------------------------------------------------- paging


def test_walking_the_pages_sees_every_member_once(world, client):
    seen, path = [], "/users?count=30"
    while path:
        page = client.session.get(client.base + path).json()
        seen += [user["userId"] for user in page["users"]]
        path = page["nextUri"].removeprefix(f"/accounts/{world.account.account_id}")
    assert seen == list(world.account.members)
    assert page["totalSetSize"] == str(len(seen))


def test_positions_are_strings(client):
    page = client.get("/users", count=10, start_position=20).json()
    shown = [page[name] for name in ("resultSetSize", "startPosition", "endPosition")]
    assert shown == ["10", "20", "29"]
    assert "start_position=10" in page["previousUri"]


@pytest.mark.parametrize(
    "query",
    [
        {"count": 0},
        {"count": 101},
        {"count": "x"},
        {"start_position": -1},
        {"email": "a@b.example", "email_substring": "a"},
        {"status": "Lost"},
    ],
)
def test_bad_queries_are_refused(client, query):
    answer = client.get("/users", **query)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_REQUEST_PARAMETER")


def test_group_members_come_in_fifties(world, client):
    everyone = list(world.account.groups)[1]
    assert client.get(f"/groups/{everyone}/users").json()["resultSetSize"] == "50"


# -------------------------------------------------------------------- filters


def test_filters(world, client):
    closed = world.member(status=Status.CLOSED)
    group = list(world.account.groups.values())[8]
    inside = set(group.members)

    def found(**query):
        return {user["userId"] for user in client.get("/users", **query).json()["users"]}

    assert closed.user.user_id in found(email=closed.user.email.upper())
    assert found(status="Closed") == {
        item.user.user_id for item in world.account.roster if item.status is Status.CLOSED
    }
    assert found(group_id=group.group_id) == inside
    assert not found(not_group_id=group.group_id) & inside
    name = closed.user.last_name.lower()
    assert closed.user.user_id in found(user_name_substring=name, status="Closed,Disabled")
    claimed = found(domain_users_only="true")
    assert all(world.state.claimed(world.state.user(user_id).email) for user_id in claimed)
    assert found(alternate_admins_only="true") == set()


# --------------------------------------------------------------------- shapes


def test_brief_and_full_users(client):
    brief = client.get("/users", count=1).json()["users"][0]
    full = client.get("/users", count=1, additional_info="true").json()["users"][0]
    assert "groupList" not in brief
    assert "permissionProfileId" not in brief
    assert brief["isAdmin"] == full["isAdmin"] == "True"
    assert full["lastLogin"] == "0001-01-01T08:00:00.0000000Z"
    assert {group["groupType"] for group in full["groupList"]} >= {"adminGroup", "everyoneGroup"}


@pytest.mark.parametrize(
    ("variants", "shown"),
    [
        ({"list_groups": False}, lambda user: "groupList" not in user),
        ({"list_profile_ids": "absent"}, lambda user: "permissionProfileId" not in user),
        ({"list_profile_ids": "wrong"}, lambda user: user["permissionProfileId"] == "1010005"),
    ],
)
def test_lists_may_tell_less_than_the_user(world, client, variants, shown):
    world.set_variants(**variants)
    listed = client.get("/users", count=1, additional_info="true").json()["users"][0]
    assert shown(listed)
    one = client.get(f"/users/{listed['userId']}").json()
    assert one["permissionProfileId"] == "1010003"
    assert "groupList" in one


def test_a_closed_user_may_come_without_profile(world, client):
    user_id = world.member(status=Status.CLOSED).user.user_id
    assert "permissionProfileId" in client.get(f"/users/{user_id}").json()
    world.set_variants(closed_shows_profile=False)
    assert "permissionProfileId" not in client.get(f"/users/{user_id}").json()


def test_the_account_number_works_too(world, client):
    url = f"{BASE_URL}/restapi/v2.1/accounts/{world.account.external_id}"
    assert client.session.get(url).json()["accountIdGuid"] == world.account.account_id


def test_reads_may_lag_behind_writes(world, client):
    world.set_variants(stale_reads=2)
    user_id = world.member().user.user_id
    written = client.put(f"/users/{user_id}", {"jobTitle": "Admiral"}).json()
    read = [client.get(f"/users/{user_id}").json()["jobTitle"] for _ in range(3)]
    assert written["jobTitle"] == "Admiral"
    assert [title == "Admiral" for title in read] == [False, False, True]


def test_a_group_of_members_made_at_once(world, client):
    member = world.member()
    body = {"groups": [{"groupName": "Harbour", "users": [{"userId": member.user.user_id}]}]}
    group_id = client.post("/groups", body).json()["groups"][0]["groupId"]
    assert group_id in member.group_ids
    assert client.get("/groups", group_type="CustomGroup", search_text="harb").json()["groups"]
    assert client.get("/groups", group_type="Odd").status_code == 400


# --------------------------------------------------------------------- errors


def test_201_even_if_every_item_failed(client):
    answer = client.post("/users", {"newUsers": [{"userName": "A", "email": "x"}]})
    assert answer.status_code == 201
    assert answer.json()["newUsers"][0]["errorDetails"]["errorCode"]


def test_at_most_500_users_are_created_at_once(client):
    answer = client.post("/users", {"newUsers": [{}] * 501})
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'{"newUsers": 1}', b'{"newUsers": [1]}'])
def test_bad_bodies_are_refused(client, body):
    answer = client.session.post(f"{client.base}/users", data=body)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_REQUEST_BODY")


def test_the_existing_user_is_named_or_not(world, client):
    member = world.member()
    body = {"newUsers": [{"userName": member.user.user_name, "email": member.user.email}]}
    assert client.post("/users", body).json()["newUsers"][0]["userId"] == member.user.user_id
    world.set_variants(exists_error_has_user_id=False)
    refused = client.post("/users", body).json()["newUsers"][0]
    assert refused["errorDetails"]["errorCode"] == "USER_ALREADY_EXISTS_IN_ACCOUNT"
    assert "userId" not in refused


def test_delete_strips_what_the_query_names(world, client):
    group = list(world.account.groups.values())[8]
    user_id = next(item.user.user_id for item in group.members.values() if not item.is_admin)
    body = {"users": [{"userId": user_id}]}
    assert client.delete("/users", body, delete="Everything").status_code == 400
    assert client.delete("/users", body, delete="Groups,SigningGroupsEmail").status_code == 200
    assert user_id not in group.members


def test_unknown_ids(client):
    assert client.get("/users/unknown").json()["errorCode"] == "USER_NOT_FOUND"
    assert client.get("/groups/1/users").status_code == 404
    assert client.get("/permission_profiles/1").status_code == 404
    elsewhere = client.session.get(f"{BASE_URL}/restapi/v2.1/accounts/unknown/users")
    assert elsewhere.json()["errorCode"] == "USER_LACKS_MEMBERSHIP"


@pytest.mark.parametrize("token", ["", "unknown"])
def test_without_a_good_token(world, token):
    answer = world.session(token).get(Client(world).base)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "AUTHORIZATION_INVALID_TOKEN")
    assert answer.headers["X-DocuSign-TraceToken"]


def test_only_administrators_manage_users(world):
    member = world.member()
    session = world.session(world.token(user_id=member.user.user_id))
    answer = session.get(f"{Client(world).base}/users")
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "USER_LACKS_PERMISSIONS")


def test_a_closed_service_user_gets_nowhere(world, client):
    for membership in world.service_user.memberships.values():
        membership.status = Status.CLOSED
    assert client.get("/users").json()["errorCode"] == "USER_AUTHENTICATION_FAILED"


# ---------------------------------------------------------------------- admin


def test_admin_numbers_are_numbers_and_links_absolute(world, client):
    query = {"account_id": world.account.account_id, "take": 10}
    paging = client.session.get(f"{client.organization}/users", params=query).json()["paging"]
    assert paging["total_set_size"] == len(world.account.roster)
    following = client.session.get(paging["next"]).json()
    assert following["paging"]["result_set_start_position"] == 10


def test_admin_pages_are_cut(world, client):
    world.set_variants(admin_take_maximum=25)
    query = {"account_id": world.account.account_id, "take": 100}
    page = client.session.get(f"{client.organization}/users", params=query).json()
    assert page["paging"]["result_set_size"] == 25
    assert "take=25" in page["paging"]["next"]


def test_admin_filters(world, client):
    member = world.member(status=Status.ACTIVATION_SENT)
    account_id = world.account.account_id

    def found(**query):
        answer = client.session.get(f"{client.organization}/users", params=query | {"take": 200})
        return {user["id"] for user in answer.json()["users"]}

    pending = found(account_id=account_id, membership_status="activation_sent", status="created")
    assert member.user.user_id in pending
    assert member.user.user_id in found(
        account_id=account_id, email_user_name_like=member.user.email
    )
    now = world.state.now()
    today = {"account_id": account_id, "last_modified_since": f"{now:%Y-%m-%d}"}
    assert found(**today) == set()
    member.user.modified_at = now
    assert found(**today) == {member.user.user_id}
    domain = world.state.claimed(world.service_user.email)
    assert world.service_user.user_id in found(organization_reserved_domain_id=domain.domain_id)
    assert client.session.get(f"{client.organization}/users").status_code == 400
    bad = {"account_id": account_id, "last_modified_since": "yesterday"}
    assert client.session.get(f"{client.organization}/users", params=bad).status_code == 400


def test_people_show_every_membership_and_the_organization_admin(world, client):
    email = world.service_user.email
    url = f"{client.organization}/users/profile"
    person = client.session.get(url, params={"email": email}).json()["users"][0]
    assert person["is_organization_admin"] is True
    assert len(person["memberships"]) == 3
    assert isinstance(person["memberships"][0]["permission_profile"]["id"], int)
    world.set_variants(people_modified_within_days=10)
    assert client.session.get(url, params={"email": email}).json()["users"] == []


def test_group_types_by_name_or_number(world, client):
    url = f"{client.organization}/accounts/{world.account.account_id}/groups"
    assert client.session.get(url).json()["groups"][2]["type"] == "custom_group"
    world.set_variants(admin_group_type="number")
    assert client.session.get(url).json()["groups"][2]["type"] == 3


@pytest.mark.parametrize("scope", ["user_read", "user_write"])
def test_admin_calls_need_their_scope(world, scope):
    session = world.session(world.token(SCOPES - {scope}))
    base = Client(world).organization
    calls = {
        "user_read": lambda: session.get(f"{base}/users/profile?email=a@b.example"),
        "user_write": lambda: session.post(f"{base}/users", json={}),
    }
    assert calls[scope]().json() == {
        "error": "unauthorized",
        "error_description": "Not Authorized",
    }


def test_admin_calls_need_an_organization_admin(world, client):
    world.service_user.is_organization_admin = False
    assert client.session.get(f"{client.organization}/reserved_domains").status_code == 403


def test_both_spellings_of_the_admin_path(client):
    url = client.organization.replace("management", "Management")
    assert client.session.get(f"{url}/reserved_domains").status_code == 200


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        ("organization_memberships_export", lambda claimed: True),
        ("organization_domain_users_export", lambda claimed: claimed),
        ("organization_external_memberships_export", lambda claimed: not claimed),
    ],
)
def test_exports(world, client, kind, chosen):
    world.set_variants(export_polls=2)
    url = f"{client.organization}/exports/user_list"
    order = {"type": kind, "accounts": [{"account_id": world.account.account_id}]}
    ordered = client.session.post(url, json=order).json()
    asked = [client.session.get(f"{url}/{ordered['id']}").json() for _ in range(2)]
    assert [item["status"] for item in asked] == ["in_process", "completed"]
    text = client.session.get(asked[1]["results"][0]["url"]).content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = [
        item.user.user_id
        for item in world.account.roster
        if chosen(world.state.claimed(item.user.email) is not None)
    ]
    assert [row["APIUserName"] for row in rows] == expected


def test_an_export_makes_the_same_organization_again(world, client, tmp_path):
    url = f"{client.organization}/exports/user_list"
    order = {"type": "organization_memberships_export"}
    ordered = client.session.post(url, json=order).json()
    done = client.session.get(f"{url}/{ordered['id']}").json()
    path = tmp_path / "export.csv"
    path.write_bytes(client.session.get(done["results"][0]["url"]).content)
    again = seed_from_export(path)
    for user in world.state.users.values():
        places = again.user(user.user_id).memberships
        assert {key: item.status for key, item in places.items()} == {
            key: item.status for key, item in user.memberships.items()
        }


def test_unknown_organizations_and_exports(client):
    export = client.session.get(f"{client.organization}/exports/user_list/unknown")
    assert export.status_code == 404
    elsewhere = f"{BASE_URL}/management/v2/organizations/unknown/reserved_domains"
    assert client.session.get(elsewhere).json()["error"] == "unauthorized"


def test_the_wrong_site_is_an_unknown_user(world, client):
    body = {"users": [{"id": world.member().user.user_id, "site_id": 99}]}
    answer = client.session.post(f"{client.organization}/users/profiles", json=body).json()
    assert answer["success"] is False
    assert answer["users"][0]["error_details"]["error"] == "user_not_found"
