"""The control API and the index page."""

from __future__ import annotations

import pytest

from simulator.state.model import Status
from simulator.variants import Variants
from tests.simulated import BASE_URL, simulated


@pytest.fixture
def world():
    return simulated(40)


def control(world, method, path, body=None):
    return world.session().request(method, f"{BASE_URL}/_simulator/{path}", json=body)


def test_the_index_page_says_how_to_use_it(world):
    page = world.session().get(f"{BASE_URL}/").text
    assert f"curl {BASE_URL}/_simulator/connection" in page
    assert "Northwind Rail" in page
    assert "list_groups" in page


def test_the_snapshot_shows_everything(world):
    snapshot = control(world, "GET", "state").json()
    assert set(snapshot["users"]) == set(world.state.users)
    member = world.member()
    shown = snapshot["users"][member.user.user_id]["memberships"][world.account.account_id]
    assert (shown["status"], shown["profile_id"]) == ("Active", member.profile_id)


def test_connection_details(world):
    assert control(world, "GET", "connection").json() == world.details


def test_organization_admins_are_made_and_unmade_in_a_browser(world):
    user, browser = world.member().user, world.app.test_client()
    done = browser.post("/administrators", data={"email": user.email})
    assert (done.status_code, user.is_organization_admin) == (303, True)
    assert f"Remove {user.email}" in browser.get("/administrators").text
    browser.post("/administrators", data={"remove": user.user_id})
    assert not user.is_organization_admin
    unknown = browser.post("/administrators", data={"email": "no@body.example"})
    assert (unknown.status_code, "no@body.example" in unknown.text) == (400, True)


def test_organization_admins_are_made_by_hand(world):
    user = world.member().user
    path = f"users/{user.user_id}/organization-admin"
    assert control(world, "PUT", path).json()["is_organization_admin"] is True
    assert user.is_organization_admin
    control(world, "DELETE", path)
    assert not user.is_organization_admin


def test_others_who_look_like_organization_admins_are_made_by_hand(world):
    user = world.member().user
    path = f"users/{user.user_id}/organization-admin"
    assert control(world, "PUT", f"{path}/invited").json()["other_admin"] == ["invited"]
    assert control(world, "PUT", f"{path}/foreign").json()["is_organization_admin"] is False
    assert control(world, "PUT", f"{path}/half").status_code == 400
    accepted = control(world, "PUT", path).json()
    assert (accepted["is_organization_admin"], accepted["other_admin"]) == (True, ["foreign"])


def test_a_pending_person_accepts(world):
    pending = world.member(status=Status.ACTIVATION_SENT)
    control(world, "POST", f"users/{pending.user.user_id}/activate")
    assert pending.status is Status.ACTIVE


def test_native_changes(world):
    member, group_id = world.member(), list(world.account.groups)[4]
    profile_id = list(world.account.profiles)[3]
    path = f"accounts/{world.account.account_id}/users/{member.user.user_id}"
    change = {
        "status": "Disabled",
        "profile_id": profile_id,
        "group_ids": [group_id],
        "user_name": "Ada Byron",
        "email": "ada@elsewhere.example",
        "managed_by_scim": True,
    }
    assert control(world, "PATCH", path, change).status_code == 200
    assert (member.status, member.profile_id) == (Status.DISABLED, profile_id)
    assert member.group_ids == (group_id,)
    assert member.managed_by_scim and member.user.managed_by_scim
    assert (member.user.user_name, member.user.last_name) == ("Ada Byron", "Byron")
    assert world.state.on_address("ada@elsewhere.example") == [member.user]


@pytest.mark.parametrize("change", [{"status": "Lost"}, {"colour": "red"}, {"profile_id": "1"}])
def test_impossible_native_changes(world, change):
    path = f"accounts/{world.account.account_id}/users/{world.member().user.user_id}"
    assert control(world, "PATCH", path, change).status_code == 400


def test_native_users_and_groups(world):
    account = f"accounts/{world.account.account_id}"
    group = control(world, "POST", f"{account}/groups", {"name": "Harbour"}).json()
    new = {
        "email": "ada@elsewhere.example",
        "user_name": "Ada Byron",
        "group_ids": [group["group_id"]],
    }
    made = control(world, "POST", f"{account}/users", new).json()
    assert made["user_id"] in world.account.groups[group["group_id"]].members


def test_faults_come_and_go(world):
    fault = {"kind": "error", "path": "/restapi/", "status": 503}
    assert control(world, "POST", "faults", fault).json()["faults"][0]["status"] == 503
    assert control(world, "POST", "faults", {"kind": "magic"}).status_code == 400
    for wrong in ({"times": "x"}, {"nth": 1.5}, {"delay_s": "1"}, {"path": 7}, {"timed_out": 1}):
        assert control(world, "POST", "faults", {"kind": "error", **wrong}).status_code == 400
    control(world, "DELETE", "faults")
    assert control(world, "GET", "faults").json() == {"faults": []}


def test_variants_change_while_running(world):
    answer = control(world, "PUT", "variants", {"list_groups": False}).json()
    assert answer["list_groups"] is False
    assert world.state.variants == Variants(list_groups=False)
    assert control(world, "GET", "variants").json() == answer


@pytest.mark.parametrize(
    "change",
    [{"colour": "red"}, {"limit_status": 500}, {"list_groups": "no"}, {"export_polls": "1"}],
)
def test_impossible_variants(world, change):
    assert control(world, "PUT", "variants", change).status_code == 400
    assert world.state.variants == Variants()


def test_limits_and_the_next_hour(world):
    control(world, "PUT", "limits", {"hourly": 5, "burst": 3, "remaining": 0})
    assert (world.limits.hourly, world.limits.burst) == (5, 3)
    session = world.session(world.token())
    url = f"{BASE_URL}/restapi/v2.1/accounts/{world.account.account_id}"
    assert session.get(url).status_code == 429
    control(world, "POST", "hour")
    assert session.get(url).status_code == 200


def test_latency(world):
    assert control(world, "PUT", "latency", {"read_s": 0.5}).json()["read_s"] == 0.5
    assert world.latency.read_s == 0.5
    assert control(world, "PUT", "latency", {"speed": 1}).status_code == 400


def test_consent_and_redirect_uris(world):
    application = next(iter(world.state.applications.by_key.values()))
    control(world, "DELETE", "consent")
    assert application.consents == {}
    user_id = world.service_user.user_id
    control(world, "PUT", f"consent/{user_id}", {"scopes": "signature impersonation"})
    assert application.consents == {user_id: {"signature", "impersonation"}}
    control(world, "PUT", "redirect-uris", {"redirect_uri": "http://127.0.0.1:1/callback"})
    assert "http://127.0.0.1:1/callback" in application.redirect_uris


def test_unknown_users(world):
    assert control(world, "GET", "users/unknown").status_code == 404
