"""Ways in: Basic, client credentials at our token endpoint, narrower scopes, throttling."""

import base64
from datetime import timedelta

import pytest

from connector.domain.authentication.api_clients import Method, Scope
from connector.services.authentication.api_clients import ApiClientService
from connector.services.authentication.throttle import MAX_FAILURES
from tests.connector import BASE, PATCH_OP, ok, refused


def basic(name, secret):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def call(connector, authorization, path="/Users?count=1", *, headers=None, **options):
    headers = {"Authorization": authorization, **(headers or {})}
    return connector.http.open(BASE + path, headers=headers, **options)


def grant(connector, authorization=None, prefix="", **form):
    headers = {"Authorization": authorization} if authorization else {}
    form = {"grant_type": "client_credentials", **form}
    return connector.http.post(f"{prefix}/oauth/token", data=form, headers=headers)


@pytest.fixture
def secret(connector):
    return connector.client_token("okta", method=Method.OAUTH)


def test_basic_is_name_and_secret(connector):
    secret = connector.client_token("iiq", method=Method.BASIC)
    ok(call(connector, basic("iiq", secret)))
    refused(call(connector, basic("other", secret)), 401)
    refused(call(connector, f"Bearer {secret}"), 401)
    connector.application.clients.revoke("default", "iiq")
    refused(call(connector, basic("iiq", secret)), 401)


@pytest.mark.parametrize("value", ["", "!!!", "YQ", "YTo=", "/////w==", "x" * 60_000, "Og=="])
def test_malformed_basic_is_refused(connector, value):
    response = call(connector, f"Basic {value}")
    refused(response, 401)
    schemes = [each.split()[0] for each in response.headers.getlist("WWW-Authenticate")]
    assert schemes == ["Bearer", "Basic"]


def test_a_secret_buys_a_token_for_an_hour(connector, secret):
    for response in (
        grant(connector, basic("okta", secret)),
        grant(connector, client_id="okta", client_secret=secret),
    ):
        granted = ok(response)
        assert response.headers["Cache-Control"] == "no-store"
        assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 3600)
        ok(call(connector, f"Bearer {granted['access_token']}"))
    connector.clock.advance(3601)
    refused(call(connector, f"Bearer {granted['access_token']}"), 401)


def test_access_tokens_end_with_their_client(connector, secret):
    token = ok(grant(connector, basic("okta", secret)))["access_token"]
    ok(call(connector, f"Bearer {token}"))
    connector.application.clients.revoke("default", "okta")
    refused(call(connector, f"Bearer {token}"), 401)


def elsewhere(connector):
    """The clients as another process changes them: this one still remembers what it saw."""
    return ApiClientService(connector.application.store, connector.clock)


def test_a_secret_that_was_rotated_elsewhere_buys_nothing_more(connector, secret):
    ok(grant(connector, basic("okta", secret)))
    _, new = elsewhere(connector).rotate("default", "okta")
    assert grant(connector, basic("okta", secret)).json["error"] == "invalid_client"
    assert grant(connector, basic("okta", secret)).status_code == 401
    ok(grant(connector, basic("okta", new)))


def test_a_client_that_was_revoked_elsewhere_gets_nothing_more(connector, secret):
    ok(grant(connector, basic("okta", secret)))
    elsewhere(connector).revoke("default", "okta")
    assert grant(connector, basic("okta", secret)).status_code == 401


def test_what_the_older_secret_bought_ends_with_its_grace(connector, secret):
    before = ok(grant(connector, basic("okta", secret)))["access_token"]
    _, new = elsewhere(connector).rotate("default", "okta", grace=timedelta(minutes=1))
    connector.clock.advance(20)
    within = ok(grant(connector, basic("okta", secret)))
    assert 30 <= within["expires_in"] <= 40
    renewed = ok(grant(connector, basic("okta", new)))
    assert renewed["expires_in"] == 3600
    for token in (before, within["access_token"], renewed["access_token"]):
        ok(call(connector, f"Bearer {token}"))
    connector.clock.advance(40)
    for token in (before, within["access_token"]):
        refused(call(connector, f"Bearer {token}"), 401)
    ok(call(connector, f"Bearer {renewed['access_token']}"))


