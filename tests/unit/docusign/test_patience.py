"""No call takes longer than whoever asked waits, and none begins that they cannot wait for."""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
import requests

from connector.docusign import errors
from connector.docusign.auth import TokenSource
from connector.docusign.hosts import Hosts
from connector.patience import waiting
from tests.unit.docusign.calls import BURST, OAUTH, READ, URL, write


@pytest.mark.parametrize("waits_s", [None, 600.0, 2.0])
@pytest.mark.usefixtures("watch")
def test_no_call_takes_longer_than_somebody_waits(settings, client, target, wire_mock, waits_s):
    wire_mock.get(URL, json={})
    with nullcontext() if waits_s is None else waiting(waits_s):
        client.send(target, READ)
    longest = max(wire_mock.last_request.timeout)
    assert longest <= min(waits_s or 600.0, settings.read_timeout_s)


@pytest.mark.parametrize("call", [READ, write()])
@pytest.mark.usefixtures("watch")
def test_a_call_that_nobody_can_wait_for_is_not_begun(client, target, wire_mock, call):
    tried = wire_mock.register_uri(call.method, URL, json={})
    with waiting(0.1), pytest.raises(errors.UnavailableError) as caught:
        client.send(target, call)
    assert caught.value.nothing_sent
    assert tried.call_count == 0


def hanging(watch, asked):
    """Answer nothing until whoever asked gives up."""

    def hang(request, context):
        asked.append(request)
        watch.advance(max(request.timeout))
        raise requests.ReadTimeout

    return hang


@pytest.mark.parametrize("waits_s", [1.0, 3.0])
@pytest.mark.parametrize("call", [READ, write()])
def test_a_slow_token_endpoint_stops_no_call_that_has_a_good_token(
    *, client, target, wire_mock, clock, watch, call, waits_s
):
    wire_mock.register_uri(call.method, URL, json={"ok": "1"})
    client.send(target, call)
    clock.advance(3000)  # A new token is due, and the old one still works.
    asked: list[Any] = []
    wire_mock.post(OAUTH, json=hanging(watch, asked))
    for _ in range(2):
        with waiting(waits_s):
            assert client.send(target, call) == {"ok": "1"}
        assert min(wire_mock.last_request.timeout) > 0.5
    assert len(asked) <= 1, "a failure is remembered"


def test_nothing_is_sent_after_the_token_took_all_the_time(client, target, wire_mock, watch):
    tried = wire_mock.post(URL, json={})
    wire_mock.post(OAUTH, json=hanging(watch, []))
    with waiting(0.7), pytest.raises(errors.UnavailableError) as caught:
        client.send(target, write())
    assert caught.value.nothing_sent
    assert tried.call_count == 0


def test_no_second_key_is_tried_that_nobody_can_wait_for(
    *, settings, transport, clock, watch, subject, wire_mock
):
    settings = replace(settings, previous_private_key=settings.private_key)
    tokens = TokenSource(settings, Hosts.of(settings), transport, clock)

    def refuse(request, context):
        watch.advance(0.3)
        context.status_code = 400
        return {"error": "invalid_grant", "error_description": "no_valid_keys_or_signatures"}

    asked = wire_mock.post(OAUTH, json=refuse)
    with waiting(0.7), pytest.raises(errors.UnavailableError):
        tokens.token(subject)
    assert asked.call_count == 1


@pytest.mark.usefixtures("watch")
def test_no_repetition_begins_that_nobody_can_wait_for(client, target, wire_mock):
    tried = wire_mock.get(URL, status_code=400, json=BURST)
    with waiting(1.0), pytest.raises(errors.RateLimitedError):
        client.send(target, READ)
    assert tried.call_count == 1


@contextmanager
def renewing(tokens, subject):
    """Hold the lock of a token as another thread does that waits for DocuSign."""
    slot = tokens._slot(subject, "")
    with slot.lock:
        yield


def ends(act):
    """Return what an act comes to, which has to end although somebody else holds a lock.

    Of the time that somebody waits only what it waits for the lock passes: a test that uses this
    uses ``watch``.
    """
    came_to: list[Any] = []

    def run():
        try:
            with waiting(0.7):
                came_to.append(act())
        except errors.DocusignError as error:
            came_to.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert came_to, "waits for the lock for longer than somebody waits for the answer"
    return came_to[0]


@pytest.mark.usefixtures("watch")
def test_a_token_that_is_asked_for_anew_waits_for_no_other_thread(tokens, subject, wire_mock):
    with renewing(tokens, subject):
        came_to = ends(lambda: tokens.request(subject))
    assert wire_mock.called
    assert isinstance(came_to, errors.UnavailableError)
    assert came_to.nothing_sent


@pytest.mark.usefixtures("watch")
def test_a_refused_token_is_forgotten_unless_that_takes_too_long(tokens, subject, wire_mock):
    token = tokens.token(subject)
    with renewing(tokens, subject):
        assert ends(lambda: tokens.invalidate(subject, token)) is None
    wire_mock.post(OAUTH, json={"access_token": "another", "expires_in": 3600})
    assert tokens.token(subject) == token
    tokens.invalidate(subject, token)
    assert tokens.token(subject) == "another"


@pytest.mark.usefixtures("watch")
def test_a_doubt_about_a_write_stays_one_while_another_thread_renews(
    client, target, tokens, subject, wire_mock
):
    tokens.token(subject)
    wire_mock.post(URL, status_code=401, text="<html>Sign in</html>")
    with renewing(tokens, subject):
        came_to = ends(lambda: client.send(target, write()))
    assert isinstance(came_to, errors.NoAnswerError)
