"""What clients are told when something cannot be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.authentication.api_clients import Scope
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import ok, refused

ADDRESS = "ann.lee@acme.test"


def test_a_request_without_a_valid_token_is_challenged(connector):
    """W33, W99."""
    response = connector.http.get("/scim/v2/Users")
    refused(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert "Unauthorized" in refused(connector.send("GET", "/Users", token="wrong"), 401)


def test_an_expired_and_a_revoked_token_are_refused(connector):
    short = connector.client_token("short", expires_in=timedelta(minutes=5))
    gone = connector.client_token("gone")
    ok(connector.send("GET", "/Users?count=0", token=short))
    ok(connector.send("GET", "/Users?count=0", token=gone))

    connector.clock.advance(301)
    connector.application.clients.revoke("default", "gone")

    assert "expired" in refused(connector.send("GET", "/Users", token=short), 401)
    assert "revoked" in refused(connector.send("GET", "/Users", token=gone), 401)


def test_a_reader_may_not_write(connector):
    reader = connector.client_token("reader", scopes=frozenset({Scope.READ}))

    ok(connector.send("GET", "/Users?count=1", token=reader))
    refused(connector.send("POST", "/Users", {"userName": ADDRESS}, token=reader), 403)


def test_an_unknown_tenant_shows_nothing(connector):
    response = connector.http.get(
        "/nobody/scim/v2/Users", headers={"Authorization": f"Bearer {connector.token}"}
    )

    assert response.status_code in (401, 404)
    assert response.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize("path", ["/Users/nobody", "/Groups/nobody", "/Roles/none", "/Nothing"])
def test_what_does_not_exist_is_not_found(connector, path):
    refused(connector.get(path), 404)


@pytest.mark.parametrize(
    "path", ["/Users", "/Groups/x", "/acme/ServiceProviderConfig", "/v2/Users", "/acme/v2", "/Bulk"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_base_address_that_ends_too_early_is_told_the_whole_one(connector, method, path):
    response = connector.http.open(path, method=method)
    assert "SCIM is served under /scim/v2." in refused(response, 404)
    assert response.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize("path", ["/users", "/somewhere", "/acme/some/Users"])
def test_what_no_scim_client_asks_for_is_not_answered_as_scim(connector, path):
    response = connector.http.get(path)
    assert (response.status_code, response.mimetype) == (404, "text/plain")


def test_an_unknown_attribute_in_a_path_or_filter_is_named(connector):
    user = connector.create(ADDRESS)
    operation = {"op": "add", "path": "nickName", "value": "Lee"}

    assert "nickName" in refused(
        connector.patch(f"/Users/{user['id']}", operation), 400, "invalidPath"
    )
    assert "nickName" in refused(connector.get("/Users?filter=nickName pr"), 400, "invalidFilter")


def test_nothing_is_applied_where_one_operation_fails(connector):
    """W90."""
    user = connector.create(ADDRESS)

    response = connector.patch(
        f"/Users/{user['id']}",
        {"op": "replace", "path": "title", "value": "Counsel"},
        {"op": "replace", "path": "id", "value": "X"},
    )

    refused(response, 400, "mutability")
    assert connector.user(user["id"]) == user


# guards -------------------------------------------------------------------------------


def test_the_service_user_is_protected(connector):
    user_id = connector.world.state.service_user_id

    detail = refused(connector.delete(f"/Users/{user_id}"), 403)

    assert "impersonates" in detail
    assert connector.membership(user_id).status is Status.ACTIVE


def test_a_user_of_docusigns_own_scim_is_left_alone(connector):
    user = connector.create(ADDRESS)
    connector.world.state.user(user["id"]).managed_by_scim = True
    connector.membership(user["id"]).managed_by_scim = True
    connector.sync()

    response = connector.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False}
    )

    assert "guards.respect_docusign_scim" in refused(response, 403)


# DocuSign in trouble ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["error", "drop"])
def test_docusign_out_of_reach_is_told_as_temporary(connector, kind):
    connector.world.faults.add(Fault(kind, "POST", "/users$", status=503, times=None))

    response = connector.post("/Users", {"userName": ADDRESS})

    assert "temporarily unavailable" in refused(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    connector.world.faults.clear()
    assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
    connector.create(ADDRESS)


def test_reads_do_not_need_docusign(connector):
    user = connector.create(ADDRESS)
    connector.world.faults.add(Fault("error", times=None))

    assert connector.user(user["id"]) == user


def test_a_used_up_limit_names_the_time_to_wait(connector):
    connector.world.limits.use_up(connector.world.account.account_id)

    response = connector.post("/Users", {"userName": ADDRESS})

    refused(response, 503)
    assert int(response.headers["Retry-After"]) >= 1


def test_a_page_of_html_is_told_without_repeating_it(connector):
    connector.world.faults.add(Fault("html", "POST", "/users$", times=None))

    response = connector.post("/Users", {"userName": ADDRESS})

    assert response.status_code in (502, 503)
    assert "<html" not in response.get_data(as_text=True).lower()
    assert not [item for item in connector.world.account.roster if item.user.email == ADDRESS]


def test_a_lost_answer_is_read_back(connector):
    connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))

    user = connector.create(ADDRESS)

    held = [item for item in connector.world.account.roster if item.user.email == ADDRESS]
    assert [item.user.user_id for item in held] == [user["id"]]


def test_missing_consent_is_told_with_its_cause(connector):
    connector.world.faults.add(Fault("revoke_consent"))

    detail = refused(connector.post("/Users", {"userName": ADDRESS}), 502)

    assert "consent" in detail.lower()


def test_a_creation_that_failed_half_way_leaves_the_address_free(connector):
    first, second = sorted(connector.world.accounts, key=lambda item: item.account_id)[:2]
    values = [f"{item.account_id}.{item.default_profile_id}" for item in (first, second)]
    body = {"userName": ADDRESS, "entitlements": [{"value": value} for value in values]}
    path = f"/accounts/{second.account_id}/users$"
    fault = Fault("error", "POST", path, status=400, error_code="INVALID_REQUEST_PARAMETER")
    connector.world.faults.add(fault)

    assert "Undone: join" in refused(connector.post("/Users", body), 400, "invalidValue")

    (left,) = connector.world.state.on_address(ADDRESS)
    assert {item.status for item in left.memberships.values()} == {Status.CLOSED}
    refused(connector.get(f"/Users/{left.user_id}"), 404)
    assert ok(connector.post("/Users", body), 201)["id"] != left.user_id


# in the client's words ----------------------------------------------------------------


DOMAINS_WORDS = ("first_name", "last_name", "user_name", "job_title", "middle_name")


@pytest.mark.parametrize("part", ["givenName", "middleName", "familyName", "honorificSuffix"])
@pytest.mark.parametrize("query", ["", "?dryRun=true"])
def test_a_part_of_the_name_that_docusign_does_not_take_is_named_as_it_was_sent(
    connector, part, query
):
    body = {"userName": ADDRESS, "name": {part: "x" * 51}}
    detail = refused(connector.post(f"/Users{query}", body), 400, "invalidValue")

    assert detail == f"name.{part} has 51 characters; DocuSign takes 50 at most."
    user = connector.create(ADDRESS, name={part: "x" * 50})
    operation = {"op": "replace", "path": f"name.{part}", "value": "y" * 51}
    told = refused(connector.patch(f"/Users/{user['id']}{query}", operation), 400, "invalidValue")
    assert told == detail


def test_an_address_that_is_none_is_named_as_it_was_sent(connector):
    user = connector.create(ADDRESS)
    operation = {"op": "replace", "path": "emails", "value": [{"value": "nobody"}]}
    assert refused(
        connector.patch(f"/Users/{user['id']}", operation), 400, "invalidValue"
    ).startswith("emails must be the person's e-mail address")
    assert refused(
        connector.post("/Users", {"userName": "nobody"}), 400, "invalidValue"
    ).startswith("userName must be")


def test_what_docusign_itself_refuses_is_told_in_its_words_and_the_clients(connector):
    name = dict.fromkeys(("givenName", "middleName", "familyName"), "x" * 45)

    detail = refused(
        connector.post("/Users", {"userName": ADDRESS, "name": name}), 400, "invalidValue"
    )

    assert "userName exceeds the maximum length" in detail
    assert detail.endswith("In SCIM DocuSign's userName is name.formatted.")
    user = connector.create(ADDRESS)
    operation = {"op": "replace", "path": "name", "value": name}
    again = refused(connector.patch(f"/Users/{user['id']}", operation), 400, "invalidValue")
    assert "In SCIM DocuSign's userName is name.formatted." in again


def test_a_refused_change_of_somebody_inactive_names_what_would_change(connector):
    user = connector.create(ADDRESS, active=False, name={"givenName": "Ann", "familyName": "Lee"})
    change = {"op": "replace", "value": {"name.givenName": "Anna", "title": "Counsel"}}

    detail = refused(connector.patch(f"/Users/{user['id']}", change), 400, "invalidValue")

    assert "(name.formatted, name.givenName, title)" in detail
    assert not any(word in detail for word in DOMAINS_WORDS)


def test_what_was_undone_is_told_in_the_clients_words(connector):
    user = connector.create(ADDRESS, name={"givenName": "Ann", "familyName": "Lee"})
    connector.world.faults.add(Fault("error", "PUT", "/users/", status=400, nth=2))
    change = {
        "op": "replace",
        "value": {
            "name.givenName": "Anna",
            "entitlements": [{"value": connector.entitlement()}],
        },
    }

    detail = refused(connector.patch(f"/Users/{user['id']}", change), 502)

    assert "Undone: change" in detail
    assert "name.givenName 'Ann' -> 'Anna'" in detail
    assert not any(word in detail for word in DOMAINS_WORDS)


def test_a_dry_run_tells_of_attributes_as_clients_know_them(connector):
    user = connector.create(ADDRESS, title="Clerk")
    change = {"op": "replace", "path": "title", "value": "Counsel"}
    [step] = ok(connector.patch(f"/Users/{user['id']}?dryRun=true", change))["operations"]
    assert "title 'Clerk' -> 'Counsel'" in step["description"]
    assert "job" not in step["description"]