def test_a_token_does_not_outlive_the_secret(connector):
    secret = connector.client_token("short", method=Method.OAUTH, expires_in=timedelta(minutes=1))
    granted = ok(grant(connector, basic("short", secret)))
    assert 50 <= granted["expires_in"] <= 60
    bearer = f"Bearer {granted['access_token']}"
    ok(call(connector, bearer))
    connector.clock.advance(60)
    refused(call(connector, bearer), 401)


def test_a_token_may_do_what_was_asked_for(connector, secret):
    granted = ok(grant(connector, basic("okta", secret), scope="read write:groups"))
    assert granted["scope"] == "read write:groups"
    bearer = f"Bearer {granted['access_token']}"
    ok(call(connector, bearer))
    user = {"userName": "new@example.com"}
    refused(call(connector, bearer, "/Users", method="POST", json=user), 403)


@pytest.mark.parametrize(
    ("scope", "allowed", "denied"),
    [
        (Scope.WRITE_USERS, "/Users/none", "/Groups/none"),
        (Scope.WRITE_GROUPS, "/Groups/none", "/Users/none"),
    ],
)
def test_a_scope_is_for_users_or_groups(connector, scope, allowed, denied):
    bearer = "Bearer " + connector.client_token("half", scopes=frozenset({Scope.READ, scope}))
    refused(call(connector, bearer, allowed, method="DELETE"), 404)
    refused(call(connector, bearer, denied, method="DELETE"), 403)


def writer_of(connector):
    return "Bearer " + connector.client_token("writer", scopes=frozenset({Scope.WRITE}))


def test_who_may_not_read_gets_no_more_of_what_they_wrote_than_they_need(connector):
    bearer = writer_of(connector)
    body = {"userName": "blind@partner.example", "externalId": "e-1", "title": "Clerk"}
    created = ok(call(connector, bearer, "/Users", method="POST", json=body), 201)
    path = f"/Users/{created['id']}"
    change = {"op": "replace", "path": "active", "value": True}
    patch = {"schemas": [PATCH_OP], "Operations": [change]}
    answers = [
        created,
        ok(call(connector, bearer, f"{path}?attributes=userName", method="PATCH", json=patch)),
        ok(call(connector, bearer, path, method="PUT", json=body)),
    ]
    for answer in answers:
        assert answer.keys() == {"schemas", "id", "meta"}
        assert answer["meta"]["version"]
    refused(call(connector, bearer, path), 403)
    refused(call(connector, bearer, "/Users/.search", method="POST", json={}), 403)


def test_who_may_not_read_makes_no_dry_run(connector):
    user = connector.create("seen@partner.example")
    path = f"/Users/{user['id']}?dryRun=true"
    detail = refused(call(connector, writer_of(connector), path, method="DELETE"), 403)
    assert "read" in detail
    assert connector.user(user["id"])["active"] is True


def test_who_may_not_read_learns_whether_their_own_request_is_done(connector):
    bearer = writer_of(connector)
    body = {"userName": "later@partner.example"}
    headers = {"Prefer": "respond-async"}
    answer = call(connector, bearer, "/Users", method="POST", json=body, headers=headers)
    assert answer.status_code == 202
    place = answer.headers["Location"].partition(BASE)[2]
    status = ok(call(connector, bearer, place))
    assert (status["status"], "detail" in status) == ("pending", False)
    stranger = "Bearer " + connector.client_token("stranger", scopes=frozenset({Scope.WRITE}))
    refused(call(connector, stranger, place), 404)


def test_bulk_asks_for_the_same_scopes(connector):
    scopes = frozenset({Scope.READ, Scope.WRITE_USERS})
    bearer = "Bearer " + connector.client_token("half", scopes=scopes)
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "DELETE", "path": "/Groups/none"}],
    }
    answer = ok(call(connector, bearer, "/Bulk", method="POST", json=bulk))
    assert answer["Operations"][0]["status"] == "403"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": ["client_credentials"] * 2}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 401, "invalid_client"),
    ],
)
def test_errors_are_those_of_the_rfc(connector, secret, form, status, error):
    form = {"client_id": "okta", "client_secret": secret, **form}
    response = grant(connector, **form)
    assert (response.status_code, response.json["error"]) == (status, error)
    assert response.headers["Cache-Control"] == "no-store"


