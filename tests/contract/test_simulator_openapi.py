"""The simulator's answers against DocuSign's published API descriptions.

Every member that we answer must be in the description, or known to DocuSign's newer SDK.
"""

from __future__ import annotations

import copy
import json
import os
import re
from datetime import timedelta
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from simulator.state import users
from simulator.state.keys import SCOPES
from simulator.state.model import OtherAdmin, Status
from tests.simulated import BASE_URL, simulated

DESCRIPTIONS = Path(
    os.environ.get(
        "DOCUSIGN_OPENAPI_DIR",
        Path(__file__).resolve().parents[3] / "shared" / "docusign-openapi",
    )
)
pytestmark = pytest.mark.skipif(
    not DESCRIPTIONS.is_dir(), reason="DocuSign's API descriptions are not here"
)

DESCRIBED = (
    ("esignature-users", "/restapi"),
    ("esignature-transfer-rules", "/restapi"),
    ("admin", "/management"),
)
TYPES = {"String": "string", "Boolean": "boolean", "Number": "number"}


@cache
def description(name):
    """Return a Swagger 2.0 document with definitions turned into closed JSON Schemas."""
    document = json.loads((DESCRIPTIONS / f"{name}.json").read_text())
    additions = DESCRIPTIONS / f"{name}.sdk-additions.json"
    added = json.loads(additions.read_text())["definitions"] if additions.exists() else {}
    for title, schema in document["definitions"].items():
        if "properties" not in schema:
            continue
        for member, kind in added.get(title, {}).items():
            schema["properties"][member] = {"type": TYPES[kind]} if kind in TYPES else {}
        schema["additionalProperties"] = False
    return document


def check(response, operation, name):
    """Validate an answer against the operation ``METHOD /path/{template}``."""
    method, _, path = operation.partition(" ")
    document = description(name)
    described = document["paths"][path][method.lower()]["responses"]
    assert str(response.status_code) in described, response.text
    schema = copy.deepcopy(described[str(response.status_code)].get("schema"))
    if schema is None:
        assert response.content == b""
        return None
    schema["definitions"] = document["definitions"]
    jsonschema.Draft4Validator(schema).validate(response.json())
    assert response.headers["X-DocuSign-TraceToken"]
    assert response.headers["X-RateLimit-Remaining"]
    return response.json()


class Api:
    """Calls one API and checks every answer."""

    def __init__(self, world, name, prefix, **ids):
        self.session = world.session(world.token())
        self.name, self.prefix, self.ids = name, prefix, ids
        self.called = set()

    def call(self, operation, *, query="", json=None, **ids):
        method, _, path = operation.partition(" ")
        self.called.add(operation)
        url = BASE_URL + self.prefix + path.format(**self.ids, **ids) + query
        return check(self.session.request(method, url, json=json), operation, self.name)


ACCOUNT = "/v2.1/accounts/{accountId}"
ORGANIZATION = "/v2/organizations/{organizationId}"


@pytest.fixture
def world():
    return simulated(60, auto_activation="always")


@pytest.fixture
def esign(world):
    return Api(world, "esignature-users", "/restapi", accountId=world.account.account_id)


@pytest.fixture
def admin(world):
    organization_id = world.state.organization.organization_id
    return Api(world, "admin", "/management", organizationId=organization_id)


def new_user(**changes):
    return {"userName": "Ada Byron", "email": "ada@northwind-freight.example", **changes}


def test_account(esign, world):
    assert esign.call(f"GET {ACCOUNT}")["accountName"] == world.account.name


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?additional_info=true&count=100",
        "?count=7&start_position=14",
        "?status=Closed,Disabled",
        "?email_substring=northwind&domain_users_only=true",
    ],
)
def test_users(esign, query):
    page = esign.call(f"GET {ACCOUNT}/users", query=query)
    assert page["users"]
    assert page["resultSetSize"] == str(len(page["users"]))


@pytest.mark.parametrize("status", list(Status))
def test_one_user_of_each_status(esign, world, status):
    member = world.member(status=status)
    shown = esign.call(f"GET {ACCOUNT}/users/{{userId}}", userId=member.user.user_id)
    assert shown["userStatus"] == status


def test_create_update_and_close(esign):
    wanted = {"newUsers": [new_user(), new_user(email="nobody")]}
    good, bad = esign.call(f"POST {ACCOUNT}/users", json=wanted)["newUsers"]
    assert "errorDetails" in bad
    user_id = good["userId"]
    one = esign.call(
        f"PUT {ACCOUNT}/users/{{userId}}", userId=user_id, json={"firstName": "Augusta"}
    )
    assert one["userName"] == "Augusta Byron"
    many = {"users": [{"userId": user_id, "jobTitle": "Analyst"}, {"userId": "unknown"}]}
    first, second = esign.call(f"PUT {ACCOUNT}/users", json=many)["users"]
    assert (first["jobTitle"], "errorDetails" in second) == ("Analyst", True)
    closed = esign.call(f"DELETE {ACCOUNT}/users", query="?delete=Groups", json=many)["users"]
    assert closed[0]["userStatus"] == "Closed"


