"""What is repeated and what is not, and that nothing secret is shown."""

from __future__ import annotations

import io
import socket
import traceback
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from connector.docusign import errors
from connector.docusign.client import ApiClient, Call
from connector.docusign.limits import LimitGate
from connector.docusign.session import answered
from connector.errors import TemporaryError
from tests.unit.docusign.calls import BASE, BURST, HOURLY, OAUTH, READ, URL, write

UNCONNECTED: Any = None
"""What the library names in its errors; nothing here looks at it."""
UNKNOWN = socket.gaierror(-2, "Name or service not known")
REFUSED = requests.ConnectionError(
    MaxRetryError(UNCONNECTED, "/", NewConnectionError(UNCONNECTED, "refused"))
)
RESET = requests.ConnectionError(ProtocolError("Connection aborted."))


@pytest.fixture(params=["POST", "PUT", "DELETE"])
def any_write(request):
    return write(request.param)


# ------------------------------------------------------------------ no way there


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (
            NameResolutionError("h", UNCONNECTED, UNKNOWN),
            "name h.example was not found",
        ),
        (ConnectionRefusedError(), "h.example:443 refused the connection"),
    ],
)
def test_where_a_connection_ended_is_named(cause, words):
    failed = requests.ConnectionError(MaxRetryError(UNCONNECTED, "/", cause))
    session = Mock(requests.Session, request=Mock(side_effect=failed))
    with pytest.raises(errors.UnavailableError, match=words):
        answered(session, "asking", "GET", "https://h.example/x")


# ------------------------------------------------------------------ repetition


class BrokenOff(io.BytesIO):
    """A body whose connection breaks before its end."""

    def read(self, *args):
        piece = super().read(*args)
        if not piece:
            raise ConnectionResetError
        return piece


@pytest.mark.parametrize(
    "trouble",
    [
        {"status_code": 500},
        {"status_code": 503, "text": "<html>busy</html>"},
        {"text": "<html>proxy</html>"},
        {"exc": REFUSED},
        {"exc": RESET},
        {"exc": requests.ReadTimeout},
    ],
)
def test_reads_are_repeated(client, target, wire_mock, clock, trouble):
    wire_mock.get(URL, [trouble, {"json": {"ok": "true"}}])
    assert client.send(target, READ) == {"ok": "true"}
    assert len(clock.sleeps) == 1


def test_reads_are_repeated_so_often_and_no_more(client, target, wire_mock):
    tried = wire_mock.get(URL, status_code=503)
    with pytest.raises(errors.UnavailableError):
        client.send(target, READ)
    assert tried.call_count == 4


@pytest.mark.parametrize("trouble", [{"exc": REFUSED}, {"exc": requests.ConnectTimeout}])
def test_writes_are_repeated_where_nothing_was_sent(client, target, wire_mock, any_write, trouble):
    wire_mock.register_uri(any_write.method, URL, [trouble, {"json": {}}])
    assert client.send(target, any_write) == {}


@pytest.mark.parametrize(
    "trouble",
    [
        {"status_code": 500},
        {"status_code": 502, "text": "<html>gateway</html>"},
        {"status_code": 503, "text": "<html>upstream</html>"},
        {"status_code": 503, "json": {"errorCode": "UNSPECIFIED_ERROR"}},
        {"status_code": 504},
        {"status_code": 200, "text": "<html>login</html>"},
        {"status_code": 302, "headers": {"Location": "https://proxy.example/"}},
        {"status_code": 400, "text": "<html>bad request</html>"},
        {"status_code": 401, "text": "<html>sign in</html>"},
        {"status_code": 403, "text": "<html>forbidden</html>"},
        {"status_code": 404},
        {"exc": RESET},
        {"exc": requests.ReadTimeout},
    ],
)
def test_writes_with_a_lost_answer_are_never_repeated(
    client, target, wire_mock, any_write, trouble
):
    tried = wire_mock.register_uri(any_write.method, URL, **trouble)
    with pytest.raises(errors.NoAnswerError):
        client.send(target, any_write)
    assert tried.call_count == 1


