"""What operators rely on: limits that they set, and log lines that belong to a request."""

from __future__ import annotations


def test_calls_of_docusign_carry_the_id_of_their_request(connector, log_lines):
    answer = connector.post("/Users", {"userName": "ann@northwind-freight.example"})
    calls = [line for line in log_lines() if line["event"] == "docusign call"]
    assert calls
    assert {line["correlation_id"] for line in calls} == {answer.headers["X-Correlation-Id"]}


def test_an_unexpected_error_is_logged_under_the_id_of_the_answer(
    connector, log_lines, monkeypatch
):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(type(connector.application), "tenant", broken)
    answer = connector.get("/Users", x_correlation_id="c-1")
    assert (answer.status_code, answer.headers["X-Correlation-Id"]) == (500, "c-1")
    (line,) = [line for line in log_lines() if line["level"] == "error"]
    assert line["correlation_id"] == "c-1"


def test_the_limit_of_bodies_binds_bulk_requests_and_is_announced(connector):
    limit = connector.application.settings.server.max_body_bytes
    shown = connector.get("/ServiceProviderConfig").json["bulk"]["maxPayloadSize"]
    assert shown == limit
    assert connector.post("/Bulk", {"Operations": [], "x": "x" * limit}).status_code == 413