def test_groups_and_members(esign, world):
    wanted = {"groups": [{"groupName": "Harbour"}, {"groupName": "Everyone"}]}
    made, refused = esign.call(f"POST {ACCOUNT}/groups", json=wanted)["groups"]
    assert "errorDetails" in refused
    group_id = made["groupId"]
    renamed = {"groups": [{"groupId": group_id, "groupName": "Port"}]}
    esign.call(f"PUT {ACCOUNT}/groups", json=renamed)
    users = {"users": [{"userId": world.member().user.user_id}, {"userId": "unknown"}]}
    path = f"{ACCOUNT}/groups/{{groupId}}/users"
    esign.call(f"PUT {path}", groupId=group_id, json=users)
    assert len(esign.call(f"GET {path}", groupId=group_id)["users"]) == 1
    esign.call(f"DELETE {path}", groupId=group_id, json=users)
    listed = esign.call(f"GET {ACCOUNT}/groups", query="?include_usercount=true&search_text=port")
    assert listed["groups"][0]["usersCount"] == "0"
    esign.call(f"DELETE {ACCOUNT}/groups", json={"groups": [{"groupId": group_id}]})


def test_permission_profiles(esign, world):
    path = f"{ACCOUNT}/permission_profiles"
    esign.call(f"GET {path}", query="?include=user_count,closed_users")
    settings = {"allowBulkSending": "true", "powerFormRole": "user", "allowVaulting": "false"}
    wanted = {"permissionProfileName": "Harbour Sender", "settings": settings}
    made = esign.call(f"POST {path}", json=wanted)
    assert settings.items() <= made["settings"].items()
    profile_id = made["permissionProfileId"]
    one = f"{path}/{{permissionProfileId}}"
    esign.call(
        f"PUT {one}", permissionProfileId=profile_id, json={"permissionProfileName": "Port Sender"}
    )
    shown = esign.call(f"GET {one}", permissionProfileId=profile_id)
    assert shown["permissionProfileName"] == "Port Sender"
    esign.call(f"DELETE {one}", permissionProfileId=profile_id)


def test_refusals(esign):
    assert esign.call(f"GET {ACCOUNT}/users", query="?count=101")["errorCode"]


def test_organization(admin, world):
    shown = admin.call("GET /v2/organizations")["organizations"]
    assert [item["name"] for item in shown[0]["accounts"]] == [a.name for a in world.accounts]
    admin.call(f"GET {ORGANIZATION}/reserved_domains")
    admin.call(f"GET {ORGANIZATION}/identity_providers")


def test_profiles_and_groups_of_an_account(admin, world):
    account_id = world.account.account_id
    path = f"{ORGANIZATION}/accounts/{{accountId}}"
    admin.call(f"GET {path}/permissions", accountId=account_id)
    page = admin.call(f"GET {path}/groups", accountId=account_id, query="?take=3&start=3")
    assert page["paging"]["result_set_size"] == 3


def test_organization_users(admin, world):
    query = f"?account_id={world.account.account_id}&take=30"
    page = admin.call(f"GET {ORGANIZATION}/users", query=query)
    assert len(page["users"]) == 30
    email = world.member(status=Status.CLOSED).user.email
    assert admin.call(f"GET {ORGANIZATION}/users", query=f"?email={email}")["users"]
    assert admin.call(f"GET {ORGANIZATION}/users/profile", query=f"?email={email}")["users"]


@pytest.mark.parametrize("kind", list(OtherAdmin))
def test_people_who_look_like_organization_admins(admin, world, kind):
    users.make_other_admin(world.state, world.service_user, kind)
    query = f"?email={world.service_user.email}"
    (person,) = admin.call(f"GET {ORGANIZATION}/users/profile", query=query)["users"]
    external = [item for item in person["memberships"] if item["is_external_account"]]
    assert len(external) == (kind is OtherAdmin.FOREIGN)
    shown = admin.call("GET /v2/organizations")["organizations"]
    assert len(shown) == 1 + (kind is OtherAdmin.FOREIGN)


def test_organization_user_from_creation_to_closing(admin, world):
    places = [
        {"id": item.account_id, "permission_profile": {"id": int(item.default_profile_id)}}
        for item in world.accounts
    ]
    body = {"email": "ada@northwind-freight.example", "user_name": "Ada Byron", "accounts": places}
    made = admin.call(f"POST {ORGANIZATION}/users", json=body)
    known = {"id": made["id"], "site_id": made["site_id"]}
    membership = {"account_id": world.account.account_id, "job_title": "Analyst"}
    update = {"users": [{**known, "memberships": [membership]}, {**known, "site_id": 9}]}
    answer = admin.call(f"POST {ORGANIZATION}/users/profiles", json=update)
    assert ["error_details" in item for item in answer["users"]] == [False, True]
    moved = {"users": [{**known, "email": "ada@northwind-rail.example"}]}
    assert admin.call(f"POST {ORGANIZATION}/users/email_addresses", json=moved)["success"]
    pending = world.state.user(made["id"]).memberships[world.account.account_id]
    admin.call(
        f"POST {ORGANIZATION}/users/{{userId}}/memberships/{{membershipId}}",
        userId=made["id"],
        membershipId=pending.membership_id,
        json={"site_id": made["site_id"]},
    )
    path = f"DELETE {ORGANIZATION}/users/{{userId}}/accounts"
    closing = {"accounts": [{"id": item["id"]} for item in places]}
    assert admin.call(path, userId=made["id"], json=closing)["success"]


