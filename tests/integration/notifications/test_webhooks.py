"""Webhooks with real servers on loopback, and receivers that hang or lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import socket
import threading
import time
from contextlib import suppress

import pytest

from connector.errors import PermanentError, TemporaryError
from connector.notifications.deadline import cut_off_after
from connector.settings import Secret
from tests.clocks import BEGINS_AT
from tests.integration.notifications.sending import MESSAGE, hook, notifier
from tests.receivers import web_receiver


def test_a_webhook_is_signed_as_standard_webhooks_says():
    with web_receiver() as web:
        channel = hook(web.url(), authorization=Secret("Basic abc"))
        notifier().deliver(channel, MESSAGE, "d1", "")
    (got,) = web.received
    assert got.path == "/hook?key=1"
    assert got.headers["authorization"] == "Basic abc"
    stamp = got.headers["webhook-timestamp"]
    assert int(stamp) == int(BEGINS_AT.timestamp())
    mac = hmac.new(b"key", f"d1.{stamp}.".encode() + got.body, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    body = json.loads(got.body)
    assert (body["type"], body["data"]["title"]) == ("task.opened", MESSAGE.title)


def test_the_certificate_has_to_be_that_of_the_name(authority):
    context, pem = authority
    with web_receiver(context) as web:
        notifier(ca_bundle=pem).deliver(hook(web.url("localhost", "https")), MESSAGE, "d1", "")
        with pytest.raises(TemporaryError):
            notifier(ca_bundle=pem).deliver(hook(web.url(scheme="https")), MESSAGE, "d1", "")
    assert len(web.received) == 1


@pytest.mark.parametrize(
    "status, error", [(500, TemporaryError), (404, TemporaryError), (410, PermanentError)]
)
def test_no_success_is_tried_again_unless_it_is_gone_for_good(status, error):
    with web_receiver() as web:
        web.status = status
        with pytest.raises(error, match=str(status)):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")


def test_no_redirect_is_followed():
    with web_receiver() as inner, web_receiver() as web:

        def redirect(handler):
            handler.send_response(307)
            handler.send_header("Location", inner.url())
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        web.answer = redirect
        with pytest.raises(TemporaryError, match="307"):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")
    assert inner.received == []


def _hang(_handler, given_up):
    return given_up.wait(120)


def _drip(handler, given_up):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    with suppress(OSError):  # The other side has left.
        for number in range(90):
            handler.wfile.write(f"X-{number}: y\r\n".encode())
            handler.wfile.flush()
            if given_up.wait(0.3):
                break
    return given_up.wait(120)


@pytest.mark.parametrize("answer", [_hang, _drip])
def test_a_receiver_that_hangs_or_drips_is_cut_off(answer):
    with web_receiver() as web:
        given_up, cut_off = threading.Event(), queue.Queue[bool]()
        web.answer = lambda handler: cut_off.put(answer(handler, given_up))
        with pytest.raises(TemporaryError, match="did not take"):
            notifier(timeout_s=0.4).deliver(hook(web.url()), MESSAGE, "d1", "")
        given_up.set()
        assert cut_off.get(timeout=120)


def test_a_connection_that_is_there_after_its_time_is_cut_off_too():
    here, there = socket.socketpair()
    here.settimeout(60)
    made: list[socket.socket] = []
    late = pytest.raises(TimeoutError, match="not done within")
    with here, there, late, cut_off_after(0.01, lambda: next(iter(made), None)):
        time.sleep(0.2)
        made.append(here)
        assert here.recv(1) == b"", "its end"


def test_little_is_read_of_an_endless_answer():
    sent = []

    def flood(handler):
        handler.send_response(500)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 10_000)
            sent.append(1)

    with web_receiver() as web:
        web.answer = flood
        with pytest.raises(TemporaryError) as error:
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")
    assert len(str(error.value)) < 300
    assert len(sent) < 10_000


def _nonsense(handler):
    handler.wfile.write(b"\x00\xff nonsense\r\n\r\n")


def test_an_answer_that_is_no_http_is_temporary():
    with web_receiver() as web:
        web.answer = _nonsense
        with pytest.raises(TemporaryError):
            notifier().deliver(hook(web.url()), MESSAGE, "d1", "")
