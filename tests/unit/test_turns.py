"""Reads pass one at a time, and nothing waits long."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from werkzeug.test import Client

from connector.turns import ReadTurns

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Slow:
    """An application that answers a path ``/slow`` when it is told to."""

    def __init__(self) -> None:
        self.entered, self.may_end = threading.Event(), threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            self.entered.set()
            assert self.may_end.wait(10)
        start_response("200 OK", [])
        return [b"ok"]


def test_a_slow_read_holds_up_neither_reads_nor_writes_for_long() -> None:
    slow = Slow()
    client = Client(ReadTurns(slow))
    thread = threading.Thread(target=client.get, args=("/slow",))
    thread.start()
    assert slow.entered.wait(10)
    assert client.get("/fast").data == b"ok", "it goes ahead without its turn"
    assert client.post("/fast").data == b"ok"
    slow.may_end.set()
    thread.join()
    assert client.get("/fast").data == b"ok"


def test_reads_follow_each_other() -> None:
    inside: list[int] = []
    most: list[int] = []

    def application(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        inside.append(1)
        most.append(len(inside))
        inside.pop()
        start_response("200 OK", [])
        return [b""]

    client = Client(ReadTurns(application))
    threads = [threading.Thread(target=client.get, args=("/",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