def test_account_user(admin, world):
    path = f"POST {ORGANIZATION}/accounts/{{accountId}}/users"
    body = {"email": "ada@northwind-freight.example", "first_name": "Ada", "last_name": "Byron"}
    made = admin.call(path, accountId=world.account.account_id, json=body)
    assert made["user_name"] == "Ada Byron"


def test_redaction(admin, world):
    member = world.member(status=Status.CLOSED)
    member.closed_at = world.state.now() - timedelta(days=2)
    account_id, user_id = member.account.account_id, member.user.user_id
    path = "/v2/data_redaction/organizations/{organizationId}/user"
    open_one = {"account_id": world.account.account_id}
    body = {"user_id": world.member().user.user_id, "memberships": [open_one]}
    assert admin.call(f"POST {path}", json=body)["status"] == "failure"
    body = {"user_id": user_id, "memberships": [{"account_id": account_id}]}
    assert admin.call(f"POST {path}", json=body)["status"] == "success"
    path = "/v2/data_redaction/accounts/{accountId}/user"
    body = {"user_id": user_id}
    answer = admin.call(f"POST {path}", accountId=account_id, json=body)
    assert answer["membership_results"][0]["status"] == "already_redacted"


def test_exports(admin):
    path = f"{ORGANIZATION}/exports/user_list"
    ordered = admin.call(f"POST {path}", json={"type": "organization_memberships_export"})
    done = admin.call(f"GET {path}/{{exportId}}", exportId=ordered["id"])
    assert done["results"][0]["number_rows"] > 50
    assert len(admin.call(f"GET {path}")["exports"]) == 1
    admin.call(f"DELETE {path}/{{exportId}}", exportId=ordered["id"])


def test_an_unknown_member_would_be_noticed():
    schema = description("admin")["definitions"]["LinkResponse"]
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.Draft4Validator(schema).validate({"rel": "self", "colour": "red"})


def test_every_modelled_call_is_described(world):
    modelled = set()
    for rule in world.app.url_map.iter_rules():
        path = re.sub(r"<(\w+)>", "{}", rule.rule)
        for prefix in ("/restapi/v2.1", "/management/v2"):
            if path.startswith(prefix):
                methods = rule.methods - {"HEAD", "OPTIONS"}
                modelled |= {(method, path) for method in methods}
    described = {
        (method.upper(), prefix + re.sub(r"{\w+}", "{}", path))
        for name, prefix in DESCRIBED
        for path, operations in description(name)["paths"].items()
        for method in operations
    }
    assert len(modelled) > 30
    assert modelled <= described


def test_an_unknown_call_is_not_modelled(world):
    session = world.session(world.token(SCOPES))
    answer = session.get(f"{BASE_URL}/restapi/v2.1/accounts/{world.account.account_id}/envelopes")
    assert (answer.status_code, answer.json()["errorCode"]) == (501, "NOT_MODELLED")


def test_transfer_rules(world):
    rules = Api(world, "esignature-transfer-rules", "/restapi", accountId=world.account.account_id)
    path = f"{ACCOUNT}/envelopes/transfer_rules"
    first, second, *_ = (m.user.user_id for m in world.account.roster if m.status.is_open)
    wanted = {
        "enabled": "true",
        "eventType": "completed",
        "fromUsers": [{"userId": first}],
        "toUser": {"userId": second},
    }
    made = rules.call(f"POST {path}", json=wanted)["envelopeTransferRules"]
    assert rules.call(f"GET {path}")["envelopeTransferRules"] == made
    one = f"{path}/{{envelopeTransferRuleId}}"
    rules.call(f"DELETE {one}", envelopeTransferRuleId=made[0]["envelopeTransferRuleId"])
    assert rules.call(f"GET {path}")["envelopeTransferRules"] == []


def test_the_monitor_stream(world):
    world.state.touch(world.member().user)
    document = description("monitor")
    session = world.session(world.token())
    answer = session.get(f"{BASE_URL}/api/v2.0/datasets/monitor/stream?limit=10")
    operation = document["paths"]["/api/v{version}/datasets/{dataSetName}/stream"]["get"]
    schema = {**operation["responses"]["200"]["schema"], "definitions": document["definitions"]}
    jsonschema.Draft4Validator(schema).validate(answer.json())
    assert answer.json()["data"][-1]["affectedUserId"] == world.member().user.user_id
