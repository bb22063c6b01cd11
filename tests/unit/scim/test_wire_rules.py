"""RFC 7644's own rules on the wire: status, headers, preconditions, media types, who may what."""

import gzip
import io

import pytest

from tests.unit.scim.memory_handler import BASE_URL, TOKEN, MemoryHandler
from tests.unit.scim.wire import ANN, P, send

LIMIT = 8 * 1024 * 1024


def test_create_answers_the_whole_resource_with_its_address(client):
    response = send(client, "POST", "/Users", {"userName": "zed@acme.test"})
    assert response.headers["Location"] == f"{BASE_URL}/Users/U3"
    assert response.json["meta"]["location"] == f"{BASE_URL}/Users/U3"
    assert response.headers["ETag"] == response.json["meta"]["version"]


def test_password_is_never_returned(client):
    assert "password" not in send(client, "GET", "/Users/U2").json
    assert "password" not in send(client, "GET", "/Users/U2?attributes=password").json


def test_each_type_of_a_page_shows_what_was_asked_of_it(client):
    found = send(client, "GET", "/?filter=id%20pr&attributes=userName,members.value").json
    shown = {item["id"]: item.keys() - {"id", "schemas"} for item in found["Resources"]}
    groups = {name for name, keys in shown.items() if keys == {"members"}}
    users = {name for name, keys in shown.items() if keys == {"userName"}}
    assert {"U1", "U2"} <= users
    assert "G1" in groups
    (group,) = [item for item in found["Resources"] if item["id"] == "G1"]
    assert all(member.keys() == {"value"} for member in group["members"])


def test_delete_has_no_body_and_happens_once(client):
    first = send(client, "DELETE", "/Users/U1", Content_Type="application/xml")
    assert (first.status_code, first.data) == (204, b"")
    assert "Content-Type" not in first.headers
    assert send(client, "DELETE", "/Users/U1").status_code == 404


def test_failed_patch_changes_nothing(client):
    before = send(client, "GET", "/Users/U1").data
    body = P(
        {"op": "replace", "path": "title", "value": "x"}, {"op": "add", "path": "no", "value": 1}
    )
    assert send(client, "PATCH", "/Users/U1", body).status_code == 400
    assert send(client, "GET", "/Users/U1").data == before


def test_known_version_is_not_sent_again(client):
    version = send(client, "GET", "/Users/U1").headers["ETag"]
    for tag in (version, version.removeprefix("W/"), f'"x", {version}', "*"):
        response = send(client, "GET", "/Users/U1", If_None_Match=tag)
        assert (response.status_code, response.data) == (304, b"")
    assert send(client, "GET", "/Users/U1", If_None_Match='W/"old"').status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_stale_precondition_fails(client, method):
    body = {"PUT": ANN, "PATCH": P({"op": "add", "path": "title", "value": "x"})}.get(method)
    response = send(client, method, "/Users/U1", body, If_Match='W/"old"')
    assert response.status_code == 412
    assert "Precondition Failed" in response.json["detail"]
    assert send(client, method, "/Users/U1", body, If_Match="*").status_code in (200, 204)


def test_version_in_a_put_body_is_a_precondition_where_the_client_works_so(client):
    current = send(client, "GET", "/Groups/G1").json
    stale = {**current, "meta": {"version": 'W/"old"'}}
    assert send(client, "PUT", "/Groups/G1", stale).status_code == 412
    assert send(client, "PUT", "/Groups/G1", current).status_code == 200


def test_missing_credential_names_the_way_in(client):
    response = client.get("/scim/v2/Users")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert "Unauthorized" in response.json["detail"]
    assert client.get("/scim/v2/ServiceProviderConfig").status_code == 200
    assert client.get("/scim/v2/Schemas").status_code == 401


def test_reader_may_read_and_search_only(client):
    reader = {"Authorization": "Bearer reader"}
    assert send(client, "GET", "/Users/U1", **reader).status_code == 200
    assert send(client, "POST", "/Users/.search", {}, **reader).status_code == 200
    for method, url in (("POST", "/Users"), ("PUT", "/Users/U1"), ("DELETE", "/Users/U1")):
        response = send(client, method, url, ANN, **reader)
        assert response.status_code == 403
        assert "write" in response.json["detail"]


@pytest.mark.parametrize("method", ["TRACE", "PURGE", "BREW", "VERSION-CONTROL"])
@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("/Users", "GET, HEAD, POST, OPTIONS"),
        ("/Users/U1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/Schemas", "GET, HEAD, OPTIONS"),
        ("/Users/.search", "POST, OPTIONS"),
    ],
)
def test_a_method_that_nobody_knows_is_told_with_those_of_the_endpoint(
    client, method, url, allowed
):
    response = send(client, method, url, X_Correlation_Id="mine")
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert response.headers["X-Correlation-Id"] == "mine"
    assert response.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert client.open(f"/acme/scim/v2{url}", method=method).status_code == 401


