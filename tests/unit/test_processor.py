"""Threads of a worker stay together, where the system can bind them."""

from __future__ import annotations

import os
import threading

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from connector.web.processor import OneProcessor


def processors_of_threads(count=3):
    seen = []

    def application(environ, start_response):
        seen.append(os.sched_getaffinity(0))
        return Response("ok")(environ, start_response)

    client = Client(OneProcessor(application))
    threads = [threading.Thread(target=lambda: client.get("/")) for _ in range(count)]
    for thread in threads:
        thread.start()
        thread.join()
    return seen


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no threads")
def test_every_thread_stays_on_the_same_processor_and_others_are_left_alone():
    before = os.sched_getaffinity(0)

    seen = processors_of_threads()

    assert all(item == seen[0] for item in seen)
    assert len(seen[0]) == 1
    assert seen[0] <= before
    assert os.sched_getaffinity(0) == before


def test_a_system_that_cannot_bind_threads_is_served_all_the_same(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)

    assert Client(OneProcessor(Response("ok"))).get("/").data == b"ok"
