"""What every operation has in common: errors, headers, limits, the description."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.programs import problem, program, stranger
from tests.visitors import guarded


def test_the_description_is_open_to_everybody_and_names_where_the_api_is(connector):
    document = stranger(connector).read("/openapi.json")
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "https://scim.acme.test/api/v1"}]
    assert document["security"] == [{"bearer": []}]
    assert "/approvals/{item_id}/approve" in document["paths"]


def test_every_operation_is_described(connector):
    document = stranger(connector).read("/openapi.json")
    ids = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "parameters":
                continue
            ids.append(operation["operationId"])
            assert operation["summary"].endswith("."), path
            assert {"401", "403", "429", "503"} <= set(operation["responses"]), path
    assert len(ids) == len(set(ids)) > 5
    for name, schema in document["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            known = "$ref" in str(described) or described.get("description") or member == "status"
            assert known or name == "Problem", (name, member)


def test_the_page_shows_every_operation_without_a_script(connector):
    anonymous = stranger(connector)
    document = anonymous.read("/openapi.json")
    answer = anonymous.get("/docs")
    page = answer.get_data(as_text=True)
    assert "<script" not in page and "style=" not in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for methods in document["paths"].values():
        for method, operation in methods.items():
            if method != "parameters":
                assert f'id="{operation["operationId"]}"' in page
    with anonymous.get("/static/api.css") as style:
        assert style.status_code == 200 and "--ground" in style.get_data(as_text=True)
    assert anonymous.get("/").headers["Location"] == "/api/v1/docs"


@pytest.mark.parametrize("path", ["/nothing", "/approvals/", "/approvals/x/y/z"])
def test_what_is_not_there_is_a_problem_and_no_page(connector, path):
    answer = program(connector, "viewer").get(path)
    problem(answer, 404)


def test_a_method_that_is_not_offered_is_told_with_those_that_are(connector):
    answer = program(connector, "viewer").send("DELETE", "/approvals")
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_an_unknown_approval_is_not_found(connector):
    robot = program(connector, "administrator")
    for path in ("/approvals/none", "/approvals/%00", "/approvals/" + "x" * 5_000):
        problem(robot.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"limit": "-1"},
        {"state": "odd"},
        {"stat": "open"},
        {"mine": "perhaps"},
    ],
)
def test_a_query_that_says_nothing_sensible_is_told(connector, query):
    answer = program(connector, "viewer").get("/approvals", **query)
    assert next(iter(query)) in problem(answer, 422, "invalid-content")


@pytest.mark.parametrize("cursor", ["!", "AAAA", "/w", "a" * 299, "é"])
def test_a_cursor_of_somebody_s_own_making_is_refused(connector, cursor):
    answer = program(connector, "viewer").get("/approvals", cursor=cursor)
    assert "cursor" in problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"null", "application/json", 422),
        (b"checksum=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"\xff", "application/json", 400),
        (b"{" + b" " * 70_000 + b"}", "application/json", 413),
        (b"[" * 50_000, "application/json", 400),
        (b'{"checksum": 1}', "application/json", 422),
        (b'{"checksum": "x", "more": 1}', "application/json", 422),
        (b'{"checksum": "x", "comment": "\\ud800"}', "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_taken_is_told(connect, body, kind, status):
    connector = connect(**guarded())
    robot = program(connector, "approver")
    answer = robot.http.post(
        "/api/v1/approvals/x/approve",
        data=body,
        content_type=kind,
        headers={"Authorization": f"Bearer {robot.token}"},
    )
    assert answer.status_code == status, answer.json
    assert answer.content_type == "application/problem+json"


def test_answers_are_neither_stored_nor_guessed_at(connector):
    answer = program(connector, "viewer").get("/approvals")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_person_is_held_to_the_requests_of_a_minute(connect):
    connector = connect()
    application = connector.application
    limited = replace(application.settings.api, requests_per_minute=3)
    application.settings = replace(application.settings, api=limited)
    robot, other = program(connector, "viewer"), program(connector, "viewer", login="other")
    for _ in range(3):
        robot.read("/approvals")
    answer = robot.get("/approvals")
    assert "api.requests_per_minute" in problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) > 0
    other.read("/approvals")


def test_a_defect_tells_nothing_but_a_number(connector, monkeypatch):
    robot = program(connector, "viewer")
    monkeypatch.setattr(type(connector.services.browser), "items", lambda *_: 1 / 0)
    answer = robot.get("/approvals")
    assert "request_id" in problem(answer, 500, "defect")
    assert "ZeroDivisionError" not in answer.get_data(as_text=True)
