"""Clients that send their bodies slowly, over real sockets: everybody else is served."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.acceptance.processes import Serving, on_socket, wait_until, within_tries, write_config
from tests.ports import free_port
from tests.simulated import simulated

THREADS = 4
SLOW = (
    b"POST %s HTTP/1.1\r\nHost: connector\r\nContent-Length: 60\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type="
)
ENDPOINTS = ("/oauth/token", "/console/sign-in")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    directory: Path = tmp_path_factory.mktemp("slow")
    port = free_port()
    world = simulated(10)
    with on_socket(world):
        config = write_config(
            directory,
            world,
            port,
            server={"port": port, "threads": THREADS},
            jobs={"enabled": False},
            authentication={"methods": ["token", "oauth"]},
        )
        server = Serving(config, port, directory / "serve.log")
        server.start()
        yield server
        server.stop()


@contextlib.contextmanager
def slow_clients(serving: Serving, path: str, number: int) -> Iterator[list[socket.socket]]:
    address = ("127.0.0.1", int(serving.url.rpartition(":")[2]))
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(number):
            client = stack.enter_context(socket.create_connection(address, timeout=60))
            client.sendall(SLOW % path.encode())
            sockets.append(client)
        time.sleep(0.5)
        yield sockets


def answers_to_slow_ones(serving: Serving, path: str) -> list[bytes]:
    """Return what those are told who are answered although their bodies do not end."""
    with slow_clients(serving, path, THREADS) as clients:
        select.select(clients, [], [], 30)
        time.sleep(1)  # The others may be answered too.
        return [client.recv(4096) for client in select.select(clients, [], [], 0)[0]]


def is_free(serving: Serving) -> bool:
    """Return whether a body finds a place: the server notices those who left in a moment."""
    form = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "x"}
    return requests.post(f"{serving.url}/oauth/token", data=form, timeout=60).status_code == 401


def answers_within(serving: Serving, path: str, seconds: float) -> int:
    return requests.get(serving.url + path, timeout=seconds).status_code


@pytest.mark.parametrize("path", ENDPOINTS)
def test_reads_go_on_while_many_bodies_do_not_end(serving, path):
    with slow_clients(serving, path, 3 * THREADS):
        for _ in range(20):
            assert answers_within(serving, "/scim/v2/ServiceProviderConfig", 60) in (200, 401)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_who_finds_no_place_is_told_to_come_back(serving, path):
    refused: list[bytes] = []

    def is_half_refused() -> bool:
        refused[:] = answers_to_slow_ones(serving, path)
        return len(refused) == THREADS // 2

    within_tries(is_half_refused)
    for answer in refused:
        assert answer.startswith(b"HTTP/1.1 503")
        # Programs are told when; a person sees a page.
        assert b"retry-after: 5" in answer.lower() or b"text/html" in answer


def test_places_are_free_again_once_the_slow_ones_are_gone(serving):
    with slow_clients(serving, "/oauth/token", 3 * THREADS):
        pass
    wait_until(lambda: is_free(serving), 60)


def test_a_body_that_comes_in_pieces_is_read(serving):
    wait_until(lambda: is_free(serving), 60)
    body = b"grant_type=client_credentials&client_id=nobody&client_secret=x"
    head = SLOW.partition(b"\r\n\r\n")[0] % b"/oauth/token"
    head = head.replace(b"Content-Length: 60", b"Content-Length: %d" % len(body))
    address = ("127.0.0.1", int(serving.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=60) as client:
        client.sendall(head + b"\r\n\r\n")
        for start in range(0, len(body), 20):
            time.sleep(0.1)
            client.sendall(body[start : start + 20])
        assert client.recv(4096).startswith(b"HTTP/1.1 401")