def test_secrets_in_two_places_or_in_the_url_are_refused(connector, secret):
    both = grant(connector, basic("okta", secret), client_secret=secret)
    url = connector.http.post(f"/oauth/token?client_secret={secret}", data={"x": "y"})
    assert both.json["error"] == url.json["error"] == "invalid_request"


def test_a_read_only_client_gets_no_more(connector):
    secret = connector.client_token("ro", method=Method.OAUTH, scopes=frozenset({Scope.READ}))
    assert grant(connector, basic("ro", secret), scope="write").json["error"] == "invalid_scope"
    assert ok(grant(connector, basic("ro", secret)))["scope"] == "read"


def test_another_tenant_does_not_know_the_secret(connector, secret):
    assert grant(connector, basic("okta", secret), prefix="/other").status_code == 401


def test_an_oauth_secret_is_no_basic_credential(connector, secret):
    refused(call(connector, basic("okta", secret)), 401)


def test_repeated_failures_have_to_wait_and_are_recorded(connector):
    for _ in range(MAX_FAILURES):
        refused(call(connector, "Bearer wrong"), 401)
    response = call(connector, "Bearer wrong")
    refused(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 60
    ok(call(connector, f"Bearer {connector.token}"))
    with connector.application.store.read("default") as unit:
        actions = [event.action for event in unit.audit.events()]
    assert actions.count("client.throttled") == 1
    connector.clock.advance(61)
    refused(call(connector, "Bearer wrong"), 401)


def test_failures_at_a_tenant_that_is_none_begin_no_audit_trail(connector):
    wrong = {"headers": {"Authorization": "Bearer wrong"}}
    for _ in range(MAX_FAILURES):
        refused(connector.http.get("/made-up/scim/v2/Users", **wrong), 401)
    refused(connector.http.get("/made-up/scim/v2/Users", **wrong), 429)
    with connector.application.store.read("made-up") as unit:
        assert list(unit.audit.events()) == []


def test_the_token_endpoint_throttles_too(connector):
    for _ in range(MAX_FAILURES):
        assert grant(connector, basic("okta", "wrong")).status_code == 401
    response = grant(connector, basic("okta", "wrong"))
    assert response.status_code == 429
    assert "Retry-After" in response.headers


def test_the_last_change_that_a_client_asked_for_is_known(connector):
    token = connector.client_token("writer")
    last = connector.application.clients.last_write_at
    connector.send("GET", "/Users?count=1", token=token)
    assert last("default", "writer") is None
    connector.send("POST", "/Users", {"userName": "no address"}, token=token)
    assert last("default", "writer") is not None
    assert last("default", "nobody") is None


@pytest.mark.parametrize(
    ("method", "path", "status", "scim_type"),
    [
        ("GET", "/scim/v1/Users", 400, "invalidVers"),
        ("GET", "/scim/v2.1/Users", 400, "invalidVers"),
        ("GET", "/scim", 404, None),
        ("GET", "/a%2fb/scim/v2/Users", 404, None),
    ],
)
def test_what_no_endpoint_takes_is_answered_as_scim(connector, method, path, status, scim_type):
    answer = connector.http.open(path, method=method)

    assert (answer.status_code, answer.json.get("scimType")) == (status, scim_type)
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_whoever_opens_the_bare_address_is_led_to_the_console(connector):
    answer = connector.http.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/oauth/token", 405), ("GET", "/nothing", 404)]
)
def test_elsewhere_a_stranger_is_answered_in_plain_text(connector, method, path, status):
    answer = connector.http.open(path, method=method)

    assert answer.status_code == status
    assert answer.mimetype == "text/plain"
    assert status != 405 or "POST" in answer.headers["Allow"]