@pytest.mark.parametrize("answer", [{"json": {"errorCode": "SOMETHING"}}, {"text": "<html>"}, {}])
@pytest.mark.parametrize("status", [302, 400, 403, 404, 409])
def test_refusals_are_never_repeated(*, client, target, wire_mock, clock, status, answer):
    tried = wire_mock.get(URL, status_code=status, **answer)
    with pytest.raises(errors.DocusignError):
        client.send(target, READ)
    assert tried.call_count == 1
    assert not clock.sleeps


def test_a_download_that_breaks_off_begins_anew(client, target, wire_mock):
    wire_mock.get(URL, [{"body": BrokenOff(b"the first half")}, {"content": b"whole"}])
    into = io.BytesIO()
    client.download(target, READ, into)
    assert into.getvalue() == b"whole"


def test_a_refused_download_says_why_and_writes_nothing(client, target, wire_mock):
    wire_mock.get(URL, status_code=404, json={"errorCode": "USER_NOT_FOUND", "message": "m"})
    into = io.BytesIO()
    with pytest.raises(errors.MissingError) as caught:
        client.download(target, READ, into)
    assert caught.value.error_code == "USER_NOT_FOUND"
    assert into.getvalue() == b""


def test_delete_sends_its_body(client, target, wire_mock):
    sent = wire_mock.delete(URL, json={})
    client.send(target, write("DELETE"))
    assert sent.last_request.json() == {"a": "b"}


def test_redirects_are_not_followed(client, target, wire_mock):
    wire_mock.post(URL, status_code=302, headers={"Location": "https://elsewhere.example/"})
    with pytest.raises(errors.NoAnswerError):
        client.send(target, write())


# ------------------------------------------------------------------ tokens


def test_refused_token_is_replaced_once(client, target, wire_mock):
    body = {"errorCode": "AUTHORIZATION_INVALID_TOKEN"}
    tried = wire_mock.post(URL, [{"status_code": 401, "json": body}, {"json": {"ok": "1"}}])
    assert client.send(target, write()) == {"ok": "1"}
    assert tried.call_count == 2


def test_token_refused_twice_is_an_error(client, target, wire_mock):
    tried = wire_mock.get(URL, status_code=401, json={"errorCode": "USER_AUTHENTICATION_FAILED"})
    with pytest.raises(errors.TokenRejectedError):
        client.send(target, READ)
    assert tried.call_count == 2


@pytest.mark.parametrize("call", [READ, write()])
def test_a_401_without_a_code_costs_one_token_and_no_second_write(client, target, wire_mock, call):
    tried = wire_mock.register_uri(call.method, URL, status_code=401)
    for _ in range(2):
        with pytest.raises(errors.DocusignError):
            client.send(target, call)
    assert tried.call_count == (4 if call.is_read else 2)
    asked = [request for request in wire_mock.request_history if request.url == OAUTH]
    assert len(asked) == (3 if call.is_read else 2)


@pytest.mark.parametrize("call", [READ, write()])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, errors.BadAnswerError),
        ({"text": "<html>sign in</html>"}, errors.BadAnswerError),
        ({"json": {"error": "invalid_grant"}}, errors.RefusedError),
        ({"json": {"errorCode": "AUTHORIZATION_INVALID_TOKEN"}}, errors.TokenRejectedError),
    ],
    ids=str,
)
def test_no_token_is_told_from_a_refused_one(*, client, target, wire_mock, call, body, expected):
    wire_mock.post(OAUTH, status_code=401, **body)
    tried = wire_mock.register_uri(call.method, URL, json={})
    with pytest.raises(expected):
        client.send(target, call)
    assert tried.call_count == 0


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize("status", [400, 429])
def test_hourly_limit_waits_for_the_reset(client, target, wire_mock, clock, status):
    reset = str(int(clock.now().timestamp()) + 600)
    tried = wire_mock.get(
        URL, status_code=status, json=HOURLY, headers={"X-RateLimit-Reset": reset}
    )
    for _ in range(2):
        with pytest.raises(errors.RateLimitedError) as caught:
            client.send(target, READ)
        assert 600 <= caught.value.retry_after_s <= 615
    assert tried.call_count == 1
    clock.advance(601)
    wire_mock.get(URL, json={"ok": "1"})
    assert client.send(target, READ) == {"ok": "1"}