def test_tenants_have_addresses_of_their_own(client):
    assert client.get("/acme/scim/v2/Users", headers=TOKEN).status_code == 200
    assert client.get("/evil/scim/v2/Users", headers=TOKEN).status_code == 401


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/scim+json"),
        ("*/*", "application/scim+json"),
        ("application/scim+json, application/json", "application/scim+json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/scim+json"),
    ],
)
def test_media_type_follows_accept(client, accept, content_type):
    response = send(client, "GET", "/Users", Accept=accept)
    assert response.content_type == f"{content_type}; charset=utf-8"


def test_media_types_that_are_not_json_are_refused(client):
    assert send(client, "GET", "/Users", Accept="text/csv").status_code == 406
    assert send(client, "POST", "/Users", b"a=b", Content_Type="text/plain").status_code == 415
    for kind in ("application/json", "application/SCIM+JSON; charset=UTF-8"):
        body = {"userName": f"{kind[12]}@x"}
        assert send(client, "POST", "/Users", body, Content_Type=kind).status_code == 201


def test_byte_order_mark_is_passed_over(client):
    assert send(client, "POST", "/Users", b'\xef\xbb\xbf{"userName":"b@x"}').status_code == 201


def test_bodies_have_a_limit(client):
    response = send(client, "POST", "/Users", b'{"userName":"' + b"x" * 9_000_000 + b'"}')
    assert response.status_code == 413
    assert "8388608" in response.json["detail"]


@pytest.mark.parametrize("more", [0, 1, 100_000])
@pytest.mark.parametrize("tail", [b"", b" "], ids=["cut in the middle", "whole before the limit"])
def test_a_body_in_chunks_has_the_same_limit(client, more, tail):
    start = b'{"userName":"'
    size = LIMIT + more
    body = start + b"x" * (size - len(start) - 2) + b'"}'
    if tail:
        body = (start + b'b@x"}').ljust(size, tail)
    response = client.post(
        "/scim/v2/Users",
        input_stream=io.BytesIO(body),
        headers={**TOKEN, "Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (response.status_code == 413) == (more > 0)


def test_head_and_options(client):
    head = send(client, "HEAD", "/Users/U1")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"]
    assert "PATCH" in send(client, "OPTIONS", "/Users/U1").headers["Allow"]


def test_correlation_id_comes_back_unless_it_would_harm_a_log(client):
    assert (
        send(client, "GET", "/Users", X_Correlation_Id="a-1").headers["X-Correlation-Id"] == "a-1"
    )
    other = send(client, "GET", "/Users", X_Correlation_Id="a b").headers["X-Correlation-Id"]
    assert len(other) == 32


def test_unescaped_letters_are_read(client):
    send(client, "POST", "/Users", {"userName": "zoë@x"})
    environ = {"QUERY_STRING": 'filter=userName eq "zoë@x"'.encode().decode("latin-1")}
    response = client.get("/scim/v2/Users", environ_overrides=environ, headers=TOKEN)
    assert response.json["totalResults"] == 1


def test_handler_learns_what_the_headers_asked_for(client, monkeypatch):
    seen = []
    monkeypatch.setattr(MemoryHandler, "delete", lambda *arguments: seen.append(arguments[1]))
    send(
        client,
        "DELETE",
        "/Users/U1?dryRun=TRUE",
        Prefer="respond-async, wait=10",
        If_Match='"a", W/"b"',
    )
    assert seen[0].respond_async
    assert seen[0].dry_run
    assert seen[0].preconditions.if_match == ('"a"', 'W/"b"')
    assert seen[0].base_url == BASE_URL


@pytest.mark.parametrize("query", ["dryRun=1", "dryRun", "dryrun=yes", "DRYRUN=ture"])
def test_a_dry_run_that_is_not_understood_is_no_real_run(client, query):
    refused = send(client, "DELETE", f"/Users/U1?{query}")
    assert (refused.status_code, refused.json["scimType"]) == (400, "invalidValue")
    assert send(client, "GET", "/Users/U1").status_code == 200


def test_the_name_of_the_dry_run_may_have_any_case(client):
    new = {"userName": "zed@acme.test"}
    assert send(client, "POST", "/Users?dryrun=true", new).json == {"operations": ["create"]}
    assert send(client, "POST", "/Users?DryRun=False", new).status_code == 201


def test_a_compressed_body_is_refused_as_such(client):
    body = gzip.compress(b'{"userName": "zed@acme.test"}')
    refused = send(client, "POST", "/Users", body, Content_Encoding="gzip")
    assert (refused.status_code, "Content-Encoding" in refused.json["detail"]) == (415, True)
    plain = b'{"userName": "zed@acme.test"}'
    assert send(client, "POST", "/Users", plain, Content_Encoding="identity").status_code == 201


def test_get_may_carry_a_body(client):
    assert send(client, "GET", "/Users?count=100&startIndex=1", b"null").status_code == 200


def test_excluded_members_stay_away(client):
    assert "members" not in send(client, "GET", "/Groups/G1?excludedAttributes=members").json


def test_unexpected_errors_keep_their_traceback(client, monkeypatch, caplog):
    monkeypatch.setattr("scim.parameters.parse_query", None)
    response = send(client, "GET", "/Users")
    assert response.status_code == 500
    assert response.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert "NoneType" not in response.text
    assert response.headers["X-Correlation-Id"] in response.json["detail"]
    assert "NoneType" in caplog.text