def test_hourly_limit_without_headers_waits_for_the_full_hour(client, target, wire_mock):
    wire_mock.get(URL, status_code=429, json=HOURLY)
    with pytest.raises(errors.RateLimitedError) as caught:
        client.send(target, READ)
    assert 0 <= caught.value.retry_after_s - 40 * 60 <= 15


@pytest.mark.parametrize("status", [400, 429])
def test_burst_limit_waits_thirty_to_forty_five_seconds(client, target, wire_mock, status):
    wire_mock.get(URL, status_code=status, json=BURST)
    with pytest.raises(errors.RateLimitedError) as caught:
        client.send(target, READ)
    assert 30 <= caught.value.retry_after_s <= 45


@pytest.mark.parametrize("status", [400, 429])
def test_a_limit_of_calls_by_another_name_is_one_all_the_same(client, target, wire_mock, status):
    body = {"errorCode": "BURST_APIINVOCATION_LIMIT_REACHED", "message": "m"}
    wire_mock.post(URL, status_code=status, json=body)
    with pytest.raises(errors.RateLimitedError) as caught:
        client.send(target, write())
    assert 30 <= caught.value.retry_after_s <= 45


def test_traffic_block_waits_long(client, target, wire_mock):
    wire_mock.get(URL, status_code=444)
    with pytest.raises(errors.RateLimitedError) as caught:
        client.send(target, READ)
    assert caught.value.retry_after_s >= 600


def test_nothing_is_sent_once_the_hour_is_known_to_be_used_up(client, target, wire_mock, clock):
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(clock.now().timestamp()) + 5),
    }
    tried = wire_mock.get(URL, json={"ok": "1"}, headers=headers)
    client.send(target, READ)
    # The wait is short enough to be spent here, and then the call goes through.
    client.send(target, READ)
    [waited_s] = clock.sleeps
    assert 5 <= waited_s <= 10
    assert tried.call_count == 2


@pytest.mark.parametrize("known", [True, False])
def test_not_all_come_back_when_the_hour_opens(*, client, target, wire_mock, clock, chance, known):
    reset = str(int(clock.now().timestamp()) + 600)
    wire_mock.get(URL, status_code=429, json=HOURLY, headers={"X-RateLimit-Reset": reset})
    waits = []
    for chance.share in (0.0, 0.2, 1.0):
        whose = target if known else replace(target, budget=f"account-{chance.share}")
        with pytest.raises(errors.RateLimitedError) as caught:
            client.send(whose, READ)
        waits.append(caught.value.retry_after_s)
    assert waits == [600.0, 603.0, 615.0]


def test_a_late_answer_does_not_shorten_a_traffic_block(clock):
    clock.time = clock.time.replace(minute=58)
    gate = LimitGate(clock)
    gate.exceeded("account-1", "", 444)
    gate.learn("account-1", {"X-RateLimit-Remaining": "0"})
    clock.advance(180)
    with pytest.raises(errors.RateLimitedError, match="traffic management blocks"):
        gate.check("account-1")
    clock.advance(421)
    gate.check("account-1")


# ------------------------------------------------------------------ secrets


@pytest.mark.parametrize("trouble", ["echo", "html", "lost", "refused_token"])
def test_secrets_are_never_shown(*, client, target, wire_mock, pem, capsys, caplog, trouble):
    seen = {}

    def echo(request, context):
        seen["token"] = request.headers["Authorization"].removeprefix("Bearer ")
        context.status_code = 400
        return {"errorCode": "BAD", "message": f"<b>you</b> sent {seen['token']} and {pem}"}

    answers: dict[str, dict[str, Any]] = {
        "echo": {"json": echo},
        "html": {"status_code": 500, "text": f"<html>{pem}</html>"},
        "lost": {"exc": requests.ReadTimeout},
        "refused_token": {"json": {}},
    }
    if trouble == "refused_token":

        def echo_assertion(request, context):
            context.status_code = 400
            return {"error": "invalid_grant", "error_description": request.text}

        wire_mock.post(OAUTH, json=echo_assertion)
    wire_mock.post(URL, **answers[trouble])
    with pytest.raises(errors.DocusignError) as caught:
        client.send(target, write())
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    output = capsys.readouterr()
    shown += output.out + output.err + caplog.text + repr(vars(caught.value)) + repr(vars(client))
    assertions = [request.text for request in wire_mock.request_history if "oauth" in request.url]
    secrets = ["canary-token", pem.splitlines()[1], *(a.rpartition("=")[2] for a in assertions)]
    assert assertions
    for secret in secrets:
        assert secret[-40:] not in shown
    assert "<b>" not in str(caught.value)
    cause = caught.value.__cause__
    assert getattr(cause, "request", None) is None


def test_log_shows_template_and_trace_token_but_no_value(client, target, wire_mock, logged):
    call = Call("x", "GET", "/things/{id}", {"id": "canary-id"}, {"email": "canary@example.net"})
    wire_mock.get(f"{BASE}/things/canary-id", json={}, headers={"X-DocuSign-TraceToken": "tt-1"})
    client.send(target, call)
    output = repr(logged)
    assert "/things/{id}" in output
    assert "tt-1" in output
    assert "canary" not in output


def test_temporary_errors_say_when_to_come_back(client, target, wire_mock):
    wire_mock.get(URL, status_code=503)
    with pytest.raises(TemporaryError) as caught:
        client.send(target, READ)
    assert caught.value.retry_after_s > 0


@pytest.mark.parametrize(
    ("path", "status", "code", "issued"),
    [
        ("/oauth/userinfo", 500, "internal_server_error", 2),
        ("/oauth/userinfo", 401, "Internal_Server_Error", 2),
        ("/oauth/userinfo", 500, "other", 1),
        ("/v2/organizations", 500, "internal_server_error", 1),
    ],
)
def test_a_failure_that_may_be_the_token_costs_one_more_and_is_out_of_order_then(
    *, client, target, wire_mock, path, status, code, issued
):
    wire_mock.get(f"{BASE}{path}", status_code=status, json={"error": code})
    with pytest.raises(errors.UnavailableError):
        client.send(target, Call("asking", "GET", path))
    asked = [request for request in wire_mock.request_history if request.url == OAUTH]
    assert len(asked) == issued


# ------------------------------------------------------------------ waits


@pytest.mark.parametrize(
    ("share", "waits"), [(0.0, [0.0, 0.0, 0.0]), (0.5, [0.25, 0.5, 1.0]), (1.0, [0.5, 1.0, 2.0])]
)
def test_clients_do_not_come_back_at_the_same_moment(
    *, client, target, wire_mock, clock, chance, share, waits
):
    chance.share = share
    wire_mock.get(URL, status_code=503)
    with pytest.raises(errors.UnavailableError):
        client.send(target, READ)
    assert clock.sleeps == waits


@pytest.mark.parametrize(("share", "waits"), [(0.0, [4.0, 4.0]), (0.5, [6.0, 3.0]), (1.0, [8.0])])
def test_all_waits_of_a_call_together_stay_within_the_limit(
    *, settings, transport, tokens, clock, target, wire_mock, chance, share, waits
):
    chance.share = share
    settings = replace(settings, retry_wait_s=10.0, retry_attempts=10)
    client = ApiClient(settings, transport, tokens, LimitGate(clock), clock)
    now = int(clock.now().timestamp())
    resets = [{"X-RateLimit-Reset": str(now + seconds)} for seconds in (4, 8, 12)]
    wire_mock.get(
        URL, [{"status_code": 429, "json": HOURLY, "headers": headers} for headers in resets]
    )
    with pytest.raises(errors.RateLimitedError):
        client.send(target, READ)
    assert clock.sleeps == waits
